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

from search.engine.executor import private


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
    trial.config, trial.evaluated_params = {}, {}
    for name in (private.LAST_RESULT, private.METRIC_ANALYSIS, private.METRIC_STEPS, private.SETTINGS):
        name.put({}, trial)


@contextmanager
def saving_nothing(folder: Path) -> Iterator[None]:
    """Let Tune write no state of its own meanwhile.

    It waits for the end of its copying by the clock that people set: where that is set it shows a traceback, and
    raises where the copy is not there. On a full disk it does the same.

    Args:
        folder: of Tune's experiment; gets the file that Tune looks for when all is done.
    """
    file_name = private.STATE_FILE.get()
    if file_name is None:
        yield
        return
    folder.mkdir(exist_ok=True)
    (folder / file_name.format("")).write_text('{"trial_data": []}')
    with private.CHECKPOINT.replaced(lambda usual: lambda controller, *words, **more: None):
        yield
