"""Studies whose rows hold real numbers per example: errors of a regression, losses of a classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row, State, Trial
from search.ledger.ledger import Ledger
from search.space.model import Axis, Grid, Objective, Report, Search, Space
from search.study.opened import OpenStudy
from tests.report.builder import key_of

RMSE = ScoreRule(
    "val", "squared_error", form="root_mean", low=0.0, untrained=25.0, unit="degrees", example="hour", examples="hours"
)
SPACE = Space(
    "wind",
    "toy",
    [Axis("width", Grid([1, 2, 3]))],
    {"epochs": 1},
    "Wind",
    (0, 1, 2, 3, 4),
    search=Search(objective=Objective("val_rmse", "minimize")),
    report=Report(rows="width", baseline=1, has_baseline=True),
)
Floats = npt.NDArray[np.float64]


def errors(a: int, s: int, n: int = 60) -> Floats:
    """Squared errors of setting a under seed s: that of setting 2 is clearly the smallest."""
    draws = np.random.default_rng([7, a, s])
    common = np.random.default_rng(3).gamma(2.0, 2.0, n)
    return common * (1.5, 1.5, 1.0)[a - 1] * draws.uniform(0.9, 1.1, n) + 0.02 * s


class Regression:
    """A study without a class in it; `run` adds a trial of one epoch."""

    def __init__(self, ledger: Ledger, space: Space = SPACE, rule: ScoreRule = RMSE) -> None:
        self.ledger, self.space, self.rule = ledger, space, rule
        ledger.create_study(space.name, space.name, 1, "", "id", space.workload)
        ledger.put_data(DataCard("weather", "hours of wind"))
        self.record = ledger.study(space.name)
        self.begun, self.count = ledger.begin_run(self.record.id, {}), 0

    @property
    def opened(self) -> OpenStudy:
        return OpenStudy(self.ledger, self.record, self.space)

    def run(
        self, width: int, seed: int, scores: npt.ArrayLike | None, state: State = State.FINISHED, **metrics: float
    ) -> None:
        """Add a trial with these scores on validation, and on test the same ones backwards; None: with none."""
        number, self.count = self.count, self.count + 1
        key = key_of(self.space.name, width, seed)
        trial = Trial(number, number, seed, {"width": width}, {"width": width}, 1, state, "", 1)
        metric = self.space.search.objective.metric
        by_split: dict[str, Any] = {}
        if scores is not None:
            given = np.asarray(scores)
            metrics = {metric: self.rule.metric(given), f"test_{metric[4:]}": self.rule.metric(given), **metrics}
            by_split = {"val": {self.rule.score: given}, "test": {self.rule.score: given[::-1]}}
        test = replace(self.rule, split="test")
        rules = {metric: self.rule, f"test_{metric[4:]}": test} if by_split else {}
        with self.ledger.step(self.record.id) as step:
            step.add_trial(trial, [key], "weather")
            step.put_row(key, 1, Row(metrics, {}, by_split, rules), 0.5, self.begun)

    def grid(self, scores: Callable[[int, int], npt.ArrayLike] = errors, seeds: Sequence[int] = range(5)) -> Regression:
        """Run every setting under every seed."""
        for width in (1, 2, 3):
            for seed in seeds:
                self.run(width, seed, scores(width, seed))
        return self
