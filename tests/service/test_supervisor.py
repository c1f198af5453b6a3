"""The server works on its queue: commands are started once, adopted by the next server, started again when they die."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from search.core import queue
from search.core.queue import MAX_DEATHS_IN_A_ROW, Entry, Outcome, Phase, concluded, stopped
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue
from search.service import folder as room
from search.service.folder import Places, lives, storage_words
from search.service.supervisor import Supervisor
from tests.surroundings import HANG_S

SLEEPS = """
import os, sys, time
with open(sys.argv[1], "a") as file:
    print(os.getpid(), file=file, flush=True)
time.sleep(300)
"""


class Place:
    """A results folder whose commands write their number down, and sleep."""

    def __init__(self, results: Path) -> None:
        results.mkdir()
        self.ledger = Ledger(str(results / "search.db"))
        self.queue, self.places = Queue(self.ledger.engine), Places(results)
        self.said: list[str] = []

    def server(self, slots: int = 1) -> Supervisor:
        return Supervisor(self.queue, self.places, slots, False, self.said.append)

    def submit(self, name: str) -> int:
        return self.queue.submit(name, {"a.yaml": "x: 1\n"}, {}, "ann").id

    def started(self, number: int, count: int) -> list[int]:
        """Wait until the command of an entry was started so many times; return its processes."""
        path = self.places.folder(number) / "pids"
        wait(lambda: path.exists() and path.read_text().count("\n") >= count)
        return [int(line) for line in path.read_text().splitlines()]

    def kill(self, number: int) -> None:
        os.kill(self.started(number, 1)[-1], signal.SIGKILL)
        wait(lambda: not lives(self.places.folder(number)))


def wait(true: Callable[[], bool]) -> None:
    until = time.monotonic() + HANG_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    def command(places: Places, entry: Entry) -> list[str]:
        return [sys.executable, "-c", SLEEPS, str(places.folder(entry.id) / "pids")]

    monkeypatch.setattr(room, "command", command)
    made = Place(tmp_path / "results")
    yield made
    for path in tmp_path.rglob("pids"):
        if lives(path.parent):
            os.kill(int(path.read_text().splitlines()[-1]), signal.SIGKILL)
    made.ledger.close()


def test_one_after_the_other_and_each_once(place: Place) -> None:
    first, second = place.submit("a"), place.submit("b")
    server = place.server()
    for _ in range(3):
        server.step()
    assert len(place.started(first, 1)) == 1
    assert place.queue.entry(second).phase is Phase.QUEUED
    place.queue.change(first, "command", "end", lambda entry: concluded(entry, "x", Outcome.DONE, ""))
    place.kill(first)
    server.step()
    place.started(second, 1)
    assert place.queue.entry(first).outcome is Outcome.DONE


def test_the_next_server_adopts_what_lives_and_starts_again_what_died(place: Place) -> None:
    numbers = [place.submit(name) for name in "ab"]
    place.server(slots=2).step()
    for number in numbers:
        place.started(number, 1)
    place.kill(numbers[1])
    later = place.server(slots=2)  # the first one is gone without a word
    later.step()
    later.step()
    assert len(place.started(numbers[1], 2)) == 2
    assert len(place.started(numbers[0], 1)) == 1
    assert [act.what for act in reversed(place.queue.actions(numbers[1]))] == [
        "submit",
        "start",
        "found dead",
        "restart",
    ]


def test_a_server_that_died_between_the_record_and_the_start(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    number = place.submit("a")
    with monkeypatch.context() as patch:
        patch.setattr("search.service.supervisor.start", lambda *_: None)  # killed right before
        place.server().step()
    assert place.queue.entry(number).phase is Phase.RUNNING
    server = place.server()
    server.step()
    server.step()
    assert len(place.started(number, 1)) == 1


def test_a_command_that_was_asked_to_stop_and_is_gone_is_not_started_again(place: Place) -> None:
    number = place.submit("a")
    server = place.server()
    server.step()
    place.started(number, 1)
    place.queue.change(number, "ann", "stop", lambda entry: stopped(entry, "x"))
    place.kill(number)
    server.step()
    server.step()
    assert place.queue.entry(number).outcome is Outcome.STOPPED
    assert len(place.started(number, 1)) == 1


def test_a_command_that_a_full_disk_kept_from_starting_starts_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = place.submit("a")
    server = place.server()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(queue, "LOCKED_PAUSE_S", 0.0)
    for _ in range(MAX_DEATHS_IN_A_ROW + 2):  # it is no death of its command
        with monkeypatch.context() as patch:
            patch.setattr("search.service.supervisor.start", full)
            with pytest.raises(OSError, match="No space"):
                server.step()
    entry = place.queue.entry(number)
    assert (entry.phase, entry.deaths) == (Phase.QUEUED, 0)
    assert re.fullmatch(
        r"waits: No space left on device: [\d,.]+ MB are free on the disk of \S+ \(mounted at \S+\): make room there, "
        r"and it goes on",
        entry.said,
    )
    server.step()
    assert len(place.started(number, 1)) == 1


def test_a_command_leads_a_session_of_its_own_and_writes_to_a_file(place: Place) -> None:
    number = place.submit("a")
    place.server().step()
    (pid,) = place.started(number, 1)
    assert os.getsid(pid) == pid
    assert "started" in (place.places.folder(number) / "output.txt").read_text()


@pytest.mark.parametrize(
    ("storage", "words", "password"),
    [
        (None, [], None),
        ("a b.db", ["--storage", "a b.db"], None),
        ("postgresql://ann:s%40fe@host/db?x=1", ["--storage", "postgresql://ann@host/db?x=1"], "s@fe"),
        ("postgresql://host/db", ["--storage", "postgresql://host/db"], None),
    ],
)
def test_no_command_line_shows_a_password(storage: str | None, words: list[str], password: str | None) -> None:
    assert storage_words(storage) == (words, password)
