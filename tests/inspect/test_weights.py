"""Weights as a file: whose they are, what stands beside them, and when none are given."""

from __future__ import annotations

import json
import os
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file

from classifier.data import load
from classifier.models import build
from search.__main__ import run
from search.core.errors import UserError
from search.core.trial import Row, State
from search.inspect.revive import as_in_a_worker
from search.inspect.weights import export_weights
from search.ledger.ledger import Ledger
from tests.inspect.recorded import CLASS, Recorded, recorded

ROOT = Path(__file__).parents[2]
WEIGHED = "tests.inspect.recorded:Weighed"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recorded]]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    ledger = Ledger(str(tmp_path / "search.db"))
    yield lambda **more: recorded(ledger, **{"name": WEIGHED, **more})
    ledger.close()


def export(study: Recorded, path: Path, *trial: int, **more: Any) -> tuple[Any, list[str]]:
    told: list[str] = []
    return export_weights(study.opened, path, *trial, say=told.append, **more), told


def refusal(study: Recorded, path: Path, *trial: int, **more: Any) -> str:
    with pytest.raises(UserError) as refused:
        export(study, path, *trial, **more)
    assert not path.exists()
    return str(refused.value)


def test_the_best_trial_at_the_epoch_that_the_table_reads(make: Callable[..., Recorded], tmp_path: Path) -> None:
    study = make()
    written, told = export(study, tmp_path / "w.safetensors")
    assert (written.path, written.trial, written.epoch) == (tmp_path / "w.safetensors", 0, 4)
    assert told[0].startswith("exporting trial 0 (lr=0.1, seed 3): of the finished ones it has the lowest val_loss")
    assert told[-1] == "all 4 epochs equal those on record, to the last bit"
    assert load_file(written.path)["coefficients"].tobytes() == study.coefficients(4).tobytes()
    path, _ = study.ledger.paths(study.record.id)[0]
    with safe_open(written.path, "np") as file:
        text = file.metadata()
    about, metrics = (json.loads(text.pop(name)) for name in ("about", "metrics"))
    assert metrics == dict(study.ledger.rows(path)[path[3]].row.metrics)
    assert text == {
        "format": "np",
        "study": "toy",
        "trial": "0",
        "seed": "3",
        "epoch": "4",
        "key": path[3],
        "workload": WEIGHED,
        "data": "",
        "settings": json.dumps({"degree": 5, "lr": 0.1, "momentum": 0.9, "seed": 3}),
        "execution_class": json.dumps(CLASS),
        "classes": '["one", "two"]',
        "input_size": "1",
        "kind": "polynomial",
    }
    said = {name: value if isinstance(value, str) else json.dumps(value) for name, value in about.items()}
    assert {**said, "format": "np"} == {**text, "metrics": said["metrics"]}
    assert about["metrics"] == metrics


def test_the_best_epoch_where_the_table_reads_it(make: Callable[..., Recorded], tmp_path: Path) -> None:
    def bend(epoch: int, row: Row) -> Row:
        return Row({**row.metrics, "val_loss": row.metrics["val_loss"] + (epoch > 2)})

    study = make(bend=bend, report={"value": "best"})
    written, _ = export(study, tmp_path / "w.safetensors")
    assert written.epoch == 2
    assert load_file(written.path)["coefficients"].tobytes() == study.coefficients(2).tobytes()


def test_an_epoch_that_is_asked_for(make: Callable[..., Recorded], tmp_path: Path) -> None:
    study = make()
    written, told = export(study, tmp_path / "w.pt", 0, epoch=1)
    assert told[0].startswith("training trial 0 again to epoch 1;")
    found = torch.load(written.path, weights_only=True)
    assert found["coefficients"].numpy().tobytes() == study.coefficients(1).tobytes()
    assert found.metadata["epoch"] == "1"


def test_a_kept_state_is_taken_as_it_is(make: Callable[..., Recorded], tmp_path: Path) -> None:
    study = make()
    study.keep(4)
    written, told = export(study, tmp_path / "w.safetensors", 0)
    assert told == []
    assert load_file(written.path)["coefficients"].tobytes() == study.coefficients(4).tobytes()


def test_what_differs_from_the_record_is_not_written(make: Callable[..., Recorded], tmp_path: Path) -> None:
    study = make(bend=lambda epoch, row: Row({**row.metrics, "val_loss": 1.0}))
    assert refusal(study, tmp_path / "w.safetensors").startswith(
        "epoch 1 of trial 0 of study 'toy', trained again, differs from the record (val_loss): "
    )


def test_a_workload_that_offers_none(make: Callable[..., Recorded], tmp_path: Path) -> None:
    study = make(name="tests.contracts.toy:SineFit")
    assert refusal(study, tmp_path / "w.safetensors") == (
        "the workload 'tests.contracts.toy:SineFit' offers no weights; see search.workload.Weighing"
    )


