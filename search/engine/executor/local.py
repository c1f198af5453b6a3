"""A Ray of this machine's own, for one run. Imported by `tune`, which prepares for Ray first."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ray

from search.core.errors import RayLost, SearchError, StorageFailed, UserError
from search.core.shown import first_line
from search.engine.executor import private
from search.engine.executor.agents import stripped
from search.engine.executor.folders import full, own_folder
from search.engine.executor.guard import GuardLine, guard
from search.engine.executor.job import job
from search.engine.executor.servers import ServerWatch, watched
from search.engine.worker.actor import LeaseActor
from search.system import limits

MAX_STARTS = 3
"""How often Ray is started where it does not answer: it waits 30 seconds for its own processes and no longer."""

START_TIMEOUT_S = 90.0
"""Seconds that one start may take. Ray waits without end for a server that cannot start its threads, holding the
interpreter's lock, so that no code of ours could end that."""

MIN_PROCESSES = 130
"""Processes and threads that a local Ray and its driver have at least, on two CPUs; with fewer it hangs."""

UNNEEDED_PROCESSES = {private.NO_MONITOR: True, private.LOG_MONITOR: False}
"""Parameters of a Ray node that leave processes out."""

UNREAD_BY_WORKERS = (private.TRIAL_STORAGE, private.TRIAL_INFO)
"""What Tune sends to workers that they do not read: to unpickle it they would import Tune."""

_OWN_PROCESS_GROUP: dict[str, Any] = {"process_group": 0} if sys.platform.startswith("linux") else {}

_session = ""


def session() -> str:
    """Return the folder of the local Ray while there is one, else "". It goes with it, however this process ends."""
    return _session


@contextmanager
def local_ray(cpus: int | None = None, say: Callable[[str], object] = print) -> Iterator[None]:
    """Start a local Ray that listens on loopback only, without dashboard or usage statistics; end it at exit.

    It has so many CPUs, or those that Ray finds. Neither its processes nor its folder outlive this process, however
    that ends.

    Raises:
        UserError: it does not start.
        RayLost: it started, and failed later.
    """
    global _session  # noqa: PLW0603  # Ray has one session per process
    with ExitStack() as guards:
        _session = _started(guards, cpus, say)
        with watched(_gone) as watch:
            watch.look()  # now, so that names of Ray's that are missing are said before anything is trained
            try:
                with _failing_plainly(watch):
                    yield
            finally:
                watch.relieve()
                ray.shutdown()
                _session = ""


NEEDED_SERVERS = {private.RAYLET: "raylet", private.GCS_SERVER: "GCS server"}
"""Ray's processes without which nothing goes on; of the others it is not noticed when they end."""


def _gone() -> str:
    """Return which server of the local Ray has ended, and how, or ""."""
    node = private.NODE.get()
    if node is None:
        return ""
    servers = {server.get(): name for server, name in NEEDED_SERVERS.items()}
    try:
        for kind, process in (private.DEAD_PROCESSES.get(node) or list)():
            if name := servers.get(kind):
                code = process.returncode
                how = signal.Signals(-code).name if code < 0 else f"exit {code}"
                return f"{name} on this machine ended while it was needed ({how})"
    except (AttributeError, TypeError, ValueError) as error:  # these processes are others than they were
        private.DEAD_PROCESSES.lacking(error)
    if _refused(private.GCS_ADDRESS.get(node) or ""):  # told to end, it lets go of its port and stays
        return f"{NEEDED_SERVERS[private.GCS_SERVER]} on this machine takes no more connections"
    return ""


