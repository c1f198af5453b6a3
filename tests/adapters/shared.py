"""Studies of adapters, and what a trial measures where it is trained alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search.core.trial import Row
from search.ledger.ledger import Ledger
from search.workload import Workload
from search.workload.measured import row_of
from tests.engine.test_run import Bench


def rows(bench: Bench) -> list[tuple[Mapping[str, Any], list[Row]]]:
    """Settings and rows of each trial of a study, as they are on record."""
    ledger = Ledger(str(bench.results / "search.db"))
    try:
        study = ledger.study(bench.name).id
        trials = ledger.trials(study)
        paths = ledger.paths(study, [trial.number for trial in trials])
        found = []
        for trial in trials:
            keys = paths[trial.number][0][: trial.last_epoch]
            recorded = ledger.rows(keys, predictions=True)
            found.append((trial.settings, [recorded[key].row for key in keys]))
        return found
    finally:
        ledger.close()


def proofs(printed: str) -> int:
    """How many epochs a run trained to prove others, by its own account."""
    (count,) = re.findall(r"trained [0-9,]+, [0-9,]+ again and ([0-9]+) to prove", printed)
    return int(count)


def alone(workload: Workload, settings: Mapping[str, Any]) -> list[Row]:
    """The rows of a trial that is trained from its first epoch to its last, and shares nothing."""
    own = {name: value for name, value in settings.items() if name in workload.settings or name == "seed"}
    fixed, each = workload.schedule(workload.canonical(own), settings["epochs"])
    run = workload.start(fixed, 1, 0)
    return [row_of(run.train_epoch(now)) for now in each]
