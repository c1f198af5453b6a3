"""A ledger with one study of every kind of trial."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import pytest

from search.core.trial import State
from search.ledger.ledger import Ledger
from tests.report.builder import Study, full

RUNS = [
    *("trial 0, gamma=0, seed 0", "trial 1, gamma=0.5, seed 1", "trial 2, gamma=2, seed 0"),
    *("trial 3, gamma=2, seed 1", "trial 4, gamma=2, seed 2", "trial 5, gamma=0, seed 1"),
]
"""What the runs of `study` are called."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterable[Ledger]:
    opened = Ledger(str(tmp_path / "db" / "search.db"))
    yield opened
    opened.close()


@pytest.fixture
def study(ledger: Ledger) -> Study:
    from tests.report.builder import GAMMAS

    return every(Study(ledger, GAMMAS))


def every(study: Study) -> Study:
    """Trials 0 to 6: finished, finished, pruned, diverged, failed, running, and one that has not begun."""
    study.trial({"gamma": 0}, 0, [1 / 3, 0.5, 1 / 7], metrics=full)
    study.trial({"gamma": 0.5}, 1, [0.25, 0.5, 0.75], metrics=full)
    study.trial({"gamma": 2}, 0, [0.125], State.PRUNED, ended_by="rung 1")
    study.trial({"gamma": 2}, 1, [0.125, math.nan], State.DIVERGED, ended_by="val_accuracy is nan at epoch 2")
    study.trial({"gamma": 2}, 2, [], State.FAILED, ended_by="ValueError: x", error="Traceback\nValueError: x")
    study.trial({"gamma": 0}, 1, [0.1], State.RUNNING, ended_by="")
    study.trial({"gamma": 0}, 2, [], State.WAITING, ended_by="")
    return study


def go_on(study: Study, number: int) -> None:
    """Let the running trial reach its end."""
    trial = study.ledger.trials(study.record.id)[number]
    path = study.ledger.paths(study.record.id)[number][0]
    from search.core.trial import Row

    with study.ledger.step(study.record.id) as step:
        for epoch, value in ((2, 0.2), (3, 0.3)):
            step.put_row(path[epoch - 1], epoch, Row({"val_accuracy": value, "val_loss": 1 - value}), 0.25, study.run)
        step.set_trial(trial.number, state=State.FINISHED, last_epoch=3, ended_by="last epoch")
