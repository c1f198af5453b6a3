"""The verb that begins with a space file that is shipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from search.__main__ import run
from search.space.first import stem
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
    assert [line.split()[0] for line in lines[:-1]] == sorted(path.stem for path in (ROOT / "spaces").glob("*.yaml"))
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


def test_the_list_ends_with_how_a_file_for_own_images_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "your own images: python -m search init --data FOLDER"


@pytest.mark.slow
def test_a_file_for_own_images_is_written_checked_and_planned(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from classifier import first

    monkeypatch.setattr(first, "_rates", lambda size, device: (500.0, 5000.0))
    assert run(["init", "--data", "digits", "--folder", "my study"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "my study/digits.yaml",
        "next: python -m search plan 'my study/digits.yaml'",
    ]
    text = Path("my study/digits.yaml").read_text()
    assert "# python -m search run 'my study/digits.yaml'" in text
    assert "input.greyscale: true" in text
    assert run(["check", "my study/digits.yaml", "--data", "digits"]) == 0
    assert run(["plan", "my study/digits.yaml", "--no-probe"]) == 0
    assert "9 trials" in capsys.readouterr().out
    assert run(["init", "--data", "digits", "--folder", "my study"]) == 1
    assert capsys.readouterr().err == (
        "looking at digits, and timing a few steps of training\n"
        "my study/digits.yaml: is there, and no file is overwritten; rename it, or give another folder: "
        "python -m search init --data digits --folder FOLDER\n"
    )
    assert Path("my study/digits.yaml").read_text() == text


def test_data_that_cannot_be_used_are_refused_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--data", "digts"]) == 1
    assert capsys.readouterr().err == (
        "looking at digts, and timing a few steps of training\n"
        "--data: found 'digts', which is neither a known data set (digits, flowers-17, flowers-102, cifar10) nor a "
        "folder; did you mean 'digits'?\n"
    )
    assert not list(Path().iterdir())
    assert run(["init", "focal", "--data", "digits"]) == 1
    assert capsys.readouterr().err == (
        "init focal --data digits: found both a shipped file and data; leave out 'focal' for a file of your own, or "
        "write `python -m search init focal` and then `python -m search run focal.yaml --data ...`\n"
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("flowers-17", "flowers-17"),
        ("a/my flowers/", "my-flowers"),
        ("été 2025", "t-2025"),
        ("/", "images"),
        ("…", "images"),
    ],
)
def test_a_file_is_named_after_its_data_in_letters_that_a_study_may_have(data: str, name: str) -> None:
    assert stem(data) == name


def test_a_folder_whose_name_no_file_can_hold_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "--data", "a\tb\x07"]) == 1
    assert capsys.readouterr().err == (
        "looking at a\ufffdb\ufffd, and timing a few steps of training\n"
        "--data 'a\\tb\\x07': holds the control character U+0007; remove it from the folder's name, which no space "
        "file can hold\n"
    )
