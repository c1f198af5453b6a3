"""A factorial of the classifier that trains in seconds, and what to look at when it is done."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.core.trial import Trial
from search.ledger.ledger import Decision, Ledger
from tests.engine.test_run import Bench
from tests.engine.workloads import COUNTED
from tests.surroundings import HANG_S

SMALL = {
    "data": "digits",
    "data.size": 8,
    "data.limit": [96, 60, 60],
    "optimizer.lr": 0.02,
    "stop.rule": "generalisation_loss",
}
"""An epoch of this takes a few hundredths of a second."""

EPOCHS = 12

FACTORIAL: dict[str, Any] = {
    "augmentation": {"grid": {"none": {}, "turned": {"augment.rotation": 20}}},
    "loss.gamma": {"grid": [0, 2]},
    "decay": {
        "grid": {
            "none": {},
            "step": {"decay.name": "step", "decay.start": 4, "decay.every": 3},
            "exponential": {"decay.name": "exponential", "decay.start": 8},
        }
    },
    "stop.alpha": {"grid": [15, None]},
}
"""24 trials; with 12 epochs, and but for the stop rule, 288 epochs of which 96 are distinct."""

Curves = dict[tuple[str, int], list[tuple[dict[str, bytes], dict[str, bytes]]]]


class Shared(Bench):
    """A folder with one study of `Counted`, whose epochs are counted by the workload itself."""

    def put(self, space: Mapping[str, Any] = FACTORIAL, seeds: Any = 1, epochs: int = EPOCHS, **fixed: Any) -> Path:
        return self.write(space, seeds, "tests.engine.workloads:Counted", epochs=epochs, **{**SMALL, **fixed})

    def run(self, verb: str = "run", *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, its epochs counted in this folder's log."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(COUNTED, str(self.log))
            process = self.start(verb, *words)
        try:
            process.wait(HANG_S)
        finally:
            self.end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, self.out(), self.err())

    def lines(self) -> list[str]:
        """One line per epoch that a workload began to train; equal ones are the same epoch trained again."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def curves(self, study: str = "") -> Curves:
        """(parameters, seed) -> metrics but times, and predictions, of every epoch up to the trial's last, as bytes."""
        ledger = Ledger(str(self.results / "search.db"))
        try:
            record = ledger.study(study or self.name)
            paths = ledger.paths(record.id)
            found: Curves = {}
            for trial in ledger.trials(record.id):
                keys = paths[trial.number][0][: trial.last_epoch]
                rows = ledger.rows(keys, predictions=True)
                found[str(sorted(trial.parameters.items())), trial.seed] = [
                    (
                        {name: np.float64(value).tobytes() for name, value in rows[key].row.untimed.metrics.items()},
                        {name: array.tobytes() for name, array in rows[key].row.predictions.items()},
                    )
                    for key in keys
                ]
            return found
        finally:
            ledger.close()

    def distinct(self, *studies: str) -> int:
        """Different epochs on the ways of all trials of these studies, up to where each one ended."""
        ledger = Ledger(str(self.results / "search.db"))
        try:
            keys = set()
            for record in ledger.studies():
                if record.name in studies or not studies:
                    paths = ledger.paths(record.id)
                    for trial in ledger.trials(record.id):
                        keys.update(paths[trial.number][0][: trial.last_epoch])
            return len(keys)
        finally:
            ledger.close()

    def log_of(self, *kinds: str, study: str = "") -> list[Decision]:
        ledger = Ledger(str(self.results / "search.db"))
        try:
            return ledger.decisions(ledger.study(study or self.name).id, kinds)
        finally:
            ledger.close()

    def state_files(self) -> list[Path]:
        return sorted(path for path in (self.results / "states").rglob("*") if path.is_file())


def ends(trials: list[Trial]) -> dict[tuple[str, int], tuple[str, str, int]]:
    """How each trial ended: what the decisions came to."""
    return {
        (str(sorted(trial.parameters.items())), trial.seed): (trial.state.value, trial.ended_by, trial.last_epoch)
        for trial in trials
    }
