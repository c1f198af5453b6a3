"""One run per setting: what can be said of *this* run on new images, and no more.

Nothing here speaks of the setting: how far a rerun would fall is unknown with one seed. Intervals cover images alone,
so they can be narrower than those of three seeds, which answer the larger question.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from search.statistics.measure import Measure
from search.statistics.results import LEVEL, Difference, Trust
from search.statistics.scores import Floats, Scores
from search.statistics.student import t_quantile, t_tail

BANNER = "one run per setting: a rerun may reverse any of these"
"""Stands above every table of single runs."""

Z = float(special.ndtri(0.5 + LEVEL / 2))


def head(measure: Measure) -> str:
    """Return what heads the columns with intervals or p values of single runs: "this run, new images"."""
    return f"this run, new {measure.sampled}"


def wilson(share: float, n: float, quantile: float = Z) -> tuple[float, float]:
    """Return the score interval of a share of n images (Wilson 1927), n > 0; `quantile` may be that of a t."""
    square = quantile**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = quantile * math.sqrt(max(share * (1 - share), 0.0) / n + square / (4 * n**2)) / (1 + square / n)
    # At 0 and 1 the end is exact, which rounding may miss.
    low = 0.0 if share <= 0 else max(centre - half, 0.0)
    return low, 1.0 if share >= 1 else min(centre + half, 1.0)


def bonett_price(b: int, c: int, n: int) -> tuple[float, float]:
    """Return the interval of a difference of paired shares, (b - c) / n (Bonett & Price 2012), clipped to [-1, 1].

    Args:
        b: images that only the first run has right.
        c: images that only the second has right.
        n: images, n >= 1.
    """
    p1, p2 = (b + 1) / (n + 2), (c + 1) / (n + 2)
    half = Z * math.sqrt((p1 + p2 - (p1 - p2) ** 2) / (n + 2))
    return max(p1 - p2 - half, -1.0), min(p1 - p2 + half, 1.0)


def mcnemar(b: int, c: int) -> float:
    """Return the two-sided exact p value of b against c discordant images (McNemar's test); 1 where there is none."""
    # The binomial with chance 1/2 is symmetric, so both tails are twice one; `stats.binomtest` takes 50 times as long.
    return min(2 * float(special.bdtr(min(b, c), b + c, 0.5)), 1.0) if b + c else 1.0


def one_run(scores: Scores, d: Floats, setting: Floats, baseline: Floats, g: float = 1.0) -> Difference:
    """Return the difference of two single runs.

    Args:
        scores: where they come from.
        d: setting minus baseline per image (n >= 2), times the weights.
        setting: the setting's scores per image, times the weights.
        baseline: the baseline's.
        g: as in `crossed`.

    Weighted images are not simply right or wrong, so neither Bonett-Price nor McNemar applies to them, nor to scores of
    another kind: there it is the paired t over images, with the variance of a table of ties at least.
    """
    n, span = len(d), scores.measure.span
    counts: dict[str, Any] = {"seeds": 1, "images": n, "measure": scores.measure}
    estimate = float(min(max(d.mean(), -span), span))
    if not scores.weighted and is_whole(setting) and is_whole(baseline):
        b, c = int((d > 0).sum()), int((d < 0).sum())
        low, high = bonett_price(b, c, n)
        p = mcnemar(b, c)
        return Difference(Trust.ONE_RUN, estimate, low, high, p, **counts, discordant=(b, c))
    variance = max(float(d.var(ddof=1)) / n, 2.0 * g / (n + 2.0) ** 2)
    half = float(t_quantile(0.5 + LEVEL / 2, n - 1)) * math.sqrt(variance)
    p = min(2 * float(t_tail(abs(estimate) / math.sqrt(variance), n - 1)), 1.0)
    low, high = max(estimate - half, -span), min(estimate + half, span)
    return Difference(Trust.ONE_RUN, estimate, low, high, p, variance, float(n - 1), **counts)


def is_whole(values: Floats) -> bool:
    """Return whether every score is 0 or 1."""
    return bool(np.isin(values, (0.0, 1.0)).all())
