"""Hyperband (Li et al. 2018, "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization") as a pure fold.

Its brackets trade the number of configurations for the epochs that each is given before the first one ends: bracket s
has s rungs, the first at R / eta^s epochs, and for a full round n_s = ceil((s_max + 1) eta^s / (s + 1)) configurations.
Within a bracket successive halving is asynchronous (`search.core.pruning`), as Li et al. 2020 run it, so that nobody
waits; configurations are spread over the brackets as they come, so that a search of any length has all of them. Symbols
of the paper: R = the longest trial, eta = reduction_factor, s_max = the largest s with R / eta^s >= grace_period.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search.core.pruning import Asha, Pruner


@dataclass
class Hyperband(Pruner):
    """The brackets, and what was decided on their rungs.

    Attributes:
        grace_period: fewest epochs of a trial.
        reduction_factor: one in so many survives a rung; at least 2.
        longest: epochs of the longest trial.
        maximize: direction of the objective.
        brackets: by s, each with its rungs.
    """

    grace_period: int
    reduction_factor: float
    longest: int
    maximize: bool = True
    brackets: Sequence[Asha] = field(init=False)
    _placed: list[int] = field(default_factory=list)  # configuration -> its bracket
    _counts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        rungs = rungs_of_brackets(self.grace_period, self.reduction_factor, self.longest)
        eta, maximize = self.reduction_factor, self.maximize
        self.brackets = [Asha(self.grace_period, eta, self.longest, maximize, at=epochs) for epochs in rungs]
        self._counts = [0] * len(self.brackets)

    @property
    def rungs(self) -> Sequence[int]:
        """Epochs (counted from 1) at which a bracket decides, ascending."""
        return sorted({epoch for bracket in self.brackets for epoch in bracket.rungs})

    @property
    def sizes(self) -> list[int]:
        """Configurations of each bracket in a full round, by s."""
        return [math.ceil(len(self.brackets) * self.reduction_factor**s / (s + 1)) for s in range(len(self.brackets))]

    def bracket_of(self, configuration: int) -> int:
        """Return the bracket of a configuration: always the one that is furthest behind its share, the largest s first.

        After each full round every bracket has its size times the number of rounds.
        """
        sizes = self.sizes
        total = sum(sizes)
        while len(self._placed) <= configuration:
            number = len(self._placed) + 1
            behind = [size * number - total * count for size, count in zip(sizes, self._counts, strict=True)]
            place = max(range(len(sizes)), key=lambda s: (behind[s], s))
            self._placed.append(place)
            self._counts[place] += 1
        return self._placed[configuration]

    def decided(self, epoch: int, key: str, configuration: int) -> bool:
        """Whether the rung of a configuration's bracket has seen this key."""
        return self.brackets[self.bracket_of(configuration)].decided(epoch, key)

    def judge(self, epoch: int, key: str, curve: Sequence[float], configuration: int) -> bool | None:
        """Record the last objective of a curve; return whether to go on, or None where its bracket has no rung."""
        return self.brackets[self.bracket_of(configuration)].feed(epoch, key, curve[-1])

    def about(self, curve: Sequence[float], configuration: int) -> dict[str, float]:  # noqa: ARG002  # as others
        """Return what the order log must hold beside the value, for `restore`."""
        return {"bracket": self.bracket_of(configuration)}

    def restore(self, epoch: int, key: str, detail: Mapping[str, float]) -> None:
        """Take up what was decided, by the detail of its entry in the order log."""
        self.brackets[int(detail["bracket"])].feed(epoch, key, detail["value"])

    def because(self, epoch: int, key: str, configuration: int) -> tuple[float, str]:
        """Return what the objective of a key was compared with, and in words what that is.

        Raises:
            KeyError: its rung has not seen the key.
        """
        place = self.bracket_of(configuration)
        cutoff, words = self.brackets[place].because(epoch, key, configuration)
        return cutoff, f"{words}, in bracket {place} of {len(self.brackets) - 1}"


def rungs_of_brackets(grace_period: int, reduction_factor: float, longest: int) -> list[list[int]]:
    """Return the rungs of each bracket, by s: R / eta^s, R / eta^(s - 1) ... R / eta, rounded up, each once."""
    resources: list[float] = []
    while (epochs := longest / reduction_factor ** (len(resources) + 1)) >= grace_period:
        resources.append(epochs)
    rungs: list[list[int]] = [[]]
    for s in range(1, len(resources) + 1):
        # Room for rounding: 81 / 3^4 may come out a little above 1.
        rungs.append(sorted({math.ceil(epochs - 1e-9 * epochs) for epochs in resources[:s]} - {longest}))
    return rungs
