"""Real bytes of every kind of damage and oddity, through `load`, the data check and two epochs of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier import data
from classifier.config import canonical, schedule

from .conftest import class_folders, faults, forget, load, picture

SIZE = 8


def truncated_jpeg(path: Path) -> None:
    picture(path, 1, (200, 200))
    path.write_bytes(path.read_bytes()[:2000])


def text(path: Path) -> None:
    path.write_text("this is no image")


def cmyk_jpeg(path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path)


def deep_grey_png(path: Path) -> None:
    Image.fromarray(np.full((16, 16), 0x8000, dtype=np.uint16)).save(path)


def transparent_palette(path: Path) -> None:
    image = Image.new("P", (16, 16))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.save(path, transparency=0)


def rotated_jpeg(path: Path) -> None:
    """The upper half is white as stored; EXIF says that the photo is to be turned by a quarter, clockwise."""
    image = Image.new("RGB", (32, 32))
    image.paste((255, 255, 255), (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(path, exif=exif, quality=95)


LEFT_OUT: dict[str, Callable[[Path], None]] = {"truncated.jpg": truncated_jpeg, "text.jpg": text}
CONVERTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "cmyk.jpg": (cmyk_jpeg, "CMYK, converted to RGB"),
    "deep.png": (deep_grey_png, "16-bit grey, scaled to 8 bits"),
    "palette.png": (transparent_palette, "transparent, laid on white"),
    "rotated.jpg": (rotated_jpeg, "turned upright, as EXIF says"),
}


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """One folder that holds all of it: 24 sound images, four odd ones, two damaged, and two odd classes."""
    root = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12, "single": 1})
    (root / "empty").mkdir()
    for name, write in LEFT_OUT.items():
        write(root / "cat" / name)
    for name, (write, _) in CONVERTED.items():
        write(root / "dog" / name)
    return root


def one(root: Path, name: str) -> np.ndarray:
    """Return the pixels [3, 8, 8] of one image of the class dog, wherever it was split to."""
    for other in (root / "dog").iterdir():
        if other.name != name:
            other.unlink()
    for number in range(2):
        picture(root / "dog" / f"{number}.png", 900 + number)
    found = load(root, size=SIZE)
    for split in ("val", "test"):
        for row, image in enumerate(found.card.images[split]):
            if image == f"dog/{name}":
                return found.images[split][row]
    (row,) = np.flatnonzero(found.labels["train"] == 1)  # of three images one is in each split: here it trains
    return found.images["train"][row]


def test_cmyk_becomes_rgb(everything: Path) -> None:
    found = one(everything, "cmyk.jpg").reshape(3, -1).mean(axis=1)
    assert np.abs(found - [255, 0, 0]).max() <= 12


def test_16_bit_grey_is_scaled_not_clipped(everything: Path) -> None:
    assert (one(everything, "deep.png") == 128).all()


def test_a_transparent_palette_lies_on_white(everything: Path) -> None:
    assert (one(everything, "palette.png") == 255).all()


def test_a_rotated_photo_stands_upright(everything: Path) -> None:
    found = one(everything, "rotated.jpg")
    assert (found[:, :, 5:] > 250).all()  # what was up is right after a quarter turn clockwise
    assert (found[:, :, :3] < 5).all()


def test_counts_add_up_and_what_is_left_out_is_named(everything: Path) -> None:
    found = load(everything)
    files = sum(1 for path in everything.rglob("*") if path.is_file())
    assert sum(map(len, found.labels.values())) == files - len(LEFT_OUT) == 29
    assert list(found.card.classes) == ["cat", "dog", "single"]
    counts = np.sum([np.bincount(labels, minlength=3) for labels in found.labels.values()], axis=0)
    assert counts.tolist() == [12, 16, 1]
    left_out = found.card.notes[-2]
    assert left_out.startswith(
        "left out 2 files: cat/text.jpg (not an image, or a damaged one); cat/truncated.jpg (image"
    )
    assert found.card.notes[-1].endswith(", no classes: empty")
    assert "no validation image of: single" in found.card.notes
    assert "no test image of: single" in found.card.notes


def test_the_check_names_each_with_its_path_and_policy(everything: Path) -> None:
    forget()
    lines = data.check(canonical({"data": str(everything), "data.size": SIZE}))
    for name, (_, policy) in CONVERTED.items():
        assert f"{policy}: 1: dog/{name}" in lines
    (left_out,) = [line for line in lines if line.startswith("left out, cannot be read: 2: ")]
    assert all(f"cat/{name} (" in left_out for name in LEFT_OUT)
    assert "classes with fewer than 5 training images: 1: single (1)" in lines
    assert any(line.endswith(", no classes: empty") for line in lines)


@pytest.mark.parametrize(("size", "left"), [(8, "2"), (9, ""), (17, ""), (18, ""), (48, ""), (5, "3"), (7, "")])
def test_a_last_batch_of_very_few_is_named(everything: Path, size: int, left: str) -> None:
    forget()
    lines = data.check(canonical({"data": str(everything), "data.size": SIZE, "batch_size": size}))
    named = [line for line in lines if line.startswith("a last batch of ")]
    assert [line.partition(";")[0] for line in named] == (
        [f"a last batch of {left}: 18 training images in batches of {size}"] if left else []
    )


def test_a_divided_folder_says_what_is_missing(divided: Path) -> None:
    (divided / "train/eel").mkdir()
    picture(divided / "train/eel/0.png", 1)
    assert faults(divided) == [
        (
            "data",
            f"{divided}/{split} has no folder for 'eel', which other splits have; add it, it may be empty, or move it "
            "out of the others if it is no class",
        )
        for split in ("val", "test")
    ]


@pytest.mark.slow
def test_two_epochs_of_all_of_it(everything: Path) -> None:
    from classifier.training import Training

    # 18 training images: two whole batches. Over a last one of two images batch normalisation may run off.
    settings = canonical({"data": str(everything), "data.size": SIZE, "batch_size": 9, "seed": 0})
    fixed, each = schedule(settings, 2)
    forget()
    run = Training(fixed, data.load(settings), 1, "cpu")
    for epoch in each:
        row = run.train_epoch(epoch)
        assert {"train_loss", "val_loss", "val_accuracy"} <= set(row)
        assert all(math.isfinite(row[name]) for name in ("train_loss", "val_loss", "val_accuracy"))
