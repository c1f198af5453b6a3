"""However a run ends, nothing of its program is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.adapters.command.made import begin, command, gone
from tests.surroundings import HANG_S, ROOT

WORKER = """
import os, sys
import psutil
from tests.adapters.command.made import begin
run = begin("child", epochs=5)
print(run.train_epoch({})["child"], run._process._program.pid, flush=True)
sys.stdin.readline()
for child in psutil.Process().children():
    child.kill()
os._exit(0)
"""
"""Told to, it ends as Ray's workers do: it kills its children, and not theirs."""


def members_of(group: int) -> list[int]:
    members = []
    for process in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            members += [process] if os.getpgid(process) == group else []
    return members


def until(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + HANG_S
    while not what():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_run_that_nobody_holds_ends_its_program_and_what_that_started() -> None:
    run = begin("child")
    child = int(run.train_epoch({})["child"])  # type: ignore[call-overload]
    program = run._process._program.pid  # type: ignore[union-attr]
    assert not gone(child)
    del run
    assert gone(program)
    until(lambda: gone(child))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, None])
def test_a_program_ends_with_its_worker_however_that_ends(number: int | None) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert worker.stdout is not None
        processes = [int(word) for word in worker.stdout.readline().split()]
        assert not any(map(gone, processes))
    finally:
        if number is None:
            worker.communicate("end\n")
        else:
            os.kill(worker.pid, number)
        worker.wait()
    until(lambda: all(map(gone, processes)))


def test_a_program_that_is_ended_may_clean_up(tmp_path: Path) -> None:
    run = begin("polite", command(f" {{epochs}} {tmp_path}/bye"))
    run.train_epoch({})
    del run
    assert (tmp_path / "bye").read_text() == "bye\n"


def test_one_that_hears_nothing_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.adapters.command.process.KILL_DELAY_S", 0.1)
    run = begin("deaf")
    run.train_epoch({})
    program = run._process._program.pid  # type: ignore[union-attr]
    del run
    assert gone(program)


def test_nothing_is_left_of_what_watches_over_a_program() -> None:
    """Neither running nor as an entry that nobody asks for: a study starts thousands."""
    run = begin("hang")
    run.train_epoch({})
    group = os.getpgid(run._process._program.pid)  # type: ignore[union-attr]
    until(lambda: len(members_of(group)) == 4)  # the program, what it started, and two that watch
    members = members_of(group)
    del run
    until(lambda: not any(map(psutil.pid_exists, members)))
