"""Studies on a real Ray cluster of two nodes, which are two raylets on this machine, and a PostgreSQL server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import psutil
import pytest

from search.api import Study, open_study
from tests.engine.raylets import SECURED, Raylet
from tests.engine.sharing import FACTORIAL, Shared
from tests.engine.test_run import kin, wait_for
from tests.engine.workloads import COUNTED, DECODED, PAUSE
from tests.surroundings import HANG_S

pytestmark = pytest.mark.stress

LIMIT = 900
"""Seconds any one thing may take; on two free cores it is one of thirty parts of that."""

HALF = {name: axis for name, axis in FACTORIAL.items() if name != "augmentation"}


@dataclass
class Cluster:
    """Nodes, each ended at the end of a test."""

    folder: Path
    nodes: list[Raylet] = field(default_factory=list)

    def add(self, hidden: Sequence[Path] = (), **environment: str) -> Raylet:
        """Start another node; the first one is the head."""
        address = self.nodes[0].address if self.nodes else ""
        self.nodes.append(Raylet(self.folder, address, environment={**SECURED, **environment}, hidden=hidden))
        return self.nodes[-1]

    @property
    def address(self) -> str:
        return self.nodes[0].address


@dataclass
class OnCluster(Shared):
    """A study whose ledger is a server, trained on a cluster where there is one, else on this machine."""

    storage: str = ""
    cluster: Cluster | None = None

    def command(self, verb: str, *words: object) -> list[str]:
        where = ["--address", self.cluster.address] if self.cluster is not None and verb == "run" else []
        return [*super().command(verb, *words), "--storage", self.storage, *where]

    def run(self, verb: str = "run", *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(verb, *words)
        try:
            process.wait(LIMIT)
        finally:
            self.end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, self.out(), self.err())

    def study(self) -> Study:
        return open_study(self.name, results=self.results, storage=self.storage)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    for name, value in SECURED.items():
        monkeypatch.setenv(name, value)
    made = Cluster(tmp_path)
    yield made
    for node in reversed(made.nodes):
        node.kill()


@pytest.fixture
def bench(tmp_path: Path, postgres_database: str, cluster: Cluster) -> Iterator[OnCluster]:
    made = OnCluster(tmp_path / "clustered", "study", storage=postgres_database, cluster=cluster)
    yield made
    for process in made.started:
        made.end(process)


def content(study: Study) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What must not depend on where, by whom and in which order a study was trained: trials, epochs, predictions."""
    trials = study.trials().drop(columns=["epochs_trained", "epochs_reused", "seconds"])
    return trials, study.epochs().drop(columns=["reused", "seconds"]), study.predictions()


def same(one: Study, two: Study) -> None:
    for left, right in zip(content(one), content(two), strict=True):
        assert len(left)
        pd.testing.assert_frame_equal(left, right, check_exact=True)


def named(node: Raylet) -> str:
    """How a node is called in messages."""
    return f"127.0.0.1 ({socket.gethostname()}, {node.id[:8]})"


def listening(processes: Sequence[psutil.Process]) -> set[str]:
    """Addresses on which any of these processes listens."""
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    return found


def test_a_node_killed_in_mid_study(bench: OnCluster, cluster: Cluster, tmp_path: Path) -> None:
    """The study finishes with the bits of a run on one machine, whose ledger is SQLite."""
    told = {COUNTED: str(bench.log), PAUSE: "0.3"}
    cluster.add(**told)
    doomed = cluster.add(**told)
    bench.put(FACTORIAL)
    process = bench.start()
    wait_for(lambda: len(bench.lines()) > 15, LIMIT, process)
    assert listening([*kin(process), *cluster.nodes[0].family(), *doomed.family()]) <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert len(cluster.nodes[0].workers()) == 1
    assert len(doomed.workers()) == 1
    doomed.kill()
    begun = len(bench.lines())
    assert process.wait(LIMIT) == 0, bench.err()
    assert len(bench.lines()) > begun
    assert "study study: 2 workers of 1 CPU and 0 GPU, nodes: 2\n" in bench.out()

    lines = bench.lines()
    assert len(lines) > len(set(lines)), "what the node had not saved was trained again"
    alone = Shared(tmp_path / "alone", "study")
    alone.put(FACTORIAL)
    assert alone.run().returncode == 0, alone.err()
    same(bench.study(), open_study("study", results=alone.results))
    (run,) = bench.study().ledger.runs()
    assert [node["leases"] for node in run["conditions"]["cluster"]["nodes"]] == [1, 1]


def test_every_node_is_lost(bench: OnCluster, cluster: Cluster) -> None:
    """The head offers no workers here; without any other node the run ends, and goes on with the next one."""
    told = {COUNTED: str(bench.log), PAUSE: "0.3"}
    cluster.nodes.append(Raylet(cluster.folder, cpus=0, environment={**SECURED, **told}))
    doomed = cluster.add(**told)
    bench.put(HALF)
    process = bench.start()
    wait_for(lambda: len(bench.lines()) > 5, LIMIT, process)
    doomed.kill()
    assert process.wait(LIMIT) == 130
    assert bench.err() == "study 'study' was ended by the loss of all its nodes; the same command goes on\n"
    done = set(bench.lines())
    cluster.add(**told)
    assert bench.run().returncode == 0, bench.err()
    repeated = len(bench.lines()) - len(set(bench.lines()))
    assert repeated <= 2, "at most the epoch that was under way, and one after it, were begun twice"
    assert done < set(bench.lines())


