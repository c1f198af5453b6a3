"""What a command writes of itself for whoever watches: at most once a second, and nothing is left out for good."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.core.trial import State
from search.engine.decide.outcomes import Progress
from search.engine.decide.roster import Worker
from search.engine.decide.standings import Standings
from search.service import watched as room
from search.service.watched import Watched
from search.space.reader import space_from_mapping
from tests.service.conftest import DOCUMENT

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
