"""What is refused of a cluster, and what is made of its nodes; real ones are in `test_raylets`."""

from __future__ import annotations

import importlib
import socket
from pathlib import Path
from typing import Any

import pytest

from search import api
from search.__main__ import run
from search.core.errors import UserError
from search.engine.machines.nodes import Share, TrainingNode
from search.engine.steps.conditions import conditions
from search.ledger.ledger import Ledger
from search.plan.place import recorded_place
from search.space.reader import read_space

FILE = """\
workload: tests.contracts.toy:SineFit
fixed: {epochs: 1, lr: 0.1}
space: {degree: {grid: [1, 2]}}
search: {objective: {metric: val_loss, direction: minimize}}
"""
HEAD, SERVER = "10.0.0.1:6379", "postgresql+psycopg://search@127.0.0.1:1/search"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    path = tmp_path / "toy.yaml"
    path.write_text(FILE)
    return path


# Without Ray -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "words", "sentence"),
    [
        ("", ("--address", HEAD, "--storage", SERVER), "RAY_AUTH_MODE is not set: a cluster that asks for no token"),
        ("disabled", ("--address", HEAD, "--storage", SERVER), "RAY_AUTH_MODE is 'disabled': a cluster that asks for"),
        ("token", ("--address", HEAD), "without --storage the ledger is SQLite: SQLite's locks do not hold"),
        ("token", ("--address", "ray://a:1", "--storage", SERVER), "address 'ray://a:1': must be HOST:PORT of the"),
    ],
)
def test_what_the_command_refuses(
    mode: str,
    words: tuple[str, ...],
    sentence: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before the database is opened, or a results folder made."""
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    results = file.parent / "results"
    assert run(["run", str(file), "--results", str(results), *words]) == 1
    assert capsys.readouterr().err.startswith(sentence)
    assert not results.exists()


def test_the_library_refuses_the_same(file: Path) -> None:
    with pytest.raises(UserError, match="without --storage the ledger is SQLite"):
        api.run(file, results=file.parent / "results", address=HEAD)


def test_a_run_on_a_cluster_says_nothing_of_this_machine(file: Path) -> None:
    space = read_space(file)
    ledger = Ledger(str(file.parent / "search.db"))
    ledger.create_study("toy", "toy", 1, "", "", space.workload)
    study = ledger.study("toy").id
    known = conditions({"device": "theirs"}, 4, space.resources.cpus, 0.0)
    ledger.begin_run(study, {**known, "cluster": {"address": HEAD, "nodes": []}})
    assert recorded_place(ledger, space) is None
    ledger.begin_run(study, known)
    place = recorded_place(ledger, space)
    assert place is not None
    assert place.execution_class == {"device": "theirs"}
    ledger.close()


# With Ray, but no cluster ----------------------------------------------------------------------------------------


@pytest.fixture
def room() -> Any:
    """The room that joins clusters; it imports Ray, which takes seconds, so that its tests are slow."""
    importlib.import_module("search.engine.executor.tune")  # first: it prepares for Ray
    return importlib.import_module("search.engine.executor.cluster")


@pytest.mark.slow
def test_an_address_where_nothing_answers(room: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(UserError) as refused, room.joined(address):
            pass
    assert str(refused.value) == (
        f"address {address!r}: nothing answers there (Connection refused); give the HOST:PORT that `ray start --head` "
        "printed, and see that it can be reached from this machine"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (
            "InvalidAuthToken: Authentication token is missing or incorrect",
            "the cluster refuses this command's token; give it, in RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH, the token "
            "its nodes were started with",
        ),
        (
            "No node info found matching attributes: '' when trying to resolve node to connect to.",
            "this machine is no node of that cluster; give the command on one of its nodes, or make this one a node "
            "that trains nothing: ray start --address 10.0.0.1:6379 --num-cpus 0",
        ),
        (
            "Version mismatch",
            "joining the cluster failed (could not connect); its nodes and this command need the same Ray",
        ),
    ],
)
def test_a_cluster_that_does_not_let_us_in(
    reason: str, sentence: str, room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray tells the reason as the cause of its error."""

    def init(*_: object, **__: object) -> None:
        raise ConnectionError("could not connect") from RuntimeError(reason)

    monkeypatch.setattr(room.ray, "init", init)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket())
    with pytest.raises(UserError) as refused, room.joined(HEAD):
        pass
    assert str(refused.value) == f"address '10.0.0.1:6379': {sentence}"


@pytest.mark.slow
def test_a_local_run_takes_no_cluster_for_its_own(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that RAY_ADDRESS names, nor one that was started on this machine."""
    from search.engine.executor import tune

    class Started(BaseException):  # no failure that another attempt could mend
        pass

    asked: list[Any] = []

    def init(address: str | None = None, **options: Any) -> None:
        asked.append((address, options.get("_node_ip_address")))
        raise Started

    monkeypatch.setattr(room.ray, "init", init)
    monkeypatch.setenv("RAY_ADDRESS", HEAD)
    with pytest.raises(Started), tune.ray_at(""):
        pass
    assert asked == [("local", "127.0.0.1")]


@pytest.mark.slow
def test_leases_lie_on_the_nodes_that_proved_themselves(room: Any) -> None:
    from search.engine.executor.tune import TuneTrainable

    share = Share(2, 0.5, [TrainingNode("1", "", "", 1), TrainingNode("2", "", "", 2)], 3)
    wanted = room.on_nodes(TuneTrainable, share).default_resource_request({})
    assert wanted == room.tune.PlacementGroupFactory(
        [{"CPU": 2, "GPU": 0.5}], bundle_label_selector=[{"ray.io/node-id": "in(1,2)"}]
    )


class FakeDriver:
    workers, stopped = 3, ""

    def stop(self, reason: str) -> None:
        self.stopped = reason


@pytest.mark.slow
def test_the_driver_hears_of_nodes_that_are_gone(room: Any) -> None:
    driver = FakeDriver()
    watch = room.NodeWatch(driver, [TrainingNode("1", "", "", 1), TrainingNode("2", "", "", 2)])
    watch.look({"1", "2"})
    assert driver.workers == 3
    watch.look({"1", "9"})
    assert (driver.workers, driver.stopped) == (1, "")
    with pytest.raises(KeyboardInterrupt):
        watch.look({"9"})
    assert driver.stopped == "the loss of all its nodes"
