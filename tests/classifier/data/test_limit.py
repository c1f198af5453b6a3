"""A limit leaves some images of each split, class by class, and the same ones whatever was decoded before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.config import canonical
from classifier.data.splits import limited
from search.workload import SettingFaults

from .conftest import class_folders, faults, load

labels_of = st.lists(st.integers(0, 4), min_size=1, max_size=60)


def first(labels: list[int], most: int, seed: int = 0) -> list[int]:
    """Return which images of one split a limit leaves."""
    numbers = np.arange(len(labels))
    parts = {"train": numbers, "val": numbers[:0], "test": numbers[:0]}
    identities = [b"image %d" % number for number in numbers]
    return limited(parts, np.array(labels), identities, seed, [most, 1, 1])["train"].tolist()


@given(labels_of, st.integers(1, 70), st.integers(1, 70), st.integers(0, 3))
def test_a_smaller_limit_is_a_subset_of_a_larger_one(labels: list[int], one: int, other: int, seed: int) -> None:
    small, large = first(labels, min(one, other), seed), first(labels, max(one, other), seed)
    assert len(small) == min(one, other, len(labels))
    assert set(small) <= set(large)


@given(labels_of, st.integers(5, 70))
def test_every_class_is_there_where_the_limit_allows(labels: list[int], most: int) -> None:
    assert {labels[image] for image in first(labels, most)} == set(labels)


@given(st.lists(st.integers(4, 30), min_size=2, max_size=5), st.floats(0.3, 1))
def test_classes_are_drawn_in_proportion(sizes: list[int], share: float) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    most = round(share * len(labels))
    counts = np.bincount([labels[image] for image in first(labels, most)], minlength=len(sizes))
    exact = most * np.array(sizes) / len(labels)
    assert np.abs(counts - exact).max() <= 1.5


def test_another_split_seed_leaves_other_images() -> None:
    labels = [0] * 40
    assert set(first(labels, 10)) != set(first(labels, 10, seed=1))


def test_a_limited_folder(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", {"cat": 20, "dog": 10})
    whole = load(root)
    found = load(root, limit=[6, 3, 100])
    counts = {split: np.bincount(labels).tolist() for split, labels in found.labels.items()}
    assert counts == {"train": [4, 2], "val": [2, 1], "test": [4, 2]}
    assert set(found.card.images["val"]) < set(whole.card.images["val"])
    assert found.card.images["test"] == whole.card.images["test"]
    assert found.card.fingerprint != whole.card.fingerprint
    assert found.card.notes[1] == "limited, from 18 training, 6 validation, 6 test images"


def test_a_limit_that_leaves_everything_changes_nothing(flat: Path) -> None:
    assert load(flat, limit=[999, 999, 999]).card.fingerprint == load(flat).card.fingerprint
    assert load(flat, limit=[999, 999, 999]).card.notes == load(flat).card.notes


def test_a_limited_set_is_the_same_whatever_was_decoded_before(decodings: list[int]) -> None:
    small = load("digits", limit=[20, 10, 10])
    assert len(decodings) == 40
    load("digits")
    assert len(decodings) == 40 + 1797
    after = load("digits", limit=[20, 10, 10])
    assert len(decodings) == 40 + 1797
    assert after.card.fingerprint == small.card.fingerprint
    assert after.card.images == small.card.images
    assert after.card.notes == small.card.notes
    assert all(np.array_equal(small.images[split], after.images[split]) for split in small.images)
    assert small.card.notes[:2] == [
        "20 training, 10 validation, 10 test images, 10 classes, 8 px",
        "limited, from 240 training, 300 validation, 300 test images",
    ]


def test_a_class_that_a_limit_leaves_out_is_told() -> None:
    notes = load("digits", limit=[9, 10, 8]).card.notes
    assert "no training image of: 9" in notes  # the smallest class
    assert any(note.startswith("no test image of: ") for note in notes)


@pytest.mark.parametrize("limit", [[1, 1], [1, 1, 0], [1, True, 1], [1.5, 1, 1]])
def test_limits_that_are_none(limit: list[object]) -> None:
    sentence = f"found {limit!r}, must be three whole numbers of at least 1: training, validation and test"
    assert faults("digits", limit=limit) == [("data.limit", sentence)]
    with pytest.raises(SettingFaults) as caught:
        canonical({"data.limit": limit})
    assert [name for name, _ in caught.value.faults] == ["data.limit"]


def test_settings_of_the_data() -> None:
    assert canonical({})["data.limit"] is None
    assert canonical({"data.limit": [100, 50, 50]})["data.limit"] == [100, 50, 50]
    assert canonical({"data": "flowers-102"})["data.split"] == "official"
    assert canonical({"data": "flowers-102"})["data.size"] == 224
    assert canonical({"data": "cifar10"})["data.size"] == 32
    moved = canonical({"data": "digits", "data.split": "swapped"})
    assert "data.split" not in moved
    with pytest.raises(
        SettingFaults, match="found 'sawpped', must be one of official, swapped; did you mean 'swapped'"
    ):
        canonical({"data": "flowers-102", "data.split": "sawpped"})
