"""The examples with Lightning and transformers keep the contract, and have the same bits shared and alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from search import load_space
from search.proof import cases
from search.proof.finding import Finding, Result
from search.proof.fresh import fork_is_fresh
from search.proof.verify import verify
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


@pytest.mark.slow
@pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes")
@pytest.mark.parametrize(
    ("name", "sets", "held"),
    [
        ("lightning_digits", {"epochs": 3, "dropout": 0.5, "space.lr.grid": [0.1, {1: 0.1, 3: 0.02}]}, 12),
        ("transformers_gpt", {"epochs": 2, "num_train_epochs": 2, "learning_rate": 0.003}, 10),
    ],
)
def test_the_example_keeps_the_contract(
    name: str, sets: dict[str, Any], held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = Finding(cases.INTERPRETER, Result.NOT_TRIED)  # takes longer than all others
    monkeypatch.setattr(cases, "_in_another_interpreter", lambda ground: another)
    verified = verify(load_space(str(ROOT / f"examples/{name}.yaml"), sets))
    results = [finding.result for finding in verified.findings]
    assert results.count(Result.HELD) == held
    assert len(results) == held + 1


@pytest.mark.slow
def test_the_page_says_how_many_epochs_are_trained_in_place_of_how_many() -> None:
    space, digits = (
        load_space(str(ROOT / "examples/lightning_digits.yaml")),
        load_workload("examples.lightning_digits:digits"),
    )
    every, distinct = 0, set()
    for seed in space.seeds:
        for parameters in space.grid():
            settings = {**space.settings(parameters), "seed": seed}
            epochs = settings.pop("epochs")
            fixed, schedule = digits.schedule(digits.canonical(settings), epochs)
            every += len(schedule)
            distinct |= {repr((fixed, schedule[: epoch + 1])) for epoch in range(len(schedule))}
    page = (ROOT / "docs/how-to/code-lightning.md").read_text()
    assert f"so {len(distinct)} epochs are trained in place of {every}:" in page


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
