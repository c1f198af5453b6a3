"""What a command says where Ray could not run, or no command at all; without Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from search.core.errors import UserError
from search.engine.executor.local import TOKEN_VARIABLE, own_token
from search.system.surroundings import have_home, require_surroundings
from tests.engine.test_run import ROOT


@pytest.fixture
def said(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Give a command that would train, started so; return its code, and what it prints."""
    space = {"workload": "tests.engine.workloads:Scripted", "fixed": {"epochs": 1, "log": "x"}, "space": {}, "seeds": 1}
    space["search"] = {"objective": {"metric": "val_loss", "direction": "minimize"}}
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(space))

    def run(*options: str, before: str = "pass") -> tuple[int, str, str]:
        code = f"import os; {before}; from search.__main__ import main; main()"
        words = ["run", str(tmp_path / "toy.yaml"), "--results", str(tmp_path / "results")]
        done = subprocess.run(
            [sys.executable, *options, "-c", code, *words],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
            timeout=600,
        )
        assert not (tmp_path / "results" / "states").exists()
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


@pytest.mark.slow
def test_without_docstrings_there_is_no_ray(said: Callable[..., tuple[int, str, str]]) -> None:
    assert said("-OO") == (
        1,
        "",
        "Python was started with -OO, or PYTHONOPTIMIZE=2, and Ray cannot be imported without docstrings; "
        "start it without\n",
    )


@pytest.mark.slow
def test_a_working_folder_that_is_gone(said: Callable[..., tuple[int, str, str]]) -> None:
    assert said(before="os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')") == (
        1,
        "",
        "the working folder cannot be used (No such file or directory); give the command in one that is there\n",
    )


def test_a_working_folder_that_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = os.path.join(tmp_path, "\udcff")
    os.mkdir(folder)
    monkeypatch.chdir(folder)
    with pytest.raises(UserError) as caught:
        require_surroundings()
    assert str(caught.value) == (
        f"the working folder {folder!r} holds bytes that are no UTF-8, and Ray cannot hand such a path to workers; "
        "give the command in a folder with another name"
    )


def test_who_has_no_home_is_at_home_where_temporary_files_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/a/home")
    have_home()
    assert os.environ["HOME"] == "/a/home"
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    have_home()
    assert Path.home() == tmp_path


def test_a_local_ray_has_a_token_of_its_own_and_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "of a cluster"):
        if before is not None:
            monkeypatch.setenv(TOKEN_VARIABLE, before)
        with own_token():
            token = os.environ[TOKEN_VARIABLE]
            assert len(token) == 64
        assert os.environ.get(TOKEN_VARIABLE) == before
