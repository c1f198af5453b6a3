"""A database that cannot be used any more says so in one sentence, loses nothing that was committed, and goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from search.__main__ import run as command_line
from search.core.errors import StorageFailed, StudyLocked, UserError
from search.core.trial import Row
from search.engine import outage
from search.engine.live import Silent
from search.engine.outage import through_outages
from search.ledger.ledger import Ledger
from search.ledger.lock import study_lock
from tests.ledger.test_ledger import key, study_of
from tests.postgres import Server, binaries, running

GOES_ON = "; what is committed stays, and the same command goes on"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results" / "search.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger(str(path))
    ledger.begin_run(study_of(ledger), {})
    yield ledger
    ledger.close()


def put(ledger: Ledger, number: int, values: int = 1) -> None:
    with ledger.step(1) as step:
        step.put_row(key(number), 1, Row({f"m{name}": 0.5 for name in range(values)}), 0.1, 1)
        step.log("row", epoch=number)


def recorded(ledger: Ledger, upto: int = 200) -> list[int]:
    return [number for number in range(upto) if ledger.rows([key(number)])]


def failure(act: Callable[[], object]) -> StorageFailed:
    with pytest.raises(StorageFailed) as failed:
        act()
    return failed.value


# SQLite ---------------------------------------------------------------------------------------------------------


def limited(ledger: Ledger, pages: int) -> None:
    """Let the file have so many pages more: SQLite answers as it does on a full disk."""

    @sa.event.listens_for(ledger.engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        (there,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {there + pages}")

    ledger.engine.dispose()


def test_a_full_disk_is_named_and_what_is_committed_stays(ledger: Ledger, path: Path) -> None:
    limited(ledger, 4)
    committed = 0

    def fill() -> None:
        nonlocal committed
        for committed in range(200):
            put(ledger, committed, values=100)

    failed = failure(fill)
    assert re.fullmatch(
        rf"storage '{re.escape(str(path))}': database or disk is full; [\d,]+\.\d MB are free on the disk of "
        rf"{re.escape(str(path.parent))} "
        rf"\(mounted at /\S*\): make room{GOES_ON}",
        str(failed),
    )
    assert (failed.reason, failed.passing, failed.exit_code) == ("database or disk is full", False, 1)
    assert 0 < committed < 200
    assert recorded(ledger) == list(range(committed)), "what failed left no trace"
    assert len(ledger.decisions(1)) == committed
    again = Ledger(str(path))
    put(again, committed, values=100)
    assert recorded(again) == list(range(committed + 1))
    again.close()


def test_a_file_that_stays_locked_is_waited_for(ledger: Ledger, path: Path) -> None:
    @sa.event.listens_for(ledger.engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA busy_timeout = 100")

    ledger.engine.dispose()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        failed = failure(lambda: put(ledger, 1))
        assert recorded(ledger) == [], "who only reads does not wait"
        other.execute("ROLLBACK")
    other.close()
    assert str(failed) == (
        f"storage '{path}': database is locked; another process holds it: end that, or wait for it{GOES_ON}"
    )
    assert failed.passing
    put(ledger, 1)
    assert recorded(ledger) == [1]


@pytest.mark.slow
def test_a_lock_of_seconds_is_not_even_noticed(ledger: Ledger, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(1.5, lambda: other.execute("ROLLBACK"))
    began = time.monotonic()
    release.start()
    put(ledger, 1)
    assert time.monotonic() - began > 1
    release.join()
    other.close()
    assert recorded(ledger) == [1]


@pytest.mark.parametrize("how", ["file", "folder", "another in its place"])
def test_nothing_is_written_into_a_file_that_was_removed(ledger: Ledger, path: Path, how: str) -> None:
    """SQLite itself would go on writing, into a file that nobody can ever open again."""
    put(ledger, 1)
    with sqlite3.connect(path) as there, sqlite3.connect(path.parent.parent / "copy.db") as copy:
        there.backup(copy)
    if how == "folder":
        shutil.rmtree(path.parent)
    else:
        for file in path.parent.glob("search.db*"):
            file.unlink()
    if how == "another in its place":
        shutil.copy(path.parent.parent / "copy.db", path)
    failed = failure(lambda: put(ledger, 2))
    assert str(failed) == (
        f"storage '{path}': the file was removed, or another one lies in its place; "
        f"put it back if there is a copy of it{GOES_ON}"
    )
    assert not failed.passing
    if how == "another in its place":
        put(ledger, 2)  # who asks again means this one
        assert recorded(ledger)[-1] == 2


def test_reading_what_was_removed_says_the_same(ledger: Ledger, path: Path) -> None:
    for file in path.parent.glob("search.db*"):
        file.unlink()
    ledger.engine.dispose()
    assert "; put it back if there is a copy of it; " in str(failure(ledger.studies))


def test_a_damaged_file_is_called_that(ledger: Ledger, path: Path) -> None:
    for number in range(50):
        put(ledger, number, values=50)
    ledger.close()
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(os.urandom(os.path.getsize(path) - 200))
    failed = failure(ledger.studies)
    assert str(failed) == (
        f"storage '{path}': database disk image is malformed; the file is damaged: put a copy in its place, or give "
        f"another --storage{GOES_ON}"
    )


def test_mistakes_of_ours_are_not_taken_for_the_databases(ledger: Ledger) -> None:
    with pytest.raises(sa.exc.IntegrityError), ledger.step(1) as step:
        step.put_row(key(1), 1, Row({"a": 1.0}), 0.1, 99)
    with pytest.raises(sa.exc.StatementError), ledger.writing() as connection:
        connection.execute(sa.text("SELECT :missing"))


def test_a_lock_that_cannot_be_written(ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("search.ledger.lock.os.open", refuse)
    with pytest.raises(UserError) as refused, study_lock(ledger.engine, "focal"):
        pass
    lock, said = str(refused.value).split(": ", 1)
    assert re.fullmatch(rf"{re.escape(str(path))}\.[0-9a-f]{{8}}\.lock", lock)
    assert said == "No space left on device; make its folder one that can be written"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_no_room_anywhere_else_is_no_bug(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/full/folder")

    monkeypatch.setattr("search.cli.cli.main", refuse)
    assert command_line(["list"]) == 1
    assert capsys.readouterr().err == (
        f"/full/folder: {os.strerror(number)}; make room, or give a place that can be written; what is recorded is "
        "safe, and the same command goes on\n"
    )


# Waiting --------------------------------------------------------------------------------------------------------


class Said(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def away(passing: bool = True) -> StorageFailed:
    return StorageFailed("a place", "the server is away", "wait", passing)


class Reluctant:
    """A ledger that can be written the third time it is asked."""

    def __init__(self, times: int = 3) -> None:
        self.left = times

    def writing(self) -> Reluctant:
        self.left -= 1
        if self.left:
            raise away()
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "RETRY_PAUSE_S", 0.0)


def test_a_run_waits_for_its_database_and_starts_over(quick: None) -> None:
    said, ledger, left = Said(), Reluctant(), [away(), away()]

    def work() -> str:
        if left:
            ledger.left = 3
            raise left.pop()
        return "done"

    assert through_outages(work, ledger, said) == "done"  # type: ignore[arg-type]
    assert (
        said.lines
        == [
            "the database cannot be used (the server is away): waiting up to 10 min for it",
            "the database answers again after 0 s: going on from what is committed",
        ]
        * 2
    )


def test_what_does_not_pass_is_not_waited_for(quick: None) -> None:
    said = Said()

    def work() -> None:
        raise away(passing=False)

    assert failure(lambda: through_outages(work, Reluctant(), said)).reason == "the server is away"  # type: ignore[arg-type]
    assert said.lines == []


def test_patience_ends(quick: None) -> None:
    def work() -> None:
        raise away()

    said = Said()
    assert failure(lambda: through_outages(work, Reluctant(10**9), said, 0.05)).passing  # type: ignore[arg-type]
    assert len(said.lines) == 1


def test_a_database_that_goes_away_again_and_again_is_given_up(quick: None) -> None:
    calls = 0

    def work() -> None:
        nonlocal calls
        calls += 1
        raise away()

    assert failure(lambda: through_outages(work, Always(), Said())).passing  # type: ignore[arg-type]
    assert calls == outage.MAX_OUTAGES + 1


class Deaf(Reluctant):
    """Loses the exception that a signal raises, as the end of an object does."""

    def writing(self) -> Reluctant:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(self.number)
        self.asked += 1
        raise away()

    def __init__(self, number: int) -> None:
        super().__init__(10**9)
        self.number, self.asked = number, 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_nobody_heard_ends_the_waiting_all_the_same(quick: None, number: int) -> None:
    def work() -> None:
        raise away()

    def ending(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    deaf, before = Deaf(number), signal.signal(number, ending)
    try:
        with pytest.raises(KeyboardInterrupt):
            through_outages(work, deaf, Said(), 30.0)  # type: ignore[arg-type]
        assert deaf.asked == 1
        assert signal.getsignal(number) is ending
    finally:
        signal.signal(number, before)


class Always(Reluctant):
    def writing(self) -> Reluctant:
        return self


# A server -------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Server]:
    if binaries() is None:
        pytest.skip("no PostgreSQL is installed: none can be stopped and started again")
    with running() as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_is_restarted(server: Server, how: str) -> None:
    """Whatever was under way is undone, everything that follows says so, and afterwards all is as it was committed."""
    ledger = Ledger(server.url)
    ledger.begin_run(study_of(ledger), {})
    put(ledger, 1)
    with study_lock(ledger.engine, "focal"):

        def through() -> None:
            with ledger.step(1) as step:
                step.put_row(key(2), 1, Row({"a": 1.0}), 0.1, 1)
                server.stop(how)
                step.log("row")

        failed = failure(through)
        assert failed.passing
        assert ".;" not in str(failed)
        assert str(failed).startswith(f"storage '{ledger.storage}': ")
        assert str(failed).endswith(f"; see that the server runs and can be reached{GOES_ON}")
        assert failure(lambda: put(ledger, 3)).passing
        assert "refused" in failure(ledger.studies).reason
        server.start()
        assert "the lock of study 'focal' was lost with its connection" in str(failure(lambda: put(ledger, 4)))
        other = Ledger(server.url)
        with study_lock(other.engine, "focal"):  # the lock went with the server
            pass
    put(ledger, 4)
    assert recorded(ledger, 9) == [1, 4]
    assert [entry.seq for entry in ledger.decisions(1)] == [0, 1]
    with study_lock(ledger.engine, "focal"), pytest.raises(StudyLocked), study_lock(other.engine, "focal"):
        pass
    ledger.close()
    other.close()


def test_whoever_is_interrupted_in_a_question_is_interrupted(ledger: Ledger) -> None:
    """It says nothing of the database: a run that is told to end must not look like one whose disk failed."""

    @sa.event.listens_for(ledger.engine, "do_execute")
    def on_execute(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.studies()
