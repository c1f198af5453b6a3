"""How much of a study is still to come, trials that end early taken into account. Pure bookkeeping.

How likely a trial is trained on behind an epoch is estimated from those that came so far, as survival is from patients
of whom some are still alive (Kaplan and Meier 1958, "Nonparametric estimation from incomplete observations"): the share
that went on, of those that reached it, multiplied over the epochs. Where trials share epochs each counts once.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from search.core.trial import State
from search.space.model import Space
from search.space.service import SERVICE_SETTINGS
from search.study.fold import Fold
from search.study.leaf import longest
from search.study.pruner import rungs_of, share_going_on

STOP_SETTINGS = tuple(name for name in SERVICE_SETTINGS if name.startswith("stop."))

RUNG_WEIGHT = 5.0
"""Trials at each rung, besides those that came, that went on as often as the pruner means them to."""

Group = tuple[Any, ...]
"""Stop settings: trials that have them in common end alike."""


@dataclass(frozen=True)
class ToCome:
    """What is still to come.

    Attributes:
        epochs: to be trained, as expected.
        chain: of these, those that must follow one another, as expected.
    """

    epochs: float
    chain: float


class Forecast:
    """Counts how far trials come, and expects the others to come as far.

    Args:
        space: its lengths and pruning.
    """

    def __init__(self, space: Space) -> None:
        self._length = longest(space)
        self._seen: Counter[int] = Counter()
        self._reached: defaultdict[Group, Counter[int]] = defaultdict(Counter)
        self._ended: defaultdict[Group, Counter[int]] = defaultdict(Counter)
        share = share_going_on(space)
        self._meant = {} if share is None else {rung: 1 - share(rung - 1, rung + 1) for rung in rungs_of(space)}
        eta = getattr(space.search.pruning, "reduction_factor", 0)
        self._untypical = math.ceil(eta)

    def fed(self, fold: Fold, end: State | None) -> None:
        """A trial has had one more epoch, and ended with it or went on."""
        if end == State.FINISHED:
            return
        group, epoch = _group(fold), fold.epoch
        self._seen[epoch] += 1
        if epoch in self._meant and self._seen[epoch] <= self._untypical:
            return  # nearly all of the first ones go on: there is little to compare them with
        self._reached[group][epoch] += 1
        self._ended[group][epoch] += end is not None

    def goes_on(self, group: Group | None, epoch: int) -> float:
        """Return how likely a trial is trained on behind an epoch that it has reached; None for one of any group."""
        groups = [group] if group is not None and self._reached[group] else list(self._reached)
        weight = RUNG_WEIGHT if epoch in self._meant else 0.0
        reached = sum(self._reached[one][epoch] for one in groups) + weight
        ended = sum(self._ended[one][epoch] for one in groups) + weight * self._meant.get(epoch, 0.0)
        return 1 - ended / reached if reached else 1.0

    def survival(self, group: Group | None, epoch: int, length: int) -> list[float]:
        """Return for each epoch behind `epoch` up to `length` how likely a trial is trained for it."""
        result, likely = [], 1.0
        for at in range(epoch, length):
            likely *= self.goes_on(group, at) if at > epoch else 1.0
            result.append(likely)
        return result

    def to_come(self, folds: Iterable[Fold], unknown: int = 0) -> ToCome:
        """Return what is still to come.

        Args:
            folds: trials that are not decided.
            unknown: trials that will be asked for.
        """
        likely: dict[str, float] = {}
        curves: dict[tuple[Group, int, int], list[float]] = {}
        alive: defaultdict[int, float] = defaultdict(float)  # epochs from now -> trials expected to be trained for it
        needed = 0
        for fold in folds:
            name = _group(fold), fold.epoch, len(fold.leaf.path)
            if name not in curves:
                curves[name] = self.survival(*name)
            needed += fold.remaining
            for place, (key, chance) in enumerate(zip(fold.leaf.path[fold.epoch :], curves[name], strict=True)):
                if chance > (before := likely.get(key, 0.0)):
                    alive[place] += chance - before
                    likely[key] = chance
        epochs = sum(likely.values())
        if unknown:
            curve = self.survival(None, 0, self._length)
            own = len(likely) / needed if needed else 1.0  # share of its epochs that no other trial needs
            epochs += unknown * own * sum(curve)
            for place, chance in enumerate(curve):
                alive[place] += unknown * own * chance
        return ToCome(epochs, sum(1 - math.exp(-count) for count in alive.values()))


def _group(fold: Fold) -> Group:
    settings = fold.leaf.trial.settings
    return tuple(settings.get(name) for name in STOP_SETTINGS)
