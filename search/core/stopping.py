"""Early-stopping rules as pure folds over a validation metric of a trial.

A rule is settings + state + `update`; it never touches what is trained, so one recorded curve answers every threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from search.core.trial import VAL_LOSS
from search.core.values import Settings


class StopRule(Protocol):
    """Folded over the epochs of one trial, in order."""

    @property
    def metric(self) -> str:
        """Name of the metric it reads, "" where it reads none."""

    @property
    def fault(self) -> str:
        """Why the curve so far cannot be judged by this rule, as a phrase; ``""`` where it can."""

    def update(self, value: float) -> str:
        """Take the next epoch's metric; return why the trial stops after it, or ``""``."""


@dataclass
class Never:
    """Go on to the last epoch."""

    metric: str = ""
    fault: str = ""

    def update(self, value: float) -> str:  # noqa: ARG002  # a rule is told of every epoch
        """Return ``""``."""
        return ""


@dataclass
class GeneralisationLoss:
    """Stop when GL(t) = 100 (E_val(t) / E_opt(t) - 1) > alpha, E_opt being the lowest loss so far (Prechelt 1998).

    GL is the excess over E_opt in per cent of it, so E_opt must be positive: from the first loss that is not, nothing
    stops any more, and `fault` says so. A NaN loss never stops a trial here (it makes it diverge, which is another end)
    and never becomes E_opt. Ties do not stop: the inequality is strict.

    Attributes:
        alpha: threshold in per cent; None never stops.
        lowest: E_opt(t), infinite before the first epoch.
    """

    alpha: float | None
    lowest: float = math.inf

    @property
    def metric(self) -> str:
        """The validation loss; none is read where no threshold is set."""
        return "" if self.alpha is None else VAL_LOSS

    @property
    def fault(self) -> str:
        """Why the curve so far has no GL, or ``""``."""
        if self.alpha is None or self.lowest > 0:
            return ""
        return f"generalisation_loss needs a val_loss above 0, found {self.lowest:g}"

    def update(self, value: float) -> str:
        """Take the next validation loss; return why the trial stops after it, or ``""``."""
        if math.isnan(value):
            return ""
        self.lowest = min(self.lowest, value)
        if self.alpha is None or math.isinf(self.lowest) or self.lowest <= 0:
            return ""
        excess = 100 * (value / self.lowest - 1)
        return f"generalisation loss > {self.alpha:g} %" if excess > self.alpha else ""


@dataclass
class Patience:
    """Stop after `patience` epochs in a row without a metric better than all before. NaN counts as not better.

    Attributes:
        patience: number of epochs.
        metric: what is read.
        maximize: whether more of it is better.
        min_delta: by how much it must be better than the best so far, in its own unit; 0 takes any difference.
        best: the best so far, of the metric or of its negative: lower is better.
        waited: epochs since.
    """

    patience: int
    metric: str = VAL_LOSS
    maximize: bool = False
    min_delta: float = 0.0
    best: float = math.inf
    waited: int = 0
    fault: str = ""  # any curve can be judged

    def update(self, value: float) -> str:
        """Take the next value; return why the trial stops after it, or ``""``."""
        cost = -value if self.maximize else value
        if cost < self.best - self.min_delta:
            self.best, self.waited = cost, 0
            return ""
        self.waited += 1
        return self._reason() if self.waited >= self.patience else ""

    def _reason(self) -> str:
        better = f"{'higher' if self.maximize else 'lower'} {'loss' if self.metric == VAL_LOSS else self.metric}"
        by = f" by more than {self.min_delta:g}" if self.min_delta else ""
        return f"no {better}{by} for {self.patience} epochs"


def stop_rule(settings: Settings) -> StopRule:
    """Return the rule that a trial's ``stop.*`` settings describe, in its starting state.

    Trials of earlier versions have none but ``stop.rule``, ``stop.alpha`` and ``stop.patience``.
    """
    match settings.get("stop.rule", "none"):
        case "generalisation_loss":
            return GeneralisationLoss(settings.get("stop.alpha", 2.0))
        case "patience":
            return Patience(
                settings.get("stop.patience", 10),
                settings.get("stop.metric", VAL_LOSS),
                settings.get("stop.direction", "minimize") == "maximize",
                settings.get("stop.min_delta", 0.0),
            )
    return Never()
