"""Signals end a command whose main thread does not hear them, or drops what they raise."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from search.system import ending
from tests.surroundings import HANG_S

COMMAND = """
import ctypes, sys, threading, time
from search.system import ending
ending.UNHEARD_S, ending.UNWINDING_S, ending.LEAVING_S = 0.5, 1.0, 1.0

def deaf():  # a lock that signals do not interrupt, and Python's own is free meanwhile
    threading.Timer(0.5, begun).start()
    mutex = ctypes.create_string_buffer(128)
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(mutex)

def dropped():
    for number in range(10**9):
        try:
            number or begun()
            time.sleep(300)
        except BaseException:
            pass

def leaves():
    begun()
    ending.failed()
    ctypes.PyDLL(None).sleep(300)  # holds Python's lock

def hears():
    try:
        begun()
        time.sleep(300)
    except KeyboardInterrupt:
        print("heard", flush=True)

def begun():
    print("begun", flush=True)

ending.listen()
globals()[sys.argv[1]]()
"""

SAID = "interrupted; give the same command again to go on\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("what", "code", "out", "err"),
    [("deaf", 130, "", SAID), ("dropped", 130, "", SAID), ("hears", 0, "heard\n", "")],
)
def test_a_command_ends_on_a_signal(what: str, code: int, out: str, err: str, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, what], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    assert process.communicate(timeout=HANG_S) == (out, err)
    assert process.returncode == code


@pytest.mark.slow
def test_a_command_that_failed_ends_though_a_library_does_not() -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND, "leaves"], capture_output=True, text=True, timeout=HANG_S)
    assert (done.returncode, done.stdout, done.stderr) == (1, "begun\n", "")


@pytest.mark.parametrize(
    "refused", [OSError(24, "Too many open files"), RuntimeError("unable to start watchdog thread")]
)
def test_a_failure_that_cannot_be_watched_ends_as_it_is(refused: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **more: object) -> None:
        raise refused

    monkeypatch.setattr(ending, "_listening", True)
    monkeypatch.setattr(ending.faulthandler, "dump_traceback_later", refuse)
    ending.failed()
