"""The factorial of `benchmarks.sharing` as a user of Ray Tune would write it, and a classifier that counts epochs.

The script follows the pages of Ray's documentation on the Tuner, on search spaces and on stopping: every point of the
grid is a trial that trains from its first epoch until its stop rule ends it, one CPU each, with defaults elsewhere.
Both sides train with the classifier's own code, so an epoch costs the same, and both count: every epoch that is really
trained, whoever asked for it, leaves a line in the file that the environment variable `EPOCHS` names. The line holds
the hash of all that the epoch measured, predictions included, and the seconds it took. Lines are the epochs trained,
different hashes the different ones among them. A line is one write at the end of the file, so that processes do not mix
theirs up.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifier.workload import ClassifierWorkload
from search.workload.scored import PER_EXAMPLE

EPOCHS = "SEARCH_BENCHMARK_EPOCHS"

Settings = Mapping[str, Any]


# The classifier, counting -----------------------------------------------------------------------------------


class Counted(ClassifierWorkload):
    """The classifier; its runs are counted."""

    def start(self, fixed: Settings, cpus: int, gpus: float) -> CountedRun:
        return CountedRun(super().start(fixed, cpus, gpus))


class CountedRun:
    """A run of the classifier."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def train_epoch(self, settings: Settings) -> dict[str, Any]:
        began = time.monotonic()
        row: dict[str, Any] = self._run.train_epoch(settings)
        note(row, time.monotonic() - began)
        return row

    def save(self) -> bytes:
        saved: bytes = self._run.save()
        return saved

    def load(self, state: bytes) -> None:
        self._run.load(state)


workload = Counted()


def note(row: Settings, seconds: float) -> None:
    """Append an epoch to the file, where one is named."""
    if name := os.environ.get(EPOCHS):
        with Path(name).open("ab", buffering=0) as file:
            file.write(f"{digest(row)} {seconds!r}\n".encode())


def digest(row: Settings) -> str:
    """Return the hash of all bits of a row."""
    digested = hashlib.sha256()
    for name in sorted(row.keys() - set(PER_EXAMPLE)):
        digested.update(f"{name}={float(row[name]).hex()};".encode())
    for split, classes in sorted(row.get("predictions", {}).items()):
        digested.update(f"{split}:".encode() + np.ascontiguousarray(classes, dtype="<i8").tobytes())
    for split, named in sorted(row.get("scores", {}).items()):
        for name, scores in sorted(named.items()):
            digested.update(f"{split} {name}:".encode() + np.ascontiguousarray(scores, dtype="<f8").tobytes())
    return digested.hexdigest()[:32]


def epochs_of(path: Path) -> tuple[list[str], float]:
    """Return the hashes of the epochs in a file, in the order they were trained, and their seconds together."""
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [line[0] for line in lines], sum(float(line[1]) for line in lines)


# The script -------------------------------------------------------------------------------------------------


def chosen(config: Settings) -> dict[str, Any]:
    """Return the settings of one trial."""
    settings = dict(config["fixed"])
    for option in config["axes"].values():
        settings |= option
    return settings


def split(config: Settings) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what stays and what changes with the epoch, as the classifier wants it."""
    settings = {name: value for name, value in chosen(config).items() if not name.startswith("stop.")}
    return workload.schedule(workload.canonical({**settings, "seed": config["seed"]}), config["epochs"])


def rows(config: Settings) -> Iterator[dict[str, float]]:
    """Train one trial; yield the metrics of each epoch.

    Args:
        config: ``seed``, ``epochs``, ``fixed`` settings, and ``axes``: name -> settings of one of its options.
    """
    fixed, schedule = split(config)
    run = workload.start(fixed, cpus=1, gpus=0)
    for settings in schedule:
        row = run.train_epoch(settings)
        yield {name: value for name, value in row.items() if name not in PER_EXAMPLE}


def trainable(config: dict[str, Any]) -> None:
    """Train one trial and report each epoch."""
    from ray import tune

    for metrics in rows(config):
        tune.report(metrics)


def alpha_of(config: Settings) -> float | None:
    """Return the threshold of a trial's stop rule in per cent, None for none."""
    settings = chosen(config)
    return settings.get("stop.alpha") if settings.get("stop.rule") == "generalisation_loss" else None


class GeneralisationLoss:
    """Ends a trial once its validation loss is more than alpha per cent above its lowest so far (Prechelt 1998).

    A loss that is not finite ends it, too; of one that is not above 0 there is no such excess. In `search` it becomes a
    `tune.Stopper`, which has these two methods.
    """

    def __init__(self) -> None:
        self.lowest: dict[str, float] = {}

    def __call__(self, trial_id: str, result: Settings) -> bool:
        loss = result["val_loss"]
        if not (math.isfinite(loss) and math.isfinite(result["train_loss"])):
            return True
        lowest = self.lowest[trial_id] = min(loss, self.lowest.get(trial_id, math.inf))
        alpha = alpha_of(result["config"])
        return alpha is not None and lowest > 0 and 100 * (loss / lowest - 1) > alpha

    def stop_all(self) -> bool:
        return False


def search(
    fixed: Settings, axes: Mapping[str, Sequence[Settings]], seeds: Sequence[int], epochs: int, folder: str, tuned: bool
) -> list[dict[str, Any]]:
    """Run the factorial; return for each trial its ``config`` and its last ``metrics``.

    Args:
        fixed: settings of all trials.
        axes: name -> settings of each of its options.
        seeds: of every setting.
        epochs: of a trial that is not stopped.
        folder: where Ray keeps its results.
        tuned: keep workers for the next trial; by default each trial gets a new one.
    """
    from ray import tune

    class Stopper(GeneralisationLoss, tune.Stopper):
        pass

    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={
            "fixed": dict(fixed),
            "axes": {name: tune.grid_search([dict(option) for option in options]) for name, options in axes.items()},
            "seed": tune.grid_search(list(seeds)),
            "epochs": epochs,
        },
        tune_config=tune.TuneConfig(metric="val_accuracy", mode="max", reuse_actors=tuned),  # False is the default
        run_config=tune.RunConfig(storage_path=folder, stop=Stopper()),
    )
    results = tuner.fit()
    if results.errors:
        raise results.errors[0]
    return [{"config": result.config, "metrics": result.metrics} for result in results]
