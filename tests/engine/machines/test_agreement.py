"""What nodes of a cluster must prove, and what is said of those that do not. Without Ray: this process is the nodes."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from search.core.errors import UserError
from search.core.trial import DataCard
from search.engine.decide.lease import Lease, WorkerSetup
from search.engine.machines import challenge
from search.engine.machines.agreement import (
    Answer,
    Question,
    StudySample,
    TrainingNode,
    agreed,
    answer,
    require,
    split_address,
)
from search.engine.machines.challenge import Challenge, meet
from search.engine.worker import place
from search.workload import Description, Settings, Workload

HEAD = TrainingNode("a1" * 28, "10.0.0.1", "head", 2)
OTHER = TrainingNode("b2" * 28, "10.0.0.2", "gpu2", 4)
TOKEN = {"RAY_AUTH_MODE": "token"}
SERVER = "postgresql+psycopg://me:secret@db/search"


class Reading(Workload):
    """Has data, weights and an execution class that a test can set, as if this process were another node."""

    recipe = "7"
    settings: Description = {"depth": {"type": "integer", "default": 1}}
    here: Mapping[str, Any] = {}

    def data(self, fixed: Settings) -> DataCard | None:
        if "broken" in self.here:
            raise self.here["broken"]
        return DataCard(fingerprint=self.here.get("data", "d0"))

    def inputs(self, fixed: Settings) -> Mapping[str, str]:
        return {"weights": self.here.get("weights", "w0")}

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        return {"device": self.here.get("device", "cpu"), "threads": str(cpus)}

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        raise AssertionError("nothing is trained")


CODE = {"workload": "tests.engine.machines.test_agreement:Reading", "recipe": "7", "evaluation": "1"}
SAMPLE = StudySample({"depth": 1, "seed": 0}, "d0", {"weights": "w0"})


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setattr(place, "_workloads", {})
    monkeypatch.setattr(place, "_classes", {})
    monkeypatch.setattr(Reading, "here", {})
    monkeypatch.chdir(Path.cwd())  # `prepare` changes it


def setup_of(states: Path, workload: str = CODE["workload"], folder: str = "") -> WorkerSetup:
    return WorkerSetup(workload, 1, 0.0, sys_path=[], folder=folder, states=str(states), elsewhere=True)


def said_by(node: TrainingNode, challenge: Challenge, states: Path, **here: Any) -> Answer:
    """What a node answers where these things are so."""
    place._workloads.clear()
    place._classes.clear()
    Reading.here = here
    return answer(Question(setup_of(states), challenge.name, SAMPLE.fixed), node.id)


def refusal(answers: Mapping[TrainingNode, Answer], challenge: Challenge) -> str:
    with pytest.raises(UserError) as refused:
        agreed("10.0.0.1:6379", answers, challenge, CODE, SAMPLE, patience=0)
    assert refused.value.exit_code == 1
    return str(refused.value)


# Before anything is opened ---------------------------------------------------------------------------------------


def test_a_cluster_with_tokens_and_a_server_is_taken() -> None:
    require("10.0.0.1:6379", SERVER, TOKEN)
    require("head.example.org:6379", "postgresql://db/search", {"RAY_AUTH_MODE": "TOKEN"})


@pytest.mark.parametrize("environment", [{}, {"RAY_AUTH_MODE": "disabled"}])
def test_without_tokens(environment: Mapping[str, str]) -> None:
    with pytest.raises(UserError) as refused:
        require("10.0.0.1:6379", SERVER, environment)
    found = "RAY_AUTH_MODE is 'disabled'" if environment else "RAY_AUTH_MODE is not set"
    assert str(refused.value) == (
        f"{found}: a cluster that asks for no token runs the code of anybody who reaches its ports; start each node, "
        "and this command, with RAY_AUTH_MODE=token and one token for all (RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH; "
        "docs/how-to/cluster.md says how)"
    )


@pytest.mark.parametrize(
    ("storage", "found"),
    [
        (None, "without --storage the ledger is SQLite"),
        ("results/search.db", "--storage is 'results/search.db'"),
        ("sqlite:////srv/search.db", "--storage is 'sqlite:////srv/search.db'"),
        ("mysql://me:secret@db/search", "--storage is 'mysql://me:***@db/search'"),
    ],
)
def test_without_a_database_server(storage: str | None, found: str) -> None:
    with pytest.raises(UserError) as refused:
        require("10.0.0.1:6379", storage, TOKEN)
    assert str(refused.value) == (
        f"{found}: SQLite's locks do not hold between machines; a study on a cluster needs a database server, for "
        "example --storage postgresql+psycopg://user@host/database"
    )


@pytest.mark.parametrize(
    "address", ["", "auto", "10.0.0.1", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "ray://10.0.0.1:10001", "a b:1"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UserError) as refused:
        require(address, SERVER, TOKEN)
    assert str(refused.value) == (
        f"address {address!r}: must be HOST:PORT of the cluster's head, as `ray start --head` printed it, for example "
        "10.0.0.1:6379"
    )


def test_addresses() -> None:
    assert split_address("10.0.0.1:6379") == ("10.0.0.1", 6379)
    assert split_address("head.example.org:6379") == ("head.example.org", 6379)
    assert split_address("[fd00::2]:6379") == ("fd00::2", 6379)


# The shared folder -----------------------------------------------------------------------------------------------


def test_a_node_that_sees_the_folder(tmp_path: Path) -> None:
    states = tmp_path / "states"
    with Challenge(states) as challenge:
        assert not challenge.was_met(HEAD.id, patience=0)
        assert meet(str(states), challenge.name, HEAD.id, patience=0) == ""
        assert challenge.was_met(HEAD.id, patience=0)
        assert not challenge.was_met(OTHER.id, patience=0)
    assert list(states.iterdir()) == []


def test_a_node_that_does_not(tmp_path: Path) -> None:
    """It sees another folder under the same path."""
    with Challenge(tmp_path / "states") as challenge:
        shutil.move(tmp_path / "states", tmp_path / "moved")
        (tmp_path / "states").mkdir()
        said = meet(str(tmp_path / "states"), challenge.name, HEAD.id, patience=0)
    assert said == (
        f"does not see the folder of states {str(tmp_path / 'states')!r} of this run (No such file or directory); give "
        "--results a folder that all nodes share under one path, and may write"
    )


def test_a_node_that_reads_what_it_cannot_write(tmp_path: Path) -> None:
    with Challenge(tmp_path) as challenge:
        (tmp_path / challenge.name / HEAD.id).mkdir()
        said = meet(str(tmp_path), challenge.name, HEAD.id, patience=0)
    assert said == (
        f"cannot write into the folder of states {str(tmp_path)!r} (File exists); give --results a folder that all "
        "nodes share under one path, and may write"
    )


def test_a_node_that_writes_elsewhere(tmp_path: Path) -> None:
    """As a container does over an image that holds a copy of the folder."""
    states = tmp_path / "states"
    with Challenge(states) as challenge:
        shutil.copytree(states, tmp_path / "copy")
        said = said_by(OTHER, challenge, tmp_path / "copy")
        assert not said.trouble
        assert refusal({OTHER: said}, challenge) == (
            "cluster 10.0.0.1:6379: 1 of 1 nodes cannot train this study\n"
            "  node 10.0.0.2 (gpu2, b2b2b2b2) answered in a folder of states that is not the one of this run, though "
            "it lies under the same path; give --results a folder that all nodes share under one path, and may write"
        )


def test_a_file_that_is_seen_late(tmp_path: Path) -> None:
    with Challenge(tmp_path) as challenge:
        timer = Timer(0.3, meet, (str(tmp_path), challenge.name, HEAD.id, 0))
        timer.start()
        assert challenge.was_met(HEAD.id, patience=20)
        timer.join()


def test_what_killed_drivers_left_is_removed(tmp_path: Path) -> None:
    for name, age in (("old", 2 * challenge.CHALLENGE_LIFETIME_S), ("new", 0)):
        (tmp_path / f".proof-{name}").mkdir()
        os.utime(tmp_path / f".proof-{name}", (time.time() - age,) * 2)
    with Challenge(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".proof-new"]


def test_a_folder_the_driver_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as refused, Challenge(tmp_path / "file" / "states"):
        pass
    assert str(refused.value) == (
        f"the folder of states {str(tmp_path / 'file' / 'states')!r} cannot be written (Not a directory); give "
        "--results a folder that all nodes share"
    )


# What nodes answer -----------------------------------------------------------------------------------------------


def test_nodes_that_agree(tmp_path: Path) -> None:
    with Challenge(tmp_path) as challenge:
        answers = {node: said_by(node, challenge, tmp_path) for node in (HEAD, OTHER)}
        assert agreed("10.0.0.1:6379", answers, challenge, CODE, SAMPLE, patience=0) == {
            "device": "cpu",
            "threads": "1",
        }


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Challenge(tmp_path) as challenge:
        third = TrainingNode("c3" * 28, "10.0.0.3", "gpu3", 1)
        good = said_by(HEAD, challenge, tmp_path)
        foreign = said_by(OTHER, challenge, tmp_path, data="d1", weights="w1")
        monkeypatch.delenv("RAY_AUTH_MODE")
        monkeypatch.setattr(Reading, "recipe", "6")
        older = said_by(third, challenge, tmp_path)
        assert refusal({HEAD: good, OTHER: foreign, third: older}, challenge) == (
            "cluster 10.0.0.1:6379: 2 of 3 nodes cannot train this study\n"
            "  node 10.0.0.2 (gpu2, b2b2b2b2) has other data (fingerprint d0 here, d1 there); copy them anew\n"
            "  node 10.0.0.2 (gpu2, b2b2b2b2) has other input weights (weights is 'w0' here, 'w1' there); copy them "
            "anew\n"
            "  node 10.0.0.3 (gpu3, c3c3c3c3) was started without RAY_AUTH_MODE and lets anybody in; start it with "
            "RAY_AUTH_MODE=token and the cluster's token\n"
            "  node 10.0.0.3 (gpu3, c3c3c3c3) has other code of the workload (recipe is '7' here, '6' there); install "
            "the same version on every node"
        )


def test_a_node_without_the_folder_of_the_command(tmp_path: Path) -> None:
    with Challenge(tmp_path) as challenge:
        question = Question(setup_of(tmp_path, folder=str(tmp_path / "gone")), challenge.name, SAMPLE.fixed)
        (trouble,) = answer(question, HEAD.id).trouble
    assert trouble == (
        "cannot import the workload 'tests.engine.machines.test_agreement:Reading': FileNotFoundError: "
        f"[Errno 2] No such file or directory: '{tmp_path}/gone'; its code must be installed, or lie in "
        f"'{tmp_path}/gone', on every node"
    )


def test_a_node_without_the_workload(tmp_path: Path) -> None:
    with Challenge(tmp_path) as challenge:
        question = Question(setup_of(tmp_path, "nowhere.at:all"), challenge.name, SAMPLE.fixed)
        (trouble,) = answer(question, HEAD.id).trouble
    assert trouble.startswith("cannot import the workload 'nowhere.at:all': workload 'nowhere.at:all': no module")
    assert trouble.endswith("its code must be installed, or lie in '', on every node")


def test_a_node_without_the_data(tmp_path: Path) -> None:
    broken = ValueError("no")
    broken.faults = [("data", "found 'roses', which is no folder")]  # type: ignore[attr-defined]
    with Challenge(tmp_path) as challenge:
        (trouble,) = said_by(HEAD, challenge, tmp_path, broken=broken).trouble
    assert trouble == (
        "cannot read the data: data: found 'roses', which is no folder; they must lie on every node where they lie "
        "here, or be found by what is set where the node is started"
    )


def test_nodes_of_two_execution_classes(tmp_path: Path) -> None:
    with Challenge(tmp_path) as challenge:
        answers = {
            HEAD: said_by(HEAD, challenge, tmp_path, device="AVX512"),
            OTHER: said_by(OTHER, challenge, tmp_path, device="AVX2"),
        }
        assert refusal(answers, challenge) == (
            "cluster 10.0.0.1:6379: its nodes are of different execution classes, which train different bits; keep one "
            "class: `ray stop` on the other nodes, or `ray start --num-cpus 0 --num-gpus 0` there\n"
            "  device: 'AVX512' on 10.0.0.1 (head, a1a1a1a1); 'AVX2' on 10.0.0.2 (gpu2, b2b2b2b2)"
        )


# Lease by lease --------------------------------------------------------------------------------------------------


def lease(data: str = "d0", weights: str = "w0", **fixed: Any) -> Lease:
    return Lease(0, 0, {"depth": 1, "seed": 3, **fixed}, [], [], data=data, inputs={"weights": weights})


@pytest.mark.parametrize(
    ("elsewhere", "said"),
    [
        (True, "finds other data than the driver: fingerprint d0 and input weights {'weights': 'w0'} there, d1 and"),
        (
            False,
            "the data have changed since the driver read them: fingerprint d0 and input weights {'weights': 'w0'} ",
        ),
    ],
)
def test_a_worker_compares_its_data_with_the_keys_of_every_lease(tmp_path: Path, elsewhere: bool, said: str) -> None:
    setup = replace(setup_of(tmp_path), elsewhere=elsewhere)
    place.verify_data(setup, lease())
    Reading.here = {"data": "d1"}
    with pytest.raises(RuntimeError, match=re.escape(said)):
        place.verify_data(setup, lease(seed=4))
