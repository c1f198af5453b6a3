"""Seed noise pooled over settings, guarded against a setting whose runs scatter more than the others'.

Pooling is worth its settings where noise is equal, and wrong where it is not: a baseline three times as noisy as the
rest would lend the rest's quiet. So the rows of the table of run means are tested against each other, and a pair's own
noise stands beside the pooled one. U: settings complete on the seeds, without a stuck run, each training once; P is
their number.

    F_r = [(SSE(U) - SSE(U\\r)) / (S-1)] / [SSE(U\\r) / ((P-2)(S-1))],  p_r its F tail, P >= 3
    P > 3 and smallest p_r < .001 / P: drop that row from U; again, with p_r anew, until no row qualifies
    f = (P-1)(S-1),  MS_P = 2 n SSE(U) / f
    pool: Q1 = max(MS_P, MS_R / 2), f -> se1, df1        own: Q2 = max(MS_S, MS_R), S - 1 -> se2, df2      (`squares`)
    pair not both in U, or P < 3, or S >= 8:  h = t_{.975,df2} se2,                                df = df2
    else min(p_a, p_base) < .05 (noisy):      h = max(t_{.975,df1} se1, t_{.975,df2} se2),         df = min(df1, df2)
    else:                                     h = max(t_{.975,df1} se1, t_{1-.025k,df2} se2),      df = df1
    SE = h / t_{.975,df}

SSE is the sum of squares of the setting x seed residuals; k is 1.5 for P <= 4, else 2; strict: k = 1. With one row left
out, SSE(U) - SSE(U\\r) = P / (P-1) |x_r - mean x|^2 for rows x_r from their means. p_r is exact where noise is equal.
Two seeds are too few to test rows by; there the plain pooling of `pooled` stands, and no verdict is given.

k, .05 and .001 were chosen by simulation (`tests/statistics/test_guarded_simulation.py`). What it cannot do: at 3 seeds
no rule recognises a noisy setting for certain at less than half as wide again; `strict` pays for that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from search.statistics.results import LEVEL
from search.statistics.scores import Floats
from search.statistics.squares import Squares, df_of, exact, image_noise, variance_of
from search.statistics.student import t_quantile

Bools = npt.NDArray[np.bool_]

GUARD_SEEDS = 3
"""From so many seeds on rows can be tested."""

NOISY = 0.05
"""A row with a smaller p scatters more than the rest."""

DROPPED = 0.001
"""Divided by the number of rows: a row with a smaller p leaves the pool."""

UPPER = 0.5 + LEVEL / 2
"""Probability below the upper end of an interval."""


_DIFFERENCE = 1e-12
"""A difference of two sums below this share of them is rounding of exactly 0."""


@dataclass(frozen=True)
class Pool:
    """The rows whose noise is pooled; every array has the shape of the batch.

    Attributes:
        inside: (..., settings), U: the rows that are pooled.
        p: (..., settings), F tail of a row among those it was last tested with; 1 where it was not.
        mean: (...), SSE(U) / f: MS_P is 2 n times it; 0 where f is 0.
        df: (...), f.
    """

    inside: Bools
    p: Floats
    mean: Floats
    df: Floats

    @property
    def rows(self) -> Floats:
        """P, the number of rows that are pooled."""
        count: Floats = self.inside.sum(axis=-1).astype(np.float64)
        return count


@dataclass(frozen=True)
class Spread:
    """How far the estimate of a pair may be off; every array has the shape of the batch.

    Attributes:
        variance: SE^2.
        df: degrees of freedom.
        pooled: whether the pool had a say; else the pair's own seeds alone.
        noisy: whether the pair's own noise was taken because a row of it scatters more.
    """

    variance: Floats
    df: Floats
    pooled: Bools
    noisy: Bools


def pool_of(table: Floats, inside: Bools | None = None) -> Pool:
    """Return which rows of tables of run means are pooled.

    Args:
        table: (..., settings, seeds >= 2), means of runs, all on the same seeds, each training once.
        inside: (..., settings), rows without a stuck run; None: all.
    """
    settings, seeds = table.shape[-2:]
    within = np.ones(table.shape[:-1], dtype=bool) if inside is None else np.broadcast_to(inside, table.shape[:-1])
    within, p = within.copy(), np.ones(table.shape[:-1])
    rows = table - table.mean(axis=-1, keepdims=True)
    for _ in range(max(settings, 1)):
        tail = _tails(rows, table, within, seeds)
        p = np.where(within, tail, p)
        count = within.sum(axis=-1, keepdims=True)
        least = np.where(within, tail, 2.0).argmin(axis=-1)[..., None] if settings else np.zeros(0, dtype=int)
        drop = (count > 3) & (np.take_along_axis(tail, least, axis=-1) < DROPPED / np.maximum(count, 1))
        if not drop.any():
            break
        np.put_along_axis(within, least, np.take_along_axis(within, least, axis=-1) & ~drop, axis=-1)
    total, _ = _sse(rows, table, within)
    df = np.maximum(within.sum(axis=-1) - 1, 0.0) * (seeds - 1)
    return Pool(within, p, total / np.maximum(df, 1.0), df)


def spread(
    squares: Squares,
    pool: Pool,
    pair: tuple[int, int],
    seeds: int,
    images: int,
    g: float | Floats = 1.0,
    strict: bool = False,
) -> Spread:
    """Return how far the estimate of a pair may be off, S >= 3.

    Args:
        squares: mean squares of the pair's differences.
        pool: of all rows.
        pair: the setting's and the baseline's row in the pool.
        seeds: S.
        images: n.
        g: as in `squares`.
        strict: a pair's own noise is never discounted (k = 1).
    """
    i = image_noise(squares)
    own = np.maximum(squares.seeds, squares.rest)
    v2 = variance_of(own, i, seeds, images, g)
    df2 = df_of(own, i, seeds - 1, images)
    f = np.maximum(pool.df, 1.0)
    joint = np.maximum(2 * images * pool.mean, squares.rest / 2)
    v1, df1 = variance_of(joint, i, seeds, images, g), df_of(joint, i, f, images)
    both = pool.inside[..., pair[0]] & pool.inside[..., pair[1]]
    pooled = both & (pool.rows >= 3)
    noisy = pooled & (np.minimum(pool.p[..., pair[0]], pool.p[..., pair[1]]) < NOISY)
    k = np.where(noisy | strict, 1.0, discount(pool.rows))
    half1 = t_quantile(UPPER, df1) * np.sqrt(v1)
    half2 = special.stdtrit(df2, 1 - (1 - UPPER) * k) * np.sqrt(v2)
    df = np.where(pooled, np.where(noisy, np.minimum(df1, df2), df1), df2)
    # Where one of the two has its own df, its own variance stands, to the last bit.
    of_pool, of_pair = (half1 >= half2) & (df == df1), (half1 < half2) & (df == df2) & (k == 1)
    widest = (np.maximum(half1, half2) / t_quantile(UPPER, df)) ** 2
    variance = np.where(pooled, np.where(of_pool, v1, np.where(of_pair, v2, widest)), v2)
    return Spread(variance, df, pooled, noisy)


def discount(rows: float | Floats) -> Floats:
    """Return k, by which a pair's own noise is discounted against that of so many rows."""
    return np.where(np.asarray(rows) <= 4, 1.5, 2.0)


