"""`log` and `run --log`: what is written for trackers; a missing library is said before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from search import logs
from search.__main__ import run
from tests.service.conftest import Served

FILE = """
workload: tests.contracts.toy:SineFit
fixed: {epochs: 2, lr: 0.05}
space: {degree: {grid: [1, 2]}}
search: {objective: {metric: val_loss, direction: minimize}}
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    made = Served(tmp_path / "results")
    made.ledger.close()
    return made.results


def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs.importlib.util, "find_spec", lambda name: None)


def test_log_writes_for_each_tracker(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorboardX", reason="TensorBoard's files are written by tensorboardX")
    assert run(["log", "focal", "--to", "tensorboard", "--to", "tensorboard", "--results", str(results)]) == 0
    place = results / "focal" / "tensorboard"
    assert capsys.readouterr().out == (
        f"TensorBoard: 6 trials in {place}; look at them with `tensorboard --logdir '{place}'`\n"
    )
    assert len(list(place.iterdir())) == 7


def test_a_missing_library_is_said_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing(monkeypatch)
    file = tmp_path / "toy.yaml"
    file.write_text(FILE)
    assert run(["run", str(file), "--log", "mlflow", "--results", str(tmp_path / "results")]) == 1
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith("tracker 'mlflow': its library mlflow is not installed; `pip install -e \".[mlflow]\"` brings it")
    )
    assert not (tmp_path / "results").exists()


def test_a_missing_library_of_a_study_on_record(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing(monkeypatch)
    assert run(["log", "focal", "--to", "wandb", "--results", str(results)]) == 1
    assert "its library wandb is not installed" in capsys.readouterr().err
    assert not (results / "focal").exists()


def test_trackers_are_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from search.cli.log import TRACKERS

    assert tuple(logs.TRACKERS) == TRACKERS
    assert run(["log", "focal", "--results", str(results)]) == 1
    assert "--to" in capsys.readouterr().err
    assert run(["log", "focal", "--to", "excel", "--results", str(results)]) == 1
    assert "'tensorboard', 'mlflow', 'wandb'" in capsys.readouterr().err
