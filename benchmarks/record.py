"""A ledger with many settled studies, filled by its own means: what a team has on record after some months.

Nothing is trained. Each study is a grid of the classifier on drawn data, with trials, epoch keys, rows with predicted
classes, and an order log as a run leaves them; what an epoch measured is a formula. No two studies share a row.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from search.core.trial import DataCard, Row, State
from search.core.trust import FRESH
from search.engine.steps.conditions import conditions
from search.ledger.ledger import Ledger
from search.ledger.step import Step
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study.leaf import Leaf, Planner
from search.study.revision import identity
from search.workload import load_workload

CLASS = {"machine": "none: nothing is trained"}
IMAGES, CLASSES = 100, 10
EPOCH_S = 0.5
SEEDS = 5
TRIALS_PER_STEP = 200


def study_of(number: int, trials: int, epochs: int) -> Space:
    """Return what the space file of a study holds: about so many trials, of two axes under `SEEDS` seeds.

    Args:
        number: of the study; its fixed settings differ from all others'.
        trials: of all seeds together.
        epochs: that each is trained.
    """
    settings = max(1, trials // SEEDS)
    count = max(1, round(math.sqrt(settings * 2)))
    rates = [round(1e-3 * 1.2**place, 9) for place in range(count)]
    return space_from_mapping(
        {
            "name": f"study-{number:04}",
            "title": f"Learning rate and focal loss at weight decay {number + 1}e-6",
            "workload": "classifier",
            "fixed": {"epochs": epochs, "data": "digits", "optimizer.weight_decay": (number + 1) * 1e-6},
            "space": {
                "optimizer.lr": {"grid": rates},
                "loss.gamma": {"grid": [place / 2 for place in range(max(1, settings // count))]},
            },
            "seeds": list(range(SEEDS)),
            "search": {"objective": {"metric": "val_accuracy", "direction": "maximize"}},
            "report": {"baseline": {"optimizer.lr": rates[-1], "loss.gamma": 0.0}},
        }
    )


def card() -> DataCard:
    """Return the data that all rows are said to be measured on."""
    truth = np.arange(IMAGES) % CLASSES
    names = [f"{place:04}.png" for place in range(IMAGES)]
    return DataCard("drawn", "drawn digits", [str(name) for name in range(CLASSES)], {"val": truth}, {"val": names})


def measured(parameters: Mapping[str, Any], seed: int, epoch: int, truth: np.ndarray, drawn: random.Random) -> Row:
    """Return what an epoch measured: the accuracy rises towards one that the two axes set."""
    reached = 0.9 - 0.1 * abs(math.log10(parameters["optimizer.lr"]) + 2) - 0.02 * parameters["loss.gamma"]
    right = max(0.1, reached * (1 - math.exp(-epoch / 3)) + drawn.gauss(0, 0.01))
    guessed = np.frombuffer(drawn.randbytes(IMAGES), np.uint8) % CLASSES
    # Which images are hard is the same for all, so that runs are paired as real ones are.
    hard = (np.arange(IMAGES) * 37 + seed) % IMAGES >= right * IMAGES
    predictions = np.where(hard, guessed, truth).astype(np.uint8)
    accuracy, loss = float((predictions == truth).mean()), float(2 * (1 - right))
    metrics = {"train_loss": 0.9 * loss, "train_accuracy": min(1.0, right + 0.03), "val_loss": loss}
    return Row({**metrics, "val_accuracy": accuracy, "lr": parameters["optimizer.lr"]}, {"val": predictions})


class Filler:
    """Puts studies on record, one after the other.

    Args:
        ledger: where they go.
        trials: of each.
        epochs: of each trial.
    """

    def __init__(self, ledger: Ledger, trials: int, epochs: int) -> None:
        self._ledger, self._trials, self._epochs = ledger, trials, epochs
        self._card, self._drawn = card(), random.Random(0)
        ledger.put_data(self._card)

    def add(self, number: int) -> str:
        """Put a study on record; return its name."""
        space, ledger = study_of(number, self._trials, self._epochs), self._ledger
        ledger.create_study(space.name, space.name, 1, dump(space), identity(space), space.workload)
        study = ledger.study(space.name).id
        ledger.update_study(study, execution_class=CLASS)
        run = ledger.begin_run(study, conditions(CLASS, 2, 1, 0.0))
        planner = Planner(space, load_workload(space.workload), CLASS)
        asked = [(place, parameters) for place, parameters in enumerate(space.grid())]
        made = [(place, seed, parameters) for place, parameters in asked for seed in space.seeds]
        for start in range(0, len(made), TRIALS_PER_STEP):
            with ledger.step(study) as step:
                for trial, (place, seed, parameters) in enumerate(made[start : start + TRIALS_PER_STEP], start):
                    self._settle(step, planner.leaf(trial, place, seed, parameters), run)
        ledger.end_run(run, "done", len(made) * self._epochs * EPOCH_S)
        return space.name

    def _settle(self, step: Step, leaf: Leaf, run: int) -> None:
        trial = leaf.trial
        step.add_trial(trial, leaf.path, self._card.fingerprint)
        step.log("lease", trial=trial.number, lease=trial.number, attempt=1, start=0)
        for epoch, key in enumerate(leaf.path, start=1):
            row = measured(trial.parameters, trial.seed, epoch, self._card.truth["val"], self._drawn)
            step.put_row(key, epoch, row, EPOCH_S, run, leaf.kind, FRESH)
            step.log("row", trial=trial.number, epoch=epoch, key=key, trained=True)
        ended = {"state": State.FINISHED, "ended_by": "last epoch"}
        step.set_trial(trial.number, last_epoch=len(leaf.path), attempts=1, **ended)
        step.log("ended", trial=trial.number, epoch=len(leaf.path), **ended)


def fill(folder: Path, studies: int, trials: int, epochs: int) -> list[str]:
    """Put so many studies on record in a results folder, beside those that are there; return the names of all."""
    ledger = Ledger(str(folder / "search.db"))
    try:
        filler, there = Filler(ledger, trials, epochs), len(ledger.studies())
        for number in range(there, studies):
            filler.add(number)
        return [record.name for record in ledger.studies()]
    finally:
        ledger.close()
