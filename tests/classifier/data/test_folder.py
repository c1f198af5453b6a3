from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search.workload import SettingFaults

from .conftest import class_folders, faults, load, picture

KNOWN = "digits, flowers-17, flowers-102, cifar10"

# What is read


def test_a_divided_folder(divided: Path) -> None:
    found = load(divided)
    assert {split: array.shape for split, array in found.images.items()} == {
        "train": (8, 3, 8, 8),
        "val": (4, 3, 8, 8),
        "test": (6, 3, 8, 8),
    }
    assert found.card.name == "split"
    assert list(found.card.classes) == ["cat", "dog"]
    assert found.card.truth["test"].tolist() == [0, 0, 0, 1, 1, 1]
    assert sorted(found.card.images["val"]) == ["val/cat/0.png", "val/cat/1.png", "val/dog/0.png", "val/dog/1.png"]
    assert list(found.card.notes) == [
        "8 training, 4 validation, 6 test images, 2 classes, 8 px",
        "images per class: 4 training, 2 validation, 3 test",
    ]


def test_names_labels_and_pixels_belong_together(flat: Path) -> None:
    found = load(flat)
    for split in ("val", "test"):
        rows = zip(found.card.images[split], found.labels[split], found.images[split], strict=True)
        for name, label, pixels in rows:
            assert name.startswith(["cat/", "dog/"][label])
            small = Image.open(flat / name).resize((8, 8), Image.Resampling.BILINEAR)
            assert np.array_equal(pixels, np.asarray(small).transpose(2, 0, 1))


@pytest.mark.parametrize("name", ["valid", "validation", "Val"])
def test_other_names_of_val(name: str, divided: Path) -> None:
    before = load(divided).card.fingerprint
    shutil.move(divided / "val", divided / name)
    assert load(divided).card.fingerprint == before


