"""Each adapter's example keeps the contract, and shows the same bits shared and alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from search import load_space
from search.proof import cases
from search.proof.finding import Finding, Result, Verified
from search.proof.verify import verify
from search.space.reader import space_from_mapping
from search.system.machine import fork_is_fresh
from search.workload import load_workload
from tests.adapters.command.made import PROGRAM
from tests.adapters.shared import alone, rows, rows_shared_are_those_alone
from tests.engine.test_run import Bench
from tests.surroundings import ROOT

ADAPTED = ["digits_sklearn", "digits_torch", "lightning_digits", "transformers_gpt"]
"""Examples whose trials go on from each other's states."""

TWO = {"epochs": 2, "num_train_epochs": 2}
SMALL: dict[str, dict[str, Any]] = {
    "command": {"epochs": 3},
    "digits_sklearn": {"epochs": 3, "batch_size": 400, "space.eta0.grid": [0.02, {1: 0.02, 3: 0.005}]},
    "lightning_digits": {"epochs": 3, "dropout": 0.5, "space.lr.grid": [0.1, {1: 0.1, 3: 0.02}]},
    "transformers_gpt": {
        "epochs": 2,
        "num_train_epochs": 2,
        "layers": 1,
        "space.rate.grid": [0.01, {1: 0.01, 2: 0.003}],
    },
}


def tried(space: Any, monkeypatch: pytest.MonkeyPatch) -> Verified:
    """Return what `verify` finds, but for the case that starts an interpreter, which takes longer than all others."""
    another = Finding(cases.INTERPRETER, Result.NOT_TRIED)
    monkeypatch.setattr(cases, "_in_another_interpreter", lambda ground: another)
    return verify(space)


@pytest.mark.slow
@pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes")
@pytest.mark.parametrize(
    ("name", "held"), [("command", 6), ("digits_sklearn", 13), ("lightning_digits", 12), ("transformers_gpt", 12)]
)
def test_the_example_keeps_the_contract(name: str, held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # where the files of a command are looked for
    results = [
        finding.result for finding in tried(load_space(f"examples/{name}.yaml", SMALL[name]), monkeypatch).findings
    ]
    assert results.count(Result.HELD) == held
    assert Result.NOT_HELD not in results


@pytest.mark.slow
@pytest.mark.skipif(not fork_is_fresh(0), reason="a fork is not fresh here, and anew each takes minutes")
def test_a_command_whose_chance_is_not_of_the_seed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    content = {
        "workload": "command",
        "command": f"./{PROGRAM} chance {{x}} {{seed}} {{epochs}}",
        "fixed": {"epochs": 2},
        "space": {"x": {"grid": [1, 2]}},
    }
    (broken,) = tried(space_from_mapping(content, "chance"), monkeypatch).broken
    assert broken.case == cases.TWICE
    assert broken.difference is not None
    assert (broken.difference.epoch, broken.difference.metric) == (1, "val_loss")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sets", "every", "trained"),
    [
        ("digits_sklearn", {"epochs": 6, "batch_size": 200, "alpha": 0.001}, 12, 8),
        ("digits_torch", {"epochs": 6}, 18, 8),
        ("lightning_digits", {"epochs": 6, "dropout": 0.5}, 18, 8),
        ("transformers_gpt", {"layers": 1}, 12, 7),
    ],
)
def test_rows_of_trials_that_share_epochs_are_those_of_trials_alone(
    name: str, sets: dict[str, Any], every: int, trained: int, tmp_path: Path
) -> None:
    """By the engine's own driver, without Ray."""
    space = load_space(str(ROOT / f"examples/{name}.yaml"), {"seeds": [3], **sets})
    run = rows_shared_are_those_alone(space, tmp_path)
    assert (len(list(space.grid())) * space.settings({})["epochs"], len(run.trained)) == (every, trained)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "name"), [("lightning", "lightning_digits"), ("transformers", "transformers_gpt")])
def test_the_page_says_how_many_epochs_are_trained_in_place_of_how_many(page: str, name: str) -> None:
    space = load_space(str(ROOT / f"examples/{name}.yaml"))
    workload, every, distinct = load_workload(space.workload), 0, set()
    for seed in space.seeds:
        for parameters in space.grid():
            settings = {**space.settings(parameters), "seed": seed}
            epochs = settings.pop("epochs")
            fixed, schedule = workload.schedule(workload.canonical(settings), epochs)
            every += len(schedule)
            distinct |= {repr((fixed, schedule[: epoch + 1])) for epoch in range(len(schedule))}
    text = (ROOT / f"docs/how-to/code-{page}.md").read_text()
    assert f"so {len(distinct)} epochs are trained in place of {every}:" in " ".join(text.split())


@pytest.mark.stress
@pytest.mark.parametrize("name", ADAPTED)
def test_a_run_on_real_workers_records_the_rows_of_trials_alone(name: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    content = {**yaml.safe_load((ROOT / f"examples/{name}.yaml").read_text()), "seeds": [3]}
    (tmp_path / f"{bench.name}.yaml").write_text(yaml.safe_dump(content))
    done = bench.run()
    assert done.returncode == 0, done.stdout + done.stderr
    trials, workload = rows(bench), load_workload(content["workload"])
    assert [curve for _, curve in trials] == [alone(workload, settings) for settings, _ in trials]
    assert re.search(r"trained \d+, 0 again", done.stdout + done.stderr)


def test_the_regression_gives_the_error_of_every_patient() -> None:
    space = load_space(str(ROOT / "examples/regression.yaml"))
    script = load_workload(space.workload)
    rows_alone = alone(script, {"width": 4, "seed": 0, "epochs": 2})
    assert len(rows_alone[1].scores["val"]["squared_error"]) == 142
    assert rows_alone[1].score_rules["val_rmse"].examples == "patients"
    assert rows_alone[1].metrics["val_rmse"] < rows_alone[0].metrics["val_rmse"]


def test_the_segmentation_judges_each_view_by_its_overlap_and_counts_scenes() -> None:
    script = load_workload(load_space(str(ROOT / "examples/segmentation.yaml")).workload)
    (row,) = alone(script, {"width": 2, "seed": 0, "epochs": 1})
    overlap = row.scores["val"]["iou"]
    assert (len(overlap), overlap.min() >= 0, overlap.max() <= 1) == (120, True, True)
    card = script.data({"width": 2})
    assert len(set(card.groups["val"])) == 30
    from examples.segmentation import iou

    seen = torch.tensor([[[1, 1, 0]], [[0, 0, 0]], [[1, 0, 0]]]) > 0
    there = torch.tensor([[[0, 1, 1]], [[0, 0, 0]], [[0, 0, 0]]]) > 0
    assert iou(seen, there).tolist() == pytest.approx([1 / 3, 1, 0])
