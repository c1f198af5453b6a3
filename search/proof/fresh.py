"""Fresh processes: such in which the workload is imported, and nothing was trained before.

What a training must not depend on is what its process did before. So whoever proves rows trains them in a process of
their own. On a CPU that is a fork of a warm one: `Warm` forks the calling process early (the *zygote*), which imports
the workload, trains nothing, and forks one process for each `Fresh`. The zygote talks over a socket alone, so it does
not matter which threads the calling process has. Where a fork is no fresh process - a GPU's context does not survive
it, nor macOS's libraries - each `Fresh` is an interpreter started anew.

Everything ends with the process that asked for it: the zygote at the end of its socket, its children with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import reduction
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from search.core.trial import DataCard
from search.core.values import Settings
from search.proof import child
from search.workload import Workload

Prepare = Callable[[], Workload]

_forking = threading.Lock()
"""Held while one end of a socket is on its way to a child: a zygote that is forked meanwhile would keep it open."""


class FreshFailed(Exception):
    """An exception in a fresh process; its text is the traceback.

    Attributes:
        reason: what was raised, as one phrase with its place in the workload's source.
        kinds: names of its class and of those above it.
        raised: its class and the first line of its message.
    """

    def __init__(self, text: str, reason: str, kinds: Sequence[str] = (), raised: str = "") -> None:
        super().__init__(text)
        self.reason, self.kinds, self.raised = reason, kinds, raised

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.reason, self.kinds, self.raised)


class FreshDied(Exception):
    """A fresh process ended by itself.

    Attributes:
        how: how it ended: by which signal, or with which exit status ("died of SIGSEGV").
    """

    def __init__(self, how: str, who: str = "the process") -> None:
        super().__init__(f"{who} {how}")
        self.how = how


class Warm:
    """A process in which the workload is imported and nothing was trained; gives fresh processes.

    May be used by several threads.

    Args:
        prepare: imports the workload; where a process is started anew, it must be what `pickle` can name.
        fork: whether fresh processes are forks of one that is forked from the calling process now, before anything was
            trained there; else each is started anew.
        environment: variables of processes that are started anew, beside those of this one.
    """

    def __init__(self, prepare: Prepare, *, fork: bool, environment: Mapping[str, str] | None = None) -> None:
        self._prepare, self._environment = prepare, dict(environment or {})
        self._zygote: Connection | None = None
        self._pid = 0
        self._lock = threading.Lock()
        if fork:
            self._fork()

    def _fork(self) -> None:
        with _forking:
            ours, its = socket.socketpair()
            _flush()
            self._pid = os.fork()
            if self._pid == 0:
                ours.close()
                child.zygote(Connection(its.detach()), self._prepare)
            its.close()
        self._zygote = Connection(ours.detach())

    def fresh(self, anew: bool = False) -> Fresh:
        """Return a fresh process; whoever asked for it closes it.

        Args:
            anew: whether it is started anew where others are forked: all forks of one process have the same objects at
                the same addresses, and the same order of sets.

        Raises:
            FreshFailed: the workload could not be imported; told here, or by the first thing that is asked of it.
            FreshDied: the warm process has ended.
        """
        with _forking:
            ours, its = socket.socketpair()
            connection = Connection(ours.detach())
            try:
                return Fresh(connection, self._child(its, anew))
            except BaseException:
                connection.close()
                raise
            finally:
                its.close()

    def _child(self, its: socket.socket, anew: bool) -> _Forked | _Spawned:
        """Return a new process, which has one end of a socket."""
        if anew or not self._pid:
            return _Spawned(its, self._prepare, self._environment)
        try:
            with self._lock:
                zygote = self._living()
                zygote.send_bytes(b"fork")
                reduction.send_handle(zygote, its.fileno(), self._pid)
                answer = pickle.loads(zygote.recv_bytes())
        except (EOFError, OSError) as error:
            raise FreshDied("has ended", "the warm process") from error
        if isinstance(answer, int):
            return _Forked(self, answer)
        raise FreshFailed(*answer)

    def end(self, pid: int, kill: bool) -> int:
        """Wait for the end of a fork, and return what `os.waitpid` says of it.

        Args:
            pid: of the fork.
            kill: whether it is ended first, with the processes that it has started.
        """
        return int(self._ask("end", pid, kill))

    def import_modules(self, names: Sequence[str]) -> None:
        """Have modules imported before anything is forked from now on: what a workload imports late takes its time in
        every fresh process. Nothing is done where each is started anew."""
        if self._pid:
            self._ask("import", list(names))

    def warm(self, fixed: Settings) -> None:
        """Have the workload read, before anything is forked from now on, what runs under these settings share. Nothing
        is done where each process is started anew."""
        if self._pid:
            self._ask("warm", dict(fixed))

    def _ask(self, *request: object) -> Any:
        try:
            with self._lock:
                zygote = self._living()
                zygote.send_bytes(json.dumps(request).encode())
                return pickle.loads(zygote.recv_bytes())
        except (EOFError, OSError) as error:
            raise FreshDied("has ended", "the warm process") from error

    def _living(self) -> Connection:
        if self._zygote is None:
            raise FreshDied("was closed", "the warm process")
        return self._zygote

    def close(self) -> None:
        """End the warm process, and every fork that is left. Nothing is done where it is closed already."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None
                with contextlib.suppress(ChildProcessError):  # somebody has waited for every child
                    os.waitpid(self._pid, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Forked:
    """The process of a fork: the zygote's child."""

    def __init__(self, warm: Warm, pid: int) -> None:
        self._warm, self.pid = warm, pid

    def end(self, kill: bool) -> int:
        return self._warm.end(self.pid, kill)


class _Spawned:
    """A process started anew."""

    def __init__(self, its: socket.socket, prepare: Prepare, environment: Mapping[str, str]) -> None:
        begin = f"import sys; sys.path[:] = {sys.path!r}; from search.proof.child import spawned; spawned()"
        _flush()
        self._process = subprocess.Popen(
            [sys.executable, "-c", begin, str(its.fileno()), pickle.dumps(prepare).hex()],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=2,  # what a workload prints is no answer of ours
            env={**os.environ, **environment},
            process_group=0,
        )
        self.pid = self._process.pid

    def end(self, kill: bool) -> int:
        if kill:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        return -code if code < 0 else code << 8


class Fresh:
    """One fresh process; a `Run` from `start` on, and a context manager.

    What the workload prints goes to standard error.

    Attributes:
        pid: number of the process.
    """

    def __init__(self, connection: Connection, process: _Forked | _Spawned) -> None:
        self._connection, self._process = connection, process
        self._open = True
        self.pid = process.pid

    def start(self, fixed: Settings, cpus: int, gpus: float, state: bytes | None = None) -> None:
        """Begin a run, as a worker does: the data are read, the run started, the state loaded where there is one.

        May be called again: another run, in the same process.

        Raises:
            FreshFailed: the workload raised an exception.
            FreshDied: the process ended.
        """
        self.ask("start", dict(fixed), cpus, gpus, state)

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        """Train the next epoch, and return what the workload did. Raises as `start`."""
        measured: Mapping[str, object] = self.ask("train_epoch", dict(settings))
        return measured

    def save(self) -> bytes:
        """Return the state of the run. Raises as `start`."""
        return bytes(self.ask("save"))

    def load(self, state: bytes) -> None:
        """Load a state into the run. Raises as `start`."""
        self.ask("load", state)

    def usage(self) -> Mapping[str, float] | None:
        """Return what the run says of its GPU; None of one that says nothing. Raises as `start`."""
        told: Mapping[str, float] | None = self.ask("usage")
        return told

    def note_faults(self, file: str) -> None:
        """Have the process write into a file where it was when it dies of a fault, or when its time is over."""
        self.ask("note_faults", file)

    def limit(self, seconds: float | None) -> None:
        """End the process after so many seconds, unless another limit is set before; None for never."""
        self.ask("limit", seconds)

    def data(self, fixed: Settings) -> DataCard | None:
        """Return the workload's data card. Raises as `start`."""
        card: DataCard | None = self.ask("data", dict(fixed))
        return card

    def ask(self, what: str, *arguments: object) -> Any:
        """Have a method of `search.proof.child.Asked` called there, and return what it returns. Raises as `start`."""
        if not self._open:
            raise FreshDied("was closed")
        try:
            self._connection.send_bytes(pickle.dumps((what, arguments)))
            answer, value = pickle.loads(self._connection.recv_bytes())  # from our own process
        except (EOFError, OSError) as error:
            raise FreshDied(self._end(kill=False)) from error
        except BaseException:  # interrupted in between: the next answer would be that to this question
            self._end(kill=True)
            raise
        if answer == "failed":
            raise FreshFailed(*value)
        return value

    def close(self) -> None:
        """End the process, and what it has started. Nothing is done where it has ended."""
        if self._open:
            with contextlib.suppress(FreshDied, EOFError, OSError):  # with the warm process, its forks have ended
                self._end(kill=True)

    def _end(self, kill: bool) -> str:
        """Let go of the process; return how it ended, as `FreshDied` tells it."""
        self._open = False
        self._connection.close()
        status = self._process.end(kill)
        if os.WIFSIGNALED(status):
            return f"died of {signal.Signals(os.WTERMSIG(status)).name}"
        return f"ended with exit status {os.waitstatus_to_exitcode(status)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _flush() -> None:
    """Write what is buffered, so that a child does not write it again."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # closed, or there is none
            stream.flush()
