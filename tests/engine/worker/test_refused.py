"""A row that was computed with less memory on a GPU than was asked for is dropped, and tried once more."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from search.engine.decide.lease import Assignment, Lease, Proof, Stretch, WorkerSetup
from search.ledger.files import read_state
from search.ledger.kept import Role
from tests.contracts.toy import SineFit

pytest.importorskip("ray")
from search.engine.worker import process, trainable
from search.engine.worker.usage import Refused

NAME = f"{__name__}:Crammed"
EPOCHS = 6

_runs: list[Run] = []
_refusing: list[Sequence[int]] = []  # of each run that is begun, in turn: the epochs in which it is refused memory


class Crammed(SineFit):
    """A workload whose runs are refused memory in the epochs that a test says."""

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        return {}

    def data(self, fixed: Mapping[str, Any]) -> None:
        return None

    def inputs(self, fixed: Mapping[str, Any]) -> Mapping[str, str]:
        return {}

    def start(self, fixed: Mapping[str, Any], cpus: int, gpus: float) -> Any:
        _runs.append(Run(_refusing.pop(0) if _refusing else ()))
        return _runs[-1]


class Run:
    def __init__(self, refusing: Sequence[int]) -> None:
        self.refusing, self.epoch, self.refused = refusing, 0, 0
        self.trained: list[int] = []
        self.itself = self  # as a run of others may do

    def train_epoch(self, settings: Mapping[str, Any]) -> Mapping[str, float]:
        self.epoch += 1
        self.trained.append(self.epoch)
        short = self.epoch in self.refusing
        self.refused += short
        return {"val_loss": self.epoch + 0.5 * short}

    def usage(self) -> Mapping[str, float]:
        return {"memory": 0.5, "refused": self.refused}

    def save(self) -> bytes:
        return str(self.epoch).encode()

    def load(self, state: bytes) -> None:
        self.epoch = int(state)


@pytest.fixture(autouse=True)
def _none_before() -> None:
    _runs.clear()
    _refusing.clear()


def leased(
    tmp_path: Any, *refusing: Sequence[int], keep: Mapping[int, Role] | None = None, crowded: bool = False
) -> tuple[list[dict[str, Any]], Any]:
    """Return what a worker reports of a lease, and the worker."""
    _refusing.extend(refusing)
    path = [f"{epoch:040x}" for epoch in range(EPOCHS)]
    lease = Lease(0, 0, {}, [{}] * EPOCHS, path, keep=keep or {})
    setup = WorkerSetup(NAME, 1, 1.0, states=str(tmp_path), reporting=0.0, crowded=crowded, folder="")
    worker = trainable.LeaseTrainable.__new__(trainable.LeaseTrainable)
    worker.setup({"assignment": Assignment(lease, setup)})
    reports: list[dict[str, Any]] = []
    while not reports or (len(reports) < EPOCHS and trainable.TRAINED in reports[-1]):
        reports.append(worker.step())
    return reports, worker


def losses(reports: Sequence[Mapping[str, Any]]) -> list[float]:
    return [one.row.metrics["val_loss"] for report in reports for one in report.get(trainable.TRAINED, ())]


def test_the_row_is_dropped_and_its_lease_begun_once_more(tmp_path: Any) -> None:
    reports, _ = leased(tmp_path, [3])
    assert losses(reports) == [1, 2, 3, 4, 5, 6]
    assert [run.trained for run in _runs] == [[1, 2, 3], [1, 2, 3, 4, 5, 6]]


def test_it_goes_on_from_the_last_state_of_the_lease(tmp_path: Any) -> None:
    reports, _ = leased(tmp_path, [5], keep={3: Role.BRANCH, 6: Role.BRANCH})
    assert losses(reports) == [1, 2, 3, 4, 5, 6]
    assert [run.trained for run in _runs] == [[1, 2, 3, 4, 5], [4, 5, 6]]
    kept = [one.kept for report in reports for one in report[trainable.TRAINED] if one.kept is not None]
    assert [read_state(str(tmp_path), state.file) for state in kept] == [b"3", b"6"]


@pytest.mark.parametrize("second", [[3], [1], [5]], ids=["in the same epoch", "on the way there", "later"])
def test_the_second_time_the_trial_fails_in_a_sentence(second: list[int], tmp_path: Any) -> None:
    reports, _ = leased(tmp_path, [3], second)
    assert len(_runs) == 2
    assert losses(reports) == [float(epoch) for epoch in range(1, max(3, *second))]
    told = reports[-1]
    assert told["done"]
    assert not told[trainable.SHORT]
    assert told[trainable.ERROR].strip().rpartition("\n")[2] == (
        f"out of memory in epoch {max(3, *second)}: Refused: for the second time it got less memory on its GPU than it "
        "asked for, and what is computed with less may have other bits; give a trial more (resources.gpus, fewer at "
        "once), or make it smaller"
    )


def test_beside_others_it_is_not_tried_again_here(tmp_path: Any) -> None:
    reports, _ = leased(tmp_path, [2], crowded=True)
    assert losses(reports) == [1]
    assert reports[-1][trainable.SHORT]
    assert len(_runs) == 1


def test_a_proof_does_not_believe_such_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        """A fresh process that is none."""

        def __init__(self) -> None:
            self.run = Run([1])
            self.data, self.train_epoch, self.usage = (lambda _: None), self.run.train_epoch, self.run.usage

        def start(self, *_: Any) -> None:
            pass

        def __enter__(self) -> Here:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(process, "fresh", lambda setup, stretch, anew: Here())
    proof = Proof(0, "kind", "start", [[Stretch({}, {}, "ab" * 20)]])
    with pytest.raises(Refused):
        process.proved(proof, WorkerSetup(NAME, 1, 1.0))
    assert [row.metrics["val_loss"] for row in process.proved(proof, WorkerSetup(NAME, 1, 0.0))] == [1.5]


def test_a_run_that_holds_itself_is_freed_with_its_lease(tmp_path: Any) -> None:
    gc.disable()
    try:
        _, worker = leased(tmp_path)
        alive = weakref.ref(_runs.pop())
        worker.cleanup()
        assert alive() is None
    finally:
        gc.enable()
