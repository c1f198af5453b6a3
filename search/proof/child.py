"""What runs in fresh processes, and in the one they are forked from; see `search.proof.fresh`."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import pickle
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import NoReturn, TextIO

from search.core.trial import DataCard
from search.core.values import Settings
from search.proof import disturb
from search.proof.look import Seen, look
from search.proof.roots import roots
from search.proof.transplant import Copy, copies, put
from search.proof.watched import Watched
from search.system import garbage
from search.workload import ImportingLate, Occupying, Run, TellingReads, Warming, Workload
from search.workload.foreign import first_line, reason_of

PR_SET_PDEATHSIG = 1
"""Of Linux's `prctl`: the signal that a process gets when its parent ends."""


class Asked:
    """What a fresh process can be asked: each public method, by its name."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._run: Run | None = None
        self._data_of: Settings | None = None  # the fixed settings whose data were read last
        self._faults: TextIO = sys.stderr

    def start(self, fixed: Settings, cpus: int, gpus: float, state: bytes | None) -> None:
        """Begin a run."""
        self._run = None
        if self._data_of != fixed:
            self._workload.data(fixed)  # a worker reads them before it starts a run, to compare them with the driver's
        run = self._workload.start(fixed, cpus, gpus)
        if state is not None:
            run.load(state)
        self._run = run

    @property
    def run(self) -> Run:
        """The run in progress."""
        if self._run is None:
            raise RuntimeError("no run was started")
        return self._run

    def train_epoch(self, settings: Settings) -> object:
        """Train an epoch."""
        return self.run.train_epoch(settings)

    def save(self) -> bytes:
        """Return the state."""
        return self.run.save()

    def load(self, state: bytes) -> None:
        """Load a state."""
        self.run.load(state)

    def usage(self) -> Mapping[str, float] | None:
        """Return what the run takes of its GPU."""
        return self.run.usage() if isinstance(self.run, Occupying) else None

    def data(self, fixed: Settings) -> DataCard | None:
        """Return the data card."""
        card, self._data_of = self._workload.data(fixed), dict(fixed)
        return card

    # What a worker asks besides.

    def note_faults(self, file: str) -> None:
        """Write into a file where this process was when it dies of a fault."""
        with contextlib.suppress(OSError):  # no room, or no such folder: the work matters, the notes do not
            self._faults = open(file, "a", encoding="utf-8")  # noqa: PTH123, SIM115 - for faults to come
            faulthandler.enable(self._faults)

    def limit(self, seconds: float | None) -> None:
        """End this process after so many seconds, with a note of where it was; None for never."""
        if seconds is None:
            faulthandler.cancel_dump_traceback_later()
            return
        with contextlib.suppress(ValueError, OverflowError):  # longer than the system's clocks can count
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._faults)

    # What `verify` asks besides.

    def stir(self, names: Sequence[str], number: int) -> None:
        """Put shared generators at a place that a number names."""
        disturb.stir(names, number)

    def generators(self) -> dict[str, object]:
        """Return where the shared generators are."""
        return disturb.places()

    def put_back(self, generators: dict[str, object]) -> None:
        """Put the shared generators where those of another process were."""
        disturb.put_back(generators)

    def stop_clock(self) -> None:
        """Let the clock stand still."""
        disturb.stop_clock()

    def seal_chance(self) -> None:
        """Let the system's source of chance give zeros."""
        disturb.seal_chance()

    def look(self) -> dict[str, Seen]:
        """Return what the run holds, and what the process keeps beside it."""
        return look(roots(self.run, self._workload))

    def copies(self, paths: Sequence[str]) -> dict[str, Copy]:
        """Return copies of what a look finds at these paths."""
        return copies(roots(self.run, self._workload), paths)

    def put(self, copied: Mapping[str, Copy]) -> None:
        """Put copies of what another process holds where it is held here."""
        put(roots(self.run, self._workload), copied)

    def start_watched(self, fixed: Settings, cpus: int, gpus: float) -> None:
        """Begin a run that is given settings which tell what is read of them."""
        self._watched, self._told = Watched(dict(fixed)), set[str]()
        self.start(self._watched, cpus, gpus, None)

    def reads(self) -> set[str]:
        """Return the settings that were read since they were asked for last, and not before."""
        read = set(self.run.settings_read()) if isinstance(self.run, TellingReads) else set(self._watched.read)
        new, self._told = read - self._told, read
        return new

    def hush(self) -> None:
        """Let nobody see any more what is printed here."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.close(nowhere)

    def modules(self) -> list[str]:
        """Return the modules that are imported, in this order."""
        return [name for name, module in sys.modules.items() if module is not None and name != "__main__"]


def zygote(callers: Connection, prepare: Callable[[], Workload]) -> NoReturn:
    """Import the workload, and fork a process for each request; ends with the caller."""
    code = 1
    try:
        _leave_the_caller()
        trouble, workload = _prepared(prepare)
        if isinstance(workload, ImportingLate):
            _import(workload, workload.late_modules)
        gc.freeze()  # no fork looks for garbage among all that is imported, which would copy it
        with contextlib.suppress(EOFError, OSError):  # the caller has ended
            while request := callers.recv_bytes():
                if request != b"fork":
                    what, *arguments = json.loads(request)
                    callers.send_bytes(pickle.dumps(_SERVICES[what](workload, *arguments)))
                    continue
                descriptor = reduction.recv_handle(callers)
                if workload is None:
                    os.close(descriptor)
                    callers.send_bytes(pickle.dumps(trouble))
                    continue
                parent, pid = os.getpid(), os.fork()
                if pid == 0:
                    callers.close()
                    os.setpgid(0, 0)  # so that it is ended with what it starts
                    _end_with(parent)
                    _serve(Connection(descriptor), workload)
                os.close(descriptor)
                callers.send_bytes(pickle.dumps(pid))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def spawned() -> NoReturn:
    """Be a process started anew: its arguments are the number of its socket, and how the workload is prepared."""
    connection = Connection(int(sys.argv[1]))
    threading.Thread(target=_watch, args=(connection.fileno(),), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trouble, workload = _prepared(lambda: pickle.loads(bytes.fromhex(sys.argv[2]))())  # our own
    if workload is None:
        connection.recv_bytes()
        connection.send_bytes(pickle.dumps(("failed", trouble)))
        os._exit(0)
    _serve(connection, workload)


def _leave_the_caller() -> None:
    """Share nothing with the calling process that one of both could disturb."""
    signal.set_wakeup_fd(-1)  # it would tell the caller of our signals
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's, which ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)  # what a workload prints is no answer of ours


def _prepared(prepare: Callable[[], Workload]) -> tuple[tuple[str, str], Workload | None]:
    """Return the workload, or traceback and reason why there is none."""
    try:
        with garbage.not_sought():
            return ("", ""), prepare()
    except BaseException as error:
        return (traceback.format_exc(), reason_of(error)), None


def _import(_: Workload | None, names: Sequence[str]) -> None:
    """Import modules; what cannot be imported by its name is left to whoever needs it."""
    for name in names:
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _warm(workload: Workload | None, fixed: Settings) -> None:
    """Let the workload read what its runs under these settings share; the run will say what is wrong with it."""
    if isinstance(workload, Warming):
        with contextlib.suppress(Exception):
            workload.warm(fixed)


def _end(_: Workload | None, pid: int, kill: bool) -> int:
    """Return how a child ended."""
    if kill:
        for end in (os.killpg, os.kill):  # the second where it has not made its group yet
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(pid, signal.SIGKILL)
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:  # what the workload imports has waited for it
        return 0


_SERVICES: Mapping[str, Callable[..., object]] = {"end": _end, "import": _import, "warm": _warm}
"""What a zygote can be asked beside a fork."""


def _end_with(parent: int) -> None:
    """End when the parent does, also in the midst of training."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(0)


def _watch(descriptor: int) -> NoReturn:
    """End the process when nobody is at the other end of its socket."""
    poll = select.poll()
    poll.register(descriptor, 0)  # a hang-up is told without being asked for
    poll.poll()
    os._exit(0)


def _serve(connection: Connection, workload: Workload) -> NoReturn:
    """Answer until the caller is gone."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # a fork has its parent's generator; Python's own it has made anew
    asked = Asked(workload)
    with contextlib.suppress(EOFError, OSError):
        while True:
            what, arguments = pickle.loads(connection.recv_bytes())  # from our own process
            connection.send_bytes(_answer(asked, what, arguments))
    os._exit(0)


def _answer(asked: Asked, what: str, arguments: tuple[object, ...]) -> bytes:
    try:
        return pickle.dumps(("answer", getattr(asked, what)(*arguments)))
    except BaseException as error:  # SystemExit and its like among them
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return pickle.dumps(("failed", (traceback.format_exc(), reason_of(error), kinds, first_line(error))))
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
