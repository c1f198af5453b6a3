"""Whole runs on a real local Ray that was told of a GPU: a toy says what it takes of it, and holds a lock for it.

Trials look as if they were long, so that a change is worth its while, and a stop rule ends them early: long after the
second worker came, which may be seconds behind the first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from search.engine.decide.death import UNKNOWN, Death
from search.engine.decide.lease import WorkerSetup
from search.engine.decide.outlook import Outlook
from search.engine.live import Silent
from search.engine.machines.gauge import Gauge
from search.engine.machines.nodes import Share, TrainingNode
from search.engine.run import _Steps
from search.ledger.ledger import Ledger
from search.space.model import Resources, Space
from search.space.reader import read_space, space_from_mapping
from search.study.leaf import Planner
from search.workload import load_workload
from search.workload.measured import row_of
from tests.engine.test_run import Bench

TOY = "tests.engine.gpu:OnGpu"
SHARED = "2 trials share each GPU from now on: "
ONE = Share(1, 1.0, [TrainingNode("", "", "", 1)], 8)


class OnOneGpu(Bench):
    """A bench of studies on a machine with two cores and a GPU."""

    def study(self, degrees: list[int], best: int, **fixed: Any) -> Path:
        content = {
            "workload": TOY,
            "fixed": {
                **{"epochs": 2_000, "stop.rule": "patience", "stop.patience": 2, "lr": 0.05, "momentum": 0.5},
                **{"best": best, "log": str(self.log), **fixed},
            },
            "space": {"degree": {"grid": degrees}},
            "search": {"objective": {"metric": "train_loss", "direction": "minimize"}},
            "resources": "auto",
        }
        path = self.folder / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    def epochs(self) -> Counter[tuple[int, int]]:
        """How often each degree's each epoch was trained."""
        return Counter((degree, epoch) for _, degree, epoch in self.trained())  # type: ignore[misc]

    def processes(self) -> tuple[set[int], set[int]]:
        """Which processes trained an epoch that nobody had trained before, and which trained one again."""
        first: dict[tuple[int, int], int] = {}
        again = {process for process, *what in self.trained() if first.setdefault(tuple(what), process) != process}  # type: ignore[arg-type]
        return set(first.values()), again

    def rows(self) -> dict[int, list[tuple[str, Any]]]:
        """Key and metrics of every epoch of every trial."""
        ledger = Ledger(str(self.results / "search.db"))
        try:
            record = ledger.study(self.name)
            paths = {t.number: ledger.paths(record.id)[t.number][0][: t.last_epoch] for t in ledger.trials(record.id)}
            return {
                number: [(key, found[key].row.metrics) for key in path]
                for number, path in paths.items()
                for found in [ledger.rows(path)]
            }
        finally:
            ledger.close()

    def sharing(self) -> dict[str, Any]:
        (run,) = json.loads((self.results / self.name / "conditions.json").read_text())["runs"]
        return dict(run["conditions"].get("gpu_sharing", {}))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], OnOneGpu]]:
    monkeypatch.setenv("RAY_OVERRIDE_RESOURCES", '{"GPU": 1, "CPU": 2}')  # Ray's own way to be told
    made: list[OnOneGpu] = []

    def make(name: str) -> OnOneGpu:
        made.append(OnOneGpu(tmp_path / name))
        return made[-1]

    yield make
    for each in made:
        for process in each.started:
            each.end(process)


def done(made: OnOneGpu, *words: object) -> CompletedProcess[str]:
    ended = made.run("run", made.folder / f"{made.name}.yaml", *words)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended


@pytest.mark.slow
def test_trials_that_leave_a_gpu_idle_share_it(bench: Callable[[str], OnOneGpu]) -> None:
    made = bench("shared")
    degrees, best = [1, 2, 3, 4], 30
    path = made.study(degrees, best, host=0.1, device=0.01)
    said = done(made).stdout
    assert SHARED in said
    assert "they go on so" in said
    assert "trial 0 goes on: degree=1, seed=0" in said
    once_and_to_prove(made, {(degree, epoch): 1 for degree in degrees for epoch in range(1, best + 3)})
    first, again = made.processes()
    assert len(first) == 3, "one at first, then two new ones"
    assert len(again) >= len(made.proofs()), "each proof has one or two of its own"
    assert first.isdisjoint(again)
    sharing = made.sharing()
    assert (sharing["trials_per_gpu"], sharing["memory_alone"]) == (2, 0.25)
    assert sharing["gain"] == pytest.approx(2)
    assert made.rows() == alone(read_space(path, {"resources.gpus": "1"}))


