"""A command ends on Ctrl-C and SIGTERM wherever it is, also where its main thread does not hear of them.

Python runs handlers between two steps of the main thread only, and what they raise may be dropped, by code that Python
calls by itself or that catches everything. So a thread is told of each signal as it comes, and ends the process where
the main thread has not heard of it, or does not come to its end.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

UNHEARD_S = 10.0
"""Seconds within which the main thread hears of a signal."""

UNWINDING_S = 30.0
"""Seconds within which a command has ended that was interrupted."""

LEAVING_S = 30.0
"""Seconds within which a process has ended whose command failed: libraries may wait for what is gone."""

_heard = 0.0  # monotonic seconds
_unwinding = False
_listening = False


def listen() -> None:
    """Begin; for the process of a command, in its main thread."""
    global _listening  # noqa: PLW0603  # a process has one set of handlers
    told, tells = socket.socketpair()
    tells.setblocking(False)
    signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    tells.detach()
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored, as in the background
        signal.signal(signal.SIGINT, interrupt)
    _listening = True
    with suppress(RuntimeError):  # no thread can be started: handlers must do
        threading.Thread(target=_wait, args=(told,), name="ending", daemon=True).start()


def heard(unwinding: bool = False) -> None:
    """Note that a handler runs; every handler of ours does.

    Args:
        unwinding: whether the command is to end at once.
    """
    global _heard, _unwinding  # a process has one set of handlers
    _heard, _unwinding = time.monotonic(), _unwinding or unwinding


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Interrupt the main thread; a handler of signals."""
    heard(unwinding=True)
    raise KeyboardInterrupt


def failed() -> None:
    """See that the process ends soon: its command has failed, and said so."""
    if not _listening:
        return
    with suppress(OSError, RuntimeError):  # no file can be opened, no thread started: that may be what it failed of
        nowhere = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as the process lives
        faulthandler.dump_traceback_later(LEAVING_S, exit=True, file=nowhere)


def _wait(told: socket.socket) -> None:
    while signals := told.recv(64):
        if not {signal.SIGINT, signal.SIGTERM} & set(signals):
            continue
        came = time.monotonic() - 0.1
        while _heard < came and time.monotonic() < came + UNHEARD_S:
            time.sleep(0.05)
        if _heard >= came and not _unwinding:
            continue
        if _heard >= came:
            time.sleep(UNWINDING_S)
        os.write(2, b"interrupted; give the same command again to go on\n")
        os._exit(130)  # what is committed is safe, and the guard ends Ray's processes
