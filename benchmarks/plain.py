"""The same search as a user of Ray Tune would write it: function trainable, OptunaSearch, ASHAScheduler, defaults.

It follows the pages of Ray's documentation on the Tuner, OptunaSearch and ASHAScheduler. Beyond them it reports, with
each loss, how long the loss took and when the trial began, for `benchmarks.overhead` to read.
"""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks import noop


def trainable(config: dict[str, Any]) -> None:
    """Train one trial."""
    began, seconds = time.time(), 0.0
    for epoch in range(1, config["epochs"] + 1):
        before = time.perf_counter()
        loss = noop.loss(config["lr"], config["decay"], epoch)
        seconds += time.perf_counter() - before
        tune.report({"val_loss": loss, "train_seconds": seconds, "began": began})


def search(trials: int, epochs: int, folder: str, reuse_actors: bool = False) -> pd.DataFrame:
    """Run the search; return one row per trial, its last result."""
    tuner = tune.Tuner(
        trainable,
        param_space={"lr": tune.loguniform(*noop.LR), "decay": tune.uniform(*noop.DECAY), "epochs": epochs},
        tune_config=tune.TuneConfig(
            metric="val_loss",
            mode="min",
            search_alg=OptunaSearch(),
            scheduler=ASHAScheduler(max_t=epochs, grace_period=noop.GRACE, reduction_factor=noop.FACTOR),
            num_samples=trials,
            reuse_actors=reuse_actors,  # False is the default
        ),
        run_config=tune.RunConfig(storage_path=folder),
    )
    return tuner.fit().get_dataframe()
