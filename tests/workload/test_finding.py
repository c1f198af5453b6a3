"""A workload is found by name: of an entry point, or of a module in the working folder, never by luck."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.core.errors import UserError
from search.system.module_path import working_folder_last
from search.workload import load_workload
from search.workload.finding import ENTRY_POINT_GROUP, SHIPPED_WORKLOADS
from tests.surroundings import HANG_S, ROOT
from tests.workload.test_workload import MINIMAL

EXECUTED = "import pathlib\npathlib.Path(__file__).with_suffix('.executed').touch()\nraise RuntimeError('executed')\n"

TINY = """\
workload: classifier
fixed:
  {epochs: 1, data: digits, data.size: 32, data.limit: [60, 30, 30], model.name: example_cnn, optimizer.lr: 0.005}
space: {loss.gamma: {grid: [0, 2]}}
seeds: [0]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, which is no place of modules yet."""
    place = tmp_path / "folder"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return place


@pytest.fixture
def hostile(folder: Path) -> Path:
    """A working folder whose files have names of modules that are meant to come from elsewhere."""
    for name in ("classifier", "rules", "torch", "numpy", "ray"):
        (folder / f"{name}.py").write_text(EXECUTED)
    (folder / "tiny.yaml").write_text(TINY)
    return folder


def install(place: Path, name: str, target: str) -> None:
    """Make a distribution with an entry point, and a module for it, in a place of modules."""
    information = place / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n{name} = {target}\n")
    (place / f"{target.partition(':')[0]}.py").write_text(MINIMAL)
    sys.path.append(str(place))


def command(folder: Path, *words: str, places: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command line in a folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]) + places}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


# By name ---------------------------------------------------------------------------------------------------------


def test_an_installed_package_gives_its_workload_a_name(folder: Path, tmp_path: Path) -> None:
    install(tmp_path / "installed", "flat_of_test", "installed_of_test:flat")
    (folder / "flat_of_test.py").write_text(EXECUTED)
    (folder / "installed_of_test.py").write_text(EXECUTED)
    before = list(sys.path)
    assert type(load_workload("flat_of_test")).__module__ == "installed_of_test"
    assert sys.path == before
    assert not list(folder.glob("*.executed"))


@pytest.mark.parametrize("registered", [True, False])
def test_the_classifier_is_found_with_and_without_an_entry_point(
    registered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = SHIPPED_WORKLOADS["classifier"] if registered else ""
    monkeypatch.setattr("search.workload.finding._entry_point", lambda name: place)
    assert type(load_workload("classifier")).__name__ == "ClassifierWorkload"


def test_the_working_folder_leads_while_a_module_of_its_own_is_imported_alone(folder: Path) -> None:
    (folder / "mine_of_test.py").write_text("import sys\nimport helper_of_test\nplaces = list(sys.path)\n" + MINIMAL)
    (folder / "helper_of_test.py").touch()
    assert type(load_workload("mine_of_test:flat")).__module__ == "mine_of_test"
    assert sys.modules["mine_of_test"].places[0] == str(folder)
    assert sys.path == working_folder_last(sys.path)
    assert sys.path.count(str(folder)) == 1


# What hides a module ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hiding", "source", "reason"),
    [
        ("tabulate", "raise RuntimeError('executed')", "RuntimeError('executed') ({folder}/tabulate.py, line 1)"),
        ("tabulate", "def (:", "SyntaxError: invalid syntax ({folder}/tabulate.py, line 1)"),
        ("tabulate", "", "ImportError(\"cannot import name 'tabulate' from 'tabulate' ({folder}/tabulate.py)\") "
         "({folder}/mine_of_hidden.py, line 1)"),
    ],
)  # fmt: skip
def test_a_failure_names_the_file_that_hides_a_module(
    hiding: str, source: str, reason: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, hiding, raising=False)
    (folder / f"{hiding}.py").write_text(source)
    (folder / "mine_of_hidden.py").write_text(f"from {hiding} import {hiding}\n")
    with pytest.raises(UserError) as refused:
        load_workload("mine_of_hidden:flat")
    sys.modules.pop(hiding, None)
    assert str(refused.value) == (
        f"workload 'mine_of_hidden:flat': importing 'mine_of_hidden' failed: {reason.format(folder=folder)}; "
        f"{folder}/{hiding}.py hides the module '{hiding}' that is installed: rename it"
    )


def test_a_program_that_has_imported_a_file_of_the_name_is_told_which(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "installed", "hidden_of_test", "taken_of_test:flat")
    (tmp_path / "installed" / "taken_of_test.py").write_text("flat = 1\n")
    (folder / "taken_of_test.py").touch()
    with monkeypatch.context() as first:
        first.syspath_prepend(str(folder))
        __import__("taken_of_test")
    with pytest.raises(UserError) as refused:
        load_workload("hidden_of_test")
    assert str(refused.value) == (
        "workload 'hidden_of_test': module 'taken_of_test' has no attribute 'flat'; "
        f"{folder}/taken_of_test.py hides the module 'taken_of_test' that is installed: rename it"
    )


# A folder with files of other modules' names -------------------------------------------------------------------------


@pytest.mark.slow
def test_check_executes_no_file_of_the_working_folder(hostile: Path) -> None:
    done = command(hostile, "-m", "search", "check", "tiny.yaml")
    assert (done.stdout, done.stderr) == ("tiny.yaml: sound; grid, 2 trials\n", "")
    assert not list(hostile.glob("*.executed"))


@pytest.mark.slow
def test_a_run_and_its_workers_execute_no_file_of_the_working_folder(hostile: Path) -> None:
    """An empty place in PYTHONPATH is the working folder, and the first of all."""
    (hostile / "search.py").write_text(EXECUTED)
    (hostile / "bin").mkdir()
    (hostile / "bin" / "search").write_text("import sys\nfrom search.__main__ import main\nsys.exit(main())\n")
    for verb in ("plan", "run"):
        done = command(hostile, "bin/search", verb, "tiny.yaml", places=os.pathsep)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "2 epochs" in done.stdout
    assert not list(hostile.glob("*.executed"))
