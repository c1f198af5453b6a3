"""The guard: a small process that outlives the driver and leaves nothing of its local Ray behind.

    with guard(folder) as told:
        told.starting(90.0, "Ray did not start within 90 s")
        ray.init(...)
        told.started()

However the driver ends - done, interrupted, SIGKILL - no process of its Ray is there half a minute later, and neither
is its folder. Ray sees to most of this itself, but two of its helpers try to report for a minute that their raylet is
gone, a worker that is stopped (SIGSTOP) cannot notice it, and the folders stay for ever.

The guard is this file, run by itself (standard library only), in a session of its own: Ctrl-C in the terminal and
signals to the driver's process group do not reach it. It learns of the driver's end from a pipe that closes with it.

It also speaks for a driver that cannot: code of Ray's that waits for its servers holds the interpreter's lock, so that
a driver whose start hangs can only be ended, by a clock of the system or another process, and no error is printed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

EXIT_GRACE_S = 3.0
"""Seconds that processes get to end by themselves: after `ray.shutdown` as well as after the driver's death, of which
most of them hear."""

KILL_TIMEOUT_S = 20.0
"""Seconds after which the guard gives up on processes that no SIGKILL ends."""

SIGNAL_ANSWER_TIMEOUT_S = 10.0
"""Seconds within which a driver hears of a signal that came while native code kept it from hearing."""

ENDING_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
"""Signals that end a driver. Their numbers are bytes of no sentence, so one pipe tells of both."""


class GuardLine:
    """What the guard is told of a start, which ends this process (exit code 1) where it takes too long."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._pipe = pipe
        self._nowhere = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as the clock runs

    def starting(self, limit: float, sentence: str) -> None:
        """Ray is started now, and this process is to end with this sentence if it takes so many seconds."""
        self._say(f"starting {limit} {sentence}")
        faulthandler.dump_traceback_later(limit, exit=True, file=self._nowhere)

    def started(self) -> None:
        """It has started, or failed in time."""
        faulthandler.cancel_dump_traceback_later()
        self._say("started")

    @contextlib.contextmanager
    def hearing(self) -> Iterator[None]:
        """Have the guard hear signals meanwhile, for native code that holds the interpreter's lock.

        The handlers of this process run once that lets go of it; where it does not within
        `SIGNAL_ANSWER_TIMEOUT_S`, the guard ends this process. For the main thread.
        """
        if self._pipe is None:
            yield
            return
        os.set_blocking(self._pipe.fileno(), False)
        before = signal.set_wakeup_fd(self._pipe.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            self._say("heard")

    def _say(self, line: str) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):  # it was killed: what Ray does by itself must do
                self._pipe.write(line.encode() + b"\n")
                self._pipe.flush()

    def close(self) -> None:
        """Nothing more is started."""
        faulthandler.cancel_dump_traceback_later()
        self._nowhere.close()
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.close()


@contextlib.contextmanager
def guard(folder: str) -> Iterator[GuardLine]:
    """Watch over the Ray that is started inside, in a folder of its own.

    Raises:
        OSError: its process cannot be started.
    """
    if not sys.executable:  # an interpreter inside another program
        process, told = None, GuardLine(None)
    else:
        words = (os.getpid(), os.getsid(0), folder)
        command = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *map(str, words)]
        nowhere = subprocess.DEVNULL  # whoever reads the driver's output through a pipe would wait for the guard, too
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nowhere, cwd="/", start_new_session=True)
        told = GuardLine(process.stdin)
    try:
        yield told
    finally:
        told.close()
        if process is not None:
            # Wait for nobody: guards of earlier runs of this process are collected when the next one has ended.
            _ended[:] = [other for other in [*_ended, process] if other.poll() is None]


_ended: list[subprocess.Popen[bytes]] = []


# The guard's own process -------------------------------------------------------------------------------------


def main(driver: int, terminal: int, folder: str) -> None:
    """Wait for the driver's end, or the end of its Ray; then see that its processes and its folder go.

    Args:
        driver: its process number.
        terminal: its POSIX session, in which the processes of its Ray are, too.
        folder: of its Ray.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sentence := wait_for_end(driver):
        with contextlib.suppress(OSError):
            os.write(2, f"{sentence}\n".encode())
    hush()
    end_processes(folder, terminal, {driver})
    remove(folder)


def wait_for_end(driver: int) -> str:
    """Wait until the pipe is closed or the driver is gone; return what it would have said, if it was ended for a start
    that took too long or heard no signal."""
    rest, limit, sentence, began, unheard = b"", 0.0, "", 0.0, 0.0
    while os.getppid() == driver:
        ready, _, _ = select.select([0], [], [], 2.0)
        if unheard and time.monotonic() - unheard > SIGNAL_ANSWER_TIMEOUT_S:
            os.kill(driver, signal.SIGKILL)
            return "interrupted; give the same command again to go on"
        if not ready:
            continue
        chunk = os.read(0, 4096)
        if not chunk:
            break
        if ENDING_SIGNALS & set(chunk):
            unheard = unheard or time.monotonic()
            chunk = chunk.translate(None, bytes(ENDING_SIGNALS))
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            word, _, more = line.decode(errors="replace").partition(" ")
            if word == "starting":
                number, _, sentence = more.partition(" ")
                limit, began = float(number), time.monotonic()
            elif word == "heard":
                unheard = 0.0
            elif word == "started":
                sentence = ""
                hush()
    return sentence if sentence and time.monotonic() - began >= limit - 0.5 else ""


def hush() -> None:
    """Let go of the driver's standard error, which whoever reads it may wait for."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def end_processes(folder: str, terminal: int, spared: set[int]) -> None:
    """Let the processes of a Ray end; kill those that do not."""
    began = time.monotonic()
    empty = 0
    while time.monotonic() - began < KILL_TIMEOUT_S:
        # Nobody who reads a log of it from another terminal is meant.
        members = {each for each in members_of(folder) - spared if _session(each) == terminal}
        # Whoever was about to start another one when it was looked at is seen the second time.
        empty = 0 if members else empty + 1
        if empty == 2:
            return
        if time.monotonic() - began > EXIT_GRACE_S:
            for member in members:
                with contextlib.suppress(OSError):
                    os.kill(member, signal.SIGKILL)
        time.sleep(0.25)


def remove(folder: str) -> None:
    """Remove a folder; what was put there meanwhile goes the next time."""
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        time.sleep(1.0)


def members_of(folder: str) -> set[int]:
    """Return the processes that name a Ray's folder in their command line, or have a file in it open."""
    name = Path(folder).name
    if Path("/proc/self/fd").is_dir():
        return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _belongs(entry, name)}
    members = set()
    for line in _said("ps", "-axww", "-o", "pid=,command=").splitlines():
        number, _, command = line.strip().partition(" ")
        if name in command:
            members.add(int(number))
    return members | {int(word) for word in _said("lsof", "-w", "-t", "+D", folder).split()}


def _session(process: int) -> int:
    try:
        return os.getsid(process)
    except OSError:
        return -1


def _belongs(process: Path, name: str) -> bool:
    try:
        if name.encode() in (process / "cmdline").read_bytes():
            return True
        return any(name in str(link.readlink()) for link in (process / "fd").iterdir())
    except OSError:  # it ended meanwhile, or is somebody else's
        return False


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
