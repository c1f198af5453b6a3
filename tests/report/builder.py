"""A study built row by row with the ledger's own API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from search.core.trial import DataCard, Row, State, Trial
from search.ledger.ledger import Ledger, StudyRecord
from search.report.record.curves import Curves, read_curves
from search.report.table.build import table_of
from search.report.table.model import Table
from search.space.model import Axis, Grid, Space
from search.study.opened import OpenStudy

TRUTH = {"val": np.array([0, 1, 2, 0]), "test": np.array([1, 1])}
CARD = DataCard(
    "cafe", "toys", ["a", "b", "c"], TRUTH, {"val": ["v0.png", "v1.png", "v2.png", "v3.png"]}, ["2 images twice"]
)
GAMMAS = Space("focal", "toy", [Axis("gamma", Grid([0, 0.5, 2]))], {"epochs": 3}, "Focal loss", (0, 1, 2))
SPACE_TEXT = "name: focal\nsearch:\n  objective: {metric: val_accuracy, direction: maximize}\n"


def key_of(*parts: object) -> str:
    return hashlib.sha1(repr(parts).encode()).hexdigest()


class Study:
    """A study in a fresh ledger; `trial` adds one with its rows."""

    def __init__(self, ledger: Ledger, space: Space, name: str = "focal", text: str = SPACE_TEXT) -> None:
        self.ledger, self.space, self.name = ledger, space, name
        ledger.create_study(name, name, 1, text, "id", space.workload)
        ledger.update_study(self.record.id, execution_class={"machine": "x86_64"})
        ledger.put_data(CARD)
        self.run = ledger.begin_run(self.record.id, {"commit": "abc", "loss": float("nan")})
        self.count = 0

    @property
    def record(self) -> StudyRecord:
        return self.ledger.study(self.name)

    @property
    def opened(self) -> OpenStudy:
        return OpenStudy(self.ledger, self.record, self.space)

    @property
    def read(self) -> Curves:
        return read_curves(self.opened)

    @property
    def table(self) -> Table:
        """The comparison table, not judged."""
        return table_of(self.read, judging=False)

    def trial(
        self,
        parameters: Mapping[str, Any],
        seed: int = 0,
        accuracies: Sequence[float] = (),
        state: State = State.FINISHED,
        *,
        configuration: int | None = None,
        ended_by: str = "last epoch",
        metrics: Callable[[int, float], Mapping[str, float]] | None = None,
        reused: Iterable[int] = (),
        seconds: float = 0.25,
        keys: Sequence[str] | None = None,
        predictions: bool | Mapping[str, Any] = False,
        error: str = "",
        settings: Mapping[str, Any] | None = None,
        epochs: int | None = None,
    ) -> int:
        """Add a trial whose epochs have these validation accuracies; return its number."""
        number, self.count = self.count, self.count + 1
        path = keys or [key_of(self.name, dict(parameters), seed, epoch) for epoch in range(1, 4)]
        settings = {"lr": 0.1, **parameters} if settings is None else dict(settings)
        length, config = epochs or len(path), configuration if configuration is not None else number
        trial = Trial(number, config, seed, parameters, settings, length, state, ended_by, len(accuracies), error, 1)
        measure = metrics or (lambda _, value: {"val_accuracy": value, "val_loss": 1 - value})
        with self.ledger.step(self.record.id) as step:
            step.log("asked", configuration=config)
            step.add_trial(trial, path, CARD.fingerprint)
            for epoch, value in enumerate(accuracies, start=1):
                row = Row(measure(epoch, value), guess(number, epoch) if predictions is True else predictions or {})
                step.put_row(path[epoch - 1], epoch, row, seconds, self.run)
                if epoch not in set(reused):
                    step.log("row", trial=number, epoch=epoch, key=path[epoch - 1], trained=True)
            step.log("ended", trial=number, epoch=len(accuracies), state=state.value, ended_by=ended_by)
        return number


def guess(number: int, epoch: int) -> dict[str, np.ndarray]:
    return {"val": (np.arange(4) + number + epoch) % 3, "test": np.array([epoch % 3, number % 3])}


def full(epoch: int, value: float) -> dict[str, float]:
    return {
        **{"lr": 0.1 / epoch, "train_loss": 2.0 - value, "train_accuracy": value + 0.05, "val_loss": 1.0 - value / 3},
        **{"val_accuracy": value, "test_loss": 1.5 - value, "test_accuracy": value - 1 / 7, "grad_norm": 1e-17 * epoch},
    }
