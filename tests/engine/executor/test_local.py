"""The local Ray where it does not start at once; nothing of it is started here."""

from __future__ import annotations

import errno
import itertools
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from search.core.errors import UserError
from search.engine.executor import folders
from search.engine.executor.agents import stripped
from search.engine.executor.folders import LOCK_FILE
from search.system import limits
from search.system.limits import Processes
from tests.surroundings import HANG_S

pytestmark = pytest.mark.slow  # Ray's import takes seconds

TIMED_OUT = Exception("The current node timed out during startup.\nMore of it.")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Start a Ray that fails so many times; return what happened, in turn."""
    import search.engine.executor.tune  # noqa: F401  # it prepares for Ray
    from search.engine.executor import local

    def run(failures: int, error: Exception = TIMED_OUT) -> list[str]:
        happened: list[str] = []

        @contextmanager
        def guard(folder: str) -> Iterator[Any]:
            happened.append("guarded")
            yield SimpleNamespace(starting=told, started=lambda: happened.append("started"))
            assert (Path(folder) / LOCK_FILE).exists()
            happened.append("guard sees to it")

        def told(limit: float, sentence: str) -> None:
            assert sentence.startswith(f"Ray did not start within {limit:g} s; ")

        def init(*_: Any, **__: Any) -> Any:
            if happened.count("guarded") <= failures:
                raise error
            return SimpleNamespace(address_info={"session_dir": str(tmp_path / "the one")})

        monkeypatch.setattr(folders, "places", lambda: [(str(tmp_path), "TMPDIR")])
        monkeypatch.setattr(folders, "SOCKET_BYTES_INSIDE", 0)
        monkeypatch.setattr(local, "guard", guard)
        monkeypatch.setattr(local.ray, "init", init)
        monkeypatch.setattr(local.ray, "shutdown", lambda: happened.append("shut down"))
        try:
            with local.local_ray():
                happened.append(f"runs in {Path(local.session()).name}")
        except UserError as ended:
            happened.append(str(ended))
        assert local.session() == ""
        return happened

    return run


def test_ray_is_started_again(start: Callable[..., list[str]]) -> None:
    assert start(0) == ["guarded", "started", "runs in the one", "shut down", "guard sees to it"]
    assert start(1) == [
        *("guarded", "started", "shut down", "guard sees to it"),
        *("guarded", "started", "runs in the one", "shut down", "guard sees to it"),
    ]


def test_ray_that_never_starts(start: Callable[..., list[str]], tmp_path: Path) -> None:
    happened = start(9)
    assert happened.count("guarded") == 3
    assert happened[-1] == (
        "Ray did not start on this machine, tried 3 times (The current node timed out during startup.); see whether "
        f"the machine is overloaded, or its memory or '{tmp_path}' full"
    )


def test_what_the_system_refuses_is_not_tried_again(start: Callable[..., list[str]], tmp_path: Path) -> None:
    happened = start(9, OSError(errno.ENOSPC, "No space left on device"))
    assert happened.count("guarded") == 1
    assert happened[-1] == (
        "Ray did not start on this machine ([Errno 28] No space left on device); see whether the machine is "
        f"overloaded, or its memory or '{tmp_path}' full"
    )


def test_too_few_processes_are_named_at_once(
    start: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    by = "this user may have (ulimit -u)"
    monkeypatch.setattr(limits, "processes", lambda: Processes(40, 4, by))
    assert start(9) == [
        "Ray cannot be started: it takes at least 130 processes and threads, 36 are left of the 40 processes and "
        "threads that this user may have (ulimit -u); raise this limit, or end other programs"
    ]
    monkeypatch.setattr(limits, "processes", lambda: Processes(150, 4, by))
    assert start(9)[-1] == (
        "Ray did not start on this machine, tried 3 times (The current node timed out during startup.); 146 are left "
        "of the 150 processes and threads that this user may have (ulimit -u): raise this limit, or end other "
        f"programs; see whether the machine is overloaded, or its memory or '{tmp_path}' full"
    )


CONNECTS = """
import ctypes, os, subprocess, sys, time
import search.engine.executor.tune
from search.system import ending
from search.engine.executor import guard; from search.engine.executor import local
libc, lock = ctypes.PyDLL(None), ctypes.create_string_buffer(64)  # its calls keep Python's lock
def native():
    end = time.time() + int(sys.argv[2])
    until = (ctypes.c_long * 2)(int(end), int(end % 1 * 1e9))
    # Python's own steps would hear of a signal that comes before the last line.
    subprocess.Popen(["sh", "-c", f"sleep 1; kill -{sys.argv[3]} {os.getpid()}"])
    libc.pthread_mutex_lock(lock)
    libc.pthread_mutex_timedlock(lock, until)  # no signal ends its waiting
