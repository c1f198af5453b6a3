"""The servers of a local Ray that end while they are needed: the run is told, ends, and starts Ray again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from search.core.errors import RayLost, StorageFailed, UserError
from search.core.trial import State
from search.engine import outage
from search.engine.executor import servers
from search.engine.executor.servers import fallen, listening, watched
from search.engine.live import Silent
from search.engine.outage import through_outages
from tests.engine.test_run import Bench, kin, wait_for, without
from tests.surroundings import HANG_S

ADVICE = (
    "; see whether the machine is overloaded, or its memory or the folder for temporary files full; what is committed "
    "stays, and the same command goes on"
)


# The watch -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "SERVER_CHECK_INTERVAL_S", 0.01)


def test_who_listens_is_told_of_a_server_that_is_gone() -> None:
    told, heard = threading.Event(), []
    state = [""]

    def listener(error: RayLost) -> None:
        heard.append(str(error))
        told.set()

    with watched(lambda: state[0]) as watch:
        with listening(listener):
            assert not told.wait(0.1)
            state[0] = "raylet ended (SIGKILL)"
            assert told.wait(HANG_S)
        assert heard == [f"Ray's raylet ended (SIGKILL){ADVICE}"]
        with listening(listener):
            assert len(heard) == 2, "whoever comes later is told at once"
        assert watch.lost is not None
    assert watch.lost.reason == "raylet ended (SIGKILL)"


def test_servers_that_end_when_nobody_needs_them_are_not_lost() -> None:
    state, heard = [""], []
    with watched(lambda: state[0]) as watch, listening(heard.append):
        watch.relieve()
        state[0] = "raylet ended (SIGTERM)"
        assert not watch._thread.is_alive()
    assert (watch.lost, heard) == (None, [])


def test_without_a_local_ray_nobody_is_told() -> None:
    with listening(lambda error: pytest.fail("nothing was lost")):
        pass


def test_a_run_that_cannot_end_is_ended() -> None:
    """Its main thread waits for something that does not come."""
    code = (
        "import threading\nfrom search.engine.executor import servers\n"
        "servers.SERVER_CHECK_INTERVAL_S, servers.RUN_END_TIMEOUT_S = 0.01, 0.3\n"
        "with servers.watched(lambda: 'GCS server ended (exit 1)'):\n    threading.Event().wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Ray's GCS server ended (exit 1){ADVICE}\n")


def test_a_run_that_ends_in_time_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(servers, "RUN_END_TIMEOUT_S", 20)
    monkeypatch.setattr(servers.os, "_exit", codes.append)
    with watched(lambda: "raylet ended") as watch:
        wait_for(lambda: watch.lost)
    watch._thread.join(HANG_S)
    assert not watch._thread.is_alive()
    assert codes == []


# A worker that dies of it --------------------------------------------------------------------------------------


def test_a_worker_that_dies_with_a_server_did_not_die_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "SERVER_CHECK_INTERVAL_S", HANG_S)  # nobody else looks
    monkeypatch.setattr(servers, "NODE_EXIT_TIMEOUT_S", HANG_S)
    monkeypatch.setattr(servers, "SERVER_EXIT_NOTICE_S", 0.0)
    state = [""]
    assert fallen("its node has died") is None, "there is no local Ray"
    with watched(lambda: state[0]):
        assert fallen("The actor died unexpectedly") is None
        threading.Timer(0.2, lambda: state.__setitem__(0, "raylet ended (exit 0)")).start()
        assert str(fallen("The actor died because its node has died.")) == f"Ray's raylet ended (exit 0){ADVICE}"
        assert str(fallen("The actor died unexpectedly")) == f"Ray's raylet ended (exit 0){ADVICE}"


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["", "raylet ended (SIGKILL)"])
def test_and_its_trial_loses_no_attempt(gone: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import search.engine.executor.tune  # noqa: F401  # it prepares for Ray
    from search.engine.decide.lease import WorkerSetup
    from search.engine.executor.leasing import LeaseQueue

    class Pretender:
        idle, finished = True, False

        def next_lease(self, patience: float) -> Any:
            return SimpleNamespace(id=7)

        def give_up_at_once(self, error: Exception) -> None:
            heard.append(str(error))

        def lease_ended(self, lease: int, error: str, lost: bool, **more: Any) -> None:
            heard.append("ended, its worker lost" if lost else "ended")

    heard: list[str] = []
    queue = LeaseQueue(Pretender(), WorkerSetup("toy", 1, 0.0, signs=str(tmp_path)))  # type: ignore[arg-type]
    monkeypatch.setattr(servers, "SERVER_EXIT_NOTICE_S", 0.0)
    with watched(lambda: gone):
        queue.suggest("a")
        queue.on_trial_complete("a", error=True)
    assert heard == [f"Ray's {gone}{ADVICE}"] * bool(gone) + ["ended, its worker lost"], "the driver counts only before"


# A run that lost its Ray ---------------------------------------------------------------------------------------


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def losing(times: int) -> Callable[[], str]:
    left = [times]

    def work() -> str:
        if left[0]:
            left[0] -= 1
            raise RayLost("raylet ended")
        return "done"

    return work


def test_ray_is_started_again_and_the_run_goes_on() -> None:
    view = Heard()
    assert through_outages(losing(outage.MAX_RAY_RESTARTS), None, view) == "done"  # type: ignore[arg-type]
    assert view.said == ["Ray's raylet ended: starting it again, and going on from what is committed"] * 3


def test_but_not_for_ever() -> None:
    with pytest.raises(RayLost) as caught:
        through_outages(losing(outage.MAX_RAY_RESTARTS + 1), None, Heard())  # type: ignore[arg-type]
    assert str(caught.value) == f"Ray's raylet ended{ADVICE}"


# What Ray raises -----------------------------------------------------------------------------------------------


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], str]:
    """Raise an error where a local Ray is used; return what comes of it."""
    import search.engine.executor.tune  # noqa: F401  # it prepares for Ray
    from search.engine.executor import local

    monkeypatch.setattr(local, "_started", lambda guards, cpus, say: "a folder")
    monkeypatch.setattr(local.ray, "shutdown", lambda: None)

    def run(error: BaseException) -> str:
        with pytest.raises(BaseException) as caught, local.local_ray():  # noqa: PT011
            raise error
        return f"{type(caught.value).__name__}: {caught.value}"

    return run


@pytest.mark.slow
def test_what_ray_raises_is_no_bug_of_ours(raising: Callable[[BaseException], str]) -> None:
    from ray import exceptions

    start = "RayLost: Ray's part of the work failed on this machine"
    for error, words in [
        (exceptions.RaySystemError("the store is gone"), "System error: the store is gone"),
        (exceptions.OutOfDiskError("no room\nof long explanations"), "no room"),
        (exceptions.LocalRayletDiedError(), "The task's local raylet died. Check raylet.out for more information."),
        (ConnectionError("GCS cannot be reached"), "GCS cannot be reached"),
        (ConnectionRefusedError(), "ConnectionRefusedError"),
    ]:
        assert raising(error) == f"{start} ({words}){ADVICE}"


@pytest.mark.slow
def test_whatever_comes_of_a_folder_that_is_full(
    raising: Callable[[BaseException], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray.exceptions import RaySystemError

    monkeypatch.setattr("search.engine.executor.local.full", lambda folder: f"{folder} is full")
    for error in (RuntimeError("one of Tune's"), OSError(28, "No space left on device"), RaySystemError("the store")):
        assert raising(error) == "UserError: a folder is full"
    assert raising(UserError("theirs")) == "UserError: theirs"
    assert raising(KeyboardInterrupt("Ctrl-C")) == "KeyboardInterrupt: Ctrl-C"


@pytest.mark.slow
def test_what_it_does_not_raise_stays_what_it_is(raising: Callable[[BaseException], str]) -> None:
    assert raising(ValueError("ours")) == "ValueError: ours"
    assert raising(UserError("theirs")) == "UserError: theirs"
    assert raising(KeyboardInterrupt("Ctrl-C")) == "KeyboardInterrupt: Ctrl-C"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("raylet", -signal.SIGKILL, "raylet on this machine ended while it was needed (SIGKILL)"),
        ("gcs_server", 1, "GCS server on this machine ended while it was needed (exit 1)"),
        ("log_monitor", 1, ""),
        ("dashboard", -signal.SIGSEGV, ""),
    ],
)
def test_which_servers_are_needed(
    kind: str,
    code: int,
    said: str,
    raising: Callable[[BaseException], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a run raises once one of these is gone, it is that which is said."""
    from search.engine.executor import local

    ended, here = [(kind, SimpleNamespace(returncode=code))], "127.0.0.1:no port"
    monkeypatch.setattr(
        local.ray._private.worker, "_global_node", SimpleNamespace(dead_processes=lambda: ended, gcs_address=here)
    )
    assert local._gone() == said

    for error in (KeyboardInterrupt("the run heard of it"), UserError("its workers died")):
        with pytest.raises(RayLost if said else type(error)) as caught, local.local_ray():  # noqa: PT012
            if said and isinstance(error, KeyboardInterrupt):
                wait_for(lambda: servers._watch is not None and servers._watch.lost)
            raise error
        assert str(caught.value) == (f"Ray's {said}{ADVICE}" if said else str(error))
    with pytest.raises(StorageFailed), local.local_ray():  # is waited for, and Ray started again likewise
        raise StorageFailed("a place", "the server is away", "wait", passing=True)


