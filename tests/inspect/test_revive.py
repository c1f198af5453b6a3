"""A trial's run, alive again: the same state, and a word where it is not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from search.core.errors import UserError
from search.core.trial import Row, State
from search.inspect.revive import revive
from search.ledger.files import write_state
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.states import KeptState, Role
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.workload import Workload, load_workload
from search.workload.measured import row_of

CLASS = {"machine": "here"}


@dataclass
class Recorded:
    """A study of one trial of four epochs, trained by hand."""

    ledger: Ledger
    workload: Workload
    space: Space
    states: list[bytes]
    number: int = 0

    @property
    def record(self) -> StudyRecord:
        return self.ledger.study("toy")

    def revive(self, epoch: int | None = None, **more: Any) -> tuple[Any, list[str]]:
        said: list[str] = []
        (trial,) = self.ledger.trials(self.record.id)
        run = revive(OpenStudy(self.ledger, self.record, self.space), self.workload, trial, epoch, said.append)
        return run, said


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recorded]]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    ledger = Ledger(str(tmp_path / "search.db"))

    def recorded(bend: Callable[[int, Row], Row] = lambda epoch, row: row) -> Recorded:
        workload = load_workload("tests.contracts.toy:SineFit")
        monkeypatch.setattr(type(workload), "execution_class", lambda self, cpus, gpus: CLASS)
        text = {"workload": "tests.contracts.toy:SineFit", "fixed": {"epochs": 4}, "space": {"lr": {"grid": [0.1]}}}
        space = space_from_mapping({**text, "name": "toy", "seeds": [3]}, overrides={})
        ledger.create_study("toy", "toy", 1, "", "id", space.workload)
        ledger.update_study(ledger.study("toy").id, execution_class=CLASS)
        study = ledger.study("toy").id
        leaf = Planner(space, workload, CLASS).leaf(0, 0, 3, {"lr": 0.1})
        run_id = ledger.begin_run(study, {"gpus_per_trial": 0.0})
        run, states = workload.start(leaf.fixed, 1, 0), []
        trial = replace(leaf.trial, state=State.FINISHED, last_epoch=4)
        with ledger.step(study) as step:
            step.add_trial(trial, leaf.path, leaf.data)
            for epoch, settings in enumerate(leaf.schedule, start=1):
                row = row_of(dict(run.train_epoch(settings)))
                step.put_row(leaf.path[epoch - 1], epoch, bend(epoch, row), 2.5, run_id)
                states.append(run.save())
        return Recorded(ledger, workload, space, states)

    yield recorded
    ledger.close()


@pytest.mark.parametrize("epoch", [1, 3, 4])
def test_the_state_is_that_of_the_epoch(make: Callable[..., Recorded], epoch: int) -> None:
    study = make()
    run, said = study.revive(epoch)
    assert run.save() == study.states[epoch - 1]
    assert said == [
        f"training trial 0 again to epoch {epoch}; it took {2.5 * epoch:.0f} s when it was recorded",
        f"all {epoch} epochs equal those on record, to the last bit",
    ]


def test_by_default_the_last_epoch_on_record(make: Callable[..., Recorded]) -> None:
    study = make()
    assert study.revive()[0].save() == study.states[-1]


def test_epoch_0_is_the_state_before_training(make: Callable[..., Recorded]) -> None:
    run, said = make().revive(0)
    assert run.epoch == 0
    assert said == []


@pytest.mark.parametrize("epoch", [-1, 5])
def test_an_epoch_that_is_not_on_record(make: Callable[..., Recorded], epoch: int) -> None:
    with pytest.raises(UserError) as refused:
        make().revive(epoch)
    assert str(refused.value) == (
        f"trial 0 of study 'toy' has no epoch {epoch} on record; it has 0 (before the first one) to 4"
    )


def test_rows_that_differ_from_the_record_are_said_once(make: Callable[..., Recorded]) -> None:
    def bend(epoch: int, row: Row) -> Row:
        return Row({**row.metrics, "val_loss": 1.0}) if epoch > 2 else row

    run, said = make(bend).revive()
    assert run.epoch == 4
    assert said[1:] == [
        "2 of 4 epochs differ from the record, from epoch 3 on (val_loss): what is drawn of this state is another run "
        "than the one in the tables"
    ]


def test_another_execution_class_is_said_and_the_run_goes_on(make: Callable[..., Recorded]) -> None:
    study = make()
    study.ledger.update_study(study.record.id, execution_class={"machine": "elsewhere", "torch": "1"})
    run, said = study.revive(1)
    assert run.epoch == 1
    assert said[0] == (
        "another execution class than the study's (machine was 'elsewhere', is 'here'; torch was '1', is None): the "
        "run that is trained here is another"
    )


def test_data_that_changed_are_said(make: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch) -> None:
    from search.core.trial import DataCard

    study = make()
    monkeypatch.setattr(type(study.workload), "data", lambda self, fixed: DataCard("other"))
    _, said = study.revive(1)
    assert said[0] == "the data have changed since the trial was recorded: the run that is trained here is another"


def test_nothing_is_written(make: Callable[..., Recorded]) -> None:
    study = make()
    before = (study.ledger.decisions(study.record.id), study.ledger.runs(), study.ledger.trials(study.record.id))
    study.revive()
    after = (study.ledger.decisions(study.record.id), study.ledger.runs(), study.ledger.trials(study.record.id))
    assert after == before


def keep(study: Recorded, epoch: int) -> Path:
    """Keep the state after an epoch; return its file."""
    states = study.ledger.states
    states.make_folder()
    path, _ = study.ledger.paths(study.record.id)[0]
    file = write_state(states.folder, path[epoch - 1], study.states[epoch - 1])
    with study.ledger.step(study.record.id) as step:
        step.put_state(KeptState(file, epoch, Role.LANDMARK))
    return states.folder / file.name


def test_it_starts_from_the_last_state_that_is_kept(make: Callable[..., Recorded]) -> None:
    study = make()
    keep(study, 1)
    keep(study, 3)
    run, said = study.revive()
    assert run.save() == study.states[-1]
    assert said == [
        "training trial 0 again to epoch 4 from its state after epoch 3; it took 2 s when it was recorded",
        "all 1 epochs equal those on record, to the last bit",
    ]


def test_a_state_that_is_not_sound_is_passed_over(make: Callable[..., Recorded]) -> None:
    study = make()
    keep(study, 1)
    keep(study, 3).write_bytes(b"something else")
    run, said = study.revive()
    assert run.save() == study.states[-1]
    assert said[0].startswith("training trial 0 again to epoch 4 from its state after epoch 1;")


def test_nothing_is_trained_where_the_state_itself_is_kept(make: Callable[..., Recorded]) -> None:
    study = make()
    keep(study, 4)
    run, said = study.revive()
    assert run.save() == study.states[-1]
    assert said == []