def once_and_to_prove(made: OnOneGpu, once: dict[tuple[int, int], int]) -> None:
    """No epoch was trained twice but for proofs: whoever took over found the row behind the state before."""
    count = made.epochs()
    count.subtract(once)
    assert all(times >= 0 for times in count.values())
    assert sum(count.values()) == sum(made.proofs()) > 2, "the start, and a state"


def alone(space: Space) -> dict[int, list[tuple[str, Any]]]:
    """Key and metrics of every epoch of every trial, each with a GPU and a process to itself."""
    workload = load_workload(space.workload)
    planner = Planner(space, workload, workload.execution_class(1, 1.0), True)
    found = {}
    for number, parameters in enumerate(space.grid()):
        leaf = planner.leaf(number, number, 0, parameters)
        run = workload.start({**leaf.fixed, "host": 0.0, "device": 0.0, "log": ""}, 1, 1.0)
        epochs = leaf.fixed["best"] + 2
        found[number] = [
            (key, row_of(run.train_epoch(now)).metrics)
            for key, now in zip(leaf.path[:epochs], leaf.schedule, strict=False)
        ]
    return found


@pytest.mark.slow
def test_trials_that_only_take_turns_go_back_to_one(bench: Callable[[str], OnOneGpu]) -> None:
    made = bench("turns")
    made.study([1, 2], 25, device=0.2, switching=0.05)
    said = done(made).stdout
    assert SHARED in said
    assert "does not pay; each has a GPU to itself from now on" in said
    once_and_to_prove(made, {(degree, epoch): 1 for degree in (1, 2) for epoch in range(1, 28)})
    assert made.sharing()["trials_per_gpu"] == 1
    assert made.sharing()["gain"] == pytest.approx(0.8)


@pytest.mark.slow
def test_a_row_made_with_less_memory_than_asked_for_is_dropped(bench: Callable[[str], OnOneGpu]) -> None:
    """Alone there was room, together there is not, and the library goes on with less: other bits, perhaps."""
    made = bench("short")
    made.study([1, 2], 30, device=0.1, memory=0.3, room=0.5)
    said = done(made).stdout
    assert SHARED in said
    assert "a trial found too little memory beside the others; each has a GPU to itself from now on" in said
    assert "attempt 2" not in said
    assert set(made.epochs()) == {(degree, epoch) for degree in (1, 2) for epoch in range(1, 33)}
    assert {trial.ended_by for trial in made.trials()} == {"no lower loss for 2 epochs"}
    assert made.sharing()["trials_per_gpu"] == 1


@pytest.mark.slow
def test_a_gpu_that_ray_sees_and_pytorch_cannot_use_ends_the_run(bench: Callable[[str], OnOneGpu]) -> None:
    if torch_sees_one():
        pytest.skip("this machine has a GPU that PyTorch can use")
    ended = bench("unusable").run("run", "spaces/focal.yaml", "--set", "epochs=1")
    begin = (
        "workload 'classifier' cannot be prepared on a worker: resources.gpus: a trial has 1 GPU here, which PyTorch"
    )
    end = "or set resources.gpus: 0 to train on the CPU"
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(begin)
    assert sentence.endswith(end)
    assert "; CUDA_VISIBLE_DEVICES is '0')" in sentence


def torch_sees_one() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.mark.slow
@pytest.mark.parametrize(("session", "gpus"), [("/tmp/ray", 0.0), ("", 1.0)], ids=["this machine", "a cluster"])
def test_a_gpu_that_is_hidden_by_its_number_is_none(session: str, gpus: float, monkeypatch: pytest.MonkeyPatch) -> None:
    from search.engine.executor import tune

    node = {"NodeID": "1", "Alive": True, "NodeManagerAddress": "", "NodeManagerHostname": ""}
    monkeypatch.setattr(tune.ray, "nodes", lambda: [{**node, "Resources": {"CPU": 2.0, "GPU": 1.0}}])
    monkeypatch.setattr(tune, "session", lambda: session)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert tune.share(Resources(cpus=1)).gpus == gpus
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert tune.share(Resources(cpus=1)).gpus == 1.0


