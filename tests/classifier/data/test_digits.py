from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_digits

from .conftest import again, load


@pytest.mark.slow
def test_is_small_and_uneven() -> None:
    found = load("digits", size=12)
    assert {split: array.shape for split, array in found.images.items()} == {
        "train": (240, 3, 12, 12),
        "val": (300, 3, 12, 12),
        "test": (300, 3, 12, 12),
    }
    assert np.bincount(found.labels["train"]).tolist() == [45, 38, 33, 28, 23, 20, 17, 14, 12, 10]
    assert np.bincount(found.labels["val"]).tolist() == [30] * 10
    assert np.bincount(found.labels["test"]).tolist() == [30] * 10
    assert found.card.name == "digits"
    assert list(found.card.classes) == list("0123456789")
    assert list(found.card.notes) == [
        "240 training, 300 validation, 300 test images, 10 classes, 12 px",
        "images per class: 10 to 45 training, 30 validation, 30 test",
    ]


def test_pixels_are_those_of_scikit_learn() -> None:
    found = load("digits", size=8)
    bunch = load_digits()
    for split in ("val", "test"):
        for row, name in enumerate(found.card.images[split]):
            number = int(name.removeprefix("digit "))
            expected = np.rint(bunch.images[number] * 255 / 16)
            assert (found.images[split][row] == expected).all()  # all three channels
            assert found.labels[split][row] == bunch.target[number]


@pytest.mark.parametrize("moved", [False, True], ids=["its file", "its function"])
def test_either_way_gives_what_scikit_learn_does(moved: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = import_module("classifier.data.digits")  # the package has a function of this name
    if moved:
        monkeypatch.setattr(digits, "find_spec", lambda name: None)
    shades, labels = digits._table()
    bunch = load_digits()
    assert shades.dtype == bunch.images.dtype
    assert (shades == bunch.images).all()
    assert (labels == bunch.target).all()
    assert digits._read.__wrapped__()[2] == sklearn.__version__


@pytest.mark.slow
def test_no_process_imports_scikit_learn_for_them() -> None:
    code = "import sys; from classifier.data.digits import _read; _read(); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_no_image_is_in_two_splits() -> None:
    found = load("digits")
    rows = np.concatenate([found.images[split] for split in found.images]).reshape(840, -1)
    assert len(np.unique(rows, axis=0)) == 840


def test_arrays_are_memory_mapped_and_read_only() -> None:
    found = load("digits")
    for split in ("train", "val", "test"):
        assert isinstance(found.images[split], np.memmap)
        assert found.images[split].dtype == np.uint8
        assert found.labels[split].dtype == np.int64
        with pytest.raises(ValueError, match="read-only"):
            found.images[split][0] = 0
        with pytest.raises(ValueError, match="read-only"):
            found.labels[split][0] = 0


def test_card_agrees_with_the_data() -> None:
    found = load("digits")
    assert set(found.card.truth) == set(found.card.images) == {"val", "test"}
    for split in ("val", "test"):
        assert np.array_equal(found.card.truth[split], found.labels[split])
        assert len(found.card.images[split]) == len(found.labels[split])


def test_split_seed_draws_another_split_of_the_same_sizes() -> None:
    one, other = load("digits"), load("digits", split_seed=1)
    assert one.card.fingerprint != other.card.fingerprint
    assert one.card.images["test"] != other.card.images["test"]
    assert np.array_equal(one.labels["train"], other.labels["train"])


def test_the_split_is_the_same_in_every_size() -> None:
    small, large = load("digits", size=8), load("digits", size=16)
    assert small.card.images == large.card.images
    assert small.card.fingerprint != large.card.fingerprint


def test_the_fingerprint_and_the_split_are_pinned() -> None:
    """A change here changes what everybody trains on: recorded rows would no longer be found."""
    found = load("digits", size=8)
    assert found.card.fingerprint == "f3bc0f8c98ad21c675b00d2cd2e0993dce2b6074d546e843893e821e305ffb5f"
    assert list(found.card.images["val"][:4]) == ["digit 1555", "digit 1642", "digit 718", "digit 202"]


def test_a_process_loads_once() -> None:
    assert load("digits") is again("digits")


@pytest.mark.slow
def test_imports_no_heavy_library() -> None:
    code = (
        "import sys; from classifier.data import load; load({'data': 'digits', 'data.size': 8, 'data.split_seed': 0});"
        "print([name for name in ('torch', 'torchvision', 'ray', 'optuna', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
