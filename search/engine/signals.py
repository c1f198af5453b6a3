"""Ctrl-C and SIGTERM: the first one ends a run after the epochs in progress, the second one at once."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from search.core.errors import StudyInterrupted
from search.system import ending

if TYPE_CHECKING:
    from search.engine.decide.driver import Driver
    from search.engine.live import View

EPOCH_GRACE_S = 10.0
"""Seconds a running epoch may take to end, before it is dropped."""

FORCED_EXIT_S = 4.0
"""Seconds after which a run that was to end at once and did not is ended as by SIGKILL: its Ray may be gone, which a
signal to everybody takes with it, and whoever asks it for something then waits a minute for the answer."""

MAX_EPOCHS_NAMED = 5
"""Epochs that are named where they are dropped."""


@contextmanager
def stopping_on_signals(driver: Driver, view: View) -> Iterator[None]:
    """Make the first Ctrl-C or SIGTERM end the run after those epochs in progress that are due soon.

    The second one raises KeyboardInterrupt wherever the main thread is. The handler itself does next to nothing, for
    it may interrupt anything: a thread waits for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: queue.SimpleQueue[int] = queue.SimpleQueue()  # its put can be interrupted by another one
    over = threading.Event()
    signals = [0]

    def handle(number: int, _frame: object) -> None:
        signals[0] += 1
        if signals[0] > 1 or driver.stopping:
            ending.interrupt(number, None)
        ending.heard()
        asked.put(number)

    def wait() -> None:
        if number := asked.get():
            end(driver, view, "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name, over)

    waiting = threading.Thread(target=wait, name="signals", daemon=True)
    waiting.start()
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        over.set()
        asked.put(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def end(driver: Driver, view: View, reason: str, over: threading.Event) -> None:
    """End a run: wait for epochs due within `EPOCH_GRACE_S`, drop the others; end this process if that fails.

    Args:
        driver: told to stop, and to drop what is left.
        view: told what is waited for.
        reason: who wants it.
        over: set where the run has ended.
    """
    driver.stop(reason)
    view.say(
        f"ending: epochs in progress that are due within {EPOCH_GRACE_S:.0f} s are waited for; "
        "press Ctrl-C or send the signal again to end at once"
    )
    until = time.monotonic() + EPOCH_GRACE_S
    while (left := until - time.monotonic()) > 0:
        # With no epoch in progress, workers save the states they stand in: that is waited for, too.
        if driver.in_progress and not driver.due(left):
            break
        if over.wait(0.1):
            return
    driver.drop(reason)
    if not over.wait(FORCED_EXIT_S):
        view.end()
        print(f"the study was ended by {reason}, and Ray does not answer; the same command goes on", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(StudyInterrupted.exit_code)  # what is committed is safe, and the guard ends Ray's processes


def dropped(driver: Driver) -> str:
    """Return what was in progress when a run ended, as a sentence; "" for nothing."""
    lost = [f"epoch {epoch} of trial {trial}" for trial, epoch in driver.in_progress]
    if not lost:
        return ""
    more = f" and {len(lost) - MAX_EPOCHS_NAMED} more" if len(lost) > MAX_EPOCHS_NAMED else ""
    named = ", ".join(lost[:MAX_EPOCHS_NAMED])
    return f"dropped: {named}{more}; the same command trains {'them' if lost[1:] else 'it'} again"
