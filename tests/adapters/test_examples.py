"""The examples of adapters: the lines that make a script a workload, and the same bits shared and alone."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from search.workload import load_workload
from tests.surroundings import HANG_S

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src")))}


def search(*words: str, folder: Path) -> str:
    shutil.copytree(ROOT / "examples", folder / "examples")
    done = subprocess.run(
        [sys.executable, "-m", "search", *words],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["lightning_digits", "transformers_gpt"])
def test_the_page_shows_each_line_that_makes_the_original_a_workload(name: str) -> None:
    paths = (ROOT / f"examples/originals/{name}.py", ROOT / f"examples/{name}.py")
    original, changed = (path.read_text().splitlines() for path in paths)
    shown = "\n".join(list(difflib.unified_diff(original, changed, lineterm="", n=1))[2:])
    page = (ROOT / f"docs/adapter-{name.partition('_')[0]}.md").read_text()
    assert f"```diff\n{shown}\n```\n" in page
    assert f"```yaml\n{(ROOT / f'examples/{name}.yaml').read_text()}```\n" in page


@pytest.mark.slow
def test_a_study_that_shares_epochs_shows_the_rows_of_trials_that_are_trained_alone(tmp_path: Path) -> None:
    words = ["--set", "epochs=6", "--set", "dropout=0.5", "--set", "seeds=[3]"]
    search("run", "examples/lightning_digits.yaml", *words, folder=tmp_path)
    shared = pd.read_csv(tmp_path / "results/lightning_digits/epochs.csv")
    assert len(shared) == 18
    digits = load_workload("examples.lightning_digits:digits")
    for trial, rate in enumerate((0.1, {"1": 0.1, "5": 0.02}, {"1": 0.1, "7": 0.02})):
        fixed, schedule = digits.schedule(digits.canonical({"lr": rate, "dropout": 0.5, "seed": 3}), 6)
        run = digits.start(fixed, 1, 0)
        alone = [dict(run.train_epoch(settings)) for settings in schedule]
        names = sorted(alone[0])
        rows = shared[shared["trial"] == trial][names].to_dict("records")
        assert rows == [{name: row[name] for name in names} for row in alone], rate