@pytest.mark.parametrize(
    ("state", "epochs", "said"),
    [
        (
            State.FAILED,
            2,
            "failed: `python -m search show 'toy' 0` tells why, `run` tries it again; --epoch takes the weights after "
            "one of its epochs, 1 to 2",
        ),
        (State.FAILED, 0, "failed: `python -m search show 'toy' 0` tells why, `run` tries it again"),
        (State.DIVERGED, 3, "diverged at epoch 3; --epoch takes the weights after one of its epochs, 1 to 3"),
        (
            State.INTERRUPTED,
            1,
            "has not ended (interrupted, epoch 1 of 4): `run` goes on with it; --epoch takes the weights after one of "
            "its epochs, 1 to 1",
        ),
        (State.WAITING, 0, "has not ended (waiting, epoch 0 of 4): `run` goes on with it"),
    ],
)
def test_a_trial_that_did_not_end_well(
    make: Callable[..., Recorded], tmp_path: Path, state: State, epochs: int, said: str
) -> None:
    study = make(state=state, epochs=epochs)
    assert refusal(study, tmp_path / "w.pt", 0) == f"trial 0 of study 'toy' {said}"
    assert refusal(study, tmp_path / "w.pt") == "no trial of study 'toy' has finished; name the one to export"
    if epochs:
        export(study, tmp_path / "w.pt", 0, epoch=epochs)
        assert (tmp_path / "w.pt").is_file()


def test_a_pruned_trial_has_weights(make: Callable[..., Recorded], tmp_path: Path) -> None:
    assert export(make(state=State.PRUNED, epochs=2), tmp_path / "w.pt", 0)[0].epoch == 2


def test_no_such_trial_epoch_or_format(make: Callable[..., Recorded], tmp_path: Path) -> None:
    study = make()
    assert refusal(study, tmp_path / "w.pt", 7) == "study 'toy' has no trial 7; it has the trials 0 to 0"
    assert refusal(study, tmp_path / "w.pt", 0, epoch=9) == "trial 0 has no epoch 9 on record; it has 1 to 4"
    assert refusal(study, tmp_path / "w.bin") == (
        f"weights {str(tmp_path / 'w.bin')!r}: found the ending '.bin', must be .safetensors or .pt"
    )


@pytest.mark.parametrize(
    ("weights", "about", "said"),
    [
        ({}, {}, "of its weights, there are none; nothing was written"),
        (
            {"a": "text"},
            {},
            "of its weights, 'a' is a str, and must be a NumPy array or a tensor of numbers; nothing was written",
        ),
        (
            {"a": np.ones(1)},
            {"epoch": 3},
            "says 'epoch' about its weights, which the file says itself; give it another name, nothing was written",
        ),
        (
            {"a": np.ones(1)},
            {"about": 3},
            "says 'about' about its weights, which the file says itself; give it another name, nothing was written",
        ),
        (
            {"a": np.ones(1)},
            {"size": {1, 2}},
            "says 'size' about its weights, which is no plain data (Object of type set is not JSON serializable); give "
            "text, numbers, lists and mappings, nothing was written",
        ),
        ([np.ones(1)], {}, "weights() gave a list, must be a mapping; nothing was written"),
        ({"a": np.ones(1)}, None, "about() gave a NoneType, must be a mapping; nothing was written"),
        ({"a": np.ones(1)}, {3: 1}, "says 3 about its weights, where names must be text; nothing was written"),
    ],
)
def test_a_workload_that_offers_what_cannot_be_written(
    make: Callable[..., Recorded],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    weights: Any,
    about: Any,
    said: str,
) -> None:
    study = make()
    monkeypatch.setattr(type(study.workload), "weights", lambda self, run: weights)
    monkeypatch.setattr(type(study.workload), "about", lambda self, run: about)
    told = refusal(study, tmp_path / "w.safetensors")
    assert told in (f"the workload {WEIGHED!r}: {said}", f"the workload {WEIGHED!r} {said}")


def test_a_workload_that_raises(make: Callable[..., Recorded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def weights(self: object, run: object) -> dict[str, Any]:
        raise RuntimeError("no such head")

    study = make()
    monkeypatch.setattr(type(study.workload), "weights", weights)
    line = weights.__code__.co_firstlineno + 1
    assert refusal(study, tmp_path / "w.pt") == (
        f"the workload {WEIGHED!r} failed at the weights of trial 0 after epoch 4: RuntimeError('no such head') "
        f"({__file__}, line {line}); nothing was written"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--weights", "w.pt", "--what", "trials", "-o", "x.csv"],
            "--weights writes no table; leave out --what and -o",
        ),
        (["--weights", "w.pt", "--predictions"], "--weights writes no table; leave out --what, or --weights"),
        (["3"], "TRIAL: for weights alone; add --weights FILE"),
        (["3", "--epoch", "2"], "TRIAL and --epoch: for weights alone; add --weights FILE"),
    ],
)
def test_options_that_say_nothing_of_what_is_exported(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "toy", *words]) == 1
    assert said in capsys.readouterr().err


