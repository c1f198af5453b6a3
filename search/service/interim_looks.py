"""Interim looks at studies that run: taken where somebody watches, and only when more runs have ended."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from search.core.errors import UserError
from search.service.growth import MAX_STUDIES

LOOK_SPACING_S = 5.0
"""Seconds between two looks at a study."""

LOOK_SHARE = 0.05
"""Share of a core that looks at one study take at most: one that is dear to read is looked at less often."""

MIN_DONE = 2
"""Runs that a difference needs."""

Read = Callable[[str, str], Awaitable[Mapping[str, Any]]]
"""Has something read of a study: what, and its name -> what `search.service.interim` returns."""


@dataclass
class _Seen:
    table: Mapping[str, Any] = field(default_factory=dict)
    done: int = 0  # runs that had ended at the last look
    wanted: int = 0  # runs that have ended by now
    next_at: float = -math.inf
    looking: bool = False


class InterimLooks:
    """The newest interim look at each study that is watched.

    Args:
        read: takes one, in a process of its own.
    """

    def __init__(self, read: Read) -> None:
        self._read, self._lock = read, threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def newest(self, name: str, done: int) -> Mapping[str, Any]:
        """Return the table of the newest look, empty where there is none; for several threads.

        Args:
            name: of the study.
            done: runs of it that have ended by now; `due` takes another look where there are more than at the last.
        """
        with self._lock:
            seen = self._seen.pop(name, None) or _Seen()
            self._seen[name] = seen  # the last one is the newest
            while len(self._seen) > MAX_STUDIES:
                del self._seen[next(iter(self._seen))]
            seen.wanted = done
            return seen.table

    def due(self) -> list[Coroutine[object, object, None]]:
        """Return the looks that are due, to be awaited behind the back of whoever watches; on the event loop."""
        now = time.monotonic()
        with self._lock:
            chosen = [
                (name, seen)
                for name, seen in self._seen.items()
                if seen.wanted != seen.done and seen.wanted >= MIN_DONE and not seen.looking and now >= seen.next_at
            ]
            for _, seen in chosen:
                seen.looking = True
        return [self._look(name, seen) for name, seen in chosen]

    async def _look(self, name: str, seen: _Seen) -> None:
        done, began, took_s = seen.wanted, time.monotonic(), 0.0
        try:
            answer = await self._read("interim", name)
            with self._lock:
                seen.table, took_s = answer["table"], answer["took_s"]
        except UserError:  # it was taken away, or took too long
            took_s = time.monotonic() - began
        finally:
            seen.done, seen.looking = done, False
            seen.next_at = time.monotonic() + max(LOOK_SPACING_S, took_s / LOOK_SHARE)
