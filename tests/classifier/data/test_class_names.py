"""When two folders are one class: equal letters are, names that differ in case or blanks are named."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest

from classifier.data.class_names import alike

from .conftest import class_folders, faults, load

CAFE = unicodedata.normalize("NFC", "Café")
CAFE_MAC = unicodedata.normalize("NFD", CAFE)


@pytest.fixture
def spelt(tmp_path: Path) -> Path:
    """A folder that keeps both spellings apart; some file systems take them for one name."""
    (tmp_path / "try" / CAFE).mkdir(parents=True)
    if (tmp_path / "try" / CAFE_MAC).exists():
        pytest.skip("this file system has one spelling of é")
    return tmp_path / "pets"


def divided(root: Path, **names: str) -> Path:
    for place, (split, name) in enumerate(names.items()):
        class_folders(root / split, {name: 3, "zoo": 3}, 100 * place)
    return root


def test_one_class_in_two_spellings(spelt: Path) -> None:
    root = divided(spelt, train=CAFE, val=CAFE_MAC, test=CAFE_MAC)
    found = load(root)
    assert list(found.card.classes) == [CAFE, "zoo"]
    assert [labels.tolist() for labels in found.labels.values()] == [[0, 0, 0, 1, 1, 1]] * 3
    same = divided(spelt.parent / "same", train=CAFE, val=CAFE, test=CAFE)
    assert load(same).card.fingerprint == found.card.fingerprint
    assert load(same).card.notes == found.card.notes


def test_classes_keep_the_order_of_their_folders(spelt: Path) -> None:
    """é comes before f as a Mac spells it, and behind z as others do; epochs on record know a class by its number."""
    assert list(load(class_folders(spelt / "mac", {"cafz": 3, CAFE_MAC: 3})).card.classes) == ["Café", "cafz"]
    names = {"fz": 3, unicodedata.normalize("NFD", "éa"): 3}
    assert list(load(class_folders(spelt / "mac 2", names)).card.classes) == ["éa", "fz"]
    names = {"fz": 3, unicodedata.normalize("NFC", "éa"): 3}
    assert list(load(class_folders(spelt / "other", names)).card.classes) == ["fz", "éa"]


def test_two_spellings_in_one_folder(spelt: Path) -> None:
    root = class_folders(spelt, {CAFE: 3, CAFE_MAC: 3, "zoo": 3})
    assert faults(root) == [
        (
            "data",
            f"{root} holds two folders for the class 'Café', which spell its letters in two ways: 'Cafe\\u0301' and "
            "'Caf\\xe9'; move the images of one into the other",
        )
    ]
    # The remedy works, whether the empty folder is removed or not.
    for path in (root / CAFE_MAC).iterdir():
        shutil.move(path, root / CAFE / f"moved {path.name}")
    assert list(load(root).card.classes) == [CAFE, "zoo"]
    (root / CAFE_MAC).rmdir()
    assert sum(len(labels) for labels in load(root).labels.values()) == 9


def test_two_spellings_in_one_split(spelt: Path) -> None:
    root = divided(spelt, train=CAFE, val=CAFE, test=CAFE)
    class_folders(root / "val", {CAFE_MAC: 1}, 900)
    ((_, sentence),) = faults(root)
    assert sentence.startswith(f"{root}/val holds two folders for the class 'Café', which spell")


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_empty_folder_in_the_other_spelling(split: str, spelt: Path) -> None:
    """What the remedy leaves behind."""
    root = divided(spelt, train=CAFE, val=CAFE, test=CAFE)
    before = load(root).card
    (root / split / CAFE_MAC).mkdir()
    assert load(root).card.fingerprint == before.fingerprint
    assert list(load(root).card.notes) == list(before.notes)


@pytest.mark.parametrize(("one", "other"), [("Cat", "cat"), ("cat ", "cat"), ("a\u00a0b", "a b"), ("a\u200bb", "ab")])
def test_names_that_differ_in_case_or_blanks_between_splits(one: str, other: str, tmp_path: Path) -> None:
    root = divided(tmp_path / "pets", train=one, val=other, test=other)
    class_folders(root / "test", {"eel": 1}, 900)
    listed = [text for _, text in sorted([(one, f"{one!r} in train"), (other, f"{other!r} in val and test")])]
    assert faults(root) == [
        (
            "data",
            f"class names of {root} differ in case or blanks alone: {', '.join(listed)}; give the folders of one class "
            "one name",
        ),
        (
            "data",
            f"{root}/train has no folder for 'eel', which other splits have; add it, with images to train on, or move "
            "it out of the others if it is no class",
        ),
        (
            "data",
            f"{root}/val has no folder for 'eel', which other splits have; add it, it may be empty, or move it out of "
            "the others if it is no class",
        ),
    ]
    # The remedy works.
    shutil.rmtree(root / "test/eel")
    (root / "train" / one).rename(root / "train" / other)
    assert list(load(root).card.classes) == [other, "zoo"]


def test_classes_that_differ_in_case_are_two_and_named(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "letters", {"A": 3, "a": 3})
    found = load(root).card
    assert list(found.classes) == ["A", "a"]
    assert found.notes[-1] == "classes whose names differ in case or blanks alone: 'A' and 'a'"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Great_Dane", "great dane", True),
        ("cat ", " cat", True),
        ("ﬁsh", "FISH", True),
        ("Straße", "STRASSE", True),
        ("-1", "1", False),
        ("1_1", "11", False),
        ("c++", "c", False),
        ("\udcff", "\udcfe", False),
    ],
)
def test_what_looks_alike(one: str, other: str, same: bool) -> None:
    assert (alike(one) == alike(other)) is same
