"""Levels of looks at a table while seeds are added, fixed beforehand: their error over all looks is that of one table.

O'Brien-Fleming boundaries (1979): at the information fractions t_k = S_k / S_K the sum of what was seen so far is a
Brownian motion, and a look rejects where it lies beyond one constant c. The level of look k is 2 Phi(-c / sqrt t_k), so
that first looks decide only what is overwhelming, and the last one nearly everything. c is found by the recursion of
Armitage, McPherson and Rowe (1969): the density of paths that have not crossed yet is carried from look to look.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from search.statistics.results import ALPHA

OVERALL_EQUAL = 2 * ALPHA
"""Of equality, which is shown by an interval of level 1 - .10: two one-sided tests at .05."""

MIN_NODES, NODES_PER_STEP = 64, 6
"""Gauss-Legendre nodes of the density between the bounds, and as many per standard deviation of its smallest step."""

BOUND_TOLERANCE = 1e-9
"""Of the boundary."""


@dataclass(frozen=True)
class Look:
    """One of the looks that were planned.

    Attributes:
        number: counted from 1.
        seeds: seeds of each setting at this look.
        planned: seeds of all looks.
        alpha: level of its tests; intervals that judge a margin are of level 1 - alpha.
        equal_alpha: level of each of the two one-sided tests of equality; their interval is of level 1 - 2 equal_alpha.
    """

    number: int
    seeds: int
    planned: tuple[int, ...]
    alpha: float
    equal_alpha: float

    @property
    def sentence(self) -> str:
        """Which look it is, and at which level it decides."""
        at = f"look {self.number} of {len(self.planned)} (at {', '.join(map(str, self.planned))} seeds)"
        return f"{at}, decided at {self.alpha:.3g}: all looks together err in {100 * ALPHA:g} %"


@functools.lru_cache(maxsize=64)
def looks(planned: tuple[int, ...]) -> tuple[Look, ...]:
    """Return the looks at these numbers of seeds, with their levels.

    Args:
        planned: numbers of seeds, ascending.
    """
    alphas, equals = levels(planned, ALPHA), levels(planned, OVERALL_EQUAL)
    each = zip(planned, alphas, equals, strict=True)
    return tuple(Look(k, seeds, planned, alpha, equal / 2) for k, (seeds, alpha, equal) in enumerate(each, start=1))


def levels(seeds: Sequence[int], overall: float) -> list[float]:
    """Return the two-sided level of each look, so that under no difference any of them rejects with `overall`."""
    fractions = [count / seeds[-1] for count in seeds]
    from scipy.optimize import brentq  # a tenth of a second, which no table without such looks needs

    low, high = -float(ndtri(overall / 2)), -float(ndtri(overall / 2 / len(fractions)))  # one look's, and Bonferroni's
    bound = low
    if len(fractions) > 1:
        bound = brentq(lambda c: crossing(c, fractions) - overall, low, high, xtol=BOUND_TOLERANCE)
    return [2 * float(ndtr(-bound / math.sqrt(fraction))) for fraction in fractions]


def crossing(bound: float, fractions: Sequence[float]) -> float:
    """Return the probability that a Brownian motion lies outside of (-bound, bound) at one of these times."""
    smallest = math.sqrt(min(later - earlier for earlier, later in itertools.pairwise([0.0, *fractions])))
    count = max(MIN_NODES, math.ceil(NODES_PER_STEP * bound / smallest))
    nodes, weights = np.polynomial.legendre.leggauss(count)
    places, weights = bound * nodes, bound * weights
    density = _normal(places, fractions[0])
    for earlier, later in itertools.pairwise(fractions):
        density = _normal(places[:, None] - places[None, :], later - earlier) @ (weights * density)
    return 1.0 - float(weights @ density)


def _normal(values: Any, variance: float) -> Any:
    return np.exp(-values * values / (2 * variance)) / math.sqrt(2 * math.pi * variance)