@pytest.mark.slow
def test_a_gcs_server_that_was_told_to_end_stays_and_hears_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    import search.engine.executor.tune  # noqa: F401  # it prepares for Ray
    from search.engine.executor import local

    with socket.create_server(("127.0.0.1", 0)) as server:
        here = f"127.0.0.1:{server.getsockname()[1]}"
        node = SimpleNamespace(dead_processes=list, gcs_address=here)
        monkeypatch.setattr(local.ray._private.worker, "_global_node", node)
        assert local._gone() == ""
    assert local._gone() == "GCS server on this machine takes no more connections"
    node.gcs_address = "nowhere"
    assert local._gone() == "", "that is another reason"


@pytest.mark.slow
def test_a_first_worker_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from search.engine.executor import tune

    waited: list[float] = []

    def get(reference: object, timeout: float) -> Any:
        waited.append(timeout)
        raise tune.ray.exceptions.GetTimeoutError("Get timed out")

    monkeypatch.setattr(tune.ray, "get", get)
    monkeypatch.setattr(tune.ray, "remote", lambda **_: lambda function: SimpleNamespace(remote=lambda setup: setup))
    with pytest.raises(UserError) as caught:
        tune.ask_execution_class("classifier", 1, 0.0)
    assert str(caught.value) == (
        "workload 'classifier' cannot be prepared on a worker: none has answered within 15 minutes; see whether the "
        "machine is overloaded, and how long the workload takes to be imported"
    )
    assert waited == [900.0]


