"""What no person made is no class and no image, and the data check counts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.data.system import kind

from .conftest import load, picture
from .test_check import check

FOLDERS = [
    *("@eaDir", "@EADIR", "#recycle", "#snapshot", "@tmp", "@Recycle", "@Recently-Snapshot", ".@__thumb", "@__thumb"),
    *("$RECYCLE.BIN", "$Recycle.Bin", "RECYCLER", "System Volume Information", "FOUND.000", "__MACOSX", "lost+found"),
    *("Network Trash Folder", "Temporary Items", "__pycache__", "~snapshot", ".ipynb_checkpoints", ".git"),
    *(".thumbnails", ".Trash-1000", ".Trashes", ".snapshot", ".AppleDouble", ".stversions"),
]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_a_system_made_is_no_class_and_holds_no_images(name: str, flat: Path, divided: Path) -> None:
    places = {flat: ("", "cat/"), divided: ("", "train/", "val/cat/")}
    for root, inside in places.items():
        before = load(root).card
        for number, place in enumerate(inside):
            picture(root / f"{place}{name}/photo.jpg/SYNOPHOTO_THUMB_M.jpg", 5000 + number)
            picture(root / f"{place}{name}/thumbnail.png", 6000 + number)
        after = load(root).card
        assert (after.fingerprint, after.classes, after.notes) == (before.fingerprint, before.classes, before.notes)
        assert f"skipped, hidden or made by a system: {len(inside)}: {len(inside)} {name}" in check(root)


def test_files_that_a_system_made_are_no_images(flat: Path) -> None:
    before = load(flat).card
    for name in ("cat/._0.png", "cat/._1.png", "dog/._0.png", "cat/SYNOPHOTO_THUMB_XL.jpg", "cat/.DS_Store"):
        picture(flat / "cat/copy.png", 5000).rename(flat / name)
    identifiers = ("cat/0.png:Zone.Identifier", "dog/0.png:Zone.Identifier")
    for name in ("cat/Thumbs.db", "dog/thumbs.db", "desktop.ini", *identifiers):
        (flat / name).write_text("x")
    after = load(flat).card
    assert (after.fingerprint, after.notes) == (before.fingerprint, before.notes)
    (line,) = [line for line in check(flat) if line.startswith("skipped, ")]
    assert line.startswith("skipped, hidden or made by a system: 10: 3 ._*, 2 *:Zone.Identifier, 1 ")
    for name in ("1 Thumbs.db", "1 .DS_Store", "1 desktop.ini", "1 SYNOPHOTO_*_*.*", "1 thumbs.db"):
        assert name in line


@pytest.mark.parametrize(
    "name", ["recycled", "recycle", "eaDir", "thumbs", "#1", "@home", "snapshot", "$5", "tmp", "git", "thumbnails", "~"]
)
def test_what_may_be_a_class_is_one(name: str, flat: Path) -> None:
    assert not kind(name)
    for number in range(3):
        picture(flat / name / f"{number}.png", 5000 + number)
    assert name in load(flat).card.classes
