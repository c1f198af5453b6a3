"""Links inside a data folder: followed wherever they lead, named where they lead outside, and no circle is walked."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from .conftest import class_folders, faults, load, picture
from .test_check import check


def lines(root: Path) -> list[str]:
    return [line for line in check(root) if line.startswith("links ")]


AGAIN = "links to a folder that is read without them, or that holds them, not followed"


def test_links_inside_the_folder_are_followed_without_a_word(flat: Path) -> None:
    before = load(flat).card.fingerprint
    shutil.move(flat / "cat/0.png", flat / "cat/.store.png")
    (flat / "cat/0.png").symlink_to(".store.png")
    assert load(flat).card.fingerprint == before
    assert lines(flat) == []


def test_links_that_lead_outside_are_followed_and_named(flat: Path, tmp_path: Path) -> None:
    before = load(flat).card.fingerprint
    shutil.move(flat / "cat", tmp_path / "elsewhere")
    shutil.move(flat / "dog/1.png", tmp_path / "one.png")
    (flat / "cat").symlink_to(tmp_path / "elsewhere")
    (flat / "dog/1.png").symlink_to("../../one.png")
    (flat / "dog/notes.txt").symlink_to(tmp_path / "one.png")  # no image: it is not read
    assert load(flat).card.fingerprint == before
    assert lines(flat) == [
        f"links that lead outside the folder, followed: 2: cat -> {tmp_path}/elsewhere; dog/1.png -> {tmp_path}/one.png"
    ]


def test_a_split_and_a_folder_below_a_class_may_be_links_outside(divided: Path, tmp_path: Path) -> None:
    before = load(divided).card.fingerprint
    shutil.move(divided / "val", tmp_path / "held out")
    (divided / "val").symlink_to(tmp_path / "held out")
    shutil.move(divided / "train/cat", tmp_path / "photos")
    (divided / "train/cat").mkdir()
    (divided / "train/cat/below").symlink_to(tmp_path / "photos")
    assert load(divided).card.fingerprint == before
    assert lines(divided) == [
        f"links that lead outside the folder, followed: 2: train/cat/below -> {tmp_path}/photos; "
        f"val -> {tmp_path}/held out"
    ]


def test_a_data_folder_may_itself_be_a_link(flat: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(flat)
    assert load(tmp_path / "data").card.fingerprint == load(flat).card.fingerprint
    assert lines(tmp_path / "data") == []


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "below"])
def test_a_link_to_a_folder_that_holds_it_or_is_read_anyway_is_not_followed(target: str, flat: Path) -> None:
    """Followed, it would give a class the images of all others, or its own a second time."""
    (flat / "cat/below").mkdir()
    shutil.move(flat / "cat/0.png", flat / "cat/below/0.png")
    before = load(flat).card
    (flat / "cat/again").symlink_to(target)
    after = load(flat).card
    assert (after.fingerprint, after.notes) == (before.fingerprint, before.notes)
    assert lines(flat) == [f"{AGAIN}: 1: cat/again"]


@pytest.mark.parametrize("target", [".", "..", "/"])
def test_a_class_that_is_a_link_to_what_holds_it_is_none(target: str, flat: Path, divided: Path) -> None:
    for root, folder in ((flat, flat), (divided, divided / "train")):
        before = load(root).card
        (folder / "round").symlink_to(target)
        found = load(root).card
        assert (found.fingerprint, found.classes) == (before.fingerprint, before.classes)
        assert lines(root) == [f"{AGAIN}: 1: {(folder / 'round').relative_to(root)}"]


def test_folders_that_all_link_to_each_other_are_read_once(flat: Path, tmp_path: Path) -> None:
    """Walked by every path, 15 folders would take longer than anyone lives."""
    web = [tmp_path / "web" / f"{number:02d}" for number in range(15)]
    for number, folder in enumerate(web):
        picture(folder / "image.png", 5000 + number)
    for folder in web:
        for other in web:
            (folder / f"to {other.name}").symlink_to(other)
    (flat / "cat/web").symlink_to(web[0])
    assert sum(map(len, load(flat).labels.values())) == 20 + 15
    followed, again = lines(flat)
    assert followed.startswith("links that lead outside the folder, followed: 15: cat/web -> ")
    assert again.startswith(f"{AGAIN}: {15 * 15 - 14}: ")


@pytest.mark.slow
def test_folders_below_each_other_deeper_than_python_recurses(flat: Path) -> None:
    deep = flat / "cat"
    for _ in range(sys.getrecursionlimit() + 10):
        deep = deep / "x"
        deep.mkdir()
    picture(deep / "image.png", 5000)
    assert sum(map(len, load(flat).labels.values())) == 21
    (deep / "image.png").unlink()
    while deep.name == "x":  # what removes the folders of tests recurses
        deep.rmdir()
        deep = deep.parent


def test_links_to_nothing_and_to_themselves_are_named(flat: Path, divided: Path) -> None:
    for root, folder in ((flat, ""), (divided, "train/")):
        (root / f"{folder}eel").symlink_to("nowhere")
        (root / f"{folder}cat/gone.png").symlink_to("nowhere.png")
        (root / f"{folder}cat/more").symlink_to("nowhere")
        (root / f"{folder}cat/one.png").symlink_to("other.png")
        (root / f"{folder}cat/other.png").symlink_to("one.png")
        listed = (
            f"{folder}cat/gone.png (a link to nothing); {folder}cat/more (a link to nothing); "
            f"{folder}cat/one.png (a link that leads back to itself); "
            f"{folder}cat/other.png (a link that leads back to itself); {folder}eel (a link to nothing)"
        )
        assert f"left out 5 files: {listed}" in load(root).card.notes
        assert f"left out, cannot be read: 5: {listed}" in check(root)


def test_a_folder_of_nothing_but_links_to_nothing(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", {"cat": 3})
    (root / "dog").mkdir()
    (root / "dog/0.png").symlink_to("nowhere.png")
    only, lost = faults(root)
    assert only[1].startswith(f"{root} holds only the class 'cat'; ")
    assert lost == ("data", f"in {root} dog/0.png is a link to nothing; mend or remove it")


def test_a_split_or_class_that_is_a_link_to_nothing_is_named_beside_what_is_missing(divided: Path) -> None:
    for name in ("train", "val/dog"):
        shutil.rmtree(divided / name)
        before = faults(divided)
        (divided / name).symlink_to("gone")
        assert faults(divided) == [*before, ("data", f"in {divided} {name} is a link to nothing; mend or remove it")]
        (divided / name).unlink()
        class_folders(divided / "train", {"cat": 3, "dog": 3})


def test_a_data_folder_that_is_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "pets").symlink_to("gone")
    (tmp_path / "round").symlink_to("round")
    for name, what in (("pets", "a link to nothing"), ("round", "a link that leads back to itself")):
        found = f"found '{tmp_path / name}', which is {what}"
        assert faults(tmp_path / name) == [("data", f"{found}; mend it, or name the folder that holds the classes")]
