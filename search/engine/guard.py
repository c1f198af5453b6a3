"""The guard: a small process that outlives the driver and leaves nothing of its local Ray behind.

    with guard() as tell:
        ray.init(...)
        tell(session_folder)

However the driver ends - done, interrupted, SIGKILL - no process of its Ray session is there half a minute later, and
neither is the session's folder. Ray sees to most of this itself, but two of its helpers try to report for a minute
that their raylet is gone, a worker that is stopped (SIGSTOP) cannot notice it, and the folders stay for ever.

The guard is this file, run by itself (standard library only), in a session of its own: Ctrl-C in the terminal and
signals to the driver's process group do not reach it. It learns of the driver's end from a pipe that closes with it.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

GRACE = 3.0
"""Seconds that processes get to end by themselves: after `ray.shutdown` as well as after the driver's death, of which
most of them hear."""

LIMIT = 20.0
"""Seconds after which the guard gives up on processes that no SIGKILL ends."""

SESSIONS = Path("ray")
"""Folder of Ray's sessions inside the system's temporary one."""


@contextlib.contextmanager
def guard() -> Iterator[Callable[[str], None]]:
    """Watch over the Ray session that is started inside; yields what takes its folder, once there is one."""
    if not sys.executable:  # an interpreter inside another program
        yield lambda folder: None
        return
    told = (os.getpid(), os.getsid(0), time.time())
    command = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), *map(str, told)]
    nowhere = subprocess.DEVNULL  # or whoever reads the driver's output through a pipe would wait for the guard, too
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, cwd="/", start_new_session=True
    )
    assert process.stdin is not None
    pipe = process.stdin

    def tell(folder: str) -> None:
        with contextlib.suppress(OSError):  # it was killed: what Ray does by itself must do
            pipe.write(f"{folder}\n".encode())
            pipe.flush()

    try:
        yield tell
    finally:
        with contextlib.suppress(OSError):
            pipe.close()
        _reap(process)


_ended: list[subprocess.Popen[bytes]] = []


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for nobody: guards of earlier runs of this process are collected when the next one has ended."""
    _ended.append(process)
    _ended[:] = [each for each in _ended if each.poll() is None]


# The guard's own process -------------------------------------------------------------------------------------


def main(driver: int, terminal: int, began: float) -> None:
    """Wait for the driver's end, or the end of its Ray; then see that the session's processes and its folder go.

    Args:
        driver: its process number.
        terminal: its POSIX session, in which the processes of its Ray are, too.
        began: when it was about to start Ray, in seconds since the epoch.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for each in wait_for_end(driver) or sessions_of(driver, began):
        end_processes(each, terminal, {driver})
        remove(each)


def wait_for_end(driver: int) -> list[str]:
    """Return the folders that were told, once the pipe is closed or the driver is gone."""
    told = b""
    while os.getppid() == driver:
        ready, _, _ = select.select([0], [], [], 2.0)
        if ready:
            chunk = os.read(0, 4096)
            if not chunk:
                break
            told += chunk
    return told.decode().splitlines()


def sessions_of(driver: int, since: float) -> list[str]:
    """Return the folders of sessions that a driver began: Ray writes its process number into their names."""
    pattern = re.compile(rf"session_[0-9_-]+_{driver}")
    places = {Path(os.environ.get("RAY_TMPDIR", "/tmp")) / SESSIONS, Path(os.environ.get("TMPDIR", "/tmp")) / SESSIONS}
    found = []
    for place in places:
        with contextlib.suppress(OSError):
            found += [
                str(each)
                for each in place.iterdir()
                if pattern.fullmatch(each.name) and each.stat().st_mtime >= since - 1.0
            ]
    return found


def end_processes(folder: str, terminal: int, spared: set[int]) -> None:
    """Let the processes of a Ray session end; kill those that do not."""
    began = time.monotonic()
    empty = 0
    while time.monotonic() - began < LIMIT:
        # Nobody who reads a log of it from another terminal is meant.
        members = {each for each in members_of(folder) - spared if _session(each) == terminal}
        # Whoever was about to start another one when it was looked at is seen the second time.
        empty = 0 if members else empty + 1
        if empty == 2:
            return
        if time.monotonic() - began > GRACE:
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
    """Return the processes that name a Ray session in their command line, or have a file in its folder open."""
    name = os.path.basename(folder)
    if os.path.isdir("/proc/self/fd"):
        return {int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _belongs(f"/proc/{entry}", name)}
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


def _belongs(process: str, name: str) -> bool:
    try:
        with open(f"{process}/cmdline", "rb") as file:
            if name.encode() in file.read():
                return True
        return any(name in os.readlink(f"{process}/fd/{number}") for number in os.listdir(f"{process}/fd"))
    except OSError:  # it ended meanwhile, or is somebody else's
        return False


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