def test_a_node_that_does_not_see_the_states_is_named(bench: OnCluster, cluster: Cluster) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("no rights to give a process a file system of its own")
    bench.put(FACTORIAL)
    bench.results.mkdir()
    cluster.add()
    blind = cluster.add(hidden=[bench.results])
    done = bench.run()
    assert done.returncode == 1
    assert done.stderr == (
        f"cluster {cluster.address}: 1 of 2 nodes cannot train this study\n"
        f"  node {named(blind)} does not see the folder of states '{bench.results}/states' of this run (No such file "
        "or directory); give --results a folder that all nodes share under one path, and may write\n"
    )
    assert bench.lines() == []
    assert list((bench.results / "states").iterdir()) == []


def test_nodes_of_two_execution_classes(bench: OnCluster, cluster: Cluster) -> None:
    bench.put(FACTORIAL)
    cluster.add()
    other = cluster.add(ATEN_CPU_CAPABILITY="default")
    done = bench.run()
    assert done.returncode == 1
    first, *more = done.stderr.splitlines()
    assert first == (
        f"cluster {cluster.address}: its nodes are of different execution classes, which train different bits; keep "
        "one class: `ray stop` on the other nodes, or `ray start --num-cpus 0 --num-gpus 0` there"
    )
    assert f"'ATEN_CPU_CAPABILITY=default' on {named(other)}" in "\n".join(more)
    assert bench.lines() == []


def test_each_node_decodes_the_data_once(bench: OnCluster, cluster: Cluster, tmp_path: Path) -> None:
    """Every node has a cache of its own here, as on machines of their own."""
    log = tmp_path / "decoded.log"
    told = {COUNTED: str(bench.log), PAUSE: "0", DECODED: str(log)}
    for name in ("one", "two"):
        cluster.nodes.append(
            Raylet(
                cluster.folder,
                cluster.nodes[0].address if cluster.nodes else "",
                cpus=2,
                environment={**SECURED, **told, "SEARCH_CACHE": str(tmp_path / name)},
            )
        )
    images = {"data": str(flowers(tmp_path)), "data.size": 8, "batch_size": 12, "optimizer.lr": 0.02}
    bench.write({"loss.gamma": {"grid": [0, 0.5, 1, 2]}}, 1, "tests.engine.workloads:Decoding", epochs=3, **images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DECODED, str(log))
        patch.setenv("SEARCH_CACHE", str(tmp_path / "driver"))
        done = bench.run()
    assert done.returncode == 0, done.stderr
    assert sorted(Path(line).name for line in log.read_text().splitlines()) == ["driver", "one", "two"]
    assert {len(node.workers()) for node in cluster.nodes} <= {0, 1, 2}


def test_a_client_without_the_token(bench: OnCluster, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.add()
    bench.put(FACTORIAL)
    with monkeypatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", "f" * 32)
        done = bench.run()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"address '{cluster.address}': the cluster refuses this command's token; give it, in RAY_AUTH_TOKEN or "
        "RAY_AUTH_TOKEN_PATH, the token its nodes were started with"
    )
    assert bench.lines() == []
    # Whoever does not use this product is refused as well.
    stranger = f"import ray; ray.init('{cluster.address}'); print(ray.get(ray.remote(lambda: 'in').remote()))"
    tried = subprocess.run(
        [sys.executable, "-c", stranger],
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert tried.returncode != 0
    assert "Authentication token is missing or incorrect" in tried.stderr
    assert tried.stdout == ""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_driver_ends_and_the_cluster_stays(how: signal.Signals, bench: OnCluster, cluster: Cluster) -> None:
    told = {COUNTED: str(bench.log), PAUSE: "0.3"}
    for _ in range(2):
        cluster.add(**told)
    bench.put(HALF)
    process = bench.start()
    wait_for(lambda: len(bench.lines()) > 5, LIMIT, process)
    process.send_signal(how)
    assert process.wait(HANG_S) == (130 if how == signal.SIGINT else -signal.SIGKILL)
    begun = len(bench.lines())
    if how == signal.SIGINT:
        assert bench.err() == "study 'study' was ended by Ctrl-C; the same command goes on\n"
    wait_for(lambda: not any(node.workers() for node in cluster.nodes), 30)
    assert all(node.process.poll() is None for node in cluster.nodes)
    assert bench.run().returncode == 0, bench.err()
    repeated = len(bench.lines()) - len(set(bench.lines()))
    # Killed, a chain goes on from its last rolling state, which is younger than 20 s only where there is one.
    assert repeated <= (2 * 2 if how == signal.SIGINT else begun), "what was under way, and behind the last states"


def flowers(folder: Path) -> Path:
    """A folder of small images, two classes of 30."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in ("rose", "tulip"):
        (folder / "images" / label).mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / label / f"{number}.png")
    return folder / "images"
