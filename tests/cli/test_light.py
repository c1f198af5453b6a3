"""What each verb loads: seconds of a command that reads a few rows are mostly imports."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.surroundings import HANG_S

ROOT = Path(__file__).parents[2]
TRAINERS = {"ray", "torch", "torchvision", "optuna", "search.engine", "sklearn"}
DRAWERS = {"pandas", "pyarrow", "scipy", "plotly", "tabulate", "openpyxl"}
DATABASES = {"sqlalchemy", "sqlalchemy.dialects.postgresql"}
CODE = """
import json, sys
from search.__main__ import run

for command in json.loads(sys.argv[1]):
    if command[0] == "import":
        __import__(command[1])
    else:
        assert run(command) == 0, command
    print("\\nloaded:", json.dumps([command, sorted(sys.modules)]))
"""


def loaded_after(commands: list[list[str]]) -> dict[str, set[str]]:
    """Run commands one after another in one process; return command -> modules that are loaded behind it."""
    asked = [sys.executable, "-c", CODE, json.dumps(commands)]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, timeout=HANG_S)
    assert done.returncode == 0, done.stderr
    marked = [line.removeprefix("loaded:") for line in done.stdout.splitlines() if line.startswith("loaded:")]
    return {" ".join(command): set(modules) for command, modules in map(json.loads, marked)}


@pytest.mark.slow
def test_a_verb_loads_what_it_needs(tmp_path: Path) -> None:
    """The commands stand in such an order that none may load what one before it may not."""
    shutil.copy(ROOT / "results" / "reference" / "search.db", tmp_path)
    place = ["--results", str(tmp_path)]
    check, listing = ["check", "spaces/focal.yaml"], ["list", *place]
    study, trial, report = ["show", "focal", *place], ["show", "focal", "3", *place], ["report", "focal", *place]
    planning = ["import", "search.plan.plan"]
    deciding = ["import", "search.engine.decide.driver"]
    loaded = loaded_after([check, listing, study, trial, planning, report, deciding])
    found = {name: sorted((TRAINERS | DRAWERS | DATABASES) & modules) for name, modules in loaded.items()}
    reading = ["sqlalchemy"]
    assert found == {
        " ".join(check): [],
        " ".join(listing): reading,
        " ".join(study): reading,
        " ".join(trial): reading,
        " ".join(planning): reading,
        " ".join(report): ["plotly", "scipy", "sqlalchemy", "tabulate"],
        " ".join(deciding): ["plotly", "scipy", "search.engine", "sqlalchemy", "tabulate"],
    }
    written = {path.name for path in (tmp_path / "focal").iterdir()}
    assert {"report.html", "table.csv", "trials.csv"} <= written


@pytest.mark.slow
def test_a_worker_loads_no_database() -> None:
    """Ray's library is loaded by Ray itself; what the workload needs comes with the workload."""
    importing = ["import", "search.engine.worker.process"]
    loaded = loaded_after([importing])[" ".join(importing)]
    heavy = TRAINERS | DRAWERS | DATABASES | {"jsonschema"}
    assert heavy & loaded == {"search.engine"}
