"""Which folders are classes, and which are splits or folds: by their names, and by what they hold."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from classifier.config import canonical
from classifier.data.layout import layout, nearly_same
from search.workload import SettingFaults

from .conftest import again, class_folders, faults, load, picture

TOP = "or write `data.classes: top` if"


def pets(root: Path, *names: str, count: int = 4) -> Path:
    """Put folders into a data folder, each with the class folders cat and dog."""
    for place, name in enumerate(names):
        class_folders(root / name, {"cat": count, "dog": count}, 100 * place)
    return root


def sizes(root: Path, **more: object) -> dict[str, int]:
    return {split: len(labels) for split, labels in load(root, **more).labels.items()}


# Names of splits


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("Training", "Validation", "Testing"),
        ("train_images", "val_images", "test_images"),
        ("TRAIN", "VALID", "TEST"),
        ("trainset", "devset", "testset"),
        ("imgs-train", "imgs-dev", "imgs-eval"),
        ("TrainData", "ValidData", "HoldOut"),
        ("train.2017", "val.2017", "test.2017"),
        ("1 train", "2 development", "3 hold-out"),
        ("images (train)", "images (validation)", "images (evaluation)"),
        ("seg_train", "seg_val", "seg_test"),
        ("asl_alphabet_train", "valid", "asl_alphabet_test"),
        ("train", "valid", "my test"),
        ("trainval", "validating", "tst"),
    ],
)
def test_names_of_splits(train: str, val: str, test: str, divided: Path) -> None:
    before = load(divided).card.fingerprint
    for old, new in (("train", train), ("val", val), ("test", test)):
        (divided / old).rename(divided / f"x {new}")
        (divided / f"x {new}").rename(divided / new)
    assert load(divided).card.fingerprint == before


def test_a_split_in_a_folder_of_its_own_name(divided: Path) -> None:
    before = load(divided).card.fingerprint
    for split in ("train", "val", "test"):
        (divided / split).rename(divided / "moved")
        (divided / f"{split}_set").mkdir()
        (divided / "moved").rename(divided / f"{split}_set/{split}_set")
    assert load(divided).card.fingerprint == before


def test_a_split_in_a_folder_of_images(divided: Path) -> None:
    before = load(divided).card.fingerprint
    for split in ("train", "test"):
        (divided / split).rename(divided / "moved")
        (divided / split).mkdir()
        (divided / "moved").rename(divided / split / "Images")
    assert load(divided).card.fingerprint == before


def test_the_plain_name_is_meant(divided: Path) -> None:
    before = load(divided).card.fingerprint
    shutil.copytree(divided / "test", divided / "holdout")
    found = load(divided).card
    assert found.fingerprint == before
    assert "split also holds holdout, which is not used" in found.notes


@pytest.mark.parametrize("names", [("Training", "Train Set", "test"), ("train1", "train2", "test1")])
def test_two_names_of_one_split(names: tuple[str, ...], tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", *names)
    first, second = sorted(names[:2])
    assert faults(root) == [("data", f"{root} holds both {first} and {second}; keep one of them as train")]


@pytest.mark.parametrize(
    "names", [("bus", "train"), ("train_station", "test_tube"), ("contest", "devil"), ("dev", "x")]
)
def test_classes_that_sound_like_splits(names: tuple[str, ...], tmp_path: Path) -> None:
    root = class_folders(tmp_path / "things", dict.fromkeys(names, 3))
    assert list(load(root).card.classes) == sorted(names)


@pytest.mark.parametrize("names", [("test", "train"), ("Testing", "Training"), ("seg_pred_test", "seg_pred_train")])
def test_splits_without_class_folders(names: tuple[str, str], tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", dict.fromkeys(names, 4))
    assert faults(root) == [
        (
            "data",
            f"{root} holds {names[0]} and {names[1]}, which are named like splits, without a class folder in them; lay "
            f"the images of each class into a folder of its own there, {TOP} they are classes",
        )
    ]
    assert list(load(root, classes="top").card.classes) == list(names)


# Splits that are missing


def test_training_images_alone(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", "Training")
    picture(root / "test/1.png", 1)
    assert faults(root) == [
        (
            "data",
            f"{root} holds Training, but no folder val or test with the class folders in it; add one of them, or name "
            f"{root}/Training, which is then split by data.ratio, {TOP} the folders in it are the classes",
        )
    ]
    assert load(root / "Training").labels


@pytest.mark.parametrize(
    ("names", "so"),
    [(["exam"], "exam so, with such folders in it"), (["a", "b"], "a and b so, with such folders in them")],
)
def test_splits_that_are_called_otherwise(names: list[str], so: str, tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", "train", *names)
    ((_, sentence),) = faults(root)
    assert f"add one of them, or call {so}, or name {root}/train, which" in sentence
    root = pets(tmp_path / "others", "test", *names)
    ((_, sentence),) = faults(root)
    assert f"add it, or call {so}, or name a folder" in sentence


@pytest.mark.parametrize(
    ("ratio", "val"), [(None, 2), ([0.6, 0.2, 0.2], 2), ([0.5, 0.5], 4), ([3, 1, 96], 2), ([0.9, 0.1], 1)]
)
def test_validation_images_are_drawn_from_the_training_images(
    ratio: list[float] | None, val: int, tmp_path: Path
) -> None:
    root = pets(tmp_path / "pets", "train", "test", count=8)
    found = load(root) if ratio is None else load(root, ratio=ratio)
    counts = {split: np.bincount(labels).tolist() for split, labels in found.labels.items()}
    assert counts == {"train": [8 - val, 8 - val], "val": [val, val], "test": [8, 8]}
    assert all(name.startswith("train/") for name in found.card.images["val"])
    assert all(name.startswith("test/") for name in found.card.images["test"])
    share = {1: "10", 2: "25", 4: "50"}[val]
    assert found.card.notes[2:] == [
        f"no folder val: {share} % of the images in train are for validation, drawn by data.ratio and data.split_seed"
    ]
    assert load(root, split_seed=1).card.fingerprint != load(root).card.fingerprint
    # The test images are what they are, whatever is drawn.
    assert load(root, split_seed=1).card.contents["test"] == found.card.contents["test"]


def test_a_ratio_that_cannot_draw_validation_images(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", "train", "test")
    wanted = "must be two or three numbers above 0: training and validation, and test, of which none is drawn"
    for ratio in ([1], [1, 0], [1, 1, 1, 1], [1, "1"]):
        assert faults(root, ratio=ratio) == [("data.ratio", f"found {ratio!r}, {wanted}")]


def test_too_few_training_images_to_draw_validation_images(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", "train", "test", count=1)
    sentence = f"no class of {root}/train has 2 images or more that can be read, one each for training and validation"
    assert faults(root) == [("data", sentence)]
    class_folders(root / "train", {"cat": 2}, 900)
    found = load(root)
    assert {split: np.bincount(labels).tolist() for split, labels in found.labels.items()} == {
        "train": [1, 1],
        "val": [1],
        "test": [1, 1],
    }


def test_a_ratio_that_draws_nothing_is_named(divided: Path) -> None:
    assert load(divided, ratio=[0.8, 0.1, 0.1]).card.notes[2:] == [
        "data.ratio is not used: no image has to be drawn for a split"
    ]


# Folds, and other folders that hold the same folders


FOLDS = [
    (["fold1", "fold2", "fold3", "fold4", "fold5"], "fold1, fold2, fold3, fold4, fold5"),
    (["part_a", "part_b"], "part_a, part_b"),
    (["2019", "2020", "Entrenamiento"], "2019, 2020, Entrenamiento"),
]


@pytest.mark.parametrize(("names", "listed"), FOLDS)
def test_folds(names: list[str], listed: str, tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", *names)
    picture(root / "unsorted/1.png", 1)
    assert faults(root) == [
        (
            "data",
            f"{root} holds {listed}, which hold the same folders ('cat', 'dog'), so that they look like splits or "
            "folds and not like classes; call them train, val and test, or name one of them, which is then split by "
            f"data.ratio, {TOP} they are classes",
        )
    ]
    # Each remedy works.
    assert list(load(root, classes="top").card.classes) == sorted([*names, "unsorted"])
    assert list(load(root / names[0]).card.classes) == ["cat", "dog"]
    (root / names[0]).rename(root / "train")
    (root / names[1]).rename(root / "test")
    assert sizes(root) == {"train": 6, "val": 2, "test": 8}


def test_folds_with_one_folder_more_between(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for place, name in enumerate(("a", "b")):
        class_folders(root / name / "jpg", {"cat": 2, "dog": 2}, 100 * place)
    ((_, sentence),) = faults(root)
    assert sentence.startswith(f"{root} holds a, b, which hold the same folders ('cat', 'dog'), so that they look like")


def test_folds_that_hold_nearly_the_same(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    class_folders(root / "a", {"Cat": 1, "dog": 1, "eel": 1})
    class_folders(root / "b", {"cat": 1, "dog": 1})
    class_folders(root / "c", {"cat": 1, "dog ": 1, "fox": 1})
    ((_, sentence),) = faults(root)
    assert sentence.startswith(f"{root} holds a, b, c, which hold nearly the same folders ('Cat', 'dog'), so that")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cat dog", "cat dog", True),
        ("cat dog eel", "cat dog fox", True),
        ("cat dog", "cat", True),
        ("a b c d e f", "a b", True),
        ("images", "images", False),
        ("siamese other", "beagle other", False),
        ("siamese persian", "beagle poodle", False),
        ("a b c d e f", "a b x y z", False),
        ("", "", False),
        ("cat", "", False),
    ],
)
def test_what_is_nearly_the_same(one: str, other: str, same: bool) -> None:
    assert nearly_same(frozenset(one.split()), frozenset(other.split())) is same
    assert nearly_same(frozenset(other.split()), frozenset(one.split())) is same


@pytest.mark.parametrize(
    "below", [("images", "images"), ("siamese", "beagle"), ("", "images"), ("images/2019", "images/2020")]
)
def test_folders_in_classes(below: tuple[str, str], tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for place, (name, inside) in enumerate(zip(("cat", "dog"), below, strict=True)):
        for number in range(5):
            picture(root / name / inside / f"{number}.png", 10 * place + number)
    assert list(load(root).card.classes) == ["cat", "dog"]
    assert sizes(root) == {"train": 6, "val": 2, "test": 2}


def test_splits_in_each_class(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for place, name in enumerate(("cat", "dog")):
        class_folders(root / name, {"test": 2, "train": 4}, 100 * place)
    assert faults(root) == [
        (
            "data",
            f"{root} holds cat, dog, with test and train in cat, which are named like splits; name one of them if the "
            "classes are in these, or lay each class into the splits, as in test/cat, "
            f"{TOP} the folders of {root} are the classes",
        )
    ]
    assert sizes(root, classes="top") == {"train": 8, "val": 2, "test": 2}


@pytest.mark.parametrize("names", [("cat", "dog"), ("test", "train")])
def test_a_folder_in_a_folder(names: tuple[str, str], tmp_path: Path) -> None:
    root = pets(tmp_path / "archive/data", *names).parent
    assert faults(root) == [
        (
            "data",
            f"{root} holds one folder, data, which holds {names[0]}, {names[1]}; name {root}/data if these are the "
            "classes or the splits",
        )
    ]


def test_a_data_set_in_a_folder_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    pets(root / "data", "train", "test")
    picture(root / "plots/loss.png", 1)
    assert faults(root) == [
        (
            "data",
            f"{root}/data holds test and train, which are named like splits; name {root}/data, "
            f"{TOP} the folders of {root} are the classes",
        )
    ]
    assert sizes(root / "data") == {"train": 6, "val": 2, "test": 8}


@pytest.mark.parametrize(
    ("beside", "below"),
    [
        (["cat", "dog"], ["cat", "dog"]),
        (["cat", "dog", "results"], ["cat", "dog"]),
        (["cat", "dog", "eel", "fox"], ["Cat", "dog", "gnu"]),
    ],
)
def test_a_second_copy_of_the_classes_beside_them(beside: list[str], below: list[str], tmp_path: Path) -> None:
    root = tmp_path / "pets"
    class_folders(root, dict.fromkeys(beside, 4))
    class_folders(root / "pet_images", dict.fromkeys(below, 4), 50_000)
    assert faults(root) == [
        (
            "data",
            f"{root} holds pet_images, which holds folders of the same names as those beside it ('cat', 'dog'), like a "
            f"second copy of the classes; move it out of {root}, or name {root}/pet_images, "
            f"{TOP} the folders of {root} are the classes",
        )
    ]
    # Each remedy works.
    assert list(load(root, classes="top").card.classes) == sorted([*beside, "pet_images"])
    assert list(load(root / "pet_images").card.classes) == sorted(below)
    (root / "pet_images").rename(tmp_path / "elsewhere")
    assert list(load(root).card.classes) == sorted(beside)


def test_folders_that_share_one_name_with_those_beside_them_are_classes(tmp_path: Path) -> None:
    root = tmp_path / "fruit"
    class_folders(root, {"apple": 4, "pear": 4})
    class_folders(root / "juice", {"apple": 2, "other": 2}, 50_000)
    assert list(load(root).card.classes) == ["apple", "juice", "pear"]


# The setting


def test_the_folders_are_the_classes(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", "train", "test")
    found = again(root, classes="top")
    assert list(found.card.classes) == ["test", "train"]
    assert sum(map(len, found.labels.values())) == 16
    # One process keeps the two readings of one folder apart.
    assert list(again(root, classes="auto").card.classes) == ["cat", "dog"]


def test_large_folders_are_not_asked_file_by_file(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telling classes from splits looks into every folder, and there may be a million files in them."""
    asked: list[Path] = []
    told = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: asked.append(path) or told(path))
    layout(flat)
    assert asked == [flat / "cat", flat / "dog"]


def test_a_setting_of_folders(tmp_path: Path) -> None:
    assert canonical({"data": str(tmp_path)})["data.classes"] == "auto"
    assert "data.classes" not in canonical({"data": "digits"})
    assert canonical({"data": "digits", "data.classes": "top"}) == canonical({"data": "digits"})
    with pytest.raises(SettingFaults) as caught:
        canonical({"data": str(tmp_path), "data.classes": "folders"})
    assert caught.value.faults == [("data.classes", "found 'folders', must be one of auto, top")]