class Heard:
    """What the queue tells the driver."""

    idle, finished = True, False

    def __init__(self) -> None:
        self.told: list[Any] = []

    def next_lease(self, patience: float) -> None:
        return None

    def change_over(self) -> None:
        self.told.append("change over")

    def lease_ended(self, lease: int, error: str, lost: bool, miss: str, death: Death) -> None:
        self.told.append((lease, error, lost))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "how", "told"),
    [
        (2, {"gpu_short": True, "lease_error": "OutOfMemoryError"}, ["change over", (7, "", False)]),
        (2, Death("was killed; out of memory", memory=True), ["change over", (7, "", False)]),
        (2, Death("was killed"), [(7, "", True)]),
        (2, {"gpu_short": False, "lease_error": "ZeroDivisionError"}, [(7, "ZeroDivisionError", False)]),
        (1, {"gpu_short": False, "lease_error": "OutOfMemoryError"}, [(7, "OutOfMemoryError", False)]),
        (1, Death("was killed; out of memory", memory=True), [(7, "", True)]),
    ],
    ids=[
        "no room on the GPU",
        "none in the machine",
        "killed",
        "a fault",
        "no room alone",
        "none in the machine alone",
    ],
)
def test_what_is_no_fault_of_a_trial(number: int, how: Any, told: list[Any]) -> None:
    """Memory that is short beside others; alone, a trial answers for it."""
    import search.engine.executor.tune  # noqa: F401  # it prepares for Ray
    from search.engine.executor.leasing import LeaseQueue

    gauge = Gauge(ONE, lambda: Outlook(9, 9_000, True), lambda text, what: None)
    gauge.number = number
    driver = Heard()
    queue = LeaseQueue(driver, WorkerSetup(TOY, 1, 1.0), gauge)  # type: ignore[arg-type]
    queue._leases["a"], queue._given["a"] = 7, 0.0
    died = isinstance(how, Death)
    queue.deaths.of = lambda *lease: how if died else UNKNOWN  # type: ignore[method-assign]
    queue.on_trial_complete("a", {} if died else how, error=died)
    assert driver.told == told
    assert gauge.next == (1 if "change over" in told else None)
    assert (queue.suggest("b") == "FINISHED") is ("change over" in told)


# Where nothing is measured -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "sharing", "address", "share", "measured"),
    [
        ("auto", True, "", ONE, True),
        ({"cpus": 2}, True, "", ONE, True),
        ({"gpus": 1}, True, "", ONE, False),
        ({"gpus": 0.5}, True, "", Share(1, 0.5, [TrainingNode("", "", "", 2)], 8), False),
        ("auto", True, "", Share(1, 0.0, [TrainingNode("", "", "", 8)], 8), False),
        ("auto", False, "", ONE, False),
        ("auto", True, "10.0.0.1:6379", ONE, False),
        ({"states_gb": 0}, True, "", ONE, False),
    ],
    ids=["auto", "left out", "a whole one", "a fraction", "no GPU", "--no-sharing", "a cluster", "no states"],
)
@pytest.mark.parametrize("resumable", [True, False])
def test_where_sharing_is_measured(
    resources: Any, sharing: bool, address: str, share: Share, measured: bool, resumable: bool, tmp_path: Path
) -> None:
    space = space_from_mapping({"workload": TOY, "fixed": {"epochs": 9, "lr": 0.1}, "resources": resources})
    ledger = Ledger(str(tmp_path / "search.db"))
    steps = _Steps(space, ledger, load_workload(TOY), Silent(), sharing, address, None, [])  # type: ignore[arg-type]
    driver = SimpleNamespace(context=SimpleNamespace(planner=SimpleNamespace(resumable=resumable)))
    assert (steps._gauge(driver, 1, share) is not None) is (measured and resumable)  # type: ignore[arg-type]
    ledger.close()
