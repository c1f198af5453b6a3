"""Letting go of what Ray Tune keeps of every lease that ended: without it a driver grows by tens of kilobytes a lease.

Tune remembers for its own result tables: settings, the last result (here a row, with the predictions for every image)
and running means of every number. The ledger has what counts, and nobody asks Tune.
"""

from __future__ import annotations

from typing import Any

from ray import tune


class Forgetful(tune.Callback):
    """Empties Tune's record of a lease as soon as it ended."""

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Forget a lease that came to its end."""
        forget(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Forget a lease whose worker died."""
        forget(trial)


def forget(trial: Any) -> None:
    """Empty what a trial of Tune's holds; its id and status stay, for Tune counts by them."""
    kept = trial.run_metadata
    kept.last_result = {}
    kept.metric_analysis, kept.metric_n_steps = {}, {}
    for name in ("config", "evaluated_params", "_Trial__unresolved_config"):
        if hasattr(trial, name):
            setattr(trial, name, {})
