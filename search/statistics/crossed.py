"""The difference of two settings when seeds and images are both random: crossed seed x image analysis of variance.

What this file promises: an interval for the expected difference *of new runs on new images of the same source*, the
training images fixed, from S >= 2 seeds that both settings finished on one split. Neither seeds nor images are taken
for more independent evidence than they are: 3 seeds on 137 images are not 411 images.

With d[s, i] = y_setting[s, i] - y_baseline[s, i], m its mean, r_s and c_i its row and column means:

    MS_S = n sum_s (r_s - m)^2 / (S - 1)                  between seeds
    MS_I = S sum_i (c_i - m)^2 / (n - 1)                  between images
    MS_R = sum_si (d_si - r_s - c_i + m)^2 / ((S-1)(n-1)) rest
    MS_P = 2 n sum_as e_as^2 / ((A-1)(S-1))               e: setting x seed residuals of the A x S accuracy table
    A >= 3 and S < 8:  Q = max(MS_P, MS_S, MS_R / 2),  f = (A-1)(S-1);    else  Q = max(MS_S, MS_R),  f = S - 1
    I = max(MS_I - MS_R, 0),    V = max((Q + I) / (n S),  2 g / (S (n+2)^2))
    df = clip((Q + I)^2 / (Q^2 / f),  f,  max(n - 1, f)),  f where Q = 0;    m +- t_{.975, df} sqrt(V)

g is 1 for right and wrong, else the mean of d^2 over d != 0: the same bound in the unit of the scores.

Sources: Obuchowski & Rockette (1995) for the two-way model, Hillis (2007) for the degrees of freedom. Pooling the seed
noise over the settings of the table and the lower bound of V (of a table of ties, after Agresti & Min's two added
pairs) are additions, chosen by simulation: `tests/statistics/test_simulation.py`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from search.statistics.results import LEVEL, Difference, MeanSquares, Trust
from search.statistics.scores import Ended, Floats, Scores
from search.statistics.single import is_whole, one_run
from search.statistics.student import t_quantile, t_tail

POOL_SETTINGS = 3
"""From so many settings on seed noise is pooled ..."""

POOL_SEEDS = 8
"""... below so many seeds; from here on the pair's own seeds tell enough."""

IDENTICAL = "identical scores"
"""Why there is no interval where every score of both settings is the same."""

_ROUNDING = 1e-24
"""A sum of squares below this share of the squares it was formed from is rounding of exactly 0. Whether Q is 0 decides
about df, so it must not depend on the order of the summation; the smallest true share, about 1 / (n S)^2, lies far
above."""


@dataclass(frozen=True)
class Squares:
    """Mean squares of many tables at once; every array has the shape of the batch."""

    mean: Floats
    seeds: Floats
    images: Floats
    rest: Floats


def mean_squares(d: Floats) -> Squares:
    """Return mean and mean squares of tables of shape (..., seeds >= 2, images >= 2)."""
    seeds, images = d.shape[-2:]
    mean = d.mean(axis=(-2, -1))
    row = d.mean(axis=-1) - mean[..., None]
    column = d.mean(axis=-2) - mean[..., None]
    total = (d**2).sum(axis=(-2, -1))
    rest = d - mean[..., None, None] - row[..., :, None] - column[..., None, :]
    return Squares(
        mean,
        _exact(images * (row**2).sum(axis=-1), total) / (seeds - 1),
        _exact(seeds * (column**2).sum(axis=-1), total) / (images - 1),
        _exact((rest**2).sum(axis=(-2, -1)), total) / ((seeds - 1) * (images - 1)),
    )


def pooled_noise(table: Floats, images: int) -> Floats:
    """Return MS_P of accuracy tables of shape (..., settings >= 2, seeds >= 2)."""
    settings, seeds = table.shape[-2:]
    rest = table - table.mean(axis=-1, keepdims=True) - table.mean(axis=-2, keepdims=True)
    rest = rest + table.mean(axis=(-2, -1), keepdims=True)
    noise = _exact((rest**2).sum(axis=(-2, -1)), (table**2).sum(axis=(-2, -1)))
    pooled: Floats = 2 * images * noise / ((settings - 1) * (seeds - 1))
    return pooled


def pools(settings: int, seeds: int) -> bool:
    """Return whether seed noise is pooled over the settings of the table."""
    return settings >= POOL_SETTINGS and seeds < POOL_SEEDS


def noise_df(settings: int, seeds: int) -> int:
    """Return f, the degrees of freedom of the seed noise."""
    return (settings - 1) * (seeds - 1) if pools(settings, seeds) else seeds - 1


def image_noise(squares: Squares) -> Floats:
    """Return I = max(MS_I - MS_R, 0)."""
    return np.maximum(squares.images - squares.rest, 0.0)


def variance_of(
    q: float | Floats, i: float | Floats, seeds: float | Floats, images: float | Floats, g: float | Floats = 1.0
) -> Floats:
    """Return V, never below that of a table of ties; g as in the head of this file."""
    return np.maximum((q + i) / (images * seeds), 2.0 * g / (seeds * (images + 2.0) ** 2))


def mean_square(d: Floats) -> Floats:
    """Return g of tables of shape (..., seeds, images): the mean of d^2 over d != 0; 0 where there is none."""
    differ = (d != 0).sum(axis=(-2, -1))
    mean: Floats = (d**2).sum(axis=(-2, -1)) / np.maximum(differ, 1)
    return mean


