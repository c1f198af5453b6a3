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

    @rule(name=st.sampled_from("abc"), held=st.booleans())
    def submit(self, name: str, held: bool) -> None:
        self.submitted += 1
        phase = Phase.HELD if held else Phase.QUEUED
        self.entries[self.submitted] = entry(self.submitted, name, phase=phase, released="" if held else "ann")

    @rule(number=NUMBERS, hours=st.sampled_from([None, 1.0, 3.0]))
    def judge(self, number: int, hours: float | None) -> None:
        self.change(number, queue.priced, hours, 2.0, "", "server")

    @rule(number=NUMBERS)
    def release(self, number: int) -> None:
        self.change(number, queue.released, "eve")

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
        self.change(number, queue.queued_again, last + 1, True)

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
    def none_starts_that_nobody_released(self) -> None:
        assert all(each.released for each in self.entries.values() if each.phase in (Phase.QUEUED, Phase.RUNNING))

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
        assert all(each.phase in (Phase.ENDED, Phase.HELD) for each in getattr(self, "entries", {}).values())


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


def test_one_that_is_held_blocks_nobody_and_keeps_its_place() -> None:
    held = entry(1, phase=Phase.HELD, said="costs 9 core hours")
    assert due([held, entry(2)], set(), 1, START) == [queue.Step("start", 2)]
    free = queue.released(held, "eve")
    assert (free.released, free.said, free.place) == ("eve", "", 1)
    assert due([free, entry(2)], set(), 1, START) == [queue.Step("start", 1)]


@pytest.mark.parametrize(
    ("hours", "bound", "phase", "said"),
    [
        (5.0, 5.0, Phase.QUEUED, ""),
        (0.0, 0.0, Phase.QUEUED, ""),
        (None, None, Phase.QUEUED, ""),
        (
            5.0123,
            5.0,
            Phase.HELD,
            "costs 5.01 core hours, and no more than 5 start by themselves; an admin may release it",
        ),
        (
            None,
            0.5,
            Phase.HELD,
            "nothing tells what it costs (no similar trial is on record), and no more than 0.5 core hours start by "
            "themselves; an admin may release it, or its file bounds them with `limits.core_hours`",
        ),
    ],
)
def test_what_costs_more_than_a_bound_or_nobody_knows_what_waits(
    hours: float | None, bound: float | None, phase: Phase, said: str
) -> None:
    after = queue.priced(entry(1, phase=Phase.HELD), hours, bound, "", "server")
    assert (after.phase, after.said, after.released) == (phase, said, "" if said else "server")
    assert after.state == ("queued" if phase is Phase.QUEUED else "waits for release")
    assert entry(1, phase=Phase.HELD).state == "being priced"


def test_who_goes_on_is_held_unless_it_was_released_before() -> None:
    held = queue.stopped(entry(1, phase=Phase.HELD, said="costs 9 core hours"), START)
    assert (held.outcome, held.said) == (Outcome.STOPPED, "stopped before it was started")
    again = queue.queued_again(held, 7, held=True)
    assert (again.phase, again.unpriced) == (Phase.HELD, True)
    assert queue.queued_again(held, 7, held=True, released="eve").phase is Phase.QUEUED
    once = queue.stopped(queue.released(again, "eve"), START)
    assert (queue.queued_again(once, 8, held=True).phase, once.released) == (Phase.QUEUED, "eve")


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
        (
            lambda: queue.begun(entry(1, phase=Phase.HELD), START, 0),
            "entry 1 (study 1) waits for release: only an entry that is queued can be started",
        ),
        (
            lambda: queue.released(entry(1), "eve"),
            "entry 1 (study 1) is queued: only an entry that waits for release can be released",
        ),
        (
            lambda: queue.priced(entry(1), 1.0, 2.0, "", "server"),
            "entry 1 (study 1) is queued: its price is not asked for",
        ),
        (lambda: moved([], 1, 1), "entry 1 is not queued: only an entry that waits can be moved"),
        (lambda: queue.require_idle(entry(1, phase=Phase.RUNNING)), "entry 1 (study 1) is running: stop it first"),
    ],
)
def test_what_cannot_be_done_now_is_said(change: object, sentence: str) -> None:
    with pytest.raises(NotNow) as caught:
        change()  # type: ignore[operator]
    assert str(caught.value) == sentence
