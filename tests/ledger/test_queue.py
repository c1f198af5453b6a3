"""The queue in the database, over SQLite and, where there is a server, over PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import StudyLocked, UserError
from search.core.queue import NotNow, Outcome, Phase, begun, concluded, released, stopped
from search.ledger import queue as room
from search.ledger.ledger import Ledger
from search.ledger.lock import server_lock
from search.ledger.pages import Page, ended_page, entries_page
from search.ledger.queue import EntryNotFound, Queue
from search.ledger.tables import utc_now
from tests.ledger.test_ledger import study_of

FILES = {"focal.yaml": "é: 1\n", "base/a.yaml": "b: 2\n"}
NOW = "2026-01-01T00:00:00.000+00:00"


def pages_of(read: Callable[[str], Page[Any]]) -> tuple[list[int], list[str]]:
    """Return the numbers of all items of a list, and the cursors that led to its pages."""
    seen, cursors, after = list[int](), list[str](), ""
    while True:
        page = read(after)
        seen += [item.id for item in page.items]
        if not page.next:
            return seen, cursors
        after = page.next
        cursors.append(after)


class QueueContract:
    """What `search.ledger.queue` promises. A subclass gives `storage`: a place without a ledger yet."""

    @pytest.fixture
    def queue(self, ledger: Ledger) -> Queue:
        return Queue(ledger.engine)

    def test_an_entry_comes_back_as_it_was_submitted(self, queue: Queue) -> None:
        made = queue.submit("focal", FILES, {"set": ["epochs=3"]}, "ann")
        assert queue.entry(made.id) == made
        assert queue.entries() == [replace(made, files=dict.fromkeys(FILES, ""))]
        assert list(made.files) == ["focal.yaml", "base/a.yaml"]
        assert (made.phase, made.outcome, made.who) == (Phase.QUEUED, None, "ann")

    def test_whatever_became_of_it_is_there_for_the_next_server(self, queue: Queue, ledger: Ledger) -> None:
        number = queue.submit("focal", FILES, {}, "ann").id
        queue.change(number, "server", "start", lambda before: begun(before, NOW, 7))
        queue.name_study(number, "focal (rev 2)")
        after = queue.change(
            number, "command", "end", lambda before: concluded(before, NOW, Outcome.FAILED_TRIALS, "é")
        )
        assert Queue(ledger.engine).entry(number) == after
        assert (after.reached, after.study, after.outcome, after.said) == (7, "focal (rev 2)", "failed trials", "é")

    def test_every_action_is_on_record_with_who_and_when(self, queue: Queue) -> None:
        first, second = (queue.submit(name, FILES, {}, "ann").id for name in "ab")
        queue.move(second, 1, "bob")
        assert [entry.name for entry in queue.entries()] == ["b", "a"]
        queue.change(first, "eve", "stop", lambda before: stopped(before, NOW))
        queue.again(first, "eve")
        queue.delete(second, "bob")
        queue.log("ann", "delete", "old")
        assert [(act.who, act.what, act.entry, act.study, act.detail) for act in reversed(queue.actions())] == [
            ("ann", "submit", first, "a", ""),
            ("ann", "submit", second, "b", ""),
            ("bob", "move", second, "b", "to position 1"),
            ("eve", "stop", first, "a", ""),
            ("eve", "go on", first, "a", ""),
            ("bob", "delete", second, "b", ""),
            ("ann", "delete", None, "old", ""),
        ]
        assert [act.what for act in queue.actions(second)] == ["delete", "move", "submit"]
        assert all(act.at <= utc_now() for act in queue.actions())

    def test_those_that_ended_are_not_read_for_the_queue(self, queue: Queue) -> None:
        numbers = [queue.submit(f"study {place}", FILES, {}, f"person {place}").id for place in range(5)]
        for place, number in enumerate(numbers[:3]):
            queue.change(number, "ann", "stop", lambda entry, at=f"{NOW[:-7]}{place}+00:00": stopped(entry, at))
        assert [entry.id for entry in queue.open_entries()] == numbers[3:]
        queue.move(numbers[4], 1, "ann")
        assert [entry.id for entry in queue.open_entries()] == [numbers[4], numbers[3]]

    def test_pages_of_the_queue_hold_each_entry_once_whatever_happens_between_them(
        self, queue: Queue, ledger: Ledger
    ) -> None:
        numbers = [queue.submit(f"study {place}", FILES, {}, f"person {place}").id for place in range(7)]
        for place, number in enumerate(numbers[:4]):
            queue.change(number, "ann", "stop", lambda entry, at=f"{NOW[:-7]}{place // 2}+00:00": stopped(entry, at))
        queue.move(numbers[6], 1, "ann")
        order = [numbers[place] for place in (6, 4, 5, 3, 2, 1, 0)]
        for most in range(1, 9):
            seen, cursors = pages_of(lambda after, most=most: entries_page(ledger.engine, most, after))
            assert seen == order, most
            assert len(cursors) == -(-7 // most) - 1
        first = entries_page(ledger.engine, 5)
        late = queue.submit("late", FILES, {}, "ann").id
        queue.delete(first.items[-1].id, "ann")
        queue.change(late, "ann", "stop", lambda entry: stopped(entry, utc_now()))
        assert [entry.id for entry in entries_page(ledger.engine, 5, first.next).items] == order[5:]
        assert [entry.id for entry in ended_page(ledger.engine, 2).items] == [late, numbers[3]]
        assert list(first.items[0].files.values()) == ["", ""], "of files the names alone"

    @pytest.mark.parametrize("after", ["x", "7", "queue.1", "queue.x.1", "ended.1", "queue.1.2.3", "ended..1", " "])
    def test_what_no_page_ended_with_is_no_cursor(self, queue: Queue, ledger: Ledger, after: str) -> None:
        with pytest.raises(UserError) as caught:
            entries_page(ledger.engine, 5, after)
        assert str(caught.value) == (
            f"after={after!r}: must be what `next` of the page before says; leave it out for the first page"
        )

    @pytest.mark.parametrize("after", ["queue.9999999999.9999999999", f"ended.2026.{'9' * 10}"])
    def test_a_cursor_behind_every_number_is_one(self, queue: Queue, ledger: Ledger, after: str) -> None:
        queue.submit("a", FILES, {}, "ann")
        assert entries_page(ledger.engine, 5, after).items == []

    def test_a_change_that_is_refused_leaves_no_trace(self, queue: Queue) -> None:
        number = queue.submit("focal", FILES, {}, "ann").id
        before = queue.entry(number), queue.actions()
        with pytest.raises(NotNow):
            queue.again(number, "ann")
        with pytest.raises(NotNow):
            queue.change(number, "ann", "end", lambda entry: concluded(entry, NOW, Outcome.DONE, ""))
        assert (queue.entry(number), queue.actions()) == before

    def test_an_entry_that_is_not_there(self, queue: Queue) -> None:
        for ask in (queue.entry, lambda number: queue.delete(number, "x"), lambda number: queue.move(number, 1, "x")):
            with pytest.raises(EntryNotFound) as caught:
                ask(12)
            assert str(caught.value) == (
                "the queue has no entry 12; `python -m search server status` lists those it has"
            )
        assert queue.stops(12) == 0

    def test_a_person_has_so_many_that_wait(self, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(room, "MAX_QUEUED_PER_PERSON", 1)
        queue.submit("a", FILES, {}, "ann")
        queue.submit("a", FILES, {}, "bob")
        with pytest.raises(NotNow) as caught:
            queue.submit("b", FILES, {}, "ann")
        assert str(caught.value) == "ann has 1 studies in the queue, which is the most; wait for one"

    def test_one_that_is_held_is_there_for_the_next_server_until_somebody_releases_it(self, queue: Queue) -> None:
        number = queue.submit("a", FILES, {}, "ann", held=True).id
        assert [entry.id for entry in queue.held_entries()] == [number]
        assert [entry.id for entry in queue.open_entries()] == [number]
        before = queue.last_action()
        after = queue.change(number, "eve", "release", lambda entry: released(entry, "eve"))
        assert queue.entry(number) == after
        assert (after.phase, after.released, queue.held_entries()) == (Phase.QUEUED, "eve", [])
        assert after.files == FILES, "a change leaves the texts as they were"
        assert queue.last_action() == before + 1
        queue.change(number, "ann", "stop", lambda entry: stopped(entry, NOW))
        assert queue.again(number, "ann", held=True).phase is Phase.QUEUED, "released before"
        assert queue.submit("b", FILES, {}, "eve", released="eve").released == "eve"

    def test_a_number_is_given_once(self, queue: Queue) -> None:
        first = queue.submit("a", FILES, {}, "ann").id
        queue.delete(first, "ann")
        second = queue.submit("b", FILES, {}, "ann").id
        assert second != first
        assert [act.what for act in queue.actions(second)] == ["submit"]

    def test_how_far_a_study_is_counts_all_of_its_revisions(self, queue: Queue, ledger: Ledger) -> None:
        ledger.create_study("focal (rev 2)", "focal", 2, "space: {}", "other", "classifier")
        for name in (study_of(ledger), ledger.study("focal (rev 2)").id, study_of(ledger, "another")):
            with ledger.step(name) as step:
                step.log("a test")
        assert (queue.reached("focal"), queue.reached("nothing")) == (2, 0)

    def test_of_two_that_start_an_entry_at_once_one_does(self, queue: Queue) -> None:
        number = queue.submit("a", FILES, {}, "ann").id
        ends: list[str] = []

        def start() -> None:
            try:
                queue.change(number, "server", "start", lambda before: begun(before, NOW, 0))
                ends.append("started")
            except NotNow:
                ends.append("refused")

        threads = [threading.Thread(target=start) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ends) == ["refused", "refused", "refused", "started"]

    def test_one_server_holds_a_queue_and_the_second_is_told_who(self, storage: str, tmp_path: Path) -> None:
        one, other = (Ledger(storage, tmp_path / "states") for _ in range(2))
        with server_lock(one.engine):
            told = pytest.raises(StudyLocked, match=r"^the queue of .* is served by pid \d+ on .* since .*; use that")
            with told, server_lock(other.engine):
                raise AssertionError("two servers hold one queue")
        with server_lock(other.engine):
            pass
        one.close()
        other.close()


class TestSqlite(QueueContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> str:
        return str(tmp_path / "search.db")


@pytest.mark.slow
class TestPostgres(QueueContract):
    @pytest.fixture
    def storage(self, postgres_database: str) -> str:
        return postgres_database