# The classifier ---------------------------------------------------------------------------------------------------

DIGITS = {
    **{"epochs": 1, "data": "digits", "data.limit": [96, 60, 20], "batch_size": 48, "optimizer.lr": 0.01},
    "input.greyscale": True,
}
OBJECTIVE = {"objective": {"metric": "val_accuracy", "direction": "maximize"}}


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def predict(weights: Path, photo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the example prints; in this process, for a fresh one imports PyTorch anew."""
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["predict.py", str(weights), str(photo)])
    runpy.run_path(str(ROOT / "examples/predict.py"), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.slow
def test_weights_of_the_classifier_predict_what_is_on_record(
    make: Callable[..., Recorded],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A ResNet in torchvision's class, another model in its own, and a photograph by the example."""
    space = {"model.name": {"grid": ["resnet18", "example_cnn"]}}
    with as_in_a_worker(1):
        study = make(name="classifier", epochs=1, fixed=DIGITS, space=space, search=OBJECTIVE)
    files = {}
    study.keep(1)  # of the ResNet; the other model is trained again
    for trial, file in ((0, "resnet18.safetensors"), (0, "resnet18.pt"), (1, "example_cnn.safetensors")):
        files[file] = tmp_path / file
        assert run(["export", "toy", str(trial), "--weights", str(files[file]), "--results", str(tmp_path)]) == 0
        told = capsys.readouterr()
        assert told.out == f"{files[file]}\n"
        again = trial and "training trial 1 again to epoch 1; it took 2 s when it was recorded\n"
        assert told.err == (f"{again}all 1 epochs equal those on record, to the last bit\n" if again else "")

    weights, text = read(files["resnet18.safetensors"])
    theirs = torchvision.models.resnet18(num_classes=10)
    theirs.load_state_dict(weights, strict=True)
    plain = torch.load(files["resnet18.pt"], weights_only=True)
    assert plain.metadata == text
    assert all(torch.equal(plain[name], weights[name]) for name in weights)
    torchvision.models.resnet18(num_classes=10).load_state_dict(plain, strict=True)

    other, other_text = read(files["example_cnn.safetensors"])
    ours = build(json.loads(other_text["settings"]), 10)
    ours.load_state_dict(other, strict=True)

    data = load(json.loads(text["settings"]))
    images, truth = data.images["val"], data.labels["val"]
    classes = json.loads(text["classes"])
    assert (classes, text["input_size"], text["greyscale"]) == ([str(digit) for digit in range(10)], "12", "true")
    predicted = None
    for model, metadata in ((theirs, text), (ours, other_text)):
        mean, std = (torch.tensor(json.loads(metadata[name])).view(1, 3, 1, 1) for name in ("mean", "std"))
        row = study.ledger.rows([metadata["key"]], predictions=True)[metadata["key"]].row
        with torch.inference_mode():
            grey = torch.tensor(images[:, :1]) / 255  # of the digits all channels are one
            predicted = model.eval()((grey - mean) / std).argmax(1).numpy()
        assert predicted.tolist() == row.predictions["val"].tolist()
        assert json.loads(metadata["metrics"])["val_accuracy"] == (predicted == truth).mean()

    assert predicted is not None
    Image.fromarray(images[7].transpose(1, 2, 0)).save(tmp_path / "photo.png")
    printed = predict(files["example_cnn.safetensors"], tmp_path / "photo.png", monkeypatch, capsys)
    assert re.fullmatch(rf"{classes[predicted[7]]} \(\d+%\)\n", printed)


@pytest.mark.slow
@pytest.mark.skipif("SEARCH_DATA" not in os.environ, reason="SEARCH_DATA names no folder with flowers-17")
def test_a_photograph_of_a_flower(
    make: Callable[..., Recorded],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fixed = {"epochs": 1, "data": "flowers-17", "data.size": 32, "model.name": "example_cnn", "batch_size": 68}
    with as_in_a_worker(1):
        space = {"optimizer.lr": {"grid": [0.01]}}
        study = make(name="classifier", epochs=1, fixed=fixed, space=space, search=OBJECTIVE)
    written, _ = export(study, tmp_path / "flowers.safetensors")
    (trial,) = study.ledger.trials(study.record.id)
    data = load(trial.settings)
    name, row = data.card.images["val"][11], study.ledger.rows([read(written.path)[1]["key"]], predictions=True)
    (predictions,) = (recorded.row.predictions["val"] for recorded in row.values())
    (photo,) = Path(os.environ["SEARCH_DATA"], "flowers-17").rglob(Path(name).name)
    printed = predict(written.path, photo, monkeypatch, capsys)
    assert printed.startswith(f"{data.card.classes[predictions[11]]} (")
