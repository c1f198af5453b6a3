"""ASHA as its paper has it (Li et al. 2020, algorithm 2): trials pause at rungs, and are promoted once they belong to
the best there.

The stopping kind (`search.core.pruning.Asha`) ends a trial for good by what was there before it; here nothing is lost:
what comes later may show that a paused trial was good, and its state is on record. A decision belongs to an epoch key,
not to a trial. Symbols of the paper: r = grace_period, eta = reduction_factor; ``get_job`` is `next`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from search.core.pruning import Pruner, rungs


class _Placed(NamedTuple):
    """A key on a rung, the best first, of equal ones the first."""

    cost: float
    number: int
    key: str


@dataclass
class Promotion(Pruner):
    """The rungs, who is there, and who was promoted.

    Attributes:
        grace_period: epochs every trial is given.
        reduction_factor: one in so many is promoted from a rung.
        longest: epochs of the longest trial; there is no rung at its last one.
        maximize: direction of the objective.
    """

    grace_period: int
    reduction_factor: float
    longest: int
    maximize: bool = True
    _places: dict[int, list[_Placed]] = field(init=False)  # rung -> all that came, ascending
    _paused: dict[int, list[_Placed]] = field(init=False)  # rung -> those that were not promoted, ascending
    _known: dict[tuple[int, str], _Placed] = field(default_factory=dict)
    _promoted: set[tuple[int, str]] = field(default_factory=set)

    resumes = True

    def __post_init__(self) -> None:
        epochs = rungs(self.grace_period, self.reduction_factor, self.longest)
        self._places, self._paused = {epoch: [] for epoch in epochs}, {epoch: [] for epoch in epochs}

    @property
    def rungs(self) -> Sequence[int]:
        """Epochs (counted from 1) behind which trials pause, ascending."""
        return list(self._places)

    def decided(self, epoch: int, key: str, configuration: int = 0) -> bool:  # noqa: ARG002  # as other pruners
        """Whether a rung has seen this key."""
        return (epoch, key) in self._known

    def judge(self, epoch: int, key: str, curve: Sequence[float], configuration: int = 0) -> bool | None:  # noqa: ARG002
        """Record the last objective of a curve; return whether its key was promoted, or None where there is no rung."""
        if epoch not in self._places:
            return None
        if (epoch, key) not in self._known:
            placed = _Placed(-curve[-1] if self.maximize else curve[-1], len(self._places[epoch]), key)
            self._known[epoch, key] = placed
            insort(self._places[epoch], placed)
            insort(self._paused[epoch], placed)
        return (epoch, key) in self._promoted

    def next(self) -> tuple[int, str] | None:
        """Return the rung and key to be promoted, None where a new configuration is to be started.

        Of the highest rung whose best have not all gone on it is the best one that has not.
        """
        for epoch in reversed(self._places):
            best = self._paused[epoch][0] if self._paused[epoch] else None
            if best is not None and bisect_left(self._places[epoch], best) < self._going_on(epoch):
                return epoch, best.key
        return None

    def promote(self, epoch: int, key: str) -> None:
        """A key goes on from its rung."""
        self._promoted.add((epoch, key))
        paused, placed = self._paused.get(epoch, []), self._known.get((epoch, key))
        if placed is not None and paused[(place := bisect_left(paused, placed)) : place + 1] == [placed]:
            del paused[place]

    def restore(self, epoch: int, key: str, detail: Mapping[str, float]) -> None:
        """Take up who came to a rung, by the detail of its entry in the order log."""
        self.judge(epoch, key, [float(detail["value"])])

    def because(self, epoch: int, key: str, configuration: int = 0) -> tuple[float, str]:  # noqa: ARG002  # as others
        """Return the objective of the last one that may go on from a key's rung by now, and in words what that is.

        Raises:
            KeyError: the rung has not seen this key.
        """
        if (epoch, key) not in self._known:
            raise KeyError(key)
        places, count = self._places[epoch], self._going_on(epoch)
        cost = places[count - 1].cost if count else math.nan
        others = f"of the {len(places)} trainings that came there"
        words = f"the last of the {count} best {others}: one in {self.reduction_factor:g} goes on"
        return -cost if self.maximize else cost, words

    def _going_on(self, epoch: int) -> int:
        """Return how many of those on a rung go on: |rung| / eta, rounded down."""
        return math.floor(len(self._places[epoch]) / self.reduction_factor)
