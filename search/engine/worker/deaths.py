"""Why a worker died: what it noted while it lived, and what the system knows afterwards. Free of Ray.

A worker keeps one small file per lease (`Signs`): its process number, the epoch it is in and when that began. The
interpreter's fault handler writes into the same file, that of a lease's own process into one beside it, without the
interpreter's lock and so even from code that hangs or crashes outside Python: the signal and where each thread was, or
that an epoch took longer than it may, whereupon it ends the process. `Deaths` reads it when the driver hears that the
worker is gone. SIGKILL leaves no such note, and what Ray tells of a dead worker is the same for all of them: it is
concluded from the missing note. That the kernel was out of memory stands in a counter of its own.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from search.engine.decide.death import Death
from search.proof.fresh import Fresh, FreshDied

SETUP_ALLOWANCE_S = 300.0
"""Seconds beyond the limit for what is not training: imports, data, loading and saving a state."""

KILL_DELAY_S = 10.0
"""Seconds beyond the limit after which a worker that did not end itself (it was stopped, say) is ended from outside."""

OWN_PROCESS_DELAY_S = 5.0
"""Seconds beyond the limit after which a worker ends with the process of its lease, which did not end itself."""

SIGNAL_NAMES = {
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Floating": "SIGFPE",
    "Illegal instruction": "SIGILL",
}
"""How the fault handler's words for a signal begin -> its name."""

TIMEOUT_NOTE = "Timeout ("
"""How its note begins where a limit was exceeded."""


# On the worker -------------------------------------------------------------------------------------------------


