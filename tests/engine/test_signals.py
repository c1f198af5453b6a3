"""Ctrl-C and SIGTERM, without Ray: what the driver is told, how long epochs are waited for, and what is said."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from search.engine import signals
from search.engine.live import Silent
from search.engine.signals import dropped, end
from tests.surroundings import HANG_S


@dataclass
class Pretender:
    """A driver with some epochs in progress; its run is over as soon as they are dropped."""

    over: threading.Event
    in_progress: list[tuple[int, int]] = field(default_factory=list)
    is_due: bool = True
    stopping: str = ""
    dropping: bool = False

    def drop(self, reason: str) -> None:
        assert reason == self.stopping
        self.dropping = True
        self.over.set()

    def stop(self, reason: str) -> None:
        self.stopping = reason

    def due(self, within: float) -> bool:
        return self.is_due


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


class Clock(threading.Event):
    """Whether the run is over, by a clock that goes on only while somebody waits for it."""

    def __init__(self, ends_after: float | None) -> None:
        super().__init__()
        self.now, self._ends_after = 0.0, ends_after

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        if not self.is_set():
            self.now += timeout
            if self._ends_after is not None and self.now >= self._ends_after:
                self.set()
        return self.is_set()


@pytest.mark.parametrize(
    ("in_progress", "is_due", "ends", "waits", "drops"),
    [
        ([(0, 3)], False, False, False, True),  # not due: dropped at once
        ([(0, 3)], True, False, True, True),  # due, and then not there in time
        ([(0, 3)], True, True, True, False),  # due, and there
        ([], False, True, True, False),  # workers save the states they stand in
        ([], False, False, True, True),
    ],
)
def test_epochs_that_are_due_are_waited_for(
    in_progress: list[tuple[int, int]],
    is_due: bool,
    ends: bool,
    waits: bool,
    drops: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signals, "EPOCH_GRACE_S", 0.5)
    over = Clock(0.2 if ends else None)
    monkeypatch.setattr(signals, "time", SimpleNamespace(monotonic=lambda: over.now))
    driver, view = Pretender(over, in_progress, is_due), Heard()
    end(driver, view, "Ctrl-C", over)  # type: ignore[arg-type]
    assert (driver.stopping, driver.dropping) == ("Ctrl-C", drops)
    assert (over.now > 0.15) == waits
    assert over.now > 0.45 or not (waits and drops)
    assert view.said == [
        "ending: epochs in progress that are due within 0 s are waited for; "
        "press Ctrl-C or send the signal again to end at once"
    ]


def test_what_is_dropped_is_said() -> None:
    def said(*in_progress: tuple[int, int]) -> str:
        return dropped(Pretender(threading.Event(), list(in_progress)))  # type: ignore[arg-type]

    assert said() == ""
    assert said((4, 2)) == "dropped: epoch 2 of trial 4; the same command trains it again"
    assert said((1, 1), (4, 2)) == "dropped: epoch 1 of trial 1, epoch 2 of trial 4; the same command trains them again"
    assert said(*((trial, 1) for trial in range(8))) == (
        "dropped: epoch 1 of trial 0, epoch 1 of trial 1, epoch 1 of trial 2, epoch 1 of trial 3, epoch 1 of trial 4 "
        "and 3 more; the same command trains them again"
    )


PROGRAM = """
import os, signal, sys, threading, time
from search.engine import signals

class Driver:
    in_progress, stopping, dropping = [(0, 1)], "", False
    def stop(self, reason): self.stopping = reason
    def due(self, within): return True
    def drop(self, reason): self.dropping = True

class View:
    def say(self, text): pass
    def end(self): pass

first, second = (getattr(signal, name, None) for name in sys.argv[1:])
driver = Driver()
before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
try:
    with signals.stopping_on_signals(driver, View()):
        os.kill(os.getpid(), first)
        until = time.monotonic() + 600
        while not driver.stopping and time.monotonic() < until:
            time.sleep(0.01)
        if second:
            os.kill(os.getpid(), second)
            time.sleep(600)
    print("ended", driver.stopping)
except KeyboardInterrupt:
    print("interrupted", driver.stopping)
assert before == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))
for thread in threading.enumerate():
    if thread.name == "signals":
        thread.join(600)
        assert not thread.is_alive()
"""


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("SIGINT", "", "ended Ctrl-C"),
        ("SIGTERM", "", "ended SIGTERM"),
        ("SIGINT", "SIGINT", "interrupted Ctrl-C"),
        ("SIGTERM", "SIGINT", "interrupted SIGTERM"),
    ],
)
def test_the_first_signal_asks_and_the_second_ends(first: str, second: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, first, second], capture_output=True, text=True, timeout=HANG_S
    )
    assert (done.stdout, done.stderr) == (f"{said}\n", "")


def test_a_run_that_does_not_end_is_ended() -> None:
    """Its main thread waits for something that does not come, and does not notice signals."""
    code = PROGRAM.replace("while not driver.stopping and time.monotonic() < until:", "while True:")
    code = code.replace("from search.engine import signals\n", "from search.engine import signals\n" + IMPATIENT)
    done = subprocess.run([sys.executable, "-c", code, "SIGTERM", ""], capture_output=True, text=True, timeout=HANG_S)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "the study was ended by SIGTERM, and Ray does not answer; the same command goes on\n"


IMPATIENT = "signals.EPOCH_GRACE_S, signals.FORCED_EXIT_S = 0.1, 0.3\n"


def test_sigterm_ends_a_command_like_ctrl_c() -> None:
    code = (
        "import os, signal, sys, click; from search import __main__; from search.cli import cli\n"
        "cli.commands['kill'] = click.Command('kill', callback=lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
        "sys.argv = ['search', 'kill']; __main__.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S)
    assert (done.returncode, done.stderr) == (130, "\ninterrupted; give the same command again to go on\n")
