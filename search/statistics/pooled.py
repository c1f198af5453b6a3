"""Many tables of differences at once: their interval and p value, with the noise of runs pooled over settings.

Mean squares, V and df are those of `squares`, of d[s, i] = y_setting[s, i] - y_baseline[s, i]. The noise of runs is

    MS_P = 2 n sum_as e_as^2 / ((A-1)(S-1))               e: setting x seed residuals of the A x S table of run means
    A >= 3 and S < 8:  Q = max(MS_P, MS_S, MS_R / 2),  f = (A-1)(S-1);    else  Q = max(MS_S, MS_R),  f = S - 1
    m +- t_{.975, df} sqrt(V)

Pooling the seed noise over the settings of the table is an addition, chosen by simulation:
`tests/statistics/test_simulation.py`.

`guarded` does not pool settings whose runs scatter more than the rest. From `POOL_SEEDS` seeds on nothing is pooled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from search.statistics.guarded import Pool, Spread, spread
from search.statistics.results import LEVEL
from search.statistics.scores import Floats
from search.statistics.squares import Squares, df_of, exact, image_noise, mean_squares, variance_of
from search.statistics.student import t_quantile, t_tail

POOL_SETTINGS = 3
"""From so many settings on seed noise is pooled ..."""

POOL_SEEDS = 8
"""... below so many seeds; from here on the pair's own seeds tell enough."""


def pooled_noise(table: Floats, images: int) -> Floats:
    """Return MS_P of accuracy tables of shape (..., settings >= 2, seeds >= 2)."""
    settings, seeds = table.shape[-2:]
    rest = table - table.mean(axis=-1, keepdims=True) - table.mean(axis=-2, keepdims=True)
    rest = rest + table.mean(axis=(-2, -1), keepdims=True)
    noise = exact((rest**2).sum(axis=(-2, -1)), (table**2).sum(axis=(-2, -1)))
    pooled: Floats = 2 * images * noise / ((settings - 1) * (seeds - 1))
    return pooled


def pools(settings: int, seeds: int) -> bool:
    """Return whether seed noise is pooled over the settings of the table."""
    return settings >= POOL_SETTINGS and seeds < POOL_SEEDS


def noise_df(settings: int, seeds: int) -> int:
    """Return f, the degrees of freedom of the seed noise."""
    return (settings - 1) * (seeds - 1) if pools(settings, seeds) else seeds - 1


@dataclass(frozen=True)
class Analysis:
    """Differences of many tables at once; every array has the shape of the batch.

    Attributes:
        squares: mean squares.
        pooled: MS_P, or None where nothing was pooled.
        variance: V.
        df: degrees of freedom.
        low: lower end of the 95 % interval, clipped.
        high: upper end.
        p: two-sided p value.
    """

    squares: Squares
    pooled: Floats | None
    variance: Floats
    df: Floats
    low: Floats
    high: Floats
    p: Floats


def analyse(d: Floats, table: Floats | None, g: float | Floats = 1.0, span: float = 1.0) -> Analysis:
    """Analyse differences.

    Args:
        d: (..., seeds >= 2, images >= 2), setting minus baseline, already times the images' weights.
        table: (..., settings, seeds) accuracies of all settings complete on these seeds, or None for this pair alone.
        g: as in the head of this file.
        span: the interval is clipped to [-span, span].
    """
    seeds, images = d.shape[-2:]
    squares = mean_squares(d)
    settings = 2 if table is None else table.shape[-2]
    pooled = None
    if table is not None and pools(settings, seeds):
        pooled = pooled_noise(table, images)
        q = np.maximum(np.maximum(pooled, squares.seeds), squares.rest / 2)
    else:
        q = np.maximum(squares.seeds, squares.rest)
    i = image_noise(squares)
    variance = variance_of(q, i, seeds, images, g)
    df = df_of(q, i, noise_df(settings, seeds), images)
    return _analysis(squares, pooled, variance, df, span)


def analyse_guarded(
    d: Floats, pool: Pool, pair: tuple[int, int], g: float | Floats = 1.0, span: float = 1.0, strict: bool = False
) -> tuple[Analysis, Spread]:
    """Analyse differences by the guarded rule, S >= 3 and below `POOL_SEEDS`; from there on by their own noise.

    Args:
        d: as in `analyse`.
        pool: of the tables of run means.
        pair: the setting's and the baseline's row in them.
        g: as in `squares`.
        span: as in `analyse`.
        strict: as in `guarded.spread`.
    """
    seeds, images = d.shape[-2:]
    squares = mean_squares(d)
    if seeds >= POOL_SEEDS:
        pool = replace(pool, inside=np.zeros_like(pool.inside))
    wide = spread(squares, pool, pair, seeds, images, g, strict)
    pooled = 2 * images * pool.mean if wide.pooled.any() else None
    return _analysis(squares, pooled, wide.variance, wide.df, span), wide


def _analysis(squares: Squares, pooled: Floats | None, variance: Floats, df: Floats, span: float) -> Analysis:
    error = np.sqrt(variance)
    half = t_quantile(0.5 + LEVEL / 2, df) * error
    p = np.minimum(2 * t_tail(np.abs(squares.mean) / error, df), 1.0)
    low, high = np.maximum(squares.mean - half, -span), np.minimum(squares.mean + half, span)
    return Analysis(squares, pooled, variance, df, low, high, p)
