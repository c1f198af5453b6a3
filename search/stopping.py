"""Early-stopping rules as pure folds over the validation losses of a trial.

A rule is settings + state + `update`; it never touches what is trained, so one recorded curve answers every threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class StopRule(Protocol):
    """Folded over the epochs of one trial, in order."""

    def update(self, loss: float) -> str:
        """Take the next epoch's validation loss; return why the trial stops after it, or ``""``."""


@dataclass
class Never:
    """Go on to the last epoch."""

    def update(self, loss: float) -> str:
        """Return ``""``."""
        return ""


@dataclass
class GeneralisationLoss:
    """Stop when GL(t) = 100 (E_val(t) / E_opt(t) - 1) > alpha, E_opt being the lowest loss so far (Prechelt 1998).

    Where E_opt is 0, GL is 0 while the loss is 0 too and infinite otherwise. A NaN loss never stops a trial here (it
    makes it diverge, which is another end) and never becomes E_opt. Ties do not stop: the inequality is strict.

    Attributes:
        alpha: threshold in per cent; None never stops.
        lowest: E_opt(t), infinite before the first epoch.
    """

    alpha: float | None
    lowest: float = math.inf

    def update(self, loss: float) -> str:
        """Take the next validation loss; return why the trial stops after it, or ``""``."""
        if math.isnan(loss):
            return ""
        self.lowest = min(self.lowest, loss)
        if self.alpha is None or math.isinf(self.lowest):
            return ""
        if self.lowest <= 0:
            excess = 0.0 if loss <= self.lowest else math.inf
        else:
            excess = 100 * (loss / self.lowest - 1)
        return f"generalisation loss > {self.alpha:g} %" if excess > self.alpha else ""


@dataclass
class Patience:
    """Stop after `patience` epochs in a row without a loss lower than all before. NaN counts as not lower."""

    patience: int
    lowest: float = math.inf
    waited: int = 0

    def update(self, loss: float) -> str:
        """Take the next validation loss; return why the trial stops after it, or ``""``."""
        if loss < self.lowest:
            self.lowest, self.waited = loss, 0
            return ""
        self.waited += 1
        return f"no lower loss for {self.patience} epochs" if self.waited >= self.patience else ""


def stop_rule(settings: Mapping[str, Any]) -> StopRule:
    """Return the rule that a trial's ``stop.*`` settings describe, in its starting state."""
    match settings.get("stop.rule", "none"):
        case "generalisation_loss":
            return GeneralisationLoss(settings.get("stop.alpha", 2.0))
        case "patience":
            return Patience(settings.get("stop.patience", 10))
    return Never()


def stopping_epoch(rule: StopRule, losses: Iterable[float]) -> int | None:
    """Return the epoch (counted from 1) after which `rule` stops a given curve, or None."""
    for epoch, loss in enumerate(losses, start=1):
        if rule.update(loss):
            return epoch
    return None
