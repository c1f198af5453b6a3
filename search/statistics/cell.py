"""The metric of one setting, with its interval.

From two seeds on the interval is for a new run judged on new images of the same kind, the training images fixed: the
mean squares of `squares` on the scores themselves, V = (Q + I) / (n S) with Q = max(MS_S, MS_R) and f = S - 1. What
the scores are says how V becomes an interval (`_ends`):

* a range [L, U], accuracies among them: Wilson's formula on (m - L) / (U - L) with n_eff = m (1 - m) / V images and the
  t quantile in place of the normal one. Balanced accuracy is no share of images: the plain t interval;
* one end only (a loss, from 0): t on the logarithm of the distance from it, exp(log m +- t sqrt(V) / m);
* no end: the plain t interval.

Where images have weights w (balanced accuracy), the mean squares are those of w (score - m). One seed: the same over
images alone, marked "images only"; for right and wrong Wilson's interval itself.

The standard deviation over seeds stands beside it and is no interval: it says how far these runs lie apart.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from search.statistics.crossed import IDENTICAL
from search.statistics.measure import LARGEST, Form, Measure
from search.statistics.results import LEVEL, CellEstimate, Trust
from search.statistics.scores import Ended, Floats, Scores
from search.statistics.single import wilson
from search.statistics.squares import df_of, image_noise, mean_squares, variance_of
from search.statistics.student import t_quantile


def cell(scores: Scores, setting: int) -> CellEstimate:
    """Return the metric of one setting over the seeds it finished.

    Pruned, diverged and missing seeds are left out and counted. Of a setting with a pruned seed there is no
    interval: which seeds finished was chosen by their figures. Scores that are all equal have none either, unless they
    say right and wrong.
    """
    ended, measure = scores.ended[setting], scores.measure
    done = np.array([end is Ended.FINISHED for end in ended], dtype=bool)
    values = scores.values[setting][done]
    y = scores.analysed(setting, done)
    seeds, n = y.shape
    per_seed = tuple(measure.printed(_inside(share, measure)) for share in y.mean(axis=1).tolist()) if n else ()
    counts: dict[str, Any] = {
        "seeds": seeds,
        "of": len(ended),
        "diverged": ended.count(Ended.DIVERGED),
        "images": n,
        "per_seed": per_seed,
        "sd": _sd(per_seed),
        "measure": measure,
    }
    if not seeds or not n:
        reason = f"no {measure.sample}" if seeds else "no seed finished"
        return CellEstimate(Trust.NOT_ESTIMABLE, **counts, reason=reason)
    # Weights are no whole numbers: a sum of them may miss 1 by a rounding error, and Wilson's formula would notice.
    constant = bool((values == values.flat[0]).all())
    plain = measure.form is not Form.ROOT_MEAN
    mean = float(values.flat[0]) if constant and plain else _inside(float(y.mean()), measure)
    if Ended.PRUNED in ended:
        return CellEstimate(Trust.PRUNED, measure.printed(mean), **counts, reason="a seed was pruned")
    if n < 2:
        reason = f"a single {measure.sample}"
        return CellEstimate(Trust.NOT_ESTIMABLE, measure.printed(mean), **counts, reason=reason)
    if constant and not measure.correctness and not (_bounded(measure) and mean in (measure.low, measure.high)):
        return CellEstimate(Trust.NOT_ESTIMABLE, measure.printed(mean), **counts, reason=IDENTICAL)
    # What a heavy image adds is its distance from the mean: 1 - accuracy must have the same interval, mirrored.
    noise = (values - mean) * scores.weights if scores.weighted and not scores.folded else y
    if seeds == 1:
        return _one(scores, y[0], noise[0], mean, counts)
    return _several(scores, noise, mean, counts)


def _several(scores: Scores, noise: Floats, mean: float, known: dict[str, Any]) -> CellEstimate:
    seeds, n = noise.shape
    squares = mean_squares(noise)
    q, i = np.maximum(squares.seeds, squares.rest), image_noise(squares)
    df = float(min(df_of(q, i, seeds - 1, n), n - 1))
    variance = float(variance_of(q, i, seeds, n)) if scores.balanced else float(q + i) / (n * seeds)
    quantile = float(t_quantile(0.5 + LEVEL / 2, df))
    return _made(scores, mean, variance, quantile, float(n), float(n * seeds), Trust.ESTIMATED, df, known)


def _one(scores: Scores, y: Floats, noise: Floats, mean: float, known: dict[str, Any]) -> CellEstimate:
    n, only = len(y), f"{scores.measure.sampled} only"
    if scores.measure.correctness and not scores.balanced:
        # Kish's effective number: images of a group are right or wrong together.
        n_eff = float(n**2 / (scores.weights**2).sum())
        low, high = wilson(mean, n_eff)
        correct = None if scores.weighted else round(float(y.sum()))
        return CellEstimate(Trust.ONE_RUN, mean, low, high, n_eff, **known, correct=correct, reason=only)
    variance = float(noise.var(ddof=1)) / n
    if scores.balanced:
        variance = max(variance, 2.0 / (n + 2.0) ** 2)
    quantile = float(t_quantile(0.5 + LEVEL / 2, n - 1))
    known["reason"] = only
    return _made(scores, mean, variance, quantile, float(n), float(n), Trust.ONE_RUN, float(n - 1), known)


def _made(
    scores: Scores,
    mean: float,
    variance: float,
    quantile: float,
    images: float,
    most: float,
    state: Trust,
    df: float,
    known: dict[str, Any],
) -> CellEstimate:
    """Return a cell whose mean has this variance; `most` is the largest n_eff."""
    measure, n_eff = scores.measure, None
    low, high = measure.low, measure.high
    if not _bounded(measure) and variance <= 0:
        return CellEstimate(Trust.NOT_ESTIMABLE, measure.printed(mean), **known | {"reason": IDENTICAL})
    if scores.balanced or (low is None and high is None):
        ends = _t(mean, variance, quantile, measure)
    elif low is not None and high is not None and measure.form is not Form.ROOT_MEAN:
        share = (mean - low) / (high - low)
        n_eff = images
        if 0 < share < 1:
            own = variance / (high - low) ** 2
            n_eff = min(max(share * (1 - share) / own, 2.0), most) if own > 0 else most
        ends = wilson(share, n_eff, quantile)
        if (low, high) != (0.0, 1.0):
            ends = low + (high - low) * ends[0], low + (high - low) * ends[1]
    else:
        ends = _log(mean, variance, quantile, measure)
    printed = measure.printed(mean), measure.printed(ends[0]), measure.printed(ends[1])
    return CellEstimate(state, *printed, n_eff, df, **known)


def _t(mean: float, variance: float, quantile: float, measure: Measure) -> tuple[float, float]:
    half = quantile * math.sqrt(variance)
    return _inside(mean - half, measure), _inside(mean + half, measure)


def _log(mean: float, variance: float, quantile: float, measure: Measure) -> tuple[float, float]:
    """Return t on the logarithm of the distance from the one end of the range: it cannot cross it."""
    root = measure.form is Form.ROOT_MEAN
    end = measure.low if measure.low is not None else measure.high
    if end is None:
        return _t(mean, variance, quantile, measure)
    side = 1.0 if measure.low is not None else -1.0
    start = math.sqrt(end) if root else end
    distance = side * (mean - start)
    if distance <= 0:
        return mean, mean
    factor = math.exp(min(quantile * math.sqrt(variance) / distance, 700.0))
    near, far = start + side * distance / factor, start + side * min(distance * factor, LARGEST)
    return (near, far) if side > 0 else (far, near)


def _bounded(measure: Measure) -> bool:
    """Return whether an interval can be Wilson's, or has a bound of its own."""
    return measure.low is not None and measure.high is not None and measure.form is not Form.ROOT_MEAN


def _sd(per_seed: tuple[float, ...]) -> float | None:
    return float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else None


def _inside(value: float, measure: Measure) -> float:
    """Return a mean within the declared range of the metric, which rounding may leave by the last bit."""
    if measure.form is Form.ROOT_MEAN:
        return max(value, 0.0)
    if measure.low is not None:
        value = max(value, measure.low)
    return value if measure.high is None else min(value, measure.high)