# For real ------------------------------------------------------------------------------------------------------


@pytest.mark.stress
@pytest.mark.parametrize("server", ["raylet", "gcs_server"])
def test_a_server_of_ray_is_killed_in_mid_study(server: str, tmp_path: Path) -> None:
    space = {"x": {"grid": [0, 1, 2, 3]}}
    alone, made = Bench(tmp_path / "alone"), Bench(tmp_path / "killed")
    try:
        alone.write(space, pause=0.0, epochs=8)
        assert alone.run().returncode == 0, alone.err()
        made.write(space, pause=1.0, epochs=8)
        process = made.start()
        wait_for(lambda: len(made.trained()) > 3, process=process)
        (victim,) = [member for member in kin(process) if member.name() == server]
        os.kill(victim.pid, signal.SIGKILL)
        assert process.wait(HANG_S) == 0, made.err()
        assert made.err() == ""
        said = {"raylet": "raylet", "gcs_server": "GCS server"}[server]
        again = ": starting it again, and going on from what is committed"
        assert made.out().count(f"Ray's {said} on this machine ended while it was needed (SIGKILL){again}") == 1
        assert "(raylet)" not in made.out(), "its log is not shown"
        assert {trial.state for trial in made.trials()} == {State.FINISHED}
        epochs = [without(bench.table("epochs.csv"), "seconds", "reused") for bench in (made, alone)]
        assert epochs[0] == epochs[1]
    finally:
        for bench in (alone, made):
            for each in bench.started:
                bench.end(each)
