"""What every tracker is told, and what is said where its library is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from search import logs
from search.core.errors import UserError
from search.ledger.ledger import Ledger
from search.logs.content import read_study, scalar, unique
from tests.logs.conftest import go_on
from tests.report.builder import Study
from tests.report.judging import Bench
from tests.report.scored import Regression


def test_trials_that_have_begun_or_ended(study: Study) -> None:
    told = read_study(study.opened)
    assert [trial.number for trial in told.trials] == [0, 1, 2, 3, 4, 5]
    assert [trial.state.value for trial in told.trials] == [
        *("finished", "finished", "pruned", "diverged", "failed", "running")
    ]
    first = told.trials[0]
    assert first.name == "trial 0, gamma=0, seed 0"
    assert dict(first.parameters) == {"gamma": 0, "seed": 0}
    assert dict(first.settings) == {"lr": 0.1, "epochs": 3}
    assert [point.epoch for point in first.points] == [1, 2, 3]
    assert [point.metrics["val_accuracy"] for point in first.points] == [1 / 3, 0.5, 1 / 7]
    assert (first.final_epoch, first.final["val_accuracy"]) == (3, 1 / 7)
    assert first.points[0].at > 1_600_000_000
    assert list(told.frames) == ["table", "trials"]
    assert told.texts["table.md"].startswith("# Focal loss")


def test_the_digest_is_of_the_record(study: Study) -> None:
    before, again = read_study(study.opened), read_study(study.opened)
    assert [trial.digest for trial in before.trials] == [trial.digest for trial in again.trials]
    assert before.digest == again.digest
    assert len({trial.digest for trial in before.trials}) == 6
    go_on(study, 5)
    after = read_study(study.opened)
    changed = [one.number for one, two in zip(before.trials, after.trials, strict=True) if one.digest != two.digest]
    assert changed == [5]
    assert after.digest != before.digest


def test_values_every_tracker_holds() -> None:
    assert [scalar(value) for value in (True, 3, 0.1, "x", None, [1, 2])] == [True, 3, 0.1, "x", "null", "[1, 2]"]


def test_names_that_would_come_out_equal_are_told_apart() -> None:
    names = unique(["a/b", "a:b", "a_b", "", "x" * 30], re.compile(r"[^\w]"), 10)
    assert list(names.values()) == ["a_b", "a_b_2", "a_b_3", "_", "x" * 10]
    assert list(unique(["x" * 20, "x" * 21], re.compile("-"), 10).values()) == ["x" * 10, "x" * 8 + "_2"]


def test_a_tracker_that_is_not_known() -> None:
    with pytest.raises(UserError) as caught:
        logs.require(["tensorboard", "tensorbord"])
    assert str(caught.value) == (
        "tracker 'tensorbord': must be one of tensorboard, mlflow, wandb; did you mean 'tensorboard'?"
    )


@pytest.mark.parametrize("name", list(logs.TRACKERS))
def test_a_library_that_is_missing(name: str, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs.importlib.util, "find_spec", lambda library: None)
    with pytest.raises(UserError) as caught:
        logs.log_study([name], study.opened, tmp_path, tmp_path / "focal")
    library = {"tensorboard": "tensorboardX"}.get(name, name)
    assert str(caught.value) == (
        f'tracker {name!r}: its library {library} is not installed; `pip install -e ".[{name}]"` brings it'
    )
    assert not (tmp_path / "focal").exists()


def test_tables_hold_the_intervals_that_scores_give(ledger: Ledger) -> None:
    told = read_study(Regression(ledger).grid().opened)
    table = told.frames["table"]
    assert table["val_rmse_low"].lt(table["val_rmse_mean"]).all()
    assert table["val_rmse_mean"].lt(table["val_rmse_high"]).all()
    assert table["val_rmse_difference_high"].notna().tolist() == [False, True, True]
    assert r"val_rmse, mean \[95 % interval\]" in told.texts["table.md"]
    assert told.trials[0].final["val_rmse"] == told.trials[0].points[-1].metrics["val_rmse"]


def test_metrics_that_predictions_tell_have_curves_and_intervals(ledger: Ledger) -> None:
    told = read_study(Bench(ledger).grid().reported(metrics=["val_macro_f1"]).opened)
    assert all(0 <= point.metrics["val_macro_f1"] <= 1 for trial in told.trials for point in trial.points)
    assert told.frames["table"]["val_macro_f1_low"].notna().all()
