"""A server as a process of its own, what it takes, and an audience that watches its pages."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import harness

PAGE_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Attributes:
        url: its address.
        pid: number of its process.
    """

    url: str
    pid: int

    def get(self, path: str) -> bytes:
        """Return what it answers."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=PAGE_TIMEOUT_S) as answer:
            found: bytes = answer.read()
        return found

    def processor_s(self) -> float:
        """Return the seconds of processor time that it has taken, with the processes that examine for it.

        The studies that it runs are left out, those that ended and that it has waited for, too.
        """
        return sum(processor_s(pid, waited=False) for pid in (self.pid, *examiners(self.pid)))

    def megabytes(self) -> float:
        """Return the memory that its own process has."""
        return resident_mb(self.pid)


@contextlib.contextmanager
def serving(results: Path, *options: str) -> Iterator[Served]:
    """Start a server over a results folder; end it at exit."""
    command = [sys.executable, "-u", "-m", "search", "serve", "--port", "0", "--results", str(results), *options]
    with subprocess.Popen(command, cwd=harness.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(process.stdout.readline().partition(" at ")[2].split()[0], process.pid)
        finally:
            process.terminate()


def processor_s(pid: int, waited: bool = True) -> float:
    """Return the seconds of processor time that a process has taken; unless told not to, with the children that it has
    waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it is gone
        return 0.0
    return sum(map(int, fields[11 : 15 if waited else 13])) / os.sysconf("SC_CLK_TCK")


def examiners(pid: int) -> list[int]:
    """Return the processes in which a server has files and studies looked at."""
    return [child for child in children(pid) if b"search.service.examine" in command_of(child)]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, and that are there."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def command_of(pid: int) -> bytes:
    """Return the command line of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def resident_mb(pid: int) -> float:
    """Return the megabytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


PICTURE = re.compile(rb'"curves": "([^"]+)"')


def watch(addresses: Sequence[str], seconds: float) -> None:
    """Be an audience, as browsers are: hear the events of each address, and fetch the curves that they name.

    Args:
        addresses: of events, one for each viewer.
        seconds: after which they go; 0 for not before the events end.
    """
    until = time.monotonic() + seconds if seconds else float("inf")

    def look(address: str) -> None:
        with contextlib.suppress(TimeoutError), urllib.request.urlopen(address, timeout=seconds or 3600) as stream:
            host = "/".join(address.split("/")[:3])
            while time.monotonic() < until and (line := stream.readline()):
                if picture := PICTURE.search(line):
                    with urllib.request.urlopen(f"{host}{picture[1].decode()}?version={time.time()}") as answer:
                        answer.read()

    threads = [threading.Thread(target=look, args=(address,), daemon=True) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, min(until - time.monotonic(), 1e6)))


def main() -> int:
    """Be an audience: seconds, number of viewers, addresses that they share in turn."""
    seconds, viewers, addresses = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    watch([addresses[place % len(addresses)] for place in range(viewers)], seconds)
    return 0


@contextlib.contextmanager
def audience(viewers: int, addresses: Sequence[str], seconds: float = 0.0) -> Iterator[subprocess.Popen[bytes]]:
    """Let so many viewers watch in a process of their own, until they go or the events end; end it at exit."""
    command = [sys.executable, "-m", "benchmarks.servers", str(seconds), str(viewers), *addresses]
    with subprocess.Popen(command, cwd=harness.ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
