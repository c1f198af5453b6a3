"""Examples of adapters through `verify`, and shared and alone with equal rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from search.workload import load_workload
from tests.adapters.command.made import PROGRAM
from tests.adapters.shared import alone, rows
from tests.engine.test_run import Bench
from tests.surroundings import HANG_S, ROOT

pytestmark = pytest.mark.slow


def verify(file: object, *sets: str) -> subprocess.CompletedProcess[str]:
    words = [word for each in sets for word in ("--set", each)]
    return subprocess.run(
        [sys.executable, "-m", "search", "verify", str(file), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )


@pytest.mark.parametrize(
    ("name", "sets", "held"),
    [
        ("command", ["epochs=3"], 7),
        ("digits_sklearn", ["epochs=3", "batch_size=400", "space.eta0.grid=[0.02, {1: 0.02, 3: 0.005}]"], 14),
    ],
)
def test_an_example_keeps_the_contract(name: str, sets: list[str], held: int) -> None:
    done = verify(f"examples/{name}.yaml", *sets)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{held} held" in done.stdout
    assert "not held" not in done.stdout


def test_a_command_whose_chance_is_not_of_the_seed_is_found(tmp_path: Path) -> None:
    content = {
        "workload": "command",
        "command": f"./{PROGRAM} chance {{x}} {{seed}} {{epochs}}",
        "fixed": {"epochs": 2},
        "space": {"x": {"grid": [1, 2]}},
    }
    (tmp_path / "chance.yaml").write_text(yaml.safe_dump(content))
    done = verify(tmp_path / "chance.yaml")
    assert done.returncode == 1
    assert "not held   started twice, in two processes\n             epoch 1, val_loss: " in done.stdout


def test_estimators_that_share_their_beginning_have_the_rows_of_those_trained_alone(tmp_path: Path) -> None:
    """Two rates that part behind epoch 2 share it."""
    bench = Bench(tmp_path)
    space = {"eta0": {"grid": [0.02, {1: 0.02, 3: 0.005}]}}
    done = bench.run("run", bench.write(space, 1, "examples.digits_sklearn:model", epochs=4, batch_size=200))
    assert done.returncode == 0, done.stdout + done.stderr
    trials, workload = rows(bench), load_workload("examples.digits_sklearn:model")
    assert [curve for _, curve in trials] == [alone(workload, settings) for settings, _ in trials]
    assert "trained 6, 0 again" in done.stderr + done.stdout