def test_one_folder_is_split_by_ratio_within_each_class(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", {"cat": 10, "dog": 5, "eel": 3})
    found = load(root, ratio=[0.6, 0.2, 0.2])
    counts = {split: np.bincount(labels).tolist() for split, labels in found.labels.items()}
    assert counts == {"train": [6, 3, 1], "val": [2, 1, 1], "test": [2, 1, 1]}
    assert found.card.notes[1] == "images per class: 1 to 6 training, 1 to 2 validation, 1 to 2 test"


def test_classes_may_be_called_train_and_test(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "vehicles", {"bus": 3, "train": 3})
    assert list(load(root).card.classes) == ["bus", "train"]


def test_endings_in_any_case_and_folders_below(flat: Path) -> None:
    endings = ["JPG", "jpeg", "PNG", "bmp", "webp", "ppm", "TIF", "tiff", "gif", "Jfif", "jpe", "PGM", "pnm", "AviF"]
    for number, ending in enumerate(endings):
        picture(flat / f"cat/below/{number}.{ending}", 5000 + number)
    found = load(flat)
    assert sum(map(len, found.labels.values())) == 34
    assert len(found.card.notes) == 2


def test_hidden_files_and_what_unpacking_leaves_are_ignored(flat: Path) -> None:
    before = load(flat).card
    for name in (".DS_Store", "cat/._0.png", ".git/config", ".git/x.png", "cat/.thumbs/0.png", "__MACOSX/cat/0.png"):
        (flat / name).parent.mkdir(parents=True, exist_ok=True)
        (flat / name).write_text("x")
    after = load(flat).card
    assert after.fingerprint == before.fingerprint
    assert after.notes == before.notes


def test_what_is_passed_over_is_told(flat: Path, divided: Path) -> None:
    picture(flat / "loose.png", 1)
    (flat / "cat/photo.raw").write_text("x")
    (flat / "cat/notes").write_text("x")
    assert load(flat).card.notes[2:] == [
        "1 image lies outside the class folders, not used",
        "files in the class folders that do not end like an image, not used: 1 .raw, 1 no extension",
    ]
    picture(divided / "unlabelled/a.png", 1)
    assert load(divided).card.notes[2:] == ["split also holds unlabelled, which is not used"]


def test_links_are_followed_but_not_in_circles(flat: Path, tmp_path: Path) -> None:
    before = load(flat).card.fingerprint
    shutil.move(flat / "cat", tmp_path / "elsewhere")
    (flat / "cat").symlink_to(tmp_path / "elsewhere")
    (flat / "cat/up").symlink_to(tmp_path / "elsewhere")
    assert load(flat).card.fingerprint == before


def test_odd_file_names(flat: Path) -> None:
    for number, name in enumerate(["späß 日本.png", "new\nline.png", "a b.c.png"]):
        picture(flat / "cat" / name, 5000 + number)
    try:
        picture(flat / "cat/x.png", 6000).rename(os.fsdecode(os.fsencode(str(flat / "cat")) + b"/\xff.png"))
    except OSError:  # some file systems take UTF-8 only
        (flat / "cat/x.png").unlink()
    found = load(flat)
    for names in found.card.images.values():
        "".join(names).encode()
    assert load(flat).card.fingerprint == found.card.fingerprint


def test_a_relative_path_and_home(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load(flat).card
    monkeypatch.chdir(flat.parent)
    monkeypatch.setenv("HOME", str(flat.parent))
    for path in ("pets", "./pets", "~/pets"):
        assert load(path).card.fingerprint == expected.fingerprint
    monkeypatch.chdir(flat)
    assert load(".").card.name == "pets"


# Duplicates


def test_identical_images_across_splits_are_told(divided: Path) -> None:
    shutil.copy(divided / "train/cat/0.png", divided / "test/cat/copy.png")
    Image.open(divided / "val/dog/1.png").save(divided / "test/dog/copy.bmp")
    assert load(divided).card.notes[2:] == [
        "2 pairs of identical images across splits: train/cat/0.png (training) = test/cat/copy.png (test); "
        "val/dog/1.png (validation) = test/dog/copy.bmp (test)"
    ]


def test_five_pairs_are_named_then_counted(divided: Path) -> None:
    for number in range(3):
        shutil.copy(divided / "train/cat/0.png", divided / f"val/cat/copy {number}.png")
        shutil.copy(divided / "train/cat/0.png", divided / f"test/cat/copy {number}.png")
    note = load(divided).card.notes[2]
    assert note.startswith("15 pairs of identical images across splits: ")
    assert note.count(" = ") == 5
    assert note.endswith("; and 10 more")


def test_identical_images_within_a_split_are_fine(divided: Path) -> None:
    shutil.copy(divided / "train/cat/0.png", divided / "train/cat/copy.png")
    assert len(load(divided).card.notes) == 2


def test_images_of_equal_pixels_have_equal_contents(divided: Path) -> None:
    before = load(divided).card
    Image.open(divided / "val/cat/0.png").save(divided / "val/cat/copy.bmp")
    card = load(divided).card
    named = dict(zip(card.images["val"], card.contents["val"], strict=True))
    assert named["val/cat/0.png"] == named["val/cat/copy.bmp"]
    assert len(set(named.values())) == 4
    assert [len(card.contents[split]) for split in ("val", "test")] == [5, 6]
    # They are those of the images in full size, whatever size is trained on.
    assert load(divided, **{"data.size": 4}).card.contents == card.contents
    assert set(before.contents["val"]) == set(card.contents["val"])


def test_one_image_under_two_labels_is_told(divided: Path) -> None:
    shutil.copy(divided / "train/cat/0.png", divided / "train/dog/copy.png")
    assert load(divided).card.notes[2:] == [
        "1 image found under more than one label: train/cat/0.png = train/dog/copy.png"
    ]


# What is refused


def test_a_name_that_is_none() -> None:
    assert faults("floers-17") == [
        (
            "data",
            f"found 'floers-17', which is neither a known data set ({KNOWN}) nor a folder; did you mean 'flowers-17'?",
        )
    ]
    assert faults("/nowhere/at/all") == [
        (
            "data",
            f"found '/nowhere/at/all', which is neither a known data set ({KNOWN}) nor a folder",
        )
    ]


def test_a_file(flat: Path) -> None:
    path = flat / "cat/0.png"
    assert faults(path) == [("data", f"found '{path}', which is a file; name the folder that holds the classes")]


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody-of-this-name/x", "a\0b", ""])
def test_impossible_names(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert [setting for setting, _ in faults(name)] == ["data"]


def test_no_training_split(divided: Path) -> None:
    shutil.rmtree(divided / "train")
    assert faults(divided) == [
        (
            "data",
            f"{divided} holds test and val, but no folder train with the class folders in it; add it, "
            "or name a folder that holds the class folders directly, which is then split by data.ratio, "
            "or write `data.classes: top` if the folders in it are the classes",
        )
    ]


def test_two_folders_for_one_split(divided: Path) -> None:
    shutil.copytree(divided / "val", divided / "valid")
    assert faults(divided) == [("data", f"{divided} holds both val and valid; keep one of them as val")]


def test_classes_that_differ_between_splits(divided: Path) -> None:
    shutil.move(divided / "val/dog", divided / "val/dogs")
    rest = ", or move it out of the others if it is no class"
    assert faults(divided) == [
        (
            "data",
            f"{divided}/train has no folder for 'dogs', which other splits have; add it, with images to train on{rest}",
        ),
        ("data", f"{divided}/val has no folder for 'dog', which other splits have; add it, it may be empty{rest}"),
        ("data", f"{divided}/test has no folder for 'dogs', which other splits have; add it, it may be empty{rest}"),
    ]
    # The remedies work.
    for split in ("train", "test"):
        class_folders(divided / split, {"dogs": 1}, 900)
    (divided / "val/dog").mkdir()
    assert list(load(divided).card.classes) == ["cat", "dog", "dogs"]
    for split in ("train", "val", "test"):
        shutil.move(divided / split / "dogs", divided.parent / f"no class of {split}")
    assert list(load(divided).card.classes) == ["cat", "dog"]


@pytest.mark.parametrize("names", [["unknown"], ["eel", "fox"]])
def test_a_split_that_holds_no_class_of_the_training_split(names: list[str], divided: Path) -> None:
    """Test images without labels lie in one folder, and few-shot sets have other classes in every split."""
    shutil.rmtree(divided / "test")
    class_folders(divided / "test", dict.fromkeys(names, 2), 900)
    assert faults(divided) == [
        (
            "data",
            f"{divided}/test holds none of the class folders of {divided}/train, but "
            f"{', '.join(map(repr, names))}; lay its images into folders with the names of those, or move it out of "
            "the data folder",
        )
    ]
    # Both remedies work.
    (divided / "test" / names[0]).rename(divided / "test/cat")
    for name in ("dog", *names[1:]):
        shutil.rmtree(divided / "test" / name, ignore_errors=True)
    (divided / "test/dog").mkdir()
    assert len(load(divided).labels["test"]) == 2
    shutil.move(divided / "test", divided.parent / "elsewhere")
    assert list(load(divided).labels) == ["train", "val"]


LISTED = "jpg, jpeg, jpe, jfif, png, bmp, webp, ppm, pgm, pnm, tif, tiff, gif, avif, heic, heif, hif"


def test_class_folders_without_images_are_no_classes(flat: Path, divided: Path) -> None:
    before = load(flat).card.fingerprint
    (flat / "eel").mkdir()
    (flat / "fox").mkdir()
    (flat / "fox/readme.txt").write_text("none yet")
    found = load(flat)
    assert found.card.fingerprint == before
    assert list(found.card.classes) == ["cat", "dog"]
    assert f"class folders without an image ({LISTED}), no classes: eel, fox" in found.card.notes
    for split in ("train", "val", "test"):
        (divided / split / "eel").mkdir()
    assert list(load(divided).card.classes) == ["cat", "dog"]
    assert load(divided).card.notes[-1].endswith("no classes: train/eel, val/eel, test/eel")


def test_folders_of_nothing(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
    assert faults(tmp_path / "pets") == [("data", f"the class folders of {tmp_path}/pets hold no image ({LISTED})")]


def test_a_class_without_validation_images_trains_all_the_same(divided: Path) -> None:
    shutil.rmtree(divided / "val/dog")
    (divided / "val/dog").mkdir()
    found = load(divided)
    assert list(found.card.classes) == ["cat", "dog"]
    assert {split: np.bincount(labels, minlength=2).tolist() for split, labels in found.labels.items()} == {
        "train": [4, 4],
        "val": [2, 0],
        "test": [3, 3],
    }
    assert "no validation image of: dog" in found.card.notes


def test_a_class_without_training_images(divided: Path) -> None:
    shutil.rmtree(divided / "train/dog")
    (divided / "train/dog").mkdir()
    sentence = f"class folder {divided}/train/dog holds no image ({LISTED}), while other splits have some of that class"
    assert faults(divided) == [("data", sentence)]


def test_a_split_without_images(divided: Path) -> None:
    for path in (divided / "test").rglob("*.png"):
        path.write_text("")
    ((_, sentence),) = faults(divided)
    assert sentence.startswith(f"{divided}/test holds no image that can be read (left out: test/cat/0.png: the file is")


def test_a_class_too_small_to_be_split_trains_only(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", {"cat": 2, "dog": 5, "eel": 1})
    found = load(root)
    counts = {split: np.bincount(labels, minlength=3).tolist() for split, labels in found.labels.items()}
    assert counts == {"train": [2, 3, 1], "val": [0, 1, 0], "test": [0, 1, 0]}
    assert found.card.notes[2:] == ["no validation image of: cat, eel", "no test image of: cat, eel"]


def test_no_class_large_enough_to_be_split(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", {"cat": 2, "dog": 1})
    sentence = f"no class of {root} has 3 images or more that can be read, one each for training, validation and test"
    assert faults(root) == [("data", sentence)]


def test_one_class_or_none(tmp_path: Path) -> None:
    layout = "one folder per class, either under train, val and test, or directly in it"
    (tmp_path / "empty").mkdir()
    assert faults(tmp_path / "empty") == [("data", f"{tmp_path}/empty holds no folders; it must hold {layout}")]
    root = class_folders(tmp_path / "pets", {"cat": 5})
    assert faults(root) == [
        ("data", f"{root} holds only the class 'cat'; it must hold {layout}, of two classes or more")
    ]


@pytest.mark.parametrize(
    "ratio", [[0.5, 0.5], [1, 1, 0], [1, -1, 1], ["a", 1, 1], [True, 1, 1], [float("nan"), 1, 1], 3, [float("inf")] * 3]
)
def test_ratios_that_are_none(ratio: object, flat: Path) -> None:
    ((setting, sentence),) = faults(flat, ratio=ratio)
    assert setting == "data.ratio"
    assert sentence.endswith("must be three numbers above 0: training, validation and test")


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "12"])
def test_sizes_that_are_none(size: object) -> None:
    assert faults("digits", size=size) == [
        ("data.size", f"found {size!r}, must be a whole number of pixels, at least 1")
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(flat: Path) -> None:
    (flat / "cat/0.png").chmod(0)
    assert load(flat).card.notes[-1] == "left out 1 file: cat/0.png (no permission to read it)"
    (flat / "cat").chmod(0)
    try:
        assert faults(flat) == [("data", f"{flat}/cat cannot be read: Permission denied")]
    finally:
        (flat / "cat").chmod(0o755)


def test_faults_travel_between_processes() -> None:
    error = SettingFaults([("data", "is wrong"), ("data.size", "too")])
    assert str(error) == "data: is wrong; data.size: too"
    assert pickle.loads(pickle.dumps(error)).faults == error.faults
