"""Images that look alike, written as groups for a person to look at."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from classifier.config import canonical
from classifier.workload import workload
from search.__main__ import run
from search.workload import SettingFaults

from .conftest import class_folders, forget, load
from .test_alike import ROOT, photo, real
from .test_check import check


def write(root: Path, file: Path, **more: object) -> list[str]:
    forget()
    settings = {"data": str(root), "data.size": 8, **{f"data.{name}": value for name, value in more.items()}}
    return list(workload.write_groups(canonical(settings), str(file)))


def groups_in(file: Path) -> list[set[str]]:
    """Return the files of each group of several."""
    with file.open(newline="") as stream:
        entries = [(entry["file"], entry["group"]) for entry in csv.DictReader(stream)]
    return [kin for group in dict.fromkeys(name for _, name in entries) if len(kin := _of(entries, group)) > 1]


def _of(entries: list[tuple[str, str]], group: str) -> set[str]:
    return {file for file, own in entries if own == group}


def copies(source: Path) -> None:
    """Write copies of an image beside it: smaller, encoded anew, mirrored, and the file itself."""
    image = Image.open(source).convert("RGB")
    image.resize((image.width // 3, image.height // 3)).save(source.with_name(f"{source.stem}_small.png"))
    image.save(source.with_name(f"{source.stem}_again.jpg"), quality=40)
    ImageOps.mirror(image).save(source.with_name(f"{source.stem}_mirrored.jpg"), quality=90)
    shutil.copy(source, source.with_name(f"{source.stem}_same.jpg"))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two classes of six photos, of one of which there are four copies."""
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / "album" / name).mkdir(parents=True)
        for number in range(6):
            photo(10 * place + number).save(tmp_path / "album" / name / f"{number}.jpg", quality=95)
    copies(tmp_path / "album" / "dog" / "3.jpg")
    return tmp_path / "album"


DOGS = {f"dog/3{copy}" for copy in (".jpg", "_small.png", "_again.jpg", "_mirrored.jpg", "_same.jpg")}


def test_copies_are_one_group_and_the_file_is_one_for_the_setting(album: Path, tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    told = write(album, file)
    assert told == [
        "images that belong together: 5 in 1 group of 5: equal, near-duplicates, mirrored",
        "1 of them lies in several splits now: a split that is drawn will keep each in one, mend any other by hand",
        f"{file}: the group of each of 16 images; look at them, then add to the space file under `fixed`:",
        f"  data.groups: {{csv: {file}}}",
    ]
    assert groups_in(file) == [DOGS]
    card = load(album, groups={"csv": str(file)}).card
    assert [len(DOGS & set(card.images[split])) for split in ("val", "test")] in ([0, 0], [5, 0], [0, 5])


def test_the_data_check_offers_it_where_images_of_two_splits_look_alike(album: Path, tmp_path: Path) -> None:
    offer = "`check --data --write-groups FILE` writes such images as groups, for `data.groups`"
    assert offer in check(album)
    write(album, tmp_path / "groups.csv")
    lines = check(album, groups={"csv": str(tmp_path / "groups.csv")})
    assert offer not in lines
    assert "near-duplicates across splits: none" in lines


def test_groups_that_were_named_are_kept_whole(album: Path, tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    write(album, file, groups={"regex": r"^\w+/(\d)"})
    assert groups_in(file)[3] == DOGS | {"cat/3.jpg"}
    assert [len(kin) for kin in groups_in(file)] == [2, 2, 2, 6, 2, 2]


def test_nothing_is_written_where_nothing_looks_alike(tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    told = write(class_folders(tmp_path / "pets", {"cat": 4, "dog": 4}), file)
    assert told == ["near-duplicates: none, so that no groups are written"]
    assert not file.exists()


def test_a_file_that_is_there_is_left_alone(album: Path, tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    file.write_text("mine")
    with pytest.raises(SettingFaults, match=r"groups\.csv is there already; name another file, or remove it"):
        write(album, file)
    assert file.read_text() == "mine"
    with pytest.raises(SettingFaults, match="cannot be written: No such file or directory"):
        write(album, tmp_path / "nowhere" / "groups.csv")


def test_images_without_files_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(SettingFaults, match="images of digits have no files of their own, and are not compared"):
        write("digits", tmp_path / "groups.csv")


def test_check_prints_the_line_for_the_space_file(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "groups.csv"
    assert run(["check", "--data", str(album), "--set", "data.size=12", "--write-groups", str(file)]) == 0
    assert capsys.readouterr().out.endswith(f"  data.groups: {{csv: {file}}}\n")
    assert run(["check", "--write-groups", str(file), "a.yaml"]) == 1
    assert "--write-groups FILE goes with --data and at most one space file." in capsys.readouterr().err


@real
@pytest.mark.slow
def test_copies_of_flowers_are_found_and_no_two_flowers_are_put_together(tmp_path: Path) -> None:
    """17 kinds with three pictures each, one of which has four copies."""
    for kind in range(17):
        (tmp_path / "flowers" / f"{kind:02}").mkdir(parents=True)
        for number in range(3):
            name = f"image_{80 * kind + 13 * number + 1:04}.jpg"
            shutil.copy(Path(ROOT or "") / "flowers-17/jpg" / name, tmp_path / "flowers" / f"{kind:02}" / name)
        copies(tmp_path / "flowers" / f"{kind:02}" / f"image_{80 * kind + 1:04}.jpg")
    file = tmp_path / "groups.csv"
    write(tmp_path / "flowers", file)
    found = groups_in(file)
    assert [len(kin) for kin in found] == [5] * 17
    assert all(len({re.split(r"[_.]", name)[1] for name in kin}) == 1 for kin in found)
    assert np.unique([name for kin in found for name in kin]).size == 85