def _sse(rows: Floats, table: Floats, inside: Bools) -> tuple[Floats, Floats]:
    """Return SSE(U), and per row what it falls by without that row, P / (P-1) |x_r - mean x|^2."""
    mask = inside[..., None]
    count = inside.sum(axis=-1)[..., None]
    mean = (rows * mask).sum(axis=-2, keepdims=True) / np.maximum(count, 1)[..., None]
    apart = np.where(mask, rows - mean, 0.0)
    squares = (apart**2).sum(axis=-1)
    scale = np.where(mask, table**2, 0.0).sum(axis=(-2, -1))
    return exact(squares.sum(axis=-1), scale), exact(squares * count / np.maximum(count - 1, 1), scale[..., None])


def _tails(rows: Floats, table: Floats, inside: Bools, seeds: int) -> Floats:
    """Return p_r of every row inside; 1 where there are too few, or nothing is left without the row."""
    total, fall = _sse(rows, table, inside)
    count = inside.sum(axis=-1)[..., None]
    rest = total[..., None] - fall
    tested = inside & (count >= 3) & (rest > _DIFFERENCE * total[..., None])
    df2 = np.maximum(count - 2, 1) * (seeds - 1.0)
    f = fall / (seeds - 1) / np.where(tested, rest / df2, 1.0)
    # Small tables of whole numbers meet .05 exactly: rounding must not say on which side.
    tail: Floats = np.round(special.fdtrc(seeds - 1.0, df2, f), 12)
    return np.where(tested, tail, 1.0)
