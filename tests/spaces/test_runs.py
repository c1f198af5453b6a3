"""Shortened runs: every row of every file trains, on the data it is about and on others; early stopping by hand.

Most run in this process, without Ray: what Ray does with a trial is not the space files' business.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision

from classifier.workload import ClassifierWorkload
from search.study.leaf import Planner
from tests.spaces.shipped import REPORT_A, REPORT_B, SPACES, space
from tests.surroundings import HANG_S

pytestmark = pytest.mark.slow

REAL = "SEARCH_DATA" in os.environ
FLOWERS = pytest.mark.skipif(not REAL, reason="SEARCH_DATA is not set: no real flowers here")
SHORT = {"seeds": "[0]", "epochs": "2", "batch_size": "16"}
# Whole batches: batch norm over a last batch of two images of one pixel makes losses overflow, on any software.
LIMITS = {"digits": "[32, 20, 20]", "flowers-17": "[48, 17, 17]", "flowers-102": "[112, 102, 102]"}
CASES = [
    *(("digits", name) for name in (*REPORT_A, *REPORT_B, "augment_modern")),
    *(pytest.param("flowers-17", name, marks=FLOWERS) for name in (*REPORT_A, "greyscale")),
    *(pytest.param("flowers-102", name, marks=FLOWERS) for name in ("activation", "normalisation")),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict of torchvision's ResNet-18, of the pretrained one's form, with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = torchvision.models.resnet18().state_dict()
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(state, path)
    return path


@pytest.mark.parametrize(("data", "name"), CASES)
def test_every_row_trains(data: str, name: str, weights: Path) -> None:
    sets = {**SHORT, "data": data, "data.size": "16", "data.limit": LIMITS[data]}
    if name == "models":
        sets["model.weights_file"] = str(weights)
    read = space(name, **sets)
    workload = ClassifierWorkload()
    planner = Planner(read, workload, {"machine": "here"})
    trained: dict[str, float] = {}
    for number, parameters in enumerate(read.grid()):
        leaf = planner.leaf(number, number, 0, parameters)
        if leaf.path[0] in trained:  # another row has trained it
            continue
        run = workload.start(leaf.fixed, 1, 0)
        row = run.train_epoch(leaf.schedule[0])
        images = [int(count) for count in LIMITS[data].strip("[]").split(",")]
        assert [len(row["predictions"][split]) for split in ("val", "test")] == images[1:]
        assert all(np.isfinite(row[f"{split}_loss"]) for split in ("train", "val", "test")), parameters
        trained[leaf.path[0]] = row["train_loss"]
    if (data, name) == ("digits", "greyscale"):  # they are grey already
        assert len(set(trained.values())) == 1
    else:
        assert len(set(trained.values())) == len(trained), "rows that should differ were trained alike"


def search(*words: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "search", *map(str, words)],
        cwd=SPACES.parent,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `early_stop.yaml`, cut at 16 epochs of one seed, on the digits."""
    results = tmp_path_factory.mktemp("results")
    search("run", SPACES / "early_stop.yaml", "--results", results, "--set", "epochs=16", "--set", "seeds=[0]")
    return results / "early_stop"


def test_early_stopping_is_generalisation_loss_computed_by_hand(stopped: Path) -> None:
    trials = pd.read_csv(stopped / "trials.csv", dtype={"stop.alpha": "str"})
    epochs = pd.read_csv(stopped / "epochs.csv")
    whole = trials.loc[~trials["stop.alpha"].isin(["3", "2", "1", "0.5"])]
    assert len(whole) == 1, "the row without early stopping"
    curve = epochs[epochs["trial"] == whole["trial"].item()].sort_values("epoch")
    assert list(curve["epoch"]) == list(range(1, 17))
    expected = {}
    for alpha in (3.0, 2.0, 1.0, 0.5):
        expected[alpha] = 16
        lowest = float("inf")
        for epoch, loss in zip(curve["epoch"], curve["val_loss"], strict=True):
            lowest = min(lowest, loss)
            if 100 * (loss / lowest - 1) > alpha:
                expected[alpha] = epoch
                break
    found = {float(row["stop.alpha"]): row for _, row in trials.drop(whole.index).iterrows()}
    assert {alpha: row["epochs"] for alpha, row in found.items()} == expected
    assert min(expected.values()) < 16, "nothing was stopped: the test shows nothing"
    for alpha, row in found.items():
        assert row["state"] == ("stopped" if expected[alpha] < 16 else "finished")
        at_stop = curve.loc[curve["epoch"] == expected[alpha], "val_accuracy"].item()
        assert row["val_accuracy"] == pytest.approx(at_stop, abs=1e-12)


def test_the_table_shows_the_stopping_epoch_and_the_accuracy_there(stopped: Path) -> None:
    table = pd.read_csv(stopped / "table.csv", dtype=str)
    trials = pd.read_csv(stopped / "trials.csv").sort_values("trial")
    assert table["published"].isna().all()  # the report's images are not the digits
    apart = "Published for the authors' own images, not for digits, by report A, table A7"
    (note,) = [line for line in (stopped / "table.md").read_text().splitlines() if line.startswith(apart)]
    assert re.findall(r" (\d+)(?=[,.]| and)", note)[-5:] == ["100", "100", "100", "5", "2"]
    assert list(table["epochs"].astype(float)) == list(trials["epochs"])
    assert list(table["val_accuracy_mean"].astype(float)) == pytest.approx(list(trials["val_accuracy"]))