ending.listen()
try:
    with guard.guard(sys.argv[1]) as told:
        told.starting(900.0, "Ray did not start")
        local._mortal(told, native)()
        told.started()
except KeyboardInterrupt:
    sys.exit(130)
"""


Starts = dict[tuple[int, int], "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def hanging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starts]:
    """Starts that hang, all at once, for they wait: by the signal that comes, and the seconds it would take."""
    starts: Starts = {}
    for number, seconds in itertools.product((signal.SIGINT, signal.SIGTERM), (5, 300)):
        folder = tmp_path_factory.mktemp("hanging") / f"search-{number:04}{seconds:04}"  # a guard ends what names it
        words = [sys.executable, "-c", CONNECTS, str(folder), str(seconds), str(int(number))]
        starts[number, seconds] = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield starts
    for process in starts.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("seconds", "code", "err"),
    [(5, 130, ""), (300, -signal.SIGKILL, "interrupted; give the same command again to go on\n")],
    ids=["connects", "hangs"],
)
def test_signals_end_a_start_that_hangs(number: int, seconds: int, code: int, err: str, hanging: Starts) -> None:
    """Ray's code holds the interpreter's lock meanwhile, and no handler of Python's runs before it lets go of it."""
    process = hanging[number, seconds]
    assert (*process.communicate(timeout=HANG_S), process.returncode) == ("", err, code)


def test_only_what_is_needed_is_started(start: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._private import parameter, services

    from search.engine.executor import local

    def init(*words: object, **more: object) -> Any:
        made = parameter.RayParams()
        seen.append((made.no_monitor, made.include_log_monitor, services.start_api_server(False, False)))
        return SimpleNamespace(address_info={"session_dir": "one"})

    seen: list[Any] = []
    before = parameter.RayParams, services.start_api_server, services.ConsolePopen
    start(0)
    monkeypatch.setattr("ray.init", init)
    with local.local_ray():
        pass
    assert seen == [(True, False, (None, None))]
    assert (parameter.RayParams, services.start_api_server, services.ConsolePopen) == before


RAYLET = ["raylet", "--session_dir=/s", "--node_id=1f", "--head"]
AGENTS = ["--dashboard_agent_command=python agent.py", "--runtime_env_agent_command=python main.py -x=1"]


def test_a_raylet_has_no_agents_and_is_told_that_nobody_listens() -> None:
    ports: list[Any] = []
    command = stripped([*RAYLET, *AGENTS], lambda *port: ports.append(port))
    waiting = shutil.which("cat")
    assert command == [*RAYLET, f"--dashboard_agent_command={waiting}", f"--runtime_env_agent_command={waiting}"]
    assert [port[:2] + port[3:] for port in ports] == [("/s", "1f", -1)] * 4
    names = [port[2] for port in ports]
    assert names == [
        "metrics_agent_port",
        "metrics_export_port",
        "dashboard_agent_listen_port",
        "runtime_env_agent_port",
    ]


@pytest.mark.parametrize("command", [["gcs_server", "--node_id=1f"], [*RAYLET, AGENTS[0]], [*RAYLET[:2], *AGENTS]])
def test_what_is_not_known_is_started_as_it_is(command: list[str]) -> None:
    assert stripped(command, lambda *port: pytest.fail("nothing is written")) == command


def test_without_the_command_that_waits_there_are_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    command = [*RAYLET, *AGENTS]
    assert stripped(command, lambda *port: pytest.fail("nothing is written")) == command


@pytest.mark.parametrize(
    ("failures", "missing", "left_out"),
    [(0, "", [True]), (2, "", [True, False, False]), (0, "ACTOR_CLASS", [False]), (0, "PORT_FILE", [False])],
    ids=["as usual", "a start that failed", "workers with environments", "nothing to write ports with"],
)
def test_agents_are_left_out_of_a_first_start_where_no_worker_needs_one(
    failures: int, missing: str, left_out: list[bool], start: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._private import services

    from search.engine.executor import local, private

    def init(*words: object, **more: object) -> Any:
        services.ConsolePopen([*RAYLET, *AGENTS], env={})
        if len(started) <= failures:
            raise TIMED_OUT
        return SimpleNamespace(address_info={"session_dir": "one"})

    started: list[list[str]] = []
    start(0)
    monkeypatch.setattr(services, "ConsolePopen", lambda command, **more: started.append(command))
    monkeypatch.setattr("ray._raylet.persist_port", lambda *port: None)
    monkeypatch.setattr("ray.init", init)
    if missing:
        nowhere = replace(getattr(private, missing), address="ray:none")
        monkeypatch.setattr(private, missing, nowhere)
    with local.local_ray(say=lambda text: None):
        pass
    assert [AGENTS[0] not in command for command in started] == left_out
