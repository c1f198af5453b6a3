"""The bridge to the service: what only shows once settings meet their data."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import classifier
from classifier.training import evaluation_batch
from classifier.workload import workload
from search.workload import SettingFaults

pytestmark = pytest.mark.slow

KNOWN = "digits, flowers-17, flowers-102, cifar10"


def fixed(**settings: Any) -> dict[str, Any]:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return workload.schedule(workload.canonical({"seed": 0, **named}), 1)[0]


@pytest.mark.parametrize("ask", [lambda found: workload.data(found), lambda found: workload.start(found, 1, 0)])
def test_a_batch_larger_than_the_training_split_is_a_fault(ask: Any) -> None:
    assert len(workload.data(fixed(batch_size=240)).truth["val"]) == 300
    with pytest.raises(SettingFaults) as refused:
        ask(fixed(batch_size=241))
    assert refused.value.faults == [("batch_size", "found 241, must be at most 240, the number of training images")]


def test_a_misspelt_data_set_is_a_fault_before_anything_is_read() -> None:
    with pytest.raises(SettingFaults) as refused:
        workload.canonical({"data": "digit", "data.size": 4})
    assert refused.value.faults == [
        (
            "data",
            f"found 'digit', which is neither a known data set ({KNOWN}) nor a folder; did you mean 'digits'?",
        ),
        ("data.size", "found 4, must be at least 8 px for model_c; use larger images or another model"),
    ]


def test_a_folder_that_is_not_there_is_a_fault_before_anything_is_started(tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    sentence = f"found {str(folder)!r}, which is neither a known data set ({KNOWN}) nor a folder"
    with pytest.raises(SettingFaults) as refused:
        workload.canonical({"data": str(folder)})
    assert refused.value.faults == [("data", sentence)]
    folder.mkdir()
    assert workload.canonical({"data": str(folder)})["data.size"] == 64


def test_a_ratio_is_dropped_where_the_splits_have_fixed_sizes(tmp_path: Path) -> None:
    assert workload.canonical({"data.ratio": [0.5, 0.25, 0.25]}) == workload.canonical({})
    assert workload.canonical({"data": str(tmp_path)})["data.ratio"] == [0.6, 0.2, 0.2]


def test_a_folder_of_two_classes_trains(tmp_path: Path) -> None:
    for label, colour in (("blue", (10, 20, 200)), ("red", (220, 30, 10))):
        (tmp_path / label).mkdir()
        for number in range(10):
            shade = tuple(min(255, value + 3 * number) for value in colour)
            Image.new("RGB", (20, 14), shade).save(tmp_path / label / f"{number}.png")
    settings = {"data": str(tmp_path), "data.size": 8, "batch_size": 4, "seed": 0}
    ready, each = workload.schedule(workload.canonical(settings), 30)
    card = workload.data(ready)
    assert list(card.classes) == ["blue", "red"]
    run = workload.start(ready, 1, 0)
    row = [run.train_epoch(now) for now in each][-1]
    assert row["val_accuracy"] == row["test_accuracy"] == 1.0
    assert row["predictions"]["val"].shape == card.truth["val"].shape


@pytest.mark.parametrize(
    ("size", "device", "images"),
    [(12, "cpu", 512), (64, "cpu", 512), (224, "cpu", 41), (1024, "cpu", 16), (12, "cuda", 2048), (224, "cuda", 167)],
)
def test_how_many_images_are_evaluated_at_a_time(size: int, device: str, images: int) -> None:
    assert evaluation_batch(size, size, device) == images


def test_the_classifier_imports_of_the_service_what_a_stranger_would_and_nothing_that_drives_it() -> None:
    forbidden = re.compile(r"(search(?!\.workload$)|ray|optuna)(\.|$)")
    root = Path(classifier.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if forbidden.match(name)], path
