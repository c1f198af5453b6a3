"""The verb that begins with a space file that is shipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.__main__ import run
from search.space.reader import read_space
from search.space.shipped import shipped_spaces
from tests.stranger import shared_folder, stranger
from tests.surroundings import ROOT


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_name_every_shipped_file_is_listed_with_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(path.stem for path in (ROOT / "spaces").glob("*.yaml"))
    assert "focal            Focal loss gamma, Model C, step decay" in lines


def test_a_file_is_written_with_all_it_extends(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "factorial_small", "--folder", "my study"]) == 0
    names = ["factorial_small.yaml", "factorial.yaml", "base/report_a.yaml"]
    assert capsys.readouterr().out.splitlines() == [
        *(f"my study/{name}" for name in names),
        "next: python -m search plan 'my study/factorial_small.yaml'",
    ]
    assert all(Path("my study", name).read_bytes() == (ROOT / "spaces" / name).read_bytes() for name in names)


@pytest.mark.parametrize("name", shipped_spaces())
def test_a_file_that_was_written_says_what_the_shipped_one_says(name: str) -> None:
    assert run(["init", name]) == 0
    assert read_space(f"{name}.yaml").source == read_space(ROOT / "spaces" / f"{name}.yaml").source


def test_no_file_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("base").mkdir()
    Path("base/report_a.yaml").write_text("mine")
    assert run(["init", "focal"]) == 1
    assert capsys.readouterr().err == (
        "base/report_a.yaml: is there with other content, and no file is overwritten; rename it, or give another "
        "folder: python -m search init focal --folder FOLDER\n"
    )
    assert not Path("focal.yaml").exists(), "all or nothing is written"
    assert Path("base/report_a.yaml").read_text() == "mine"


def test_a_file_that_is_there_already_stays(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "focal"]) == 0
    os.utime("base/report_a.yaml", (0, 0))
    assert run(["init", "decay"]) == 0
    assert capsys.readouterr().err == ""
    assert Path("base/report_a.yaml").stat().st_mtime == 0


def test_a_name_that_is_none_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "focl"]) == 1
    assert capsys.readouterr().err == (
        "space file 'focl': found 'focl', must be the name of one that is shipped; did you mean 'focal'?\n"
    )
    assert run(["init", "../zzz"]) == 1
    assert capsys.readouterr().err == (
        "space file '../zzz': found '../zzz', must be the name of one that is shipped; there are "
        f"{', '.join(shipped_spaces())}\n"
    )


def test_a_folder_that_cannot_be_written_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with shared_folder() as folder, stranger(folder):
        assert run(["init", "focal", "--folder", str(folder)]) == 1
        assert capsys.readouterr().err == (
            f"{folder}/focal.yaml: Permission denied; give a folder that can be written: "
            "python -m search init focal --folder FOLDER\n"
        )
