"""Studies of adapters, run shared and alone, and what their trials measured."""

from __future__ import annotations

import numpy as np

from search.ledger.ledger import Ledger
from tests.engine.test_run import Bench


def rows(bench: Bench) -> dict[str, list[dict[str, bytes]]]:
    """Parameters of a trial -> the metrics of its epochs, as bits."""
    ledger = Ledger(str(bench.results / "search.db"))
    try:
        study = ledger.study(bench.name).id
        trials = ledger.trials(study)
        paths = ledger.paths(study, [trial.number for trial in trials])
        found = {}
        for trial in trials:
            keys = paths[trial.number][0][: trial.last_epoch]
            recorded = ledger.rows(keys)
            found[str(trial.parameters)] = [
                {name: np.float64(value).tobytes() for name, value in recorded[key].row.metrics.items()} for key in keys
            ]
        return found
    finally:
        ledger.close()
