"""Settings of which one may be better than the other, and runs of them that are drawn, not trained."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from search.core.trial import DataCard, Row, State
from search.engine.live import View
from search.engine.steps.conclude import RunOutcome
from search.ledger.ledger import Ledger, StudyRecord
from search.notebook import Study
from search.places import open_ledger
from search.space.model import Space
from search.study.leaf import Planner
from search.study.revision import bring_up_to_date, find_study
from search.workload import Description, Settings, Workload, load_workload
from tests.statistics.generator import BASE, SD_IMAGE, SD_SEED, SD_SEED_IMAGE

EXAMPLES = 400
TRUTH = np.arange(EXAMPLES) % 4
CLASS = {"machine": "drawn"}


class Toy(Workload):
    """`gain` is what a setting is better by, in points."""

    recipe = "1"
    metrics = ("val_loss", "val_accuracy")
    settings: Description = {
        "gain": {"type": "number", "default": 0.0},
        "name": {"type": "string", "default": "", "description": "changes nothing"},
    }

    def data(self, fixed: Settings) -> DataCard:
        return DataCard("drawn", "drawn", ["a", "b", "c", "d"], {"val": TRUTH})

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        raise AssertionError("no worker trains this")


def run(space: Space, *, results: str | Path, storage: str | None, view: View, **options: object) -> Study:
    """Record what is missing of a study as a run would, each trial with rows of its own, and write its results."""
    ray = options.pop("ray", None)  # of `judge`, which keeps it
    assert ray is None or not ray.started
    assert not any(options.values()) or options.get("sharing"), "as `run` gives them by default"
    results = Path(results)
    ledger = open_ledger(results, storage)
    record, trained = recorded(space, ledger)
    view.say(f"{trained} epochs")
    study = Study(ledger, record, results, RunOutcome(record.name, "", [], "", trained))
    study.write()
    return study


def recorded(space: Space, ledger: Ledger) -> tuple[StudyRecord, int]:
    """Record what is missing of a study; return it, and how many epochs that were."""
    record = bring_up_to_date(ledger, find_study(ledger, space), space)
    ledger.update_study(record.id, execution_class=CLASS)
    planner, run_id = (
        Planner(space, load_workload(space.workload), CLASS, on_data=ledger.put_data),
        ledger.begin_run(record.id, {}),
    )
    known = {(str(dict(trial.parameters)), trial.seed) for trial in ledger.trials(record.id)}
    trained = 0
    for configuration, parameters in enumerate(space.grid()):
        for seed in space.seeds:
            if (str(dict(parameters)), seed) in known:
                continue
            leaf = planner.leaf(len(known), configuration, seed, parameters)
            known.add((str(dict(parameters)), seed))
            with ledger.step(record.id) as step:
                step.add_trial(leaf.trial, leaf.path, leaf.data)
                for epoch, key in enumerate(leaf.path, start=1):
                    step.put_row(key, epoch, drawn(space, leaf.trial.settings, seed), 1.0, run_id)
                    trained += 1
                step.set_trial(leaf.trial.number, state=State.FINISHED, last_epoch=len(leaf.path))
    ledger.end_run(run_id, "done", 1.0)
    return ledger.study(record.name), trained


class Tested(Toy):
    """The same with test data."""

    def data(self, fixed: Settings) -> DataCard:
        return DataCard("tested", "tested", ["a", "b", "c", "d"], {"val": TRUTH, "test": TRUTH})


class Unseeded(Tested):
    """The same without a seed that it reads."""


class Crossed(Toy):
    """1,000 examples, most of them right or wrong in every run, runs that scatter by one point, and effects of each
    setting on each example: the world that the rules of a sequence were simulated in (`tests.statistics.generator`)."""

    def data(self, fixed: Settings) -> DataCard:
        return DataCard("crossed", "crossed", ["a", "b"], {"val": np.zeros(1000, dtype=int)})


def crossed(settings: Settings, seed: int) -> Row:
    """Return a row of 75 % accuracy and `gain` points."""

    def normal(*label: object, size: int = 1000) -> np.ndarray:
        digest = hashlib.sha256(repr(label).encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big")).normal(size=size)

    accuracy, setting = 0.75 + settings["gain"] / 100, (settings["gain"], settings["name"])
    quantile = stats.norm.ppf(accuracy)
    sd_run = 1 / (100 * stats.norm.pdf(quantile) / np.sqrt(BASE))
    latent = quantile * np.sqrt(BASE + sd_run**2 + 0.7**2) + sd_run * normal(setting, seed, size=1)
    latent = latent + SD_SEED * normal("seed", seed, size=1) + SD_SEED_IMAGE * normal("seed", seed)
    latent = latent + SD_IMAGE * normal("image") + 0.7 * normal(setting) + normal("rest", setting, seed)
    return Row({"val_accuracy": float((latent > 0).mean()), "val_loss": 1.0}, {"val": (latent <= 0).astype(int)})


def drawn(space: Space, settings: Settings, seed: int) -> Row:
    """Return a row of 80 % accuracy and `gain` points, with noise of runs of one point."""
    if space.workload.endswith(":Crossed"):
        return crossed(settings, seed)
    if space.workload.endswith(":Unseeded"):
        seed = 0
    label = repr((space.name, settings["gain"], settings["name"], seed)).encode()
    generator = np.random.default_rng(int.from_bytes(hashlib.sha256(label).digest()[:8], "big"))
    shared = np.random.default_rng(1).normal(size=EXAMPLES)
    level = 0.84 + settings["gain"] / 100 * 3.6 + 0.036 * generator.normal()
    right = level + 0.7 * shared + 0.714 * generator.normal(size=EXAMPLES) > 0
    labels = np.where(right, TRUTH, (TRUTH + 1) % 4)
    metrics, predictions = {"val_accuracy": float(right.mean()), "val_loss": 1.0}, {"val": labels}
    if space.workload.endswith((":Tested", ":Unseeded")):  # other examples, on which it is half as good
        half = np.where(np.arange(EXAMPLES) % 2, labels, (TRUTH + 1) % 4)
        metrics["test_accuracy"], predictions["test"] = float((half == TRUTH).mean()), half
    return Row(metrics, predictions)
