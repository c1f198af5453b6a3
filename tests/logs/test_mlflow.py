"""What MLflow's own client finds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from search import logs
from search.ledger.urls import sqlite_url
from tests.logs.conftest import go_on
from tests.report.builder import Study
from tests.report.hostile import TEXTS, hostile_study

pytest.importorskip("mlflow", reason="MLflow is an optional library: the extra `mlflow`")
pytestmark = pytest.mark.slow  # a new MLflow database takes seconds


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def log(study: Study, tmp_path: Path, uri: str = "") -> tuple[Any, dict[str, Any]]:
    """Log a study; return a client and the runs by their trial."""
    from mlflow import MlflowClient

    (said,) = logs.log_study(["mlflow"], study.opened, tmp_path, tmp_path / "focal")
    uri = uri or sqlite_url(tmp_path / "mlflow.db")
    assert f"mlflow ui --backend-store-uri '{uri}'" in said
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("focal")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    found = {run.data.tags["search.trial"]: run for run in runs}
    assert len(found) == len(runs)
    return client, found


def test_curves_parameters_states_and_tables(study: Study, tmp_path: Path) -> None:
    client, runs = log(study, tmp_path)
    assert sorted(runs) == ["0", "1", "2", "3", "4", "5", "study"]
    run = runs["1"]
    history = client.get_metric_history(run.info.run_id, "val_accuracy")
    assert sorted((point.step, point.value) for point in history) == [(1, 0.25), (2, 0.5), (3, 0.75)]
    assert run.data.params == {"gamma": "0.5", "seed": "1", "lr": "0.1", "epochs": "3"}
    assert run.data.metrics["final.val_accuracy"] == 0.75
    assert run.info.run_name == "trial 1, gamma=0.5, seed 1"
    assert run.data.tags["mlflow.parentRunId"] == runs["study"].info.run_id
    assert [runs[str(i)].info.status for i in range(6)] == [
        *("FINISHED", "FINISHED", "KILLED", "KILLED", "FAILED", "RUNNING")
    ]
    assert runs["3"].data.tags["search.ended_by"] == "val_accuracy is nan at epoch 2"
    values = [point.value for point in client.get_metric_history(runs["3"].info.run_id, "val_accuracy")]
    assert sum(map(math.isnan, values)) == 1
    assert "ValueError: x" in runs["4"].data.tags["search.error"]
    names = {item.path for item in client.list_artifacts(runs["study"].info.run_id)}
    assert names == {"space.yaml", "table.csv", "table.md", "trials.csv"}
    assert list(tmp_path.glob("mlartifacts/*/*/artifacts/table.md"))
    assert not Path("mlruns").exists()


def test_logging_twice_adds_nothing_and_a_trial_that_went_on_is_replaced(study: Study, tmp_path: Path) -> None:
    _, before = log(study, tmp_path)
    _, again = log(study, tmp_path)
    assert {key: run.info.run_id for key, run in again.items()} == {key: run.info.run_id for key, run in before.items()}
    go_on(study, 5)
    client, after = log(study, tmp_path)
    changed = {key for key, run in after.items() if run.info.run_id != before[key].info.run_id}
    assert changed == {"5"}
    assert after["5"].info.status == "FINISHED"
    assert len(client.get_metric_history(after["5"].info.run_id, "val_accuracy")) == 3
    assert after["study"].data.tags["search.digest"] != before["study"].data.tags["search.digest"]


def test_a_run_of_somebody_else_stays(study: Study, tmp_path: Path) -> None:
    client, runs = log(study, tmp_path)
    other = client.create_run(runs["study"].info.experiment_id, run_name="mine")
    logs.log_study(["mlflow"], study.opened, tmp_path, tmp_path / "focal")
    assert client.get_run(other.info.run_id).info.lifecycle_stage == "active"


def test_an_address_of_the_users_own(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = sqlite_url(tmp_path / "elsewhere.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    _, runs = log(study, tmp_path, uri)
    assert len(runs) == 7
    assert not (tmp_path / "mlflow.db").exists()


def test_hostile_names(ledger: Any, tmp_path: Path) -> None:
    study = hostile_study(lambda space, **more: Study(ledger, space, **more))
    _, runs = log(study, tmp_path)
    assert len(runs) == 2 * len(TEXTS) + 1
    assert runs["0"].data.params["_axis____b_"] == TEXTS[0]


def test_a_results_folder_of_any_name(study: Study, tmp_path: Path) -> None:
    """Database and files lie inside of it, and what is printed leads there."""
    place = tmp_path / "a?b#c&d 100% é"
    (said,) = logs.log_study(["mlflow"], study.opened, place, place / "focal")
    assert f"mlflow ui --backend-store-uri '{sqlite_url(place / 'mlflow.db')}'" in said
    assert (place / "mlflow.db").is_file()
    assert list(place.glob("mlartifacts/*/*/artifacts/table.md"))
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("a") and path != place]
