"""Data with training and validation images alone: trained, measured and described without a test split."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import data
from classifier.config import canonical, schedule
from classifier.training import Training
from search.workload.measured import row_of
from tests.classifier.rows import numbers

from .conftest import again, faults, load

NOTE = "no folder test: there is no test split, and nothing is measured on test images"


@pytest.fixture
def untested(divided: Path) -> Path:
    """A folder with train and val."""
    shutil.rmtree(divided / "test")
    return divided


def trained(root: Path, **settings: Any) -> dict[str, Any]:
    asked = {"data": str(root), "data.size": 8, "batch_size": 4, "model.name": "model_c", "seed": 0, **settings}
    fixed, epochs = schedule(canonical(asked), 1)
    return Training(fixed, data.load(fixed), 1, "cpu").train_epoch(epochs[0])


def test_what_is_read(untested: Path) -> None:
    found = load(untested)
    assert {split: len(labels) for split, labels in found.labels.items()} == {"train": 8, "val": 4}
    assert list(found.images) == ["train", "val"]
    assert list(found.card.truth) == list(found.card.images) == list(found.card.contents) == ["val"]
    assert list(found.card.notes) == [
        "8 training, 4 validation images, 2 classes, 8 px",
        "images per class: 4 training, 2 validation",
        NOTE,
    ]


def test_the_fingerprint_tells_whether_there_is_a_test_split(divided: Path) -> None:
    before = load(divided).card.fingerprint
    shutil.rmtree(divided / "test")
    assert load(divided).card.fingerprint != before


def test_the_data_check(untested: Path) -> None:
    settings = {"data": str(untested), "data.size": 8, "batch_size": 4}
    lines = data.check(settings)
    assert lines[0] == "split: 8 training, 4 validation images, 2 classes, 8 px"
    assert lines.count(NOTE) == 1
    place = lines.index("images of each class, training/validation:")
    assert lines[place + 1] == "  cat 4/2, dog 4/2"


def test_a_row_has_no_test_figures(divided: Path) -> None:
    before = trained(divided)
    shutil.rmtree(divided / "test")
    row = trained(divided)
    assert list(numbers(row)) == ["lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert list(row["predictions"]) == list(row["scores"]) == ["val"]
    # What is measured does not depend on whether there is a test split.
    assert numbers(row) == {name: before[name] for name in numbers(row)}
    assert np.array_equal(row["predictions"]["val"], before["predictions"]["val"])
    assert np.array_equal(row["scores"]["val"]["loss"], before["scores"]["val"]["loss"])
    # The service takes it as complete.
    assert list(row_of(row, load(divided).card).predictions) == ["val"]


@pytest.mark.parametrize("limit", [[6, 2], [6, 2, 1], [6, 2, 99]])
def test_a_limit(limit: list[int], untested: Path) -> None:
    found = load(untested, limit=limit)
    assert {split: len(labels) for split, labels in found.labels.items()} == {"train": 6, "val": 2}
    assert "limited, from 8 training, 4 validation images" in found.card.notes
    assert again(untested, limit=[6, 2]).card.fingerprint == found.card.fingerprint


@pytest.mark.parametrize("limit", [[6], [6, 0], [6, 2, 1.5], [6, 2, 2, 2]])
def test_limits_that_are_none(limit: list[object], untested: Path) -> None:
    wanted = "must be two or three whole numbers of at least 1: training, validation and test, of which there is none"
    assert faults(untested, limit=limit) == [("data.limit", f"found {limit!r}, {wanted}")]


def test_a_limit_of_two_numbers_where_there_are_three_splits(divided: Path) -> None:
    wanted = "must be three whole numbers of at least 1: training, validation and test"
    assert faults(divided, limit=[6, 2]) == [("data.limit", f"found [6, 2], {wanted}")]
    assert canonical({"data": str(divided), "data.limit": [6, 2]})["data.limit"] == [6, 2]


def test_a_limit_of_drawn_validation_images(divided: Path) -> None:
    shutil.rmtree(divided / "val")
    found = load(divided, limit=[4, 2, 2])
    assert [len(labels) for labels in found.labels.values()] == [4, 2, 2]
