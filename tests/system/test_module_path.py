"""Where modules are looked for: the working folder comes last."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from search.system.module_path import put_working_folder_last, working_folder_last
from tests.surroundings import ROOT


@pytest.mark.parametrize("own", ["", "{folder}", "{link}"])
def test_the_working_folder_moves_to_the_end_however_it_is_written(
    own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    monkeypatch.chdir(folder)
    places = [own.format(folder=folder, link=link), str(ROOT), "/elsewhere"]
    assert working_folder_last(places) == [str(ROOT), "/elsewhere", str(folder)]


def test_a_working_folder_that_is_no_place_becomes_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert working_folder_last(["/elsewhere"]) == ["/elsewhere", str(tmp_path)]


def test_a_checkout_as_the_working_folder_stays_first_beside_another_copy_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "__init__.py").touch()
    monkeypatch.chdir(ROOT)
    assert working_folder_last(["", str(tmp_path)]) == [str(ROOT), str(tmp_path)]
    assert working_folder_last(["", "/elsewhere"]) == ["/elsewhere", str(ROOT)]


def test_a_working_folder_that_was_removed_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert working_folder_last(["", "/elsewhere"]) == ["", "/elsewhere"]


@pytest.mark.parametrize(
    ("given", "kept"), [(":/elsewhere", "/elsewhere"), ("/elsewhere:{folder}", "/elsewhere"), ("/a:/b", "/a:/b")]
)
def test_children_do_not_find_the_working_folder_in_their_environment(
    given: str, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(ROOT)])
    monkeypatch.setenv("PYTHONPATH", given.format(folder=tmp_path))
    put_working_folder_last()
    assert sys.path == [str(ROOT), str(tmp_path)]
    assert os.environ["PYTHONPATH"] == kept


def test_children_find_a_package_that_is_in_the_working_folder_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), "/elsewhere"])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    put_working_folder_last()
    assert sys.path == ["/elsewhere", str(ROOT)]
    assert os.environ["PYTHONPATH"] == str(ROOT)
