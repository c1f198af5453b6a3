"""Gaussian tables at the level of mean squares: thousands in no time, of settings whose noise is unequal.

A run's mean is its setting's true value plus run noise (`sds`) plus what its images leave, variance vR / (2 n); the
difference of two settings has image effects of variance vI. MS_R and MS_I are chi-squared, the rest is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.statistics.families import holm
from search.statistics.guarded import pool_of, spread
from search.statistics.pooled import POOL_SEEDS, noise_df, pooled_noise, pools
from search.statistics.squares import Squares, df_of, image_noise, variance_of
from search.statistics.student import t_quantile, t_tail


@dataclass(frozen=True)
class Result:
    """What the rules make of tables of one world, setting a against setting 0.

    Attributes:
        coverage: share of intervals that hold the truth, of all rows.
        worst: that of the row where it is least.
        error: share of tables with a false difference after Holm.
        half: mean half-width per row.
        power: share of tables in which row 1 is found, its p value alone.
        equal: share in which row 1 is shown to be equal within the margin.
        tables: how many.
    """

    coverage: float
    worst: float
    error: float
    half: np.ndarray
    power: float
    equal: float
    tables: int


@dataclass(frozen=True)
class World:
    """Run noise per setting, components of a difference, number of images; the true difference of row 1."""

    sds: Sequence[float]
    rest: float = 0.134
    effects: float = 0.029
    images: int = 1000
    truth: float = 0.0


def judged(world: World, seeds: int, tables: int, rule: str, seed: int = 0, margin: float = 0.03) -> Result:
    """Judge a rule (pooled, guarded, strict) on tables of a world."""
    rng = np.random.default_rng([seed, seeds, len(world.sds), world.images])
    a, n = len(world.sds), world.images
    sds = np.sqrt(np.square(world.sds) + world.rest / (2 * n))
    table = rng.standard_normal((tables, a, seeds)) * sds[:, None]
    shift = rng.standard_normal((tables, a)) * np.sqrt(world.effects / (2 * n))
    shift[:, 1] += world.truth
    pool = pool_of(table)
    figures: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for b in range(1, a):
        rows = table[:, b] - table[:, 0]
        mean = rows.mean(axis=-1) + shift[:, b] - shift[:, 0]
        f = (seeds - 1) * (n - 1)
        squares = Squares(
            mean,
            n * rows.var(axis=-1, ddof=1),
            (world.rest + seeds * world.effects) * rng.chisquare(n - 1, tables) / (n - 1),
            world.rest * rng.chisquare(f, tables) / f,
        )
        if rule == "pooled" or seeds >= POOL_SEEDS:
            variance, df = _pooled(squares, table, seeds, n)
        else:
            wide = spread(squares, pool, (b, 0), seeds, n, strict=rule == "strict")
            variance, df = wide.variance, wide.df
        figures.append((mean, np.sqrt(variance), df))
    mean, error, df = (np.stack(column, axis=1) for column in zip(*figures, strict=True))
    truth = np.zeros(a - 1)
    truth[0] = world.truth
    half = t_quantile(0.975, df) * error
    p = np.minimum(2 * t_tail(np.abs(mean) / error, df), 1.0)
    covered = (np.abs(mean - truth) <= half).mean(axis=0)
    adjusted = np.array([holm(row) for row in p.tolist()])
    found = (p[:, 0] <= 0.05) & (mean[:, 0] > 0)
    inner = np.abs(mean[:, 0]) + t_quantile(0.95, df[:, 0]) * error[:, 0] < margin
    return Result(
        float(covered.mean()),
        float(covered.min()),
        float((adjusted.min(axis=1) <= 0.05).mean()),
        half.mean(axis=0),
        float(found.mean()),
        float(inner.mean()),
        tables,
    )


def _pooled(squares: Squares, table: np.ndarray, seeds: int, images: int) -> tuple[np.ndarray, np.ndarray]:
    i, settings = image_noise(squares), table.shape[-2]
    if pools(settings, seeds):
        q = np.maximum(np.maximum(pooled_noise(table, images), squares.seeds), squares.rest / 2)
    else:
        q = np.maximum(squares.seeds, squares.rest)
    return variance_of(q, i, seeds, images), df_of(q, i, noise_df(settings, seeds), images)
