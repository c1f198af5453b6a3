"""What a run does when its database or its Ray goes away: it waits for the one, starts the other again, and goes on
from what is committed.

Nothing of a transaction that failed can be relied on, nor what was decided in memory behind it. So a run that lost its
database ends as if it had been killed, waits until the database answers, takes the study's lock again and starts over:
the same way as the same command given again. What was being trained is trained again from the last state on disk.
A run that lost its Ray does the same.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from search.core.errors import RayLost, StorageFailed
from search.engine.live import View
from search.ledger.ledger import Ledger

MAX_OUTAGE_S = 600.0
"""Seconds that one outage may last."""

RETRY_PAUSE_S = 2.0
"""Seconds between two questions whether the database is back."""

MAX_OUTAGES = 20
"""After so many outages a run gives up: what the database dies of may be what it is asked."""

MAX_RAY_RESTARTS = 3
"""How often Ray is started again: what it dies of may be what it is given to do."""

Result = TypeVar("Result")


def through_outages(work: Callable[[], Result], ledger: Ledger, view: View, patience: float = MAX_OUTAGE_S) -> Result:
    """Return what `work` returns; it is called again after every outage of the database that passes, or loss of Ray.

    Raises:
        StorageFailed: waiting cannot mend it, or did not within `patience` seconds.
        RayLost: it was lost again after `MAX_RAY_RESTARTS` starts.
    """
    losses = 0
    for _ in range(MAX_OUTAGES):
        try:
            return work()
        except RayLost as error:
            losses += 1
            if losses > MAX_RAY_RESTARTS:
                raise
            view.say(f"Ray's {error.reason}: starting it again, and going on from what is committed")
        except StorageFailed as error:
            if not error.passing:
                raise
            with noting_signals() as noted:
                view.say(f"the database cannot be used ({error.reason}): waiting up to {patience / 60:g} min for it")
                seconds = _await(ledger, patience, noted)
            view.say(f"the database answers again after {seconds:.0f} s: going on from what is committed")
    return work()


@contextmanager
def noting_signals() -> Iterator[list[int]]:
    """Note which of Ctrl-C and SIGTERM came, beside what they do anyway.

    They raise KeyboardInterrupt wherever the main thread is. Where that is code that Python calls by itself, as it does
    for what a failed run leaves behind, the exception is dropped, and the person would have to ask again.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {number: usual for number, usual in found.items() if callable(usual)}

    def handler(usual: Callable[[int, FrameType | None], object]) -> Callable[[int, FrameType | None], None]:
        def handle(number: int, frame: FrameType | None) -> None:
            noted.append(number)
            usual(number, frame)

        return handle

    try:
        for number, usual in before.items():
            signal.signal(number, handler(usual))
        yield noted
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def _await(ledger: Ledger, patience: float, noted: Sequence[int]) -> float:
    """Wait until the ledger can be written; return the seconds it took.

    Raises:
        KeyboardInterrupt: a signal was noted.
        StorageFailed: waiting cannot mend it, or took too long.
    """
    began = time.monotonic()
    while True:
        if noted:
            raise KeyboardInterrupt
        try:
            with ledger.writing():
                return time.monotonic() - began
        except StorageFailed as error:
            if not error.passing or time.monotonic() - began > patience:
                raise
        time.sleep(RETRY_PAUSE_S)
