"""What watched pages of an entry are told: found out once a second for all of them, however many watch."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from search.service.folder import live, live_file, output_file, output_from
from search.service.growth import GROWTH_SPACING_S

EVENT_SPACING_S = 1.0
"""Seconds between two looks at an entry that is watched."""

SPARED = 0.9
"""Share of that within which a look serves others, too: whoever looks again after it waits for no second one."""

UNWATCHED_S = 60.0
"""Seconds after which what was found out of an entry that nobody watches is forgotten."""

NOTHING = "{}"


@dataclass(frozen=True)
class Moment:
    """How far an entry is.

    Attributes:
        phase: where it stands.
        live: what its command says of itself, as JSON.
        growth: how far its study has come, as JSON; `NOTHING` for nothing.
        written: bytes of its command's output.
    """

    phase: str
    live: str
    growth: str
    written: int
    _read: dict[int, tuple[str, int]] = field(default_factory=dict, repr=False)

    def output(self, folder: Path, offset: int) -> tuple[str, int]:
        """Return what was written behind an offset, as JSON ("" for nothing), and the offset behind that."""
        if offset >= self.written:
            return "", offset
        if offset not in self._read:  # most viewers have seen as much as the others
            text, following = output_from(folder, offset)
            self._read[offset] = json.dumps({"text": text}) if text else "", following
        return self._read[offset]


@dataclass
class _Kept:
    """What is known of an entry: the last look at it, which may go on, and what it need not read again."""

    look: asyncio.Task[Moment] | None = None
    begun_at: float = -math.inf
    said: str = NOTHING
    said_in: tuple[int, ...] = ()  # the file that it was read from, as it was then
    growth: str = NOTHING
    grown_at: float = -math.inf


class Moments:
    """Looks at entries; for one event loop.

    Args:
        folder: returns the folder of an entry.
        phase: returns where an entry stands.
        growth: returns how far the study of an entry has come, as JSON.
    """

    def __init__(
        self, folder: Callable[[int], Path], phase: Callable[[int], str], growth: Callable[[int], str]
    ) -> None:
        self._folder, self._phase, self._growth = folder, phase, growth
        self._kept: dict[int, _Kept] = {}

    async def now(self, number: int, since: float = -math.inf) -> Moment:
        """Return how far an entry is, as of `EVENT_SPACING_S` ago at most, and not before `since` (monotonic)."""
        while True:
            now, kept = time.monotonic(), self._kept.setdefault(number, _Kept())
            old = now - kept.begun_at >= SPARED * EVENT_SPACING_S or kept.begun_at < since
            if kept.look is None or (kept.look.done() and old):
                kept.begun_at = now
                kept.look = asyncio.create_task(asyncio.to_thread(self._look, number, kept))
                self._kept = {other: one for other, one in self._kept.items() if now - one.begun_at < UNWATCHED_S}
            begun_at = kept.begun_at
            moment = await asyncio.shield(kept.look)  # whoever goes takes it from nobody else
            if begun_at >= since:
                return moment

    def _look(self, number: int, kept: _Kept) -> Moment:
        folder = self._folder(number)
        if kept.begun_at - kept.grown_at >= GROWTH_SPACING_S:
            kept.growth, kept.grown_at = self._growth(number), kept.begun_at
        if (file := _version(live_file(folder))) != kept.said_in:
            kept.said, kept.said_in = json.dumps(live(folder)), file
        written = _version(output_file(folder))
        return Moment(self._phase(number), kept.said, kept.growth, written[0] if written else 0)


def _version(file: Path) -> tuple[int, ...]:
    """Return what differs where a file does, its size first; empty where it is not there."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ino
