"""The accuracy of one setting, with its interval.

From two seeds on the interval is for a new run judged on new images of the same kind, the training images fixed: the
mean squares of `crossed` on the scores themselves, V = (Q + I) / (n S) with Q = max(MS_S, MS_R) and f = S - 1, then
Wilson's formula with n_eff = m (1 - m) / V images and the t quantile in place of the normal one. Where images have
weights w (groups of duplicates, balanced accuracy), the mean squares are those of w (score - m). Where accuracy is
balanced, a score is no share of images and the plain t interval stands instead. One seed: Wilson's interval, marked
"images only".

The standard deviation over seeds stands beside it and is no interval: it says how far these runs lie apart.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from search.statistics.crossed import df_of, image_noise, mean_squares, variance_of
from search.statistics.results import LEVEL, CellEstimate, Trust
from search.statistics.scores import Ended, Floats, Scores
from search.statistics.single import wilson
from search.statistics.student import t_quantile

IMAGES_ONLY = "images only"
"""Marks the interval of a single run."""


def cell(scores: Scores, setting: int) -> CellEstimate:
    """Return the accuracy of one setting over the seeds it finished.

    Pruned, diverged and missing seeds are left out and counted. Of a setting with a pruned seed there is no
    interval: which seeds finished was chosen by their accuracy.
    """
    ended = scores.ended[setting]
    done = np.array([end is Ended.FINISHED for end in ended], dtype=bool)
    values = scores.values[setting][done]
    y = values * scores.weights
    seeds, n = y.shape
    per_seed = tuple(float(min(share, 1.0)) for share in y.mean(axis=1)) if n else ()
    counts: dict[str, Any] = {
        "seeds": seeds,
        "of": len(ended),
        "diverged": ended.count(Ended.DIVERGED),
        "images": n,
        "per_seed": per_seed,
        "sd": float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else None,
    }
    if not seeds or not n:
        reason = "no image" if seeds else "no seed finished"
        return CellEstimate(Trust.NOT_ESTIMABLE, **counts, reason=reason)
    # Weights are no whole numbers: a sum of them may miss 1 by a rounding error, and Wilson's formula would notice.
    mean = float(values.flat[0]) if (values == values.flat[0]).all() else float(min(y.mean(), 1.0))
    if Ended.PRUNED in ended:
        return CellEstimate(Trust.PRUNED, mean, **counts, reason="a seed was pruned")
    if n < 2:
        return CellEstimate(Trust.NOT_ESTIMABLE, mean, **counts, reason="a single image")
    # What a heavy image adds is its distance from the mean: 1 - accuracy must have the same interval, mirrored.
    noise = (values - mean) * scores.weights if scores.weighted else y
    if seeds == 1:
        return _one(scores, y[0], noise[0], mean, counts)
    return _several(scores, noise, mean, counts)


def _several(scores: Scores, noise: Floats, mean: float, known: dict[str, Any]) -> CellEstimate:
    seeds, n = noise.shape
    squares = mean_squares(noise)
    q, i = np.maximum(squares.seeds, squares.rest), image_noise(squares)
    df = float(min(df_of(q, i, seeds - 1, n), n - 1))
    quantile = float(t_quantile(0.5 + LEVEL / 2, df))
    if scores.balanced:
        low, high = _t(mean, float(variance_of(q, i, seeds, n)), quantile)
        return CellEstimate(Trust.ESTIMATED, mean, low, high, None, df, **known)
    variance = float(q + i) / (n * seeds)
    n_eff = float(n)
    if 0 < mean < 1:
        most = float(n * seeds)
        n_eff = min(max(mean * (1 - mean) / variance, 2.0), most) if variance > 0 else most
    low, high = wilson(mean, n_eff, quantile)
    return CellEstimate(Trust.ESTIMATED, mean, low, high, n_eff, df, **known)


def _one(scores: Scores, y: Floats, noise: Floats, mean: float, known: dict[str, Any]) -> CellEstimate:
    n = len(y)
    if scores.balanced:
        quantile = float(t_quantile(0.5 + LEVEL / 2, n - 1))
        low, high = _t(mean, max(float(noise.var(ddof=1)) / n, 2.0 / (n + 2.0) ** 2), quantile)
        return CellEstimate(Trust.ONE_RUN, mean, low, high, None, float(n - 1), **known, reason=IMAGES_ONLY)
    # Kish's effective number: duplicates are right or wrong together.
    n_eff = float(n**2 / (scores.weights**2).sum())
    low, high = wilson(mean, n_eff)
    correct = None if scores.weighted else round(float(y.sum()))
    return CellEstimate(Trust.ONE_RUN, mean, low, high, n_eff, **known, correct=correct, reason=IMAGES_ONLY)


def _t(mean: float, variance: float, quantile: float) -> tuple[float, float]:
    half = quantile * math.sqrt(variance)
    return max(mean - half, 0.0), min(mean + half, 1.0)
