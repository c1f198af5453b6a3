"""The process that each lease has of its own on a CPU: what is told of its death and errors, which states it loads."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from search.core.trial import DataCard
from search.core.values import Settings
from search.engine.decide.death import Death
from search.engine.decide.lease import CAUSE, Assignment, Lease, Proof, Stretch, Trained, WorkerSetup
from search.ledger.files import write_state
from search.ledger.kept import KeptState, Role
from search.system.machine import fork_is_fresh
from tests.contracts.toy import SineFit

pytest.importorskip("ray")
from search.engine.worker import process, trainable
from search.engine.worker.deaths import Deaths
from search.engine.worker.trainable import DIED, ERROR, MISS, PROVED, TRAINED, LeaseTrainable

pytestmark = pytest.mark.skipif(
    not fork_is_fresh(0), reason="a fork is not fresh here, so no lease has its own process"
)

NAME = f"{__name__}:Acting"
EPOCHS = 4

_left_behind: list[int] = []
_readers: list[int] = []


class Acting(SineFit):
    """Does in an epoch what the settings of the epoch say; its rows tell its process, and what others left there."""

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        _left_behind.append(os.getpid())
        return Act()

    def data(self, fixed: Settings) -> DataCard | None:
        return None

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        return {}

    def inputs(self, fixed: Settings) -> Mapping[str, str]:
        return {}


class Reading(Acting):
    """Reads its data once in a process, the warm one if it can; its rows tell where."""

    def data(self, fixed: Settings) -> DataCard | None:
        if not _readers:
            _readers.append(os.getpid())
        return DataCard("content", "made up", [])

    def warm(self, fixed: Settings) -> None:
        self.data(fixed)
        raise ValueError("the run will tell it")


class Act:
    state = b"nothing"
    save_dies = False

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        match settings.get("act"):
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(7)
            case "leave":
                raise SystemExit("the workload left")
            case "hang":
                time.sleep(3600)
            case "memory":
                raise MemoryError("for 10 TB\nand more")
            case "die in save":
                self.save_dies = True
            case "fail in save":
                self.state = None  # type: ignore[assignment]
            case "parent":
                return {"val_loss": 1.0, "parent": float(os.getppid())}
        told = {"val_loss": 1.0, "process": float(os.getpid()), "trained here": float(len(_left_behind))}
        return told | ({"reader": float(_readers[0])} if _readers else {})

    def save(self) -> bytes:
        if self.save_dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return bytes(bytearray(self.state))

    def load(self, state: bytes) -> None:
        if state == b"other":
            raise ValueError("a state of another version")
        self.state = state


@pytest.fixture(autouse=True)
def one_warm() -> Iterator[None]:
    """The warm process is made anew for each test, and ended."""
    yield
    for warm in process._warm.values():
        warm.close()
    process._warm.clear()
    process._warmed.clear()


class Worker:
    """A worker that takes leases as Ray Tune gives them."""

    def __init__(self, folder: Path, limit: float | None = None, workload: str = NAME, data: str = "") -> None:
        states, signs = folder / "states", folder / "signs"
        states.mkdir()
        signs.mkdir()
        self.data = data
        self.setup = WorkerSetup(
            workload, 1, 0.0, states=str(states), signs=str(signs), epoch_seconds=limit, reporting=0.0
        )
        self.states, self.signs = states, signs
        self.trainable: LeaseTrainable | None = None
        self.leases = 0

    def lease(self, *acts: str, start: KeptState | None = None, keep: Mapping[int, Role] | None = None) -> int:
        """Take a lease over epochs with these acts."""
        number, self.leases = self.leases, self.leases + 1
        path = [f"{number:020x}{epoch:020x}" for epoch in range(len(acts))]
        lease = Lease(number, 0, {}, [{"act": act} for act in acts], path, start, keep or {}, data=self.data)
        config = {"assignment": Assignment(lease, self.setup)}
        if self.trainable is None:
            self.trainable = LeaseTrainable.__new__(LeaseTrainable)
            self.trainable.setup(config)
        else:
            assert self.trainable.reset_config(config)
        return number

    def step(self) -> dict[str, Any]:
        """Let the worker go on to its next report."""
        assert self.trainable is not None
        return self.trainable.step()

    def row(self) -> Mapping[str, float]:
        """The row of the next report, which holds one."""
        (trained,) = self.step()[TRAINED]
        assert isinstance(trained, Trained)
        assert trained.fresh
        return trained.row.metrics

    def death(self, lease: int, result: Mapping[str, Any]) -> Death:
        """What is said of a death that a worker tells."""
        return Deaths(str(self.signs)).of(lease, how=result[DIED])


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path)
    yield made
    if made.trainable is not None:
        made.trainable.cleanup()


def test_each_lease_is_trained_where_nothing_was_trained_before(worker: Worker) -> None:
    processes = set()
    for _ in range(3):
        worker.lease("", "")
        first, second = worker.row(), worker.row()
        assert first["process"] == second["process"] != os.getpid()
        assert second["trained here"] == 1
        processes.add(first["process"])
    assert len(processes) == 3
    assert not _left_behind


def test_a_process_ends_with_its_lease(worker: Worker) -> None:
    worker.lease("", "")
    ended = int(worker.row()["process"])
    worker.lease("")
    worker.row()
    with pytest.raises(ProcessLookupError):
        os.kill(ended, 0)


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("crash", "died of SIGSEGV in epoch 2"),
        ("kill", "was killed in epoch 2 (SIGKILL)"),
        ("exit", "ended with exit status 7 in epoch 2"),
    ],
)
def test_how_it_died_is_told_and_the_worker_goes_on(act: str, text: str, worker: Worker) -> None:
    lease = worker.lease("", act)
    worker.row()
    result = worker.step()
    death = worker.death(lease, result)
    assert result["done"]
    assert death.text == text
    assert ("in train_epoch" in death.detail) is (act == "crash"), "where it was"
    worker.lease("")
    assert worker.row()["trained here"] == 1


def test_an_epoch_that_takes_too_long_ends_the_process_alone(tmp_path: Path) -> None:
    hasty = Worker(tmp_path, limit=0.5)
    lease = hasty.lease("", "hang")
    hasty.row()
    death = hasty.death(lease, hasty.step())
    assert death.text == "took longer than 0.5 s in epoch 2 and was ended"
    assert "in train_epoch" in death.detail, "where it hung"
    hasty.lease("")
    hasty.row()
    assert hasty.trainable is not None
    hasty.trainable.cleanup()


def test_errors_of_the_workload_are_told_as_in_the_worker_itself(worker: Worker) -> None:
    for act, last in [
        ("leave", "SystemExit: the workload left"),
        (
            "memory",
            "out of memory in epoch 1: MemoryError: for 10 TB; give a trial more (resources.gpus, fewer at once)",
        ),
    ]:
        worker.lease(act)
        result = worker.step()
        assert result[ERROR].strip().rpartition("\n")[2].startswith(last)
        assert "in train_epoch" in result[ERROR], "where it was raised"


def test_a_state_that_cannot_be_saved_costs_no_row(worker: Worker) -> None:
    worker.lease("fail in save", "", keep={1: Role.BRANCH})
    (trained,) = worker.step()[TRAINED]
    assert trained.kept is None
    assert trained.unkept.startswith("TypeError")
    worker.row()


def test_a_death_in_save_is_told_behind_its_row(worker: Worker) -> None:
    lease = worker.lease("die in save", "", keep={1: Role.BRANCH})
    (trained,) = worker.step()[TRAINED]
    assert (trained.kept, trained.unkept) == (None, "")
    assert worker.death(lease, worker.step()).text == "was killed in epoch 1 (SIGKILL)"


def test_states_are_loaded_and_one_of_another_version_is_a_miss(worker: Worker) -> None:
    state = KeptState(write_state(worker.states, "ab" * 20, b"kept"), 3, Role.BRANCH)
    worker.lease("", start=state, keep={4: Role.BRANCH})
    (trained,) = worker.step()[TRAINED]
    assert trained.kept.epoch == 4
    other = KeptState(write_state(worker.states, "cd" * 20, b"other"), 3, Role.BRANCH)
    worker.lease("", start=other)
    miss = worker.step()[MISS]
    assert miss.startswith(f"state {other.file.name} cannot be loaded: ValueError('a state of another version')")
    (worker.states / state.file.name).unlink()
    worker.lease("", start=state)
    assert "cannot be read: No such file or directory" in worker.step()[MISS]


def test_chance_that_forks_have_in_common_shows_in_a_process_started_anew(worker: Worker) -> None:
    """The cause of a distrust is looked for in two processes, one of which is no fork."""
    stretch = Stretch({}, {"act": "parent"}, "ab" * 20)
    assert worker.trainable is None
    for what, alike in [("start", True), (CAUSE, False)]:
        config = {"assignment": Assignment(Proof(worker.leases, "kind", what, [[stretch]] * 2), worker.setup)}
        worker.trainable = LeaseTrainable.__new__(LeaseTrainable)
        worker.trainable.setup(config)
        first, second = worker.step()[PROVED]
        assert (first.metrics["parent"] == second.metrics["parent"]) is alike


def test_data_are_read_once_before_anything_is_forked(tmp_path: Path) -> None:
    reading = Worker(tmp_path, workload=f"{__name__}:Reading", data="content")
    rows = []
    for _ in range(3):
        reading.lease("")
        rows.append(reading.row())
    (reader,) = {row["reader"] for row in rows}
    assert reader not in {os.getpid(), *(row["process"] for row in rows)}
    assert reading.trainable is not None
    reading.trainable.cleanup()


def test_modules_that_one_came_to_import_are_imported_before_the_next_is_forked(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(process.Warm, "import_modules", lambda warm, names: asked.append([*names]))
    monkeypatch.setattr(process, "_modules", {})
    for _ in range(3):
        worker.lease("")
        worker.row()
    (names,) = asked
    assert trainable.__name__ in names
