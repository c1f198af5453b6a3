"""The queue's state machine: whatever people do and whatever dies, no entry is lost and none runs twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from search.core import queue
from search.core.queue import MAX_DEATHS_IN_A_ROW, Entry, NotNow, Outcome, Phase, due, later, moved

START = "2026-01-01T00:00:00.000+00:00"
NUMBERS = st.integers(1, 6)


def entry(number: int, name: str = "", **values: object) -> Entry:
    made = Entry(number, name or f"study {number}", {"a.yaml": ""}, {}, "ann", START, place=number)
    return replace(made, **values)  # type: ignore[arg-type]


class Server(RuleBasedStateMachine):
    """A server over entries of a few studies: commands that live are those that it started and nothing killed."""

    @initialize(slots=st.integers(1, 3))
    def begin(self, slots: int) -> None:
        self.slots, self.now = slots, START
        self.entries: dict[int, Entry] = {}
        self.living: set[int] = set()
        self.submitted = 0
        self.gone: set[int] = set()

    def change(self, number: int, change: object, *given: object) -> bool:
        if number not in self.entries:
            return False
        try:
            self.entries[number] = change(self.entries[number], *given)  # type: ignore[operator]
        except NotNow:
            return False
        return True

    @rule(name=st.sampled_from("abc"))
    def submit(self, name: str) -> None:
        self.submitted += 1
        self.entries[self.submitted] = entry(self.submitted, name)

    @rule()
    def work(self) -> None:
        for what, number in due(list(self.entries.values()), self.living, self.slots, self.now):
            if what == "bury":
                self.entries[number] = queue.died(self.entries[number], self.now, reached=0)
                continue
            assert number not in self.living, "a command is started beside itself"
            before = self.entries[number]
            after = queue.begun(before, self.now, 0) if what == "start" else queue.restarted(before)
            self.entries[number] = after
            self.living.add(number)

    @rule(number=NUMBERS)
    def kill(self, number: int) -> None:
        self.living.discard(number)

    @rule(number=NUMBERS, outcome=st.sampled_from(Outcome))
    def finish(self, number: int, outcome: Outcome) -> None:
        if number in self.living and self.change(number, queue.concluded, self.now, outcome, ""):
            self.living.discard(number)

    @rule(number=NUMBERS)
    def find_locked(self, number: int) -> None:
        if number in self.living and self.change(number, queue.postponed, self.now, "waits"):
            self.living.discard(number)

    @rule(number=NUMBERS)
    def stop(self, number: int) -> None:
        self.change(number, queue.stopped, self.now)

    @rule(number=NUMBERS)
    def again(self, number: int) -> None:
        last = max((each.place for each in self.entries.values()), default=0)
        self.change(number, queue.queued_again, last + 1)

    @rule(number=NUMBERS, position=st.integers(-1, 9))
    def move(self, number: int, position: int) -> None:
        try:
            self.entries |= {each.id: each for each in moved(list(self.entries.values()), number, position)}
        except NotNow:
            assert number not in self.entries or self.entries[number].phase is not Phase.QUEUED

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        if number in self.entries and self.entries[number].phase is not Phase.RUNNING:
            queue.require_idle(self.entries.pop(number))
            self.gone.add(number)

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now = later(self.now, seconds)

    @invariant()
    def none_is_lost(self) -> None:
        assert set(self.entries) | self.gone == set(range(1, self.submitted + 1))

    @invariant()
    def no_more_than_slots_run(self) -> None:
        running = [each for each in self.entries.values() if each.phase is Phase.RUNNING]
        assert len(running) <= self.slots
        assert len({each.name for each in running}) == len(running), "two commands of one study"

    @invariant()
    def what_lives_is_running(self) -> None:
        assert all(self.entries[number].phase is Phase.RUNNING for number in self.living)

    @invariant()
    def what_ended_says_how(self) -> None:
        assert all((each.phase is Phase.ENDED) == (each.outcome is not None) for each in self.entries.values())

    def teardown(self) -> None:
        """Left alone, a server comes to the end of its queue."""
        for _ in range(60 * len(getattr(self, "entries", ()))):
            self.work()
            for number in sorted(self.living):
                self.finish(number, Outcome.DONE)
            self.now = later(self.now, 60.0)
        assert all(each.phase is Phase.ENDED for each in getattr(self, "entries", {}).values())


def test_whatever_happens_no_entry_is_lost_and_none_runs_beside_itself() -> None:
    run_state_machine_as_test(Server, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


def test_a_command_that_dies_again_and_again_is_given_up_and_one_that_comes_further_is_not() -> None:
    dying = queue.begun(entry(1), START, reached=5)
    for deaths in range(1, MAX_DEATHS_IN_A_ROW + 1):
        dying = queue.died(dying, START, reached=5)
        assert (dying.phase, dying.deaths) == (Phase.RUNNING, deaths)
        assert dying.not_before == later(START, 0.0 if deaths == 1 else min(60.0, 2.0 ** (deaths - 1)))
    assert queue.died(dying, START, reached=6).deaths == 1
    given_up = queue.died(dying, START, reached=5)
    assert (given_up.outcome, given_up.said) == (
        Outcome.BROKEN,
        "its command died 10 times in a row, and nothing new came on record; see its output",
    )


def test_a_command_that_was_asked_to_stop_and_died_is_stopped() -> None:
    asked = queue.stopped(queue.begun(entry(1), START, 0), START)
    assert due([asked], set(), 1, START) == [queue.Step("bury", 1)]
    assert queue.died(asked, START, 0).outcome is Outcome.STOPPED


def test_entries_start_in_their_order_and_one_study_runs_once() -> None:
    entries = [entry(1, "a"), entry(2, "a"), entry(3, "b", place=0), entry(4, "c", not_before=later(START, 9))]
    assert due(entries, set(), 3, START) == [queue.Step("start", 3), queue.Step("start", 1)]
    assert due(entries, {3}, 1, START) == [queue.Step("start", 1)], "its last command is still ending"


def test_a_clock_that_is_set_back_holds_nothing_up_and_changes_no_order() -> None:
    before = "2001-01-01T00:00:00.000+00:00"
    entries = [entry(2, "b", place=1), entry(1, "a", place=2, not_before=later(START, 60))]
    assert due(entries, set(), 2, before) == [queue.Step("start", 2), queue.Step("start", 1)]
    dead = queue.died(queue.died(queue.begun(entry(3), START, 0), START, 0), START, 0)
    assert due([dead], set(), 1, START) == [], "it pauses"
    assert due([dead], set(), 1, before) == [queue.Step("restart", 3)]


@pytest.mark.parametrize(("position", "order"), [(1, [3, 1, 2]), (2, [1, 3, 2]), (99, [1, 2, 3]), (-5, [3, 1, 2])])
def test_moving_changes_the_order_of_those_that_wait(position: int, order: list[int]) -> None:
    after = moved([entry(1), entry(2), entry(3), entry(4, phase=Phase.RUNNING)], 3, position)
    assert [each.id for each in sorted(after, key=lambda each: each.order)] == order


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda: queue.restarted(entry(1)),
            "entry 1 (study 1) is queued: only an entry that is running can be started again",
        ),
        (
            lambda: queue.queued_again(entry(1), 1),
            "entry 1 (study 1) is queued: only an entry that is ended can be queued again",
        ),
        (lambda: moved([], 1, 1), "entry 1 is not queued: only an entry that waits can be moved"),
        (lambda: queue.require_idle(entry(1, phase=Phase.RUNNING)), "entry 1 (study 1) is running: stop it first"),
    ],
)
def test_what_cannot_be_done_now_is_said(change: object, sentence: str) -> None:
    with pytest.raises(NotNow) as caught:
        change()  # type: ignore[operator]
    assert str(caught.value) == sentence
