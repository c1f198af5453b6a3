"""The examples run as they stand, and leave the files that docs/reference/files.md names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.surroundings import HANG_S

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*command: str, folder: Path) -> str:
    found = os.pathsep.join(map(str, (ROOT, ROOT / "src")))
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": found},
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_space_of_the_example_runs_and_leaves_the_files_that_are_documented(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    printed = run("-m", "search", "run", "examples/sine.yaml", folder=tmp_path)
    assert all(f"degree={degree}" in printed for degree in (1, 3, 5))
    section = (ROOT / "docs/reference/files.md").read_text().partition("\n## ")[0]
    documented = [name.rstrip("/") for name in section.split("`")[1::2]]
    left = [path for folder in ("results", "results/sine") for path in (tmp_path / folder).iterdir()]
    names = [path.name for path in left if path.name != "sine"]
    assert len(names) > 10
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in documented)] == []


def test_the_notebook_runs_from_space_to_figures(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "spaces", tmp_path / "spaces")
    printed = run(str(ROOT / "examples/notebook.py"), folder=tmp_path)
    assert "45 epochs trained" in printed
    assert "loss.gamma=2" in printed
    assert "finished    15" in printed
    assert (tmp_path / "results/focal-notebook/figures/study-objective.html").exists()
