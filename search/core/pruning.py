"""ASHA (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", stopping variant) as a pure fold.

A decision belongs to an epoch key, not to a trial: each distinct key is fed to a rung once, in the order rows were
committed, and every trial whose path leads through the key takes that decision. On the same keys in the same order the
rule equals Ray's ``_Bracket`` (a test compares them). Symbols of the paper: r = grace_period, eta = reduction_factor.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Pruner(Protocol):
    """What ends poor trials early: a fold over the rows of all trials, in the order they were committed.

    Rules inherit from it: what has a body here is right for one that remembers no more than the objective, and ends
    trials for good.
    """

    maximize: bool
    resumes: bool = False
    """Whether what does not go on is paused, and may be promoted later (`search.core.promotion`)."""

    @property
    def rungs(self) -> Sequence[int]:
        """Epochs (counted from 1) behind which is decided, ascending."""

    def decided(self, epoch: int, key: str, configuration: int) -> bool:
        """Whether this key of a configuration was judged."""

    def judge(self, epoch: int, key: str, curve: Sequence[float], configuration: int) -> bool | None:
        """Judge the objectives of a trial up to this epoch, none of them NaN; return whether to go on, or None where
        nothing is decided. A key that was judged has the same answer ever after."""

    def about(self, curve: Sequence[float], configuration: int) -> dict[str, float]:  # noqa: ARG002  # for others
        """Return what the order log must hold of a decision, beside the objective, for `restore`: often nothing."""
        return {}

    def restore(self, epoch: int, key: str, detail: Mapping[str, float]) -> None:
        """Take up what was decided, by the detail of its entry in the order log."""

    def finished(self, path: Sequence[str]) -> None:  # noqa: ARG002  # for others
        """A trial came to its last epoch, or was stopped by its rule, with these keys. Few rules ask."""
        return

    def next(self) -> tuple[int, str] | None:
        """Return the rung and key of the trials to be promoted, None where a new configuration is to be started."""
        return None

    def promote(self, epoch: int, key: str) -> None:  # noqa: ARG002  # for others
        """The trials that pause with a key go on from its rung."""
        return

    def because(self, epoch: int, key: str, configuration: int) -> tuple[float, str]:
        """Return what a key was compared with, and in words what that is; `KeyError` where it was not judged."""


@dataclass
class Asha(Pruner):
    """The rungs of one bracket and what was decided on them.

    Attributes:
        grace_period: epochs every trial is given.
        reduction_factor: one in so many survives a rung.
        longest: epochs of the longest trial; reaching the last epoch is finishing, so there is no rung there.
        maximize: direction of the objective.
        at: epochs of the rungs; by default those that follow from the above.
    """

    grace_period: int
    reduction_factor: float
    longest: int
    maximize: bool = True
    at: Sequence[int] | None = None
    _rungs: dict[int, dict[str, float]] = field(default_factory=dict)
    _verdicts: dict[tuple[int, str], bool] = field(default_factory=dict)
    _ordered: dict[int, list[float]] = field(default_factory=dict)  # rung -> scores that came, NaN apart, ascending

    def __post_init__(self) -> None:
        usual = rungs(self.grace_period, self.reduction_factor, self.longest) if self.at is None else self.at
        self._rungs = {epoch: {} for epoch in usual}
        self._ordered = {epoch: [] for epoch in usual}

    @property
    def rungs(self) -> Sequence[int]:
        """Epochs (counted from 1) at which is decided, ascending."""
        return list(self._rungs)

    def decided(self, epoch: int, key: str, configuration: int = 0) -> bool:  # noqa: ARG002  # as other pruners
        """Whether a rung has seen this key."""
        return (epoch, key) in self._verdicts

    def feed(self, epoch: int, key: str, value: float) -> bool | None:
        """Record the objective of `key` at `epoch`; return whether to go on, or None where there is no rung.

        The value is compared with those recorded before it, as in Ray; the first one goes on, ties go on, and so does
        everything where infinities leave no cutoff. NaN never goes on.
        """
        if epoch not in self._rungs:
            return None
        if (epoch, key) not in self._verdicts:
            recorded = self._rungs[epoch]
            score = value if self.maximize else -value
            cutoff = self._cutoff(self._ordered[epoch])
            self._verdicts[epoch, key] = not math.isnan(score) and not score < cutoff
            recorded[key] = score
            if not math.isnan(score):
                insort(self._ordered[epoch], score)
        return self._verdicts[epoch, key]

    def judge(self, epoch: int, key: str, curve: Sequence[float], configuration: int = 0) -> bool | None:  # noqa: ARG002
        """Record the last objective of a curve; return whether to go on, or None where there is no rung."""
        return self.feed(epoch, key, curve[-1])

    def restore(self, epoch: int, key: str, detail: Mapping[str, float]) -> None:
        """Take up what was decided, by the detail of its entry in the order log."""
        self.feed(epoch, key, float(detail["value"]))

    def because(self, epoch: int, key: str, configuration: int = 0) -> tuple[float, str]:  # noqa: ARG002  # as others
        """Return the cutoff that a key was compared with, and in words what that is.

        Raises:
            KeyError: the rung has not seen this key.
        """
        cutoff, count = self.compared(epoch, key)
        others = "the one training that was" if count == 1 else f"the {count} trainings that were"
        return cutoff, f"the cutoff from {others} there before: one in {self.reduction_factor:g} goes on"

    def compared(self, epoch: int, key: str) -> tuple[float, int]:
        """Return the cutoff that a key was compared with, and how many values it was made of.

        Raises:
            KeyError: the rung has not seen this key.
        """
        recorded = self._rungs[epoch]
        if key not in recorded:
            raise KeyError(key)
        earlier = list(recorded.values())[: list(recorded).index(key)]
        cutoff = self._cutoff(sorted(score for score in earlier if not math.isnan(score)))
        return (cutoff if self.maximize else -cutoff), len(earlier)

    def _cutoff(self, ordered: Sequence[float]) -> float:
        """Return the (1 - 1/eta) quantile of scores, ascending; NaN where there is none."""
        return quantile(ordered, (1 - 1 / self.reduction_factor) * 100 / 100)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of numbers that ascend, linear between two of them: that of `numpy.percentile` to the last
    bit, in a time that does not grow with their number.

    Args:
        ordered: without NaN; of none of them the quantile is NaN, and so it is between -inf and anything.
        share: in [0, 1).
    """
    if not ordered:
        return math.nan
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    part, first, second = place - below, ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    step = second - first
    return second - step * (1 - part) if part >= 0.5 else first + step * part


def rungs(grace_period: int, reduction_factor: float, longest: int) -> list[int]:
    """Return r, r eta, r eta^2 ... below `longest` (rounded up), each once, ascending.

    The work is bounded by `longest`, however near to 1 eta is: as long as a step r eta^k (eta - 1) is below 1, no whole
    number lies between two neighbours, so every epoch is a rung; the powers are only asked for behind that stretch.
    """
    # Half a step leaves room for rounding. There, powers of which each step is at least as long begin.
    dense = math.floor(0.5 / (reduction_factor - 1))
    if dense < grace_period:
        epochs, exponent = [], 0
    elif dense >= longest:
        return list(range(grace_period, longest))
    else:
        epochs = list(range(grace_period, dense + 1))
        exponent = math.floor(math.log(dense / grace_period) / math.log1p(reduction_factor - 1))
    while (epoch := math.ceil(grace_period * reduction_factor**exponent)) < longest:
        if not epochs or epoch > epochs[-1]:
            epochs.append(epoch)
        exponent += 1
    return epochs