class Signs:
    """What a worker notes of one lease. Where the folder is not there - on another machine - it keeps no notes, and
    what takes too long still ends.

    Args:
        folder: where the file is made; "" for none.
        lease: the lease's number.
        limit: seconds an epoch may take; None for any time.
    """

    def __init__(self, folder: str, lease: int, limit: float | None) -> None:
        self._limit = limit
        self._place = _path(folder, lease) if folder else None
        self._file: TextIO | None = None
        self.faults = str(_faults(folder, lease)) if folder else os.devnull
        """Into which the lease's own process notes its faults."""

    def _open(self) -> None:
        """Begin the notes with the work: Tune starts workers in vain for leases that another one takes over, and they
        must not empty its notes."""
        if self._place is None or self._file is not None:
            return
        with contextlib.suppress(OSError):
            self._file = self._place.open("w", encoding="utf-8")  # for faults to come
            faulthandler.disable()  # so that ours is the first handler that is called, Ray's the next
            faulthandler.enable(self._file)

    @contextlib.contextmanager
    def busy(self, epoch: int, more: float = 0.0, own: Fresh | None = None) -> Iterator[None]:
        """Do a piece of work for an epoch, within the limit and so many seconds more; else the process ends.

        Args:
            epoch: that is worked for.
            more: seconds beyond the limit.
            own: the process of the lease, where it has one: that one ends then, with a note of where it was.
        """
        self._open()
        limit = None if self._limit is None else self._limit + more
        self._note(pid=os.getpid(), epoch=epoch, began=time.monotonic(), limit=limit, gpus=visible_gpus())
        if limit is not None:
            late = limit + (OWN_PROCESS_DELAY_S if own is not None else 0.0)
            with contextlib.suppress(ValueError, OverflowError):  # longer than the system's clocks can count
                faulthandler.dump_traceback_later(late, exit=True, file=self._file or sys.stderr)
        own_died = False
        try:
            if own is not None and limit is not None:
                own.limit(limit)
            yield
            if own is not None and limit is not None:
                own.limit(None)
        except FreshDied:
            own_died = True  # the note says in what, and within which limit
            raise
        finally:
            if limit is not None:
                faulthandler.cancel_dump_traceback_later()
            if limit is not None and not own_died:
                self._note(pid=os.getpid(), epoch=epoch)

    def _note(self, **what: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # no room left: the work matters, the notes do not
                self._file.seek(0)
                self._file.truncate()
                self._file.write(json.dumps(what) + "\n")
                self._file.flush()

    def close(self) -> None:
        """The lease is over."""
        if self._file is not None:
            faulthandler.enable()  # to standard error again, for this file is about to be closed
            with contextlib.suppress(OSError):  # a disk that was full: what could not be written is tried again
                self._file.close()
            self._file = None


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that there was no memory: Python's own, torch's on a GPU, and torch's on the CPU.

    CUDA and its libraries say it in words of their own, in exceptions of a general kind.
    """
    names = {each.__name__ for each in type(error).__mro__} | set(getattr(error, "kinds", ()))
    words = ("can't allocate memory", "CUDA error: out of memory", "_ALLOC_FAILED")
    return bool(names & {"MemoryError", "OutOfMemoryError"}) or any(each in str(error) for each in words)


def visible_gpus() -> str:
    """Return the GPUs that this process sees, as the system names them; "" for none, and where nobody chose."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "").strip().removeprefix("-1")


def alive(process: int) -> bool:
    """Whether a process of this user is there; one that ended and that nobody has asked for yet is not told apart."""
    try:
        os.kill(process, 0)
    except OSError:  # there is none, or another user's has its number by now
        return False
    return True


# On the driver -------------------------------------------------------------------------------------------------


class Deaths:
    """Finds out how workers died.

    Args:
        folder: where workers keep their signs.
        here: whether workers are on this machine.
    """

    def __init__(self, folder: str, here: bool = True) -> None:
        self._folder, self._here = folder, here
        self._late: set[int] = set()  # leases whose worker was ended from outside
        self._kernel = kernel_kills()

    def end_late(self, leases: Iterable[int]) -> None:
        """End the workers that are so late that they cannot have ended themselves: they were stopped (SIGSTOP)."""
        for lease in leases if self._here else ():
            note, _ = self._read(lease)
            if note.get("limit") is None or time.monotonic() - note["began"] < note["limit"] + KILL_DELAY_S:
                continue
            self._late.add(lease)
            with contextlib.suppress(OSError):
                os.kill(note["pid"], signal.SIGKILL)

    def of(self, lease: int, said: str = "", how: str = "") -> Death:
        """Return how the worker of a lease died.

        Args:
            lease: its number.
            said: what Ray said about it.
            how: how the lease's own process died, as its worker tells it, which lives.
        """
        note, words = self._read(lease)
        kernel, self._kernel = self._kernel, kernel_kills()
        within = f" in epoch {note['epoch']}" if note.get("epoch") else ""
        if words.startswith(TIMEOUT_NOTE) or lease in self._late:
            return Death(f"took longer than {note.get('limit', 0):g} s{within} and was ended", words)
        for line in words.splitlines():
            if line.startswith("Fatal Python error: "):
                fault = line.removeprefix("Fatal Python error: ")
                name = next((name for start, name in SIGNAL_NAMES.items() if fault.startswith(start)), fault)
                return Death(f"died of {name}{within}", words)
        if "OutOfMemory" in said or "low on memory" in said:
            first = "\n".join(said.splitlines()[:4])  # pages follow, of Ray's object store
            return Death(f"was ended by Ray{within}; out of memory: this machine ran low", first, memory=True)
        if how and signal.SIGKILL.name not in how:
            return Death(f"{how}{within}", words)
        if not (self._here or how):
            return Death("exited without leaving a trace", said)
        if None not in (kernel, self._kernel) and kernel != self._kernel:
            text = f"was killed{within} (SIGKILL); out of memory: the kernel ended a process meanwhile"
            return Death(text, memory=True)
        return Death(f"was killed{within} (SIGKILL{'' if how else ', or os._exit in the workload'})")

    def note_of(self, lease: int) -> dict[str, Any]:
        """Return the last note on a lease of a worker on this machine; empty where there is none."""
        return self._read(lease)[0] if self._here else {}

    def _read(self, lease: int) -> tuple[dict[str, Any], str]:
        """Return a worker's last note, and what the fault handler wrote: that of the lease's own process, or its."""
        try:
            first, _, rest = _path(self._folder, lease).read_text("utf-8", "replace").partition("\n")
            note = json.loads(first)
        except (OSError, ValueError):
            return {}, ""
        with contextlib.suppress(OSError):  # it had none, or did not come so far
            rest = _faults(self._folder, lease).read_text("utf-8", "replace") or rest
        return note if isinstance(note, dict) else {}, rest


def kernel_kills() -> int | None:
    """Return how many processes the kernel has ended for lack of memory since it started; None where it does not say
    (that is on Linux alone)."""
    with contextlib.suppress(OSError, ValueError), Path("/proc/vmstat").open() as file:
        for line in file:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return None


def _path(folder: str, lease: int) -> Path:
    return Path(folder, f"lease-{lease}")


def _faults(folder: str, lease: int) -> Path:
    return Path(folder, f"lease-{lease}-faults")
