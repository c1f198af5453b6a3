"""Copies of an image are found in another split however they were made; other images are not taken for copies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.data import alike

from .conftest import class_folders
from .test_check import check

ROOT = os.environ.get("SEARCH_DATA")
real = pytest.mark.skipif(
    not ROOT or not (Path(ROOT) / "flowers-17").is_dir(),
    reason="SEARCH_DATA names no folder that holds flowers-17",
)
NONE = "near-duplicates across splits: none"


def photo(seed: int, size: tuple[int, int] = (400, 300)) -> Image.Image:
    """Return an image that is as smooth as a photo: a few waves of each colour."""
    rng = np.random.Generator(np.random.PCG64(seed))
    coarse = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A divided folder of photos."""
    root = tmp_path / "photos"
    for first, split in enumerate(("train", "val", "test")):
        for place, name in enumerate(("cat", "dog")):
            (root / split / name).mkdir(parents=True)
            for number in range(4):
                photo(100 * first + 10 * place + number).save(root / split / name / f"{number}.jpg", quality=95)
    return root


def lines(root: Path) -> list[str]:
    return [line for line in check(root) if line.startswith("near-duplicates")]


COPIES: dict[str, Callable[[Image.Image, Path], None]] = {
    "thumbnail.jpg": lambda image, path: image.resize((96, 72)).save(path, quality=60),
    "smaller.png": lambda image, path: image.resize((160, 120)).save(path),
    "larger.webp": lambda image, path: image.resize((800, 600)).save(path, quality=60),
    "again.jpg": lambda image, path: image.save(path, quality=50),
    "grey.png": lambda image, path: image.convert("L").save(path),
    "palette.gif": lambda image, path: image.save(path),
    "bright.png": lambda image, path: Image.eval(image, lambda value: min(255, value * 23 // 20)).save(path),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_a_training_image_in_validation_is_named(name: str, photos: Path) -> None:
    assert lines(photos) == [NONE]
    COPIES[name](Image.open(photos / "train/cat/2.jpg"), photos / "val/cat" / name)
    (line,) = lines(photos)
    assert line == f"near-duplicates across splits: 1: train/cat/2.jpg (training) ~ val/cat/{name} (validation)"


def test_a_copy_that_stands_as_its_exif_data_say(photos: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.open(photos / "train/cat/2.jpg").transpose(Image.Transpose.ROTATE_90)
    turned.resize((150, 200)).save(photos / "test/cat/copy.jpg", exif=exif)
    assert lines(photos) == ["near-duplicates across splits: 1: train/cat/2.jpg (training) ~ test/cat/copy.jpg (test)"]


def test_classes_are_named_where_they_differ(photos: Path) -> None:
    Image.open(photos / "val/cat/2.jpg").resize((96, 72)).save(photos / "test/dog/copy.png")
    pair = "val/cat/2.jpg (validation, class cat) ~ test/dog/copy.png (test, class dog)"
    assert lines(photos) == [f"near-duplicates across splits: 1: {pair}"]


def test_ten_pairs_are_named_then_counted(photos: Path) -> None:
    image = Image.open(photos / "train/cat/2.jpg")
    for number in range(12):
        image.resize((100 + number, 80)).save(photos / f"val/cat/copy {number}.jpg", quality=30)
    (line,) = lines(photos)
    assert line.startswith("near-duplicates across splits: 12: train/cat/2.jpg (training) ~ val/cat/copy ")
    assert line.count(" ~ ") == 10
    assert line.endswith("; and 2 more")


def test_equal_images_are_told_once(photos: Path) -> None:
    """As byte-identical files, or as identical images."""
    Image.open(photos / "train/cat/2.jpg").save(photos / "val/cat/copy.png")
    assert lines(photos) == [NONE]


def test_copies_within_a_split_are_fine(photos: Path) -> None:
    Image.open(photos / "train/cat/2.jpg").resize((96, 72)).save(photos / "train/cat/copy.png")
    assert lines(photos) == [NONE]


def test_images_of_one_brightness_are_not_compared(tmp_path: Path) -> None:
    """They have nothing by which they could be told apart."""
    root = class_folders(tmp_path / "flat", {"red": 0})
    for name, color in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (root / name).mkdir(parents=True)
        for number in range(6):
            noise = np.random.Generator(np.random.PCG64(number)).integers(-2, 3, (80, 80, 3))
            Image.fromarray((np.array(color) + noise).clip(0, 255).astype(np.uint8)).save(root / name / f"{number}.png")
    assert lines(root) == [NONE]


def test_blocks_find_what_comparing_one_by_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes and greys that are near each other by construction, in blocks that are not filled."""
    rng = np.random.Generator(np.random.PCG64(1))
    images, kinds = 90, np.arange(90) % 5
    bits = rng.integers(0, 2, (5, 64), dtype=np.uint8)[kinds] ^ (rng.random((images, 64)) < 0.06)
    greys = rng.normal(size=(5, 64))[kinds] + 0.2 * rng.normal(size=(images, 64))
    greys = (greys / np.linalg.norm(greys, axis=1, keepdims=True)).astype(np.float32)
    flat, same = np.arange(images) % 17 == 0, np.arange(images) // 2
    look = alike.Look(np.packbits(bits, axis=1).view(np.uint64)[:, 0], greys, flat)
    parts = {"train": np.arange(0, 50), "val": np.arange(50, 73), "test": np.arange(73, 90)}
    split_of = {image: split for split, members in parts.items() for image in members.tolist()}
    differ = (bits[:, None] != bits[None, :]).sum(axis=2)
    expected = sorted(
        (differ[a, b], a, b)
        for a in range(images)
        for b in range(a + 1, images)
        if split_of[a] != split_of[b] and same[a] != same[b] and not flat[a] and not flat[b]
        if differ[a, b] <= alike.MAX_DIFFERENT_BITS and greys[a] @ greys[b] >= alike.MIN_CORRELATION
    )
    monkeypatch.setattr(alike, "_ROWS", 7)
    monkeypatch.setattr(alike, "_COLUMNS", 11)
    count, nearest = alike.across(look, parts, same, 20)
    assert 100 < len(expected) < np.sum(np.triu(differ <= alike.MAX_DIFFERENT_BITS, 1))
    assert count == len(expected)
    assert nearest == [[a, b] for _, a, b in expected[:20]]


@pytest.mark.slow
def test_no_process_that_trains_imports_the_hash() -> None:
    code = "import sys, classifier.workload, classifier.data; assert not {'imagehash', 'pywt'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@real
@pytest.mark.slow
def test_flowers_hold_copies_that_are_not_equal() -> None:
    (line,) = [line for line in check("flowers-17") if line.startswith("near-duplicates")]
    assert line.startswith(
        "near-duplicates across splits: 40: image_0002.jpg (validation) ~ image_0042.jpg (test); "
        "image_0014.jpg (training) ~ image_0048.jpg (validation); "
    )


@real
@pytest.mark.slow
def test_thumbnails_of_flowers_are_found_and_other_flowers_are_not(tmp_path: Path) -> None:
    originals = sorted((Path(str(ROOT)) / "flowers-17/jpg").glob("*.jpg"))[::8]
    for number, path in enumerate(originals):
        for split in ("train", "val", "test"):
            (tmp_path / f"set/{split}/{number % 2}").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / f"set/train/{number % 2}")
        image = Image.open(path)
        image.thumbnail((96, 96))
        image.save(tmp_path / f"set/val/{number % 2}/{path.name}", quality=60)
    photo(0).save(tmp_path / "set/test/0/other.png")
    (line,) = lines(tmp_path / "set")
    assert line.startswith(f"near-duplicates across splits: {len(originals)}: ")
    assert line.endswith(f"; and {len(originals) - 10} more")
    for pair in line.split(": ", 2)[2].split("; ")[:-1]:
        one, other = (Path(name.split(" ")[0]) for name in pair.split(" ~ "))
        assert (one.parts[0], other.parts[0]) == ("train", "val")
        assert one.name == other.name
