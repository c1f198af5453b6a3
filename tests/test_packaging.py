"""What is installed: the wheel, its metadata, and that it works outside of a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import search
from search.__main__ import run
from search.workload.finding import ENTRY_POINT_GROUP, SHIPPED_WORKLOADS
from tests.surroundings import HANG_S, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"search, version {search.__version__}\n"
    assert "version" in PROJECT["dynamic"]


def test_the_entry_points_are_the_shipped_workloads() -> None:
    assert PROJECT["entry-points"][ENTRY_POINT_GROUP] == SHIPPED_WORKLOADS


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built without a network."""
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    (path,) = builder.build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return zipfile.ZipFile(path)


@pytest.mark.slow
def test_the_metadata_of_the_wheel(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = message_from_string(wheel.read(name).decode())
    assert metadata["Version"] == search.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    entry_points = wheel.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert f"[{ENTRY_POINT_GROUP}]\nclassifier = {SHIPPED_WORKLOADS['classifier']}\n" in entry_points


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages_and_the_space_files(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for package, place in (("search", ROOT), ("classifier", ROOT / "src")):
        assert f"{package}/py.typed" in names
        files = [path for path in (place / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert {str(path.relative_to(place)) for path in files} <= names
    spaces = {str(path.relative_to(ROOT / "spaces")) for path in (ROOT / "spaces").rglob("*.yaml")}
    assert {f"search_spaces/{name}" for name in spaces} <= names


@pytest.mark.slow
def test_the_wheel_works_outside_of_a_checkout(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """What it depends on is that of this interpreter."""
    wheel.extractall(tmp_path / "installed")
    folder = tmp_path / "folder"
    folder.mkdir()

    def ask(*words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    places = ask("-c", "import classifier, search; print(search.__file__, classifier.__file__, sep='\\n')")
    assert all(Path(place).is_relative_to(tmp_path / "installed") for place in places.splitlines())
    assert ask("-m", "search", "init", "focal").startswith("focal.yaml\nbase/report_a.yaml\n")
    assert ask("-m", "search", "check", "focal.yaml") == "focal.yaml: sound; grid, 15 trials\n"
