"""Studies with predictions: which images a run gets right is said image by image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row, State, Trial
from search.ledger.ledger import Ledger
from search.report.table.build import comparison_table
from search.report.table.model import Claim
from search.space.model import Axis, Grid, Report, Space
from search.study.opened import OpenStudy
from tests.report.builder import key_of

CLASSES = 4
SPACE = Space(
    "judged",
    "toy",
    [Axis("gamma", Grid([0, 1, 2]))],
    {"epochs": 2},
    "Judged",
    (0, 1, 2),
    report=Report(rows="gamma", baseline=0, has_baseline=True),
)
LOSS = ScoreRule("val", "loss", low=0.0, untrained=1.4, unit="nats", example="image", examples="images")
Right = npt.NDArray[np.bool_]


def card(
    n: int = 40, test: int = 30, fingerprint: str = "images", contents: Mapping[str, Sequence[str]] | None = None
) -> DataCard:
    truth = {"val": np.arange(n) % CLASSES, "test": np.arange(test) % CLASSES}
    names = {split: [f"{split}{i}" for i in range(len(classes))] for split, classes in truth.items()}
    return DataCard(fingerprint, "toys", list("abcd"), truth, names, contents=contents or {})


def pattern(a: int, s: int, n: int, shift: int = 0) -> Right:
    """Images that setting a gets right under seed s."""
    i = np.arange(n) + shift
    return ((3 * i + 5 * s + 7 * a + i * i * (s + 1) + a * i) % 11) < 6 + a


class Bench:
    """A study in a ledger; `run` adds a trial of two epochs, of which the second one is right where it is told."""

    def __init__(self, ledger: Ledger, space: Space = SPACE, data: DataCard | None = None) -> None:
        self.ledger, self.space, self.data = ledger, space, data or card()
        ledger.create_study(space.name, space.name, 1, "", "id", space.workload)
        ledger.put_data(self.data)
        self.record = ledger.study(space.name)
        self.begun = ledger.begin_run(self.record.id, {})
        self.count = 0

    @property
    def opened(self) -> OpenStudy:
        return OpenStudy(self.ledger, self.record, self.space)

    def run(
        self,
        parameters: Mapping[str, Any],
        seed: int,
        val: npt.ArrayLike,
        test: npt.ArrayLike | None = None,
        *,
        first: npt.ArrayLike | None = None,
        state: State = State.FINISHED,
        keys: Sequence[str] | None = None,
        last: int | None = None,
        data: DataCard | None = None,
        guess: Callable[[Right, npt.NDArray[Any]], npt.NDArray[Any]] | None = None,
        settings: Mapping[str, Any] | None = None,
        losses: npt.ArrayLike | None = None,
    ) -> int:
        """Add a trial.

        Args:
            parameters, seed: of the trial.
            val, test: per image whether it is right at the second epoch.
            first: the same of validation at the first epoch, by default nothing right.
            state: how it ended.
            keys: its epoch keys.
            last: epochs on record, by default 2, or none for a trial that is waiting.
            data: card of its images.
            guess: what is predicted, from what is right and the truth.
            settings: canonical ones, of the workload.
            losses: per validation image its loss at every epoch, whose mean is ``val_loss``; None: no scores.
        """
        about = data or self.data
        number, self.count = self.count, self.count + 1
        path = list(keys or [key_of(dict(parameters), seed, epoch) for epoch in (1, 2)])
        last = (0 if state is State.WAITING else len(path)) if last is None else last
        trial = Trial(number, number, seed, parameters, settings or {}, len(path), state, "", last)
        nothing = np.zeros(len(np.asarray(val)), dtype=bool)
        rights = {"val": [nothing if first is None else np.asarray(first)] + [np.asarray(val)] * (len(path) - 1)}
        if test is not None:
            rights["test"] = [np.asarray(test)[::-1]] + [np.asarray(test)] * (len(path) - 1)
        with self.ledger.step(self.record.id) as step:
            step.add_trial(trial, path, about.fingerprint)
            for epoch in range(last):
                metrics, predictions = {"val_loss": 1.0}, {}
                for split, each in rights.items():
                    truth = np.asarray(about.truth[split])
                    predictions[split] = (guess or wrong_elsewhere)(each[epoch], truth)
                    metrics[f"{split}_accuracy"] = float(np.mean(predictions[split] == truth))
                row = Row(metrics, predictions)
                if losses is not None:
                    metrics["val_loss"] = float(np.mean(losses))
                    row = Row(metrics, predictions, {"val": {"loss": np.asarray(losses)}}, {"val_loss": LOSS})
                step.put_row(path[epoch], epoch + 1, row, 0.5, self.begun)
        return number

    def grid(self, seeds: Sequence[int] = (0, 1, 2), gammas: Sequence[int] = (0, 1, 2)) -> Bench:
        """Run the pattern of every setting under every seed."""
        for a in gammas:
            for s in seeds:
                self.run({"gamma": a}, s, pattern(a, s, len(self.data.truth["val"])), pattern(a, s, 30, 3))
        return self

    def reported(self, **changes: Any) -> Bench:
        """Change the section `report`."""
        self.space = replace(self.space, report=replace(self.space.report, **changes))
        return self


def wrong_elsewhere(right: Right, truth: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.where(right, truth, (truth + 1) % CLASSES)


def levels(
    ledger: Ledger,
    claims: Sequence[Mapping[str, Any]],
    shares: Sequence[int] = (20, 20, 38),
    seeds: Sequence[int] = (0, 1, 2),
    space: Space = SPACE,
    **report: Any,
) -> Bench:
    """Settings that get so many of 40 images right, give or take one by seed."""
    changed = replace(space.report, claims=tuple(claims), **report)
    bench = Bench(ledger, replace(space, seeds=tuple(seeds), report=changed))
    for a, share in enumerate(shares):
        for s in seeds:
            right = np.arange(40) < share + (s + a) % 2
            bench.run({"gamma": a}, s, right, right[:30])
    return bench


def verdict_of(bench: Bench) -> Claim:
    """Return the verdict of a study with one claim."""
    (claim,) = comparison_table(bench.opened).verdicts
    return claim
