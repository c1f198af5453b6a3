"""What a command writes of itself for whoever watches: at most once a second, and nothing is left out for good."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from search.core.errors import ClaimUndecided, StorageFailed, UserError
from search.core.queue import Outcome, Phase, begun
from search.core.trial import State
from search.engine.decide.outcomes import Progress
from search.engine.decide.roster import Worker
from search.engine.decide.standings import Standings
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue
from search.ledger.tables import utc_now
from search.service import watched as room
from search.service.folder import Places
from search.service.watched import Watched, running_entry
from search.space.reader import space_from_mapping
from tests.service.conftest import DOCUMENT


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    "error",
    [
        StorageFailed("x.db", "database or disk is full", "make room"),
        OSError(28, "No space left on device"),
        caused(UserError("the table cannot be written"), OSError(30, "Read-only file system")),
    ],
)
def test_a_study_that_a_full_disk_ended_waits_and_is_not_refused(tmp_path: Path, error: Exception) -> None:
    ledger = Ledger(str(tmp_path / "search.db"))
    queue = Queue(ledger.engine)
    number = queue.submit("a", {"a.yaml": "x"}, {}, "ann").id
    queue.change(number, "server", "start", lambda entry: begun(entry, utc_now(), 0))
    with pytest.raises(type(error)), running_entry(queue, Places(tmp_path), number):
        raise error
    entry = queue.entry(number)
    assert (entry.phase, entry.said) == (Phase.QUEUED, f"waits: {error}")
    assert entry.not_before > utc_now()
    ledger.close()


WORKER = Worker("here", 7, "", 3, 2, "2026-01-01T12:00:00+00:00")


def test_a_change_that_came_too_soon_is_written_with_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(room.time, "monotonic", lambda: now)
    path = tmp_path / "live.json"
    view, progress = Watched(path, lambda name: None), Progress(Standings(space_from_mapping(DOCUMENT)), total=6)
    view.begin(progress)  # writes

    def workers() -> list[str]:
        return [worker["text"] for worker in json.loads(path.read_text())["workers"]]

    now += 0.5
    progress.workers = [WORKER]
    view.event("workers", {"changed": True})
    assert workers() == []
    now += 0.6
    view.event("workers", {"changed": False})
    assert workers() == ["here, process 7: trial 3, epoch 2 since 12:00:00 UTC"]
    written = path.stat().st_mtime_ns
    progress.states[State.FINISHED] += 1
    now += 5.0
    view.event("workers", {"changed": False})
    assert path.stat().st_mtime_ns == written, "nothing was said to have changed"


@pytest.mark.parametrize(
    ("error", "said"),
    [(None, "the limit is reached"), (ClaimUndecided("undecided: b"), "the limit is reached; undecided: b")],
)
def test_an_entry_that_ended_at_a_limit_says_so(tmp_path: Path, error: Exception | None, said: str) -> None:
    ledger = Ledger(str(tmp_path / "search.db"))
    queue = Queue(ledger.engine)
    number = queue.submit("a", {"a.yaml": "x"}, {}, "ann").id
    queue.change(number, "server", "start", lambda entry: begun(entry, utc_now(), 0))
    with suppress(ClaimUndecided), running_entry(queue, Places(tmp_path), number) as view:
        view.limited("the limit is reached")
        if error is not None:
            raise error
    entry = queue.entry(number)
    assert (entry.outcome, entry.said) == (Outcome.DONE, said)
    ledger.close()
