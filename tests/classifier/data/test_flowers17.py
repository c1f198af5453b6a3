from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.data.flowers17 import CLASSES

from .conftest import again, faults, load

ROOT = os.environ.get("SEARCH_DATA")
real = pytest.mark.skipif(
    not ROOT or not (Path(ROOT) / "flowers-17").is_dir(),
    reason="SEARCH_DATA names no folder that holds flowers-17",
)
FETCH = (
    "fetch 17flowers.tgz from https://www.robots.ox.ac.uk/~vgg/data/flowers/17/ and unpack it so that "
    "$SEARCH_DATA/flowers-17/jpg/image_0001.jpg exists"
)


@real
def test_forty_twenty_twenty(cache_folder: Path) -> None:
    found = load("flowers-17", size=16)
    assert {split: np.bincount(labels).tolist() for split, labels in found.labels.items()} == {
        "train": [40] * 17,
        "val": [20] * 17,
        "test": [20] * 17,
    }
    assert list(found.card.classes) == list(CLASSES)
    for split in ("val", "test"):
        numbers = [int(name[6:10]) for name in found.card.images[split]]
        assert [(number - 1) // 80 for number in numbers] == found.labels[split].tolist()
    other = again("flowers-17", size=16, split_seed=1)
    assert other.card.fingerprint != found.card.fingerprint
    assert other.card.images["val"] != found.card.images["val"]
    assert len(list(cache_folder.glob("*.npy"))) == 3  # the images once, two splits


def test_without_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    assert faults("flowers-17") == [
        (
            "data",
            "'flowers-17' is looked for in the folder that the environment variable SEARCH_DATA names, "
            f"which is not set; set it and {FETCH}",
        )
    ]
    monkeypatch.setenv("SEARCH_DATA", str(tmp_path))
    assert faults("flowers-17") == [
        (
            "data",
            f"'flowers-17' was looked for in {tmp_path}/flowers-17/jpg (SEARCH_DATA is {tmp_path}), "
            f"which is no folder; {FETCH}",
        )
    ]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete set of files, all of them the same tiny picture."""
    folder = tmp_path / "data/flowers-17/jpg"
    folder.mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(folder / "image_0001.jpg")
    for number in range(2, 1361):
        os.link(folder / "image_0001.jpg", folder / f"image_{number:04d}.jpg")
    monkeypatch.setenv("SEARCH_DATA", str(tmp_path / "data"))
    return folder


def test_a_copy_with_holes(copy: Path) -> None:
    for number in (7, 8, 9, 10):
        (copy / f"image_{number:04d}.jpg").unlink()
    assert faults("flowers-17") == [
        (
            "data",
            f"{copy} lacks 4 of 1,360 images (image_0007.jpg, image_0008.jpg, image_0009.jpg, and 1 more); {FETCH}",
        )
    ]


def test_a_damaged_copy(copy: Path) -> None:
    (copy / "image_0007.jpg").unlink()
    (copy / "image_0007.jpg").write_text("")
    assert faults("flowers-17") == [
        ("data", f"1 of the images in {copy} cannot be read: image_0007.jpg (the file is empty); {FETCH}")
    ]


def test_the_split_depends_on_numbers_alone(copy: Path) -> None:
    """Other copies of the set, in other resolutions, are split alike."""
    tests = sorted(load("flowers-17").card.images["test"])
    assert tests[:4] == ["image_0004.jpg", "image_0009.jpg", "image_0011.jpg", "image_0012.jpg"]
