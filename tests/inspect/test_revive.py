"""A trial's run, alive again: the same state, and a word where it is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from search.core.errors import UserError
from search.core.trial import DataCard, Row
from search.inspect.revive import as_in_a_worker
from search.ledger.ledger import Ledger
from tests.inspect.recorded import Recorded, recorded


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recorded]]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    ledger = Ledger(str(tmp_path / "search.db"))
    yield lambda *bend: recorded(ledger, "tests.inspect.recorded:Weighed", *bend)
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


def test_it_starts_from_the_last_state_that_is_kept(make: Callable[..., Recorded]) -> None:
    study = make()
    study.keep(1)
    study.keep(3)
    run, said = study.revive()
    assert run.save() == study.states[-1]
    assert said == [
        "training trial 0 again to epoch 4 from its state after epoch 3; it took 2 s when it was recorded",
        "all 1 epochs equal those on record, to the last bit",
    ]


def test_a_state_that_is_not_sound_is_passed_over(make: Callable[..., Recorded]) -> None:
    study = make()
    study.keep(1)
    study.keep(3).write_bytes(b"something else")
    run, said = study.revive()
    assert run.save() == study.states[-1]
    assert said[0].startswith("training trial 0 again to epoch 4 from its state after epoch 1;")


def test_nothing_is_trained_where_the_state_itself_is_kept(make: Callable[..., Recorded]) -> None:
    study = make()
    study.keep(4)
    run, said = study.revive()
    assert run.save() == study.states[-1]
    assert said == []


def test_a_kept_state_needs_no_machine_like_the_one_that_trained_it(make: Callable[..., Recorded]) -> None:
    study = make()
    study.keep(3)
    study.ledger.update_study(study.record.id, execution_class={"machine": "elsewhere"})
    run, said = study.revive(3)
    assert (run.save(), said) == (study.states[2], [])


# Where another run than the one on record is refused ----------------------------------------------------------


def test_exactly_the_run_on_record(make: Callable[..., Recorded]) -> None:
    study = make()
    run, said = study.revive(2, exact=True)
    assert run.save() == study.states[1]
    assert said[-1] == "all 2 epochs equal those on record, to the last bit"


def test_the_first_row_that_differs_is_refused(make: Callable[..., Recorded]) -> None:
    study = make(lambda epoch, row: Row({**row.metrics, "val_loss": 1.0}) if epoch > 2 else row)
    assert study.revive(2, exact=True)[0].epoch == 2
    with pytest.raises(UserError) as refused:
        study.revive(4, exact=True)
    assert str(refused.value) == (
        "epoch 3 of trial 0 of study 'toy', trained again, differs from the record (val_loss): it is another run than "
        "the one in the table, and nothing was written; `python -m search verify` looks for the cause"
    )


def test_in_another_execution_class_the_rows_decide(make: Callable[..., Recorded]) -> None:
    study = make(lambda epoch, row: Row({**row.metrics, "val_loss": 1.0}) if epoch > 3 else row)
    study.keep(1)
    study.ledger.update_study(study.record.id, execution_class={"machine": "elsewhere"})
    run, said = study.revive(3, exact=True)
    assert run.save() == study.states[2]
    assert said == [
        "another execution class than the study's (machine was 'elsewhere', is 'here'): each epoch is compared with "
        "the record",
        "training trial 0 again to epoch 3 from its state after epoch 1; it took 5 s when it was recorded",
        "all 2 epochs equal those on record, to the last bit",
    ]
    with pytest.raises(UserError) as refused:
        study.revive(4, exact=True)
    assert str(refused.value).endswith(
        "and nothing was written; train it where the study was trained, for here the execution class is another "
        "(machine was 'elsewhere', is 'here')"
    )


def test_other_data_are_refused_though_a_state_is_kept(
    make: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make()
    study.keep(4)
    monkeypatch.setattr(type(study.workload), "data", lambda self, fixed: DataCard("other"))
    with pytest.raises(UserError) as refused:
        study.revive(4, exact=True)
    assert str(refused.value) == (
        "the data have changed since trial 0 of study 'toy' was recorded: what is trained here is another run, and "
        "nothing was written; put back what was there"
    )


def test_libraries_take_as_many_threads_as_in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info()}

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = threads()
    with as_in_a_worker(1):
        assert threads() == {1}
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert threads() == before
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # as workers have it, too
    with as_in_a_worker(1):
        assert threads() == {2}
