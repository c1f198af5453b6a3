"""The data check: what there is, and what is odd about it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from classifier.config import canonical
from classifier.workload import workload
from search.workload import SettingFaults

from .conftest import class_folders, forget, picture

ROOT = os.environ.get("SEARCH_DATA")
real = pytest.mark.skipif(
    not ROOT or not (Path(ROOT) / "flowers-102").is_dir(),
    reason="SEARCH_DATA names no folder that holds flowers-102",
)


def check(name: Path | str, **more: Any) -> list[str]:
    forget()
    settings = {"data": str(name), "data.size": 8, **{f"data.{key}": value for key, value in more.items()}}
    return list(workload.check_data(canonical(settings)))


def test_a_sound_folder(flat: Path) -> None:
    picture(flat / "cat/wide.png", 77, (40, 10))
    assert check(flat) == [
        "pets: 13 training, 4 validation, 4 test images, 2 classes, 8 px",
        "images per class: 6 to 7 training, 2 validation, 2 test",
        "images of each class, training/validation/test:",
        "  cat 7/2/2, dog 6/2/2",
        "original sizes: width 20 to 40 px, median 20; height 10 to 14 px, median 14",
        "colour modes: 21 RGB",
        "byte-identical files: none",
        "near-duplicates across splits: none",
        "only 4 validation images, where a comparison needs at least 10: add images, or take more of them for "
        "validation (data.ratio)",
    ]


def test_enough_validation_images_are_not_remarked_on(tmp_path: Path) -> None:
    lines = check(class_folders(tmp_path / "birds", {"finch": 40, "wren": 40}))
    assert not any("only" in line for line in lines)


def test_images_without_files_of_their_own() -> None:
    assert check("digits")[-3:] == [
        "  9 10/30/30",
        "original sizes: width 8 px; height 8 px",
        "colour modes: 840 L",
    ]


def test_many_classes_take_few_lines(tmp_path: Path) -> None:
    lines = check(class_folders(tmp_path / "birds", {f"snowy owl {number}": 3 for number in range(40)}))
    listed = [line for line in lines if line.startswith("  snowy owl ")]
    assert len(listed) == 8
    assert ", ".join(line.strip().rstrip(",") for line in listed).split(", ") == sorted(
        f"snowy owl {number} 1/1/1" for number in range(40)
    )
    assert max(map(len, listed)) <= 112


def test_byte_identical_files_across_splits_and_within_one(divided: Path) -> None:
    shutil.copy(divided / "train/cat/0.png", divided / "test/cat/copy.png")
    shutil.copy(divided / "val/cat/0.png", divided / "val/cat/copy.png")
    shutil.copy(divided / "train/cat/1.png", divided / "train/dog/copy.png")
    lines = check(divided)
    assert ("byte-identical files across splits: 1: train/cat/0.png (training) = test/cat/copy.png (test)") in lines
    assert (
        "byte-identical files within a split: 2: "
        "train/cat/1.png (training, class cat) = train/dog/copy.png (training, class dog); "
        "val/cat/0.png (validation) = val/cat/copy.png (validation)"
    ) in lines


def test_the_same_pixels_in_other_bytes_are_told_apart(divided: Path) -> None:
    Image.open(divided / "train/cat/0.png").save(divided / "test/cat/copy.bmp")
    lines = check(divided)
    assert "byte-identical files: none" in lines
    assert ("1 pair of identical images across splits: train/cat/0.png (training) = test/cat/copy.bmp (test)") in lines


def test_folders_in_class_folders_are_named(tmp_path: Path) -> None:
    """Masks beside images, or the images of one patient, which a draw spreads over the splits."""
    root = tmp_path / "scans"
    for place, name in enumerate(("benign/anna", "benign/otto", "malignant/mia", "malignant/mia/left")):
        class_folders(root / name, {"": 6}, 100 * place)
    what = "folders in class folders, whose images are images of the class"
    drawn = "; images of one may be in several splits, which are drawn image by image"
    assert f"{what}{drawn}: 3: benign/anna, benign/otto, malignant/mia" in check(root)
    for split in ("train", "val"):
        shutil.copytree(root, tmp_path / "divided" / split)
    folders = [
        f"{split}/{one}" for split in ("train", "val") for one in ("benign/anna", "benign/otto", "malignant/mia")
    ]
    assert f"{what}: 6: {', '.join(folders)}" in check(tmp_path / "divided")


def test_one_image_in_very_many_files_takes_one_short_line(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", {"cat": 3, "dog": 3})
    for number in range(40):
        shutil.copy(root / "cat/0.png", root / ("cat", "dog")[number % 2] / f"copy{number}.png")
    said = check(root)
    (across,) = [line for line in said if line.startswith("byte-identical files across splits: 1: ")]
    assert across.count(" = ") == 10
    assert across.endswith(" = and 31 more")
    (torn,) = [line for line in said if "found under more than one label" in line]
    assert torn.count(" = ") == 5
    assert torn.endswith(" = and 36 more")


def test_ten_are_named_then_counted(flat: Path) -> None:
    for number in range(12):
        (flat / f"cat/broken {number:02d}.jpg").write_text("")
    (line,) = [line for line in check(flat) if line.startswith("left out, cannot be read: 12: ")]
    assert line.count("(the file is empty)") == 10
    assert line.endswith("; and 2 more")


def test_links_and_what_is_no_image_are_named(flat: Path) -> None:
    (flat / "cat/gone.png").symlink_to("nowhere.png")
    (flat / "cat/notes.txt").write_text("x")
    lines = check(flat)
    assert "left out, cannot be read: 1: cat/gone.png (a link to nothing)" in lines
    assert "files in the class folders that do not end like an image, not used: 1 .txt" in lines


def test_data_that_cannot_be_used(flat: Path) -> None:
    shutil.rmtree(flat / "dog")
    with pytest.raises(SettingFaults, match="holds only the class 'cat'"):
        check(flat)


@real
@pytest.mark.slow
def test_the_pairs_of_flowers_102_are_found() -> None:
    lines = check("flowers-102", size=64)
    assert lines[0] == "flowers-102: 1,020 training, 1,020 validation, 6,149 test images, 102 classes, 64 px"
    assert lines[-4:-1] == [
        "byte-identical files across splits: 2: image_07307.jpg (training) = image_07309.jpg (test); "
        "image_08067.jpg (test) = image_08077.jpg (validation)",
        "byte-identical files within a split: 2: image_07323.jpg (test) = image_07328.jpg (test); "
        "image_07885.jpg (test) = image_07886.jpg (test)",
        "near-duplicates across splits: 9: "
        "image_01835.jpg (validation) ~ image_01858.jpg (test); image_07015.jpg (validation) ~ image_07040.jpg (test); "
        "image_07029.jpg (validation) ~ image_08080.jpg (test); image_01929.jpg (validation) ~ image_01959.jpg (test); "
        "image_01855.jpg (training) ~ image_01844.jpg (test); image_04076.jpg (validation) ~ image_04021.jpg (test); "
        "image_05124.jpg (training) ~ image_05133.jpg (test); "
        "image_05746.jpg (training) ~ image_05768.jpg (validation); "
        "image_04027.jpg (training) ~ image_03995.jpg (test)",
    ]
    assert "--write-groups" in lines[-1]
