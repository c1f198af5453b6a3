"""What TensorBoard's own reader finds in the event files."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from search import logs
from search.ledger.ledger import Ledger
from tests.logs.conftest import RUNS, go_on
from tests.report.builder import Study
from tests.report.hostile import TEXTS, hostile_study
from tests.report.scored import Regression

pytest.importorskip("tensorboardX", reason="TensorBoard's files are written by tensorboardX")
reading = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard reads the files back"
)


def log(study: Study, tmp_path: Path) -> Path:
    (said,) = logs.log_study(["tensorboard"], study.opened, tmp_path, tmp_path / "focal")
    place = tmp_path / "focal" / "tensorboard"
    assert f"tensorboard --logdir '{place}'" in said
    return place


def read(run: Path) -> Any:
    found = reading.EventAccumulator(str(run), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return found


def files(place: Path) -> dict[str, int]:
    return {str(path.relative_to(place)): path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()}


def test_curves_come_back_with_their_epochs_and_times(study: Study, tmp_path: Path) -> None:
    place = log(study, tmp_path)
    runs = sorted(run.name for run in place.iterdir())
    assert runs == ["study", *RUNS]
    found = read(place / "trial 1, gamma=0.5, seed 1")
    points = found.Scalars("val_accuracy")
    assert [(point.step, point.value) for point in points] == [(1, 0.25), (2, 0.5), (3, 0.75)]
    key = study.ledger.paths(study.record.id)[1][0][0]
    recorded = datetime.fromisoformat(study.ledger.rows([key])[key].recorded)
    assert points[0].wall_time == pytest.approx(recorded.timestamp(), abs=1e-3)
    assert [(point.step, point.value) for point in found.Scalars("final/val_accuracy")] == [(3, 0.75)]
    diverged = read(place / "trial 3, gamma=2, seed 1").Scalars("val_accuracy")
    assert diverged[0].value == 0.125
    assert math.isnan(diverged[1].value)


def test_parameters_and_tables_come_back(study: Study, tmp_path: Path) -> None:
    from tensorboard.plugins.hparams import metadata

    place = log(study, tmp_path)
    tags = read(place / "trial 1, gamma=0.5, seed 1").summary_metadata
    content = tags[metadata.SESSION_START_INFO_TAG].plugin_data.content
    values = metadata.parse_session_start_info_plugin_data(content).hparams
    assert (values["gamma"].number_value, values["seed"].number_value) == (0.5, 1)
    assert values["state"].string_value == "finished"
    content = tags[metadata.EXPERIMENT_TAG].plugin_data.content
    metrics = metadata.parse_experiment_plugin_data(content).metric_infos
    assert sorted(metric.name.tag for metric in metrics) == [
        *("final/test_accuracy", "final/test_loss", "final/val_accuracy", "final/val_loss")
    ]
    found = read(place / "study")
    (table,) = found.Tensors("table/text_summary")
    assert table.tensor_proto.string_val[0].decode().startswith("# Focal loss")
    (error,) = read(place / "trial 4, gamma=2, seed 2").Tensors("error/text_summary")
    assert b"ValueError: x" in error.tensor_proto.string_val[0]


def test_logging_twice_writes_nothing_and_a_trial_that_went_on_is_written_again(study: Study, tmp_path: Path) -> None:
    place = log(study, tmp_path)
    before = files(place)
    log(study, tmp_path)
    assert files(place) == before
    go_on(study, 5)
    log(study, tmp_path)
    after = files(place)
    changed = {name.split("/")[0] for name in {*before} ^ {*after}}
    assert changed == {"trial 5, gamma=0, seed 1", "study"}
    assert len(after) == len(before) == 7
    assert [point.step for point in read(place / "trial 5, gamma=0, seed 1").Scalars("val_accuracy")] == [1, 2, 3]
    assert not list(place.parent.glob(".*.tmp"))


def test_what_others_put_there_stays(study: Study, tmp_path: Path) -> None:
    place = log(study, tmp_path)
    mine = place / "my own run"
    mine.mkdir()
    (mine / "events.out.tfevents.1.host").write_bytes(b"")
    (place / "trial 0, gamma=0, seed 0").rename(place / "an old name")
    log(study, tmp_path)
    assert (mine / "events.out.tfevents.1.host").exists()
    assert not (place / "an old name").exists()
    assert (place / "trial 0, gamma=0, seed 0").is_dir()


@pytest.mark.slow
def test_hostile_names_stay_in_the_folder(ledger: Any, tmp_path: Path) -> None:
    study = hostile_study(lambda space, **more: Study(ledger, space, **more))
    place = log(study, tmp_path)
    runs = list(place.iterdir())
    assert len(runs) == 2 * len(TEXTS) + 1
    assert {path.name for path in tmp_path.iterdir()} == {"db", "focal"}
    assert all(len(read(run).Tags()["tensors"]) >= 2 for run in runs)


def test_a_metric_of_scores_comes_back_with_its_interval(ledger: Ledger, tmp_path: Path) -> None:
    study = Regression(ledger).grid()
    logs.log_study(["tensorboard"], study.opened, tmp_path, tmp_path / "wind")
    place = tmp_path / "wind" / "tensorboard"
    (run, *_) = sorted(path for path in place.iterdir() if path.name != "study")
    (point,) = read(run).Scalars("val_rmse")
    key = ledger.paths(study.record.id)[0][0][0]
    assert point.value == pytest.approx(ledger.rows([key])[key].row.metrics["val_rmse"], rel=1e-6)
    (text,) = read(place / "study").Tensors("table/text_summary")
    assert r"val_rmse, mean \[95 % interval\]" in text.tensor_proto.string_val[0].decode()
