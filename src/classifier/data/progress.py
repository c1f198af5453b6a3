"""What takes long says so on standard error: on a terminal a line that counts, elsewhere one line."""

from __future__ import annotations

import sys
import time
from types import TracebackType

QUIET_TIME_S = 2.0
"""Seconds before anything is said."""


class ReadingProgress:
    """Counts towards a total; says nothing of what is done in two seconds."""

    def __init__(self, doing: str, total: int) -> None:
        self.doing, self.total = doing, total
        self._started = time.monotonic()
        self._said = False

    def __enter__(self) -> ReadingProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._said and sys.stderr.isatty():
            print(file=sys.stderr)

    def reached(self, count: int) -> None:
        """Say that `count` of the total are done."""
        if time.monotonic() - self._started < QUIET_TIME_S or (not self._said and count >= self.total):
            return
        if sys.stderr.isatty():
            print(f"\r{self.doing}: {count:,} of {self.total:,} images", end="", file=sys.stderr, flush=True)
        elif not self._said:
            print(f"{self.doing}: {self.total:,} images", file=sys.stderr, flush=True)
        self._said = True
