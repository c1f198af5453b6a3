"""The limits of a study while it runs: what is spent, which limit is reached, and whether another epoch may begin.

What is spent is counted from rows and entries of the order log, and a limit that was reached is an entry of its own, in
the transaction of the row that reached it. So a run after a crash finds what the one before it decided, and asks no
clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from search.engine.decide.standings import Standings
from search.ledger.ledger import Decision
from search.ledger.spending import Spending
from search.ledger.step import Step
from search.space.limits import reached
from search.space.model import Space
from search.study.limited import LIMIT, still_reached


class Budget:
    """What one run may still spend. Its callers hold the driver's lock.

    Args:
        space: its limits, and the CPU threads of a trial.
        standings: say which settings have all their seeds.

    Attributes:
        reached: the name of the limit that the study has come to, "" while it has come to none.
    """

    def __init__(self, space: Space, standings: Standings) -> None:
        self._space, self._limits, self._cpus = space, space.limits, space.resources.cpus
        self._standings = standings
        self._epochs, self._core_s = 0, 0.0
        self.reached = ""

    def restore(self, spent: Spending, entries: Iterable[Decision]) -> None:
        """Take up what earlier runs spent, and the limits that they reached and that are no higher now."""
        self._epochs, self._core_s = spent.epochs, spent.seconds * self._cpus
        self.reached = still_reached(self._space, entries)

    def trained(self, seconds: float, new: bool) -> None:
        """An epoch was trained, in so many seconds, for the first time or once more."""
        self._epochs += new
        self._core_s += seconds * self._cpus

    def look(self, step: Step) -> None:
        """Note, and put on record, whether a limit is reached."""
        if self.reached:
            return
        self.reached = reached(self._limits, self._epochs, self._core_s) or ("target" if self._found else "")
        if self.reached:
            about: dict[str, Any] = (
                {"configuration": self._standings.best[1]} if self._found and self._standings.best else {}
            )
            value = getattr(self._limits, self.reached)
            step.log(LIMIT, limit=self.reached, value=value, epochs=self._epochs, core_s=self._core_s, **about)

    @property
    def _found(self) -> bool:
        """Whether a setting is as good as the target."""
        target, best = self._limits.target, self._standings.best
        if target is None or best is None:
            return False
        return best[0] >= target if self._space.search.objective.maximize else best[0] <= target

    @property
    def epochs_left(self) -> float:
        """Distinct epochs that may still be trained."""
        return math.inf if self._limits.epochs is None else max(0, self._limits.epochs - self._epochs)

    def allows(self, in_progress: int) -> bool:
        """Whether another epoch may begin beside so many that are being trained: were all of them new, the limit of
        epochs would hold."""
        return not self.reached and in_progress < self.epochs_left
