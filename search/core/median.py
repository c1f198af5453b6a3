"""The median rule (Golovin et al. 2017, "Google Vizier: A Service for Black-Box Optimization", section 3.2.2) as a
pure fold.

A trial is ended behind epoch t where its best objective so far is strictly worse than the median of the running
averages, up to t, of the trials that have finished. A decision belongs to an epoch key, not to a trial: trials that
share their epochs up to t take one decision, and count as one.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from search.core.pruning import Pruner


@dataclass
class MedianRule(Pruner):
    """What was decided, and what the next decisions rest on.

    Attributes:
        grace_period: the first epoch behind which a trial may end.
        min_finished: trainings that must have finished before any trial is ended; 1 is the paper's.
        longest: epochs of the longest trial; its last one is its end anyway.
        maximize: direction of the objective.
    """

    grace_period: int
    min_finished: int
    longest: int
    maximize: bool = True
    _averages: dict[tuple[int, str], float] = field(default_factory=dict)
    _verdicts: dict[tuple[int, str], tuple[bool, float, int]] = field(default_factory=dict)
    _finished: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))  # ascending
    _counted: set[tuple[int, str]] = field(default_factory=set)

    @property
    def rungs(self) -> Sequence[int]:
        """Epochs (counted from 1) behind which is decided."""
        return range(self.grace_period, self.longest)

    def decided(self, epoch: int, key: str, configuration: int = 0) -> bool:  # noqa: ARG002  # as other pruners
        """Whether this key was judged."""
        return (epoch, key) in self._verdicts

    def judge(self, epoch: int, key: str, curve: Sequence[float], configuration: int = 0) -> bool | None:
        """Judge the objectives of a trial up to this epoch; return whether to go on, None where nothing is decided."""
        return self.feed(epoch, key, **self.about(curve, configuration))

    def about(self, curve: Sequence[float], configuration: int = 0) -> dict[str, float]:  # noqa: ARG002  # as others
        """Return the best objective so far and the running average, which the order log holds for `restore`."""
        return {"best": (max if self.maximize else min)(curve), "average": math.fsum(curve) / len(curve)}

    def feed(self, epoch: int, key: str, best: float, average: float) -> bool | None:
        """Judge a key by its best objective so far, against the averages of what finished before.

        NaN never goes on; a tie does, and so does everything before `min_finished` trainings have finished.
        """
        if epoch not in self.rungs:
            return None
        if (epoch, key) not in self._verdicts:
            earlier = self._finished[epoch]
            cutoff = median(earlier) if earlier else math.nan
            sign = 1 if self.maximize else -1
            poor = len(earlier) >= self.min_finished and sign * best < sign * cutoff
            self._averages[epoch, key] = average
            self._verdicts[epoch, key] = not (poor or math.isnan(best)), cutoff, len(earlier)
        return self._verdicts[epoch, key][0]

    def restore(self, epoch: int, key: str, detail: Mapping[str, float]) -> None:
        """Take up what was decided, by the detail of its entry in the order log."""
        self.feed(epoch, key, detail["best"], detail["average"])

    def finished(self, path: Sequence[str]) -> None:
        """A trial came to its end with these keys: its averages count from now on, those shared with others once."""
        for epoch, key in enumerate(path, start=1):
            if (epoch, key) in self._averages and (epoch, key) not in self._counted:
                self._counted.add((epoch, key))
                insort(self._finished[epoch], self._averages[epoch, key])

    def because(self, epoch: int, key: str, configuration: int = 0) -> tuple[float, str]:  # noqa: ARG002  # as others
        """Return what the best objective of a key was compared with, and in words what that is.

        Raises:
            KeyError: the key was not judged.
        """
        cutoff, count = self.compared(epoch, key)
        others = "the one training that had" if count == 1 else f"the {count} trainings that had"
        return cutoff, f"the median of the averages up to there of {others} finished"

    def compared(self, epoch: int, key: str) -> tuple[float, int]:
        """Return the median that the best objective of a key was compared with, and of how many averages it is.

        Raises:
            KeyError: the key was not judged.
        """
        return self._verdicts[epoch, key][1:]