def df_of(q: float | Floats, i: float | Floats, f: float | Floats, images: float | Floats) -> Floats:
    """Return Hillis' degrees of freedom, between f and the larger of n - 1 and f; f where Q is 0."""
    some = np.where(q > 0, q, 1.0)
    df = np.clip(((some + i) / some) ** 2 * f, f, np.maximum(images - 1, f))
    return np.where(q > 0, df, f)


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
    error = np.sqrt(variance)
    half = t_quantile(0.5 + LEVEL / 2, df) * error
    p = np.minimum(2 * t_tail(np.abs(squares.mean) / error, df), 1.0)
    low, high = np.maximum(squares.mean - half, -span), np.minimum(squares.mean + half, span)
    return Analysis(squares, pooled, variance, df, low, high, p)


def compare(scores: Scores, pairs: Sequence[tuple[int, int]]) -> list[Difference]:
    """Return setting minus baseline of each pair (setting, baseline), on the seeds that both finished.

    One common seed is answered by `single.one_run`. Seed noise is pooled over the settings that finished the same
    seeds; settings settled from the same training, or with equal rows, count once.
    """
    known = _Known(scores)
    return [_difference(known, setting, baseline) for setting, baseline in pairs]


def alike(scores: Scores, pairs: Sequence[tuple[int, int]]) -> list[Hashable]:
    """Return what names each pair's comparison, either way round: pairs with equal names compare the same rows.

    A pair whose own rows are equal to the last bit has the name None: nothing is compared there.
    """
    finished = scores.finished
    names: list[Hashable] = []
    for a, b in pairs:
        seeds = np.flatnonzero(finished[a] & finished[b]).tolist()
        rows = frozenset((scores.rows(a, seeds), scores.rows(b, seeds)))
        names.append((tuple(seeds), rows) if len(rows) > 1 or not seeds else None)
    return names


class _Known:
    """What all pairs of a table share."""

    def __init__(self, scores: Scores) -> None:
        self.scores = scores
        self.finished = scores.finished
        self._pools: dict[tuple[int, ...], Floats] = {}

    def rows(self, setting: int, seeds: npt.NDArray[np.intp]) -> Floats:
        """Return what is analysed of a setting, seeds x images."""
        return self.scores.analysed(setting, seeds)

    def pool(self, seeds: npt.NDArray[np.intp]) -> Floats:
        """Return the accuracies, settings x seeds, of all settings that finished these seeds, each training once."""
        place = tuple(seeds.tolist())
        if place not in self._pools:
            pool: dict[tuple[Hashable, ...], int] = {}
            for a in np.flatnonzero(self.finished[:, seeds].all(axis=1)).tolist():
                pool.setdefault(self.scores.rows(a, place), a)
            self._pools[place] = np.array([self.rows(a, seeds).mean(axis=-1) for a in pool.values()])
        return self._pools[place]


def _difference(shared: _Known, setting: int, baseline: int) -> Difference:
    scores = shared.scores
    seeds = np.flatnonzero(shared.finished[setting] & shared.finished[baseline])
    n = scores.images
    measure = scores.measure
    counts: dict[str, Any] = {"seeds": len(seeds), "images": n, "measure": measure}
    if Ended.PRUNED in scores.ended[setting] + scores.ended[baseline]:
        reason = "a seed was pruned; a pruned setting can only be described, at an epoch all runs reached"
        return Difference(Trust.PRUNED, **counts, reason=reason)
    if setting == baseline or scores.same_run(setting, baseline, seeds.tolist()):
        return Difference(Trust.SAME_RUN, estimate=0.0, **counts)
    if not len(seeds) or not n:
        reason = f"no {measure.example}" if len(seeds) else "no seed that both settings finished"
        return Difference(Trust.NOT_ESTIMABLE, **counts, reason=reason)
    ours, theirs = shared.rows(setting, seeds), shared.rows(baseline, seeds)
    d = ours - theirs
    if n < 2:
        estimate = _clip(d.mean(), measure.span)
        return Difference(Trust.NOT_ESTIMABLE, estimate=estimate, **counts, reason=f"a single {measure.example}")
    # Right and wrong that agree everywhere are a table of ties; other scores that do are no sample of anything.
    whole = measure.correctness or (is_whole(ours) and is_whole(theirs))
    g = 1.0 if whole else float(mean_square(d))
    if not g:
        return Difference(Trust.NOT_ESTIMABLE, estimate=0.0, **counts, reason=IDENTICAL)
    if len(seeds) == 1:
        return one_run(scores, d[0], ours[0], theirs[0], g)
    pool = shared.pool(seeds)
    analysis = analyse(d, pool, g, measure.span)
    settings = len(pool) if analysis.pooled is not None else 2
    squares = MeanSquares(
        float(analysis.squares.seeds),
        float(analysis.squares.images),
        float(analysis.squares.rest),
        None if analysis.pooled is None else float(analysis.pooled),
    )
    return Difference(
        Trust.ESTIMATED,
        estimate=_clip(analysis.squares.mean, measure.span),
        low=float(analysis.low),
        high=float(analysis.high),
        p=float(analysis.p),
        variance=float(analysis.variance),
        df=float(analysis.df),
        **counts,
        settings=settings,
        noise_df=noise_df(settings, len(seeds)),
        squares=squares,
    )


def _exact(part: Floats, total: Floats) -> Floats:
    """Return a sum of squares, with what is only rounding made 0."""
    return np.where(part <= _ROUNDING * total, 0.0, part)


def _clip(value: float | Floats, span: float) -> float:
    """Return a difference of weighted means within its range, which rounding may leave by the last bit."""
    return float(min(max(value, -span), span))
