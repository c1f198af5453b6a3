"""The example: eight lines from a script to a workload, its contract, and the same bits shared and alone."""

from __future__ import annotations

import difflib
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from search.workload import load_workload
from tests.contracts.workload_contract import WorkloadContract
from tests.surroundings import HANG_S

ROOT = Path(__file__).parents[2]
NAME = "examples.digits_torch:main"
ORIGINAL, WORKLOAD = (ROOT / "examples" / name for name in ("originals/digits_torch.py", "digits_torch.py"))
PAGE = (ROOT / "docs/how-to/code-pytorch.md").read_text()


def differences(original: Path, changed: Path) -> tuple[int, list[str]]:
    """Return how many lines of a script changed, and the differences as lines with - and +; empty lines apart."""
    before, after = ([line for line in path.read_text().splitlines() if line.strip()] for path in (original, changed))
    count, shown = 0, []
    for _, first, last, start, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if before[first:last] != after[start:end]:
            count += max(last - first, end - start)
            shown += [*(f"- {line}" for line in before[first:last]), *(f"+ {line}" for line in after[start:end])]
    return count, shown


def test_the_example_is_its_original_but_for_the_lines_that_the_page_shows():
    count, shown = differences(ORIGINAL, WORKLOAD)
    lines = sum(bool(line.strip()) for line in ORIGINAL.read_text().splitlines())
    assert f"{count} of {lines} lines" in PAGE
    assert "\n".join(shown) in PAGE
    assert count <= 8


@pytest.mark.slow
class TestDigits(WorkloadContract):
    name = NAME
    settings = {"lr": {"1": 0.1, "2": 0.05}, "seed": 1}
    between = {"lr": 0.01, "seed": 2}
    epochs = 2


ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src")))}
ALONE = """
import json, os, sys
from search.workload import load_workload
workload = load_workload(sys.argv[1])
for settings, epochs in json.loads(sys.argv[2]):
    if not os.fork():  # a process in which nothing was trained
        fixed, each = workload.schedule(workload.canonical(settings), epochs)
        run = workload.start(fixed, 1, 0)
        print(json.dumps([dict(run.train_epoch(now)) for now in each]), flush=True)
        os._exit(0)
    os.wait()
"""


def alone(trials: list[tuple[dict[str, Any], int]]) -> list[list[dict[str, float]]]:
    """The rows of trials each of which is trained from its beginning, in a fresh process."""
    command = [sys.executable, "-c", ALONE, NAME, json.dumps(trials)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "line"),
    [
        (ORIGINAL, r"epoch \d: loss 0\.\d{4}, accuracy 0\.\d{4}"),
        (WORKLOAD, r"epoch \d+: val_loss 0\.\d+, val_accuracy 0\.\d+"),
    ],
    ids=["original", "workload"],
)
def test_both_are_scripts_that_run_as_they_stand(script, line, capsys):
    runpy.run_path(str(script), run_name="__main__")
    assert re.fullmatch(rf"({line}\n){{10}}", capsys.readouterr().out)


@pytest.mark.stress
def test_a_study_that_shares_epochs_shows_the_rows_of_trials_that_are_trained_alone(tmp_path):
    """On real workers, and alone in a fresh process for each trial; `test_examples` does it without Ray."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    command = [sys.executable, "-m", "search", "run", "examples/digits_torch.yaml"]
    done = subprocess.run(
        [*command, "--set", "seeds=[3]", "--set", "epochs=6"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    trials = pd.read_csv(tmp_path / "results/digits_torch/trials.csv")
    assert trials["lr"].tolist() == ["0.1", "{1: 0.1, 5: 0.01}", "{1: 0.1, 7: 0.01}"]
    assert "distinct epochs" in done.stdout
    shared = pd.read_csv(tmp_path / "results/digits_torch/epochs.csv")
    assert len(shared) == 18
    rates = [0.1, {"1": 0.1, "5": 0.01}, {"1": 0.1, "7": 0.01}]
    by_itself = alone([({"lr": rate, "seed": 3}, 6) for rate in rates])
    for number, rows in enumerate(by_itself):
        assert shared[shared["trial"] == number][["val_loss", "val_accuracy"]].to_dict("records") == rows, number


def test_the_workload_is_found_by_the_name_in_its_file():
    assert load_workload(NAME).metrics == ("val_loss", "val_accuracy")
