"""The same factorial as a user of Ray Tune would write it: function trainable, `tune.grid_search`, a Stopper.

It follows the pages of Ray's documentation on the Tuner, on search spaces and on stopping: every point of the grid is a
trial that trains from its first epoch until its stop rule ends it, one CPU each, defaults for everything else. The
training code is the classifier's own, so an epoch costs the same on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.counted import workload

Settings = Mapping[str, Any]


def chosen(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of one trial."""
    settings = dict(config["fixed"])
    for option in config["axes"].values():
        settings |= option
    return settings


def split(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what stays and what changes with the epoch, as the classifier wants it."""
    settings = {name: value for name, value in chosen(config).items() if not name.startswith("stop.")}
    return workload.schedule(workload.canonical({**settings, "seed": config["seed"]}), config["epochs"])


def rows(config: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """Train one trial; yield the metrics of each epoch.

    Args:
        config: ``seed``, ``epochs``, ``fixed`` settings, and ``axes``: name -> settings of one of its options.
    """
    fixed, schedule = split(config)
    run = workload.start(fixed, cpus=1, gpus=0)
    for settings in schedule:
        row = run.train_epoch(settings)
        yield {name: value for name, value in row.items() if name != "predictions"}


def trainable(config: dict[str, Any]) -> None:
    """Train one trial and report each epoch."""
    from ray import tune

    for metrics in rows(config):
        tune.report(metrics)


def alpha_of(config: Mapping[str, Any]) -> float | None:
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

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:
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