def _refused(address: str) -> bool:
    """Whether nobody listens at an address; that nobody answers in time is no reason to think so."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
    except ConnectionRefusedError:
        return True
    except (OSError, ValueError):
        pass
    return False


@contextmanager
def _failing_plainly(watch: ServerWatch) -> Iterator[None]:
    """Say what failures of Ray's own come to, whatever they are called.

    Raises:
        RayLost: a server is gone, or Ray raised an error of its own.
        UserError: its folder is full, whatever came of that.
    """
    try:
        yield
    except StorageFailed:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if watch.lost is not None:
            raise watch.lost from error
        if isinstance(error, KeyboardInterrupt):
            raise
        if gone := _gone():  # within a second, and not seen by the watch
            raise RayLost(gone) from error
        if not isinstance(error, SearchError) and (text := full(_session)):
            raise UserError(text) from error
        if not isinstance(error, (ray.exceptions.RayError, ConnectionError)):
            raise
        raise RayLost(f"part of the work failed on this machine ({first_line(error)})") from error


def _started(guards: ExitStack, cpus: int | None, say: Callable[[str], object]) -> str:
    """Start Ray under a guard, again where that fails; return its folder.

    Raises:
        UserError: it does not start, or cannot.
    """
    if reason := limits.processes().trouble(MIN_PROCESSES):
        raise UserError(f"Ray cannot be started: {reason}")
    for left in reversed(range(MAX_STARTS)):
        with ExitStack() as attempt:
            folder = attempt.enter_context(own_folder(say))
            attempt.enter_context(own_token())
            try:
                told = attempt.enter_context(guard(folder))
                told.starting(START_TIMEOUT_S, f"Ray did not start within {START_TIMEOUT_S:g} s; {_look(folder)}")
                try:
                    with _lean(told, without_agents=left == MAX_STARTS - 1):  # they may be what a start fails for
                        started = private.init(
                            "local",  # else RAY_ADDRESS, or a cluster started on this machine, would be taken instead
                            num_cpus=cpus,
                            include_dashboard=False,
                            log_to_driver=False,
                            logging_level=logging.ERROR,
                            configure_logging=True,
                            job_config=job(local=True),
                            private={private.ADDRESS: "127.0.0.1", private.FOLDER: folder},
                        )
                finally:
                    told.started()
            except Exception as error:
                ray.shutdown()
                if left and not isinstance(error, OSError):  # what the system refuses it refuses again
                    continue
                times = f", tried {MAX_STARTS} times" if not left else ""
                raise UserError(
                    f"Ray did not start on this machine{times} ({first_line(error)}); {_look(folder)}"
                ) from error
            guards.push(attempt.pop_all())
            return str(started.address_info["session_dir"])
    raise AssertionError("one of the attempts returned or raised")


def _look(folder: str) -> str:
    """Return what to look at where Ray does not start."""
    few = limits.processes()
    first = f"{few}: raise this limit, or end other programs; " if few.left < 10 * MIN_PROCESSES else ""
    return f"{first}see whether the machine is overloaded, or its memory or {str(Path(folder).parent)!r} full"


@contextmanager
def _lean(told: GuardLine, without_agents: bool) -> Iterator[None]:
    """Start only what a run needs of Ray's processes, outside of this one's process group.

    Left out are three Python processes of Ray's that a start and its end otherwise wait for: the autoscaler's monitor,
    the log monitor, and the dashboard's server, which is started even where there is to be no dashboard. With
    ``without_agents`` so are those of `search.engine.executor.agents`, where workers need no environment of their own.

    A signal to the whole group (`timeout` and some terminals send SIGTERM so) would end Ray under the run, which could
    then neither finish its epochs nor end in order. Elsewhere than on Linux Ray ends its own by their group.

    What a version of Ray does not have stays as it is there.
    """

    def lean(usual: Callable[..., object]) -> Callable[..., object]:
        return functools.partial(
            usual, **{name.parameter: value for name, value in UNNEEDED_PROCESSES.items() if name.known()}
        )

    no_environments = without_agents and private.ACTOR_CLASS.get() is not None
    write_port = private.PORT_FILE.get() if no_environments else None

    def start(usual: Callable[..., object], command: Sequence[str], *words: object, **more: object) -> object:
        left = stripped(command, write_port) if write_port is not None else command
        return usual(left, *words, **more, **_OWN_PROCESS_GROUP)

    changes: dict[private.Private, Callable[[Any], object]] = {
        private.NODE_PARAMETERS: lean,
        private.API_SERVER: lambda usual: lambda *words, **more: (None, None),
        private.PROCESS: lambda usual: functools.partial(start, usual),
        private.SIGTERM_HANDLER: lambda usual: lambda handler: None,  # ours stays
        private.COMMAND_LINE: lambda usual: lambda: "search",
        private.STACK_DUMP: lambda usual: True,
        private.CORE_WORKER: functools.partial(_mortal, told),
    }
    with ExitStack() as stack:
        for name, make in changes.items():
            stack.enter_context(name.replaced(make))
        yield


def _mortal(told: GuardLine, usual: Callable[..., object]) -> Callable[..., object]:
    """Let signals end this process while Ray connects: it waits for its servers for seconds, perhaps for ever, and
    holds the interpreter's lock meanwhile, so that no handler of ours can run before it is done."""

    def connect(*words: object, **more: object) -> object:
        if threading.current_thread() is not threading.main_thread():
            return usual(*words, **more)
        with told.hearing():
            return usual(*words, **more)

    return connect


@contextmanager
def in_ready_processes() -> Iterator[None]:
    """Let Tune meanwhile take the processes that Ray started ahead for the workers of a local Ray. They import no Tune.

    It asks for an environment with some variables of the driver's, which Ray can only give to a new process, a second
    or two later. On this machine every process has them from the driver.
    """
    if private.ACTOR_CLASS.get() is None:
        yield
        return
    actor = functools.cache(ray.remote)  # a class is registered once
    unread = [kind for name in UNREAD_BY_WORKERS if (kind := name.get()) is not None]
    for kind in unread:
        ray.util.register_serializer(kind, serializer=lambda value: False, deserializer=bool)
    try:
        with private.ACTOR_CLASS.replaced(lambda usual: lambda classes, trainable: actor(LeaseActor)):
            yield
    finally:
        for kind in unread:
            ray.util.deregister_serializer(kind)


TOKEN_VARIABLE = "RAY_AUTH_TOKEN"


_token = secrets.token_hex(32)  # for as long as the process lives, for Ray reads it once


@contextmanager
def own_token() -> Iterator[None]:
    """Give a local Ray a token of its own, by which its processes know each other: it would else put one into the home
    of its user, and leave it there."""
    before = os.environ.get(TOKEN_VARIABLE)
    os.environ[TOKEN_VARIABLE] = _token
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(TOKEN_VARIABLE, None)
        else:
            os.environ[TOKEN_VARIABLE] = before
