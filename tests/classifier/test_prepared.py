"""What runs make of images before they train: made once, and the same wherever it is taken from."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from classifier import prepared
from classifier.data import Dataset, cache
from classifier.images import Resident, copied
from classifier.inputs import CONSTANTS, grey, measured
from search.workload import DataCard

CPU = torch.device("cpu")


def dataset(content: str = "", seed: int = 0, count: int = 12) -> Dataset:
    draws = np.random.default_rng(seed)
    images = {split: draws.integers(0, 256, (count, 3, 5, 4), dtype=np.uint8) for split in ("train", "val")}
    labels = {split: np.arange(count) % 2 for split in images}
    return Dataset(images, labels, DataCard("made up", "made up", ["a", "b"]), content)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path))
    return tmp_path / "images"


@pytest.fixture
def measurings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images of each measuring."""
    counted: list[int] = []

    def counting(images: Any) -> Any:
        counted.append(len(images))
        return measured(images)

    monkeypatch.setattr(prepared, "measured", counting)
    return counted


@pytest.mark.parametrize("greyscale", [False, True])
def test_constants_are_measured_once_for_a_data_set_and_taken_from_disk_to_the_bit(
    greyscale: bool, folder: Path, measurings: list[int]
) -> None:
    first, again = dataset("ab"), dataset("ab")  # as another process reads them
    train = grey(first.images["train"]) if greyscale else first.images["train"]
    for data in (first, first, again):
        assert prepared.constants(data, greyscale, "train") == measured(train)
    assert measurings == [12]


def test_grey_and_colour_have_their_own_constants(folder: Path, measurings: list[int]) -> None:
    data = dataset("ab")
    assert prepared.constants(data, False, "train") != prepared.constants(data, True, "train")
    assert len(measurings) == 2


def test_constants_of_other_content_are_measured_anew(folder: Path, measurings: list[int]) -> None:
    one, other = prepared.constants(dataset("ab"), False, "train"), prepared.constants(dataset("cd", 1), False, "train")
    assert one != other
    assert len(measurings) == 2


def test_images_that_are_not_known_by_content_leave_nothing_on_disk(folder: Path, measurings: list[int]) -> None:
    for seed in (0, 1):
        data = dataset(seed=seed)
        assert prepared.constants(data, False, "train") == measured(data.images["train"])
    assert len(measurings) == 2
    assert not folder.exists()


def test_damaged_constants_are_measured_again(
    folder: Path, measurings: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    right = prepared.constants(dataset("ab"), False, "train")
    [file] = folder.glob("*.json")
    said = json.loads(file.read_text())
    said["extra"]["means"][0] += 0.001
    file.write_text(json.dumps(said))
    with caplog.at_level(logging.WARNING):
        assert prepared.constants(dataset("ab"), False, "train") == right
    assert [record.getMessage() for record in caplog.records] == [
        f"the cached figures {file} are damaged (its description does not match its hash) and are made again"
    ]
    assert prepared.constants(dataset("ab"), False, "train") == right
    assert len(measurings) == 2


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(folder: Path, measurings: list[int]) -> None:
    folder.write_text("not a folder")
    assert prepared.constants(dataset("ab"), False, "train") == measured(dataset().images["train"])


def test_stated_constants_are_measured_nowhere(folder: Path, measurings: list[int]) -> None:
    assert prepared.constants(dataset("ab"), False, "imagenet") == CONSTANTS["imagenet"]
    assert not measurings


@pytest.mark.parametrize("content", ["", "ab"])
def test_grey_images_are_made_once_and_lie_beside_the_others(
    content: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def counting(images: Any) -> Any:
        made.append(len(images))
        return grey(images)

    monkeypatch.setattr(prepared, "grey", counting)
    monkeypatch.setattr(prepared, "BLOCK_IMAGES", 5)
    for data in [dataset(content), dataset(content)]:
        for _ in range(2):
            found = prepared.pixels(data, True)
            for split, images in data.images.items():
                assert np.array_equal(found[split], grey(images))
    assert sum(made) == (24 if content else 48)
    assert prepared.pixels(data, False) is data.images


def test_images_stay_laid_until_others_are(folder: Path) -> None:
    one, other = dataset(), dataset(seed=1)
    images, labels = prepared.laid(one, False, "auto", CPU)
    assert prepared.laid(one, False, "auto", CPU) == (images, labels)
    for how in [(one, True, "auto"), (one, False, "host"), (other, False, "auto"), (one, False, "auto")]:
        later, _ = prepared.laid(*how, CPU)
        assert later is not images
    assert type(later["train"]) is Resident
    assert labels["train"].tolist() == one.labels["train"].tolist()


@pytest.mark.parametrize("block", [1, 5, 12, 100])
def test_a_copy_in_blocks_holds_the_same_images_in_the_layout_of_training(block: int) -> None:
    images = torch.from_numpy(dataset().images["train"])
    there = copied(images, CPU, block)
    assert torch.equal(there, images)
    assert there.is_contiguous(memory_format=torch.channels_last)


def test_the_cache_gives_figures_back_as_they_were(folder: Path) -> None:
    figures = {"means": [0.1 + 0.2, 1 / 3], "name": "é"}
    assert cache.recall("ab", lambda: figures) == figures
    assert cache.recall("ab", lambda: {}) == figures
