"""The fingerprint covers pixels, labels and splits by content, and nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import class_folders, load, picture, rename_all


@pytest.fixture(params=["flat", "divided"])
def root(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def same(one: Path, before: object, **more: object) -> bool:
    after = load(one, **more)  # type: ignore[arg-type]
    equal = all(np.array_equal(before.images[split], after.images[split]) for split in after.images)  # type: ignore[attr-defined]
    equal &= all(np.array_equal(before.labels[split], after.labels[split]) for split in after.labels)  # type: ignore[attr-defined]
    assert equal == (before.card.fingerprint == after.card.fingerprint)  # type: ignore[attr-defined]
    return equal


def test_renamed_files_change_neither_order_nor_fingerprint(root: Path) -> None:
    before = load(root)
    rename_all(root)
    assert same(root, before)


def test_times_do_not_matter(root: Path) -> None:
    before = load(root)
    for path in root.rglob("*.png"):
        os.utime(path, (1, 1))
    assert same(root, before)


def test_place_and_format_do_not_matter(root: Path, tmp_path: Path) -> None:
    before = load(root)
    moved = tmp_path / "elsewhere"
    shutil.move(root, moved)
    assert same(moved, before)
    for path in sorted(moved.rglob("*.png")):
        Image.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
    assert same(moved, before)


def test_renamed_classes_in_the_same_order_do_not_matter(flat: Path) -> None:
    before = load(flat)
    shutil.move(flat / "cat", flat / "bat")
    assert same(flat, before)


def test_one_pixel_matters(root: Path) -> None:
    before = load(root, size=20)
    path = sorted(root.rglob("*.png"))[0]
    pixels = np.array(Image.open(path))
    pixels[5, 5] ^= 0x80
    Image.fromarray(pixels).save(path)
    assert not same(root, before, size=20)


def test_labels_matter(root: Path) -> None:
    before = load(root)
    one, other = sorted(root.rglob("cat"))[0], sorted(root.rglob("dog"))[0]
    shutil.move(one / "0.png", one / "moved")
    shutil.move(other / "0.png", one / "0.png")
    shutil.move(one / "moved", other / "0.png")
    assert not same(root, before)


def test_the_split_matters(divided: Path) -> None:
    before = load(divided)
    shutil.move(divided / "val/cat/0.png", divided / "val/cat/moved")
    shutil.move(divided / "test/cat/0.png", divided / "val/cat/0.png")
    shutil.move(divided / "val/cat/moved", divided / "test/cat/0.png")
    assert not same(divided, before)


def test_an_image_more_or_less_matters(root: Path) -> None:
    before = load(root)
    added = picture(sorted(root.rglob("cat"))[0] / "more.png", 5000)
    assert not same(root, before)
    added.unlink()
    assert same(root, before)


def test_a_class_of_which_a_limit_leaves_no_image_matters(divided: Path) -> None:
    """A model has an output for it."""
    before = load(divided, limit=[2, 2, 2])
    for split in ("train", "val", "test"):
        class_folders(divided / split, {"zebra": 1}, 7_000)
    after = load(divided, limit=[2, 2, 2])
    for name in ("images", "labels"):
        one, other = getattr(before, name), getattr(after, name)
        assert all(np.array_equal(one[split], other[split]) for split in one)
    assert after.card.classes == ["cat", "dog", "zebra"]
    assert after.card.fingerprint != before.card.fingerprint


def test_size_split_seed_and_ratio_matter(flat: Path) -> None:
    found = {
        load(flat).card.fingerprint,
        load(flat, size=9).card.fingerprint,
        load(flat, split_seed=1).card.fingerprint,
        load(flat, ratio=[0.4, 0.3, 0.3]).card.fingerprint,
    }
    assert len(found) == 4


def test_a_divided_folder_has_no_split_seed(divided: Path) -> None:
    assert load(divided).card.fingerprint == load(divided, split_seed=1, ratio=[1, 1, 1]).card.fingerprint


def test_a_ratio_is_a_ratio(flat: Path) -> None:
    assert load(flat, ratio=[6, 2, 2]).card.fingerprint == load(flat, ratio=[0.6, 0.2, 0.2]).card.fingerprint


def test_images_are_ordered_by_label(flat: Path) -> None:
    for labels in load(flat).labels.values():
        assert labels.tolist() == sorted(labels.tolist())


def test_equal_names_sizes_and_times_do_not_make_equal_data(tmp_path: Path) -> None:
    """Two uncompressed sets may agree in everything a listing shows, except where they are."""
    prints = []
    for number in range(2):
        root = class_folders(tmp_path / f"{number}", {"cat": 3, "dog": 3}, 10 * number)
        for path in sorted(root.rglob("*.png")):
            Image.open(path).save(path.with_suffix(".bmp"))
            path.unlink()
            os.utime(path.with_suffix(".bmp"), (1, 1))
        prints.append(load(root).card.fingerprint)
    assert prints[0] != prints[1]
