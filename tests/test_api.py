"""The library, as in a notebook."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from search import load_space, open_study, run
from search.__main__ import run as command
from search.api import Study
from search.core.errors import Faults, UserError
from search.engine.steps.conclude import RunOutcome
from search.report.table import build

SINE = {
    "name": "notebook",
    "workload": "tests.contracts.toy:SineFit",
    "fixed": {"epochs": 3, "lr": 0.05},
    "space": {"degree": {"grid": [1, 3]}},
    "seeds": [0, 1],
    "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
}


@pytest.mark.slow
def test_a_study_runs_from_python_and_its_tables_are_data_frames(tmp_path: Path) -> None:
    study = run(load_space(SINE), results=tmp_path)
    assert study.outcome is not None
    assert study.outcome.epochs_trained == 12
    trials, epochs, table = study.trials(), study.epochs(), study.table()
    assert trials["state"].tolist() == ["finished"] * 4
    assert len(epochs) == 12
    last = epochs[epochs["epoch"] == 3].set_index("trial")["val_loss"]
    means = trials.assign(val_loss=trials["trial"].map(last)).groupby("degree")["val_loss"].mean()
    assert table["val_loss_mean"].tolist() == pytest.approx(means.tolist())
    assert (tmp_path / "notebook" / "table.md").exists()
    whole = study.table(all=True)
    assert set(table.columns) < set(whole.columns)
    assert list(whole.columns) == list(pd.read_csv(tmp_path / "notebook" / "table.csv").columns)

    shown = study._repr_mimebundle_(include=None, exclude=None)
    assert shown["text/html"] == study._repr_html_()
    assert [f"degree={degree}" in shown["text/html"] for degree in (1, 3)] == [True, True]
    assert "val_loss" in shown["text/plain"]
    assert repr(study) == "Study('notebook')"
    assert study.figures()["objective"] is not None

    again = open_study("notebook", results=tmp_path)
    pd.testing.assert_frame_equal(again.trials(), trials)
    assert isinstance(again, Study)


@pytest.mark.slow
def test_a_table_is_built_once_per_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files, the page with its figures, the page of the search it confirms and the terminal show the same one."""
    built: list[str] = []
    usual = build.table_of
    monkeypatch.setattr(build, "table_of", lambda read, *more: built.append(read.record.name) or usual(read, *more))
    axis = {"lr": {"float": {"low": 0.01, "high": 0.1}}}
    search = {**SINE["search"], "sampler": "random", "trials": 2, "confirm": {"top": 1, "seeds": 2}}
    space = {**SINE, "fixed": {"epochs": 2, "degree": 1}, "space": axis, "search": search}
    study = run(load_space(space), results=tmp_path)
    assert study.confirmed is not None
    assert sorted(built) == ["notebook", "notebook (confirm)"]
    page = (tmp_path / "notebook" / "report.html").read_text(encoding="utf-8")
    assert "The answer of that confirm stage" in page
    built.clear()
    assert command(["report", "notebook", "--results", str(tmp_path)]) == 0
    assert sorted(built) == ["notebook", "notebook (confirm)"]
    assert (tmp_path / "notebook" / "report.html").read_text(encoding="utf-8") == page


@pytest.mark.slow
def test_an_error_on_the_way_is_recorded_with_the_run_and_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such file of weights")

    monkeypatch.setattr("search.engine.decide.ahead.Ahead._admit", fail)  # in the planner's thread
    with pytest.raises(RuntimeError, match="no such file of weights"):
        run(load_space(SINE), results=tmp_path)
    study = open_study("notebook", results=tmp_path)
    assert [entry["outcome"] for entry in study.ledger.runs(study_id=study.record.id)] == ["error: RuntimeError"]


def test_results_that_were_moved_away_are_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger elsewhere would go on, and the report would make a folder that is in the way of putting it back."""

    def move(*_: object) -> RunOutcome:
        results.rename(tmp_path / "elsewhere")
        return RunOutcome("notebook", "", [], "", 12)

    results = tmp_path / "results"
    monkeypatch.setattr("search.engine.run.run_study", move)
    with pytest.raises(UserError) as caught:
        run(load_space(SINE), results=results, storage=str(tmp_path / "search.db"))
    assert str(caught.value) == (
        f"results '{results}': the folder was removed or moved away while the study ran; put it back, for what is "
        "committed stays, and the same command goes on"
    )
    assert not results.exists()


def test_faults_are_raised_all_at_once() -> None:
    broken = {**SINE, "fixed": {"epochs": 0, "lr": -1}}
    with pytest.raises(Faults) as caught:
        load_space(broken)
    assert [fault.key for fault in caught.value.faults] == ["fixed.epochs", "fixed.lr"]


def test_overrides_are_values_or_their_text() -> None:
    assert load_space(SINE, {"epochs": "7"}) == load_space(SINE, {"epochs": 7})
    assert load_space(SINE, {"epochs": "7"}).fixed["epochs"] == 7
