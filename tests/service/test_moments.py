"""What watched pages are told: found out once for all who watch, and never of before somebody came."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from search.service import moments
from search.service.folder import live_file, output_file
from search.service.moments import NOTHING, Moment, Moments


class Entries:
    """Stands for the queue: counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.path, self.phase, self.asked, self.grown = folder, "running", 0, 0
        self.moments = Moments(lambda number: folder, self._phase, self._growth)

    def _phase(self, number: int) -> str:
        self.asked += 1
        return self.phase

    def _growth(self, number: int) -> str:
        self.grown += 1
        return NOTHING


@pytest.fixture
def entries(tmp_path: Path) -> Entries:
    return Entries(tmp_path)


def test_many_viewers_take_one_look(entries: Entries) -> None:
    async def watch() -> list[Moment]:
        begun = time.monotonic()
        return await asyncio.gather(*(entries.moments.now(1, begun) for _ in range(20)))

    found = asyncio.run(watch())
    assert all(moment is found[0] for moment in found)
    assert (entries.asked, entries.grown) == (1, 1)


def test_a_look_serves_for_its_time_and_nobody_who_came_behind_it(
    entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def watch() -> None:
        first = await entries.moments.now(1)
        assert await entries.moments.now(1) is first
        entries.phase = "ended"
        assert (await entries.moments.now(1, time.monotonic())).phase == "ended"
        assert entries.asked == 2
        monkeypatch.setattr(moments, "EVENT_SPACING_S", 0.0)
        assert await entries.moments.now(1) is not first
        assert (entries.asked, entries.grown) == (3, 1), "growth has a spacing of its own"

    asyncio.run(watch())


def test_who_goes_takes_a_look_from_nobody_else(entries: Entries) -> None:
    async def watch() -> str:
        going, staying = (asyncio.ensure_future(entries.moments.now(1)) for _ in range(2))
        await asyncio.sleep(0)
        going.cancel()
        return (await staying).phase

    assert asyncio.run(watch()) == "running"
    assert entries.asked == 1


def test_what_is_said_and_written_is_read_as_it_changes(entries: Entries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "EVENT_SPACING_S", 0.0)

    async def now() -> Moment:
        return await entries.moments.now(1)

    async def watch() -> None:
        before = await now()
        assert (before.live, before.written, before.output(entries.path, 0)) == (NOTHING, 0, ("", 0))
        output_file(entries.path).write_text("one two")
        live_file(entries.path).write_text('{"bar": "half"}')
        after = await now()
        assert json.loads(after.live) == {"bar": "half"}
        assert after.output(entries.path, 3) == ('{"text": " two"}', 7)
        output_file(entries.path).write_text("one 222")
        assert after.output(entries.path, 3) == ('{"text": " two"}', 7), "read once for all"
        assert after.output(entries.path, 7) == ("", 7)
        live_file(entries.path).write_text('{"bar": "whole"}')
        assert json.loads((await now()).live) == {"bar": "whole"}

    asyncio.run(watch())


def test_entries_that_nobody_watches_are_forgotten(entries: Entries, monkeypatch: pytest.MonkeyPatch) -> None:
    async def watch() -> None:
        await entries.moments.now(1)
        monkeypatch.setattr(moments, "UNWATCHED_S", 0.0)
        await entries.moments.now(2)
        monkeypatch.undo()
        await entries.moments.now(1)
        assert entries.asked == 3

    asyncio.run(watch())
