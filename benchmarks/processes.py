"""Processor time of a command and of everything it starts, by what each process is.

Sampled from outside, every quarter of a second, because Ray's processes outlive nobody who could be asked for them
afterwards. What a process uses after it was last seen is lost, so figures are a little too low, for all alike.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence

import psutil

EVERY = 0.25
DRIVER, WORKERS, SERVERS = "driver", "workers", "Ray's servers"
KINDS = (DRIVER, WORKERS, SERVERS)


def kind(command: Sequence[str], root: bool) -> str:
    """Say what a process under Ray is.

    Args:
        command: its arguments. A worker that has work names itself ``ray::...``; one that waits for it runs
            ``default_worker.py``.
        root: whether it is the command itself.
    """
    if root:
        return DRIVER
    first = command[0] if command else ""
    worker = first.startswith("ray::") or any("default_worker.py" in word for word in command)
    return WORKERS if worker else SERVERS


class Watched:
    """The processes of one command; what they used is known once the watch has ended."""

    def __init__(self, pid: int) -> None:
        self._root, self._seen = pid, dict[tuple[int, float], tuple[str, float]]()

    def look(self) -> None:
        """Take a sample."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._root)
            for process in [root, *root.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                    times = process.cpu_times()
                    name = (process.pid, process.create_time())
                    known = self._seen.get(name, ("", 0.0))[0]
                    # A worker is one from its start on, whatever it was called when it was seen first.
                    found = known if known == WORKERS else kind(process.cmdline(), process.pid == self._root)
                    self._seen[name] = found, times.user + times.system

    def seconds(self) -> Mapping[str, float]:
        """Return each of `KINDS` -> seconds of processor time."""
        found = dict.fromkeys(KINDS, 0.0)
        for what, seconds in self._seen.values():
            found[what] += seconds
        return found


@contextlib.contextmanager
def watching(pid: int) -> Iterator[Watched]:
    """Watch a process and all that it starts, until exit."""
    found, over = Watched(pid), threading.Event()

    def watch() -> None:
        while not over.wait(EVERY):
            found.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
