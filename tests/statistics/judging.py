"""Coverage and family error of an analysis over many tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from search.statistics.families import holm
from search.statistics.guarded import pool_of
from search.statistics.pooled import analyse, analyse_guarded

Method = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Tables (replicates x settings x seeds x images) -> low, high, p, each replicates x (settings - 1)."""


@dataclass(frozen=True)
class Seen:
    """Shares: of intervals that hold the truth, of tables with a false difference after Holm."""

    coverage: float
    error: float
    tables: int


def crossed(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The product's analysis, setting a minus setting 0, for many tables at once."""
    table = y.mean(axis=-1)
    found = [analyse(y[:, a].astype(np.float64) - y[:, 0], table) for a in range(1, y.shape[1])]
    return tuple(np.stack([getattr(one, name) for one in found], axis=1) for name in ("low", "high", "p"))


def guarded(y: np.ndarray, strict: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The guarded rule, setting a minus setting 0, for many tables at once."""
    pool = pool_of(y.mean(axis=-1))
    found = [
        analyse_guarded(y[:, a].astype(np.float64) - y[:, 0], pool, (a, 0), strict=strict)[0]
        for a in range(1, y.shape[1])
    ]
    return tuple(np.stack([getattr(one, name) for one in found], axis=1) for name in ("low", "high", "p"))


def strict(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The guarded rule that never discounts a pair's own noise."""
    return guarded(y, strict=True)


def pooled_mcnemar(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact McNemar on all seed-image pairs, with the interval of Bonett and Price: forbidden, seeds are no images."""
    pairs = y.shape[2] * y.shape[3]
    only = (y[:, 1:] & ~y[:, :1]).sum(axis=(2, 3))
    other = (~y[:, 1:] & y[:, :1]).sum(axis=(2, 3))
    p = np.minimum(2 * stats.binom.cdf(np.minimum(only, other), only + other, 0.5), 1.0)
    first, second = (only + 1) / (pairs + 2), (other + 1) / (pairs + 2)
    half = 1.959964 * np.sqrt((first + second - (first - second) ** 2) / (pairs + 2))
    return first - second - half, first - second + half, p


def judge(y: np.ndarray, method: Method = crossed, truth: float | np.ndarray = 0.0) -> Seen:
    """Judge a method on tables with this true difference; the family error means something at truth 0 only."""
    low, high, p = method(y)
    coverage = float(((low <= truth) & (truth <= high)).mean())
    error = float(np.mean([min(value for value in holm(row.tolist()) if value is not None) <= 0.05 for row in p]))
    return Seen(coverage, error, len(y))
