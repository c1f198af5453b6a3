"""Letting go of what Ray Tune keeps of every lease that ended: without it a driver grows by tens of kilobytes a lease.

Tune remembers for its own result tables: settings, the last result (here a row, with the predictions for every image)
and running means of every number. For `Tuner.restore` it writes it all into a file, six kilobytes a lease. The ledger
has what counts, and nobody asks Tune.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.execution.tune_controller import TuneController


class Forgetful(tune.Callback):
    """Empties Tune's record of a lease as soon as it ended."""

    def on_trial_complete(self, iteration: int, trials: list[object], trial: object, **info: object) -> None:
        """Forget a lease that came to its end."""
        forget(trial)

    def on_trial_error(self, iteration: int, trials: list[object], trial: object, **info: object) -> None:
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


@contextmanager
def saving_nothing(folder: Path) -> Iterator[None]:
    """Let Tune write no state of its own meanwhile.

    It waits for the end of its copying by the clock that people set: where that is set it shows a traceback, and
    raises where the copy is not there. On a full disk it does the same.

    Args:
        folder: of Tune's experiment; gets the file that Tune looks for when all is done.
    """
    folder.mkdir(exist_ok=True)
    (folder / TuneController.CKPT_FILE_TMPL.format("")).write_text('{"trial_data": []}')
    usual = TuneController.checkpoint
    TuneController.checkpoint = _save_nothing
    try:
        yield
    finally:
        TuneController.checkpoint = usual


def _save_nothing(controller: TuneController, force: bool = False, wait: bool = False) -> None:
    pass
