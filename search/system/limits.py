"""What the system lets this process have of the machine: CPUs, memory, processes.

A machine is seldom one's own: `taskset`, batch systems and containers give a part of it, by CPU affinity, cgroups
(version 1 and 2) and limits of the user. Imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SELF = Path("/proc/self")
"""Where Linux says in which cgroups this process is; other systems have none."""

UNLIMITED_BYTES = 2**60
"""Bytes from which on a limit of version 1 is none: it says so by the largest multiple of a page."""

UNLIMITED_PROCESSES = 20_000
"""A user's limit of processes and threads from which on it counts as none: then those there are need not be counted."""


@dataclass(frozen=True)
class Cpus:
    """The CPUs this process may use.

    Attributes:
        usable: how many, rounded down, at least one.
        there: how many the machine has.
        by: what leaves the others out, or "".
    """

    usable: int
    there: int
    by: str = ""

    def __str__(self) -> str:
        return f"{self.usable} of {self.there} CPUs may be used here ({self.by})" if self.by else f"{self.there} CPUs"

    def offered(self, wanted: int) -> int:
        """Return how many trials get together, where one wants so many: no more than may be used, but for a first
        trial that asks for more, as far as the machine has them."""
        return max(self.usable, min(wanted, self.there))

    def note(self, wanted: int) -> str:
        """Return what is to be said where not all of them may be used, or ""."""
        if not self.by:
            return ""
        if not self.usable < wanted <= self.there:
            return str(self)
        return (
            f"{self}, but resources.cpus gives each trial {wanted}: one trial at a time trains with so many threads, "
            f"as the file says; resources.cpus: {self.usable} fits, in another execution class"
        )


def cpus(proc: Path = SELF) -> Cpus:
    """Return the CPUs this process may use: those of its affinity, and no more than the quota of its cgroups."""
    there = os.cpu_count() or 1
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    return least_cpus(there, affinity, cpu_quota(proc))


def least_cpus(there: int, affinity: int, quota: float) -> Cpus:
    """Return what affinity and quota leave of the CPUs there are."""
    within = max(1, math.floor(quota)) if quota < there else there
    if affinity >= there and within >= there:
        return Cpus(there, there)
    if affinity <= within:
        return Cpus(affinity, there, "CPU affinity")
    return Cpus(within, there, f"cgroup quota of {quota:g} CPUs")


def cpu_quota(proc: Path = SELF) -> float:
    """Return how many CPUs' time the cgroups give, `math.inf` for no limit."""
    quotas = [math.inf]
    for folder in cgroups("cpu", proc):
        words = _words(folder / "cpu.max")  # "150000 100000" of version 2, or "max 100000"
        words = words or [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
        with contextlib.suppress(ValueError, ZeroDivisionError):  # "max", or nothing
            quota, period = map(float, words)
            if quota > 0:  # version 1 says -1 for no limit
                quotas.append(quota / period)
    return min(quotas)


def memory_bytes(proc: Path = SELF) -> int:
    """Return the bytes of memory that are there for this process: the machine's, or fewer by its cgroups."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for folder in cgroups("memory", proc):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with contextlib.suppress(ValueError):
                limits += [int(word) for word in _words(folder / name)]
    return min(limit for limit in limits if limit < UNLIMITED_BYTES)


@dataclass(frozen=True)
class Processes:
    """How many processes and threads there may be.

    Attributes:
        most: the limit, `math.inf` for none.
        used: how many of them there are.
        by: whose limit it is, in words that follow "that", with its name.
    """

    most: float = math.inf
    used: int = 0
    by: str = ""

    @property
    def left(self) -> float:
        """How many more there may be."""
        return max(0, self.most - self.used)

    def __str__(self) -> str:
        return f"{self.left:g} are left of the {self.most:g} processes and threads that {self.by}" if self.by else ""

    def trouble(self, needed: int) -> str:
        """Return why this does not do for whoever needs so many more, and what to do about it, or ""."""
        if self.left >= needed:
            return ""
        return f"it takes at least {needed} processes and threads, {self}; raise this limit, or end other programs"


def processes(proc: Path = SELF) -> Processes:
    """Return the limit that leaves the fewest processes and threads: the user's, or that of a cgroup."""
    return min(_of_user(proc), _of_cgroups(proc), key=lambda each: each.left)


def _of_user(proc: Path) -> Processes:
    try:
        import resource

        most, user = resource.getrlimit(resource.RLIMIT_NPROC)[0], os.getuid()
    except (ImportError, OSError, ValueError, AttributeError):
        return Processes()
    if user == 0 or not 0 <= most < UNLIMITED_PROCESSES:  # root is not limited by it
        return Processes()
    return Processes(most, threads_of(user, proc.parent), "this user may have (ulimit -u)")


def threads_of(user: int, proc: Path) -> int:
    """Return how many threads the processes of a user have."""
    count = 0
    for status in proc.glob("[0-9]*/status"):
        told = dict(line.partition(":")[::2] for line in _text(status).splitlines())
        if told.get("Uid", "").split()[:1] == [str(user)]:
            count += int(told.get("Threads", "1"))
    return count


def _of_cgroups(proc: Path) -> Processes:
    found = [Processes()]
    for folder in cgroups("pids", proc):
        with contextlib.suppress(ValueError, IndexError):  # "max"
            most, used = int(_words(folder / "pids.max")[0]), int(_words(folder / "pids.current")[0])
            found.append(Processes(most, used, "this cgroup may have (pids.max)"))
    return min(found, key=lambda each: each.left)


def cgroups(controller: str, proc: Path = SELF) -> Iterator[Path]:
    """Yield the folders of the cgroups of this process that hold a controller's limits, from its own to the outermost
    one that can be seen: every one of them limits what is inside."""
    own: dict[str, str] = {}
    for line in _text(proc / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        own |= dict.fromkeys(controllers.split(","), path)
    for line in _text(proc / "mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = (*after.split(" "), "", "", "")[:3]
        name = {"cgroup2": "", "cgroup": controller}.get(kind)
        if name is None or name not in own or (name and name not in options.split(",")):
            continue
        root, mounted = (_unescaped(word) for word in before.split(" ")[3:5])
        # In a container the path may be the host's, of which less is mounted, or lie outside of what is.
        inside = own[name].removeprefix(root).strip("/")
        folder = Path(mounted, inside if ".." not in inside.split("/") else "")
        yield folder
        for outer in folder.parents:
            if not outer.is_relative_to(mounted):
                break
            yield outer


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _words(file: Path) -> list[str]:
    return _text(file).split()
