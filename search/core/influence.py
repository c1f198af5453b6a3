"""Metrics that are no means over examples, as the means of influence values.

For one run phi_i = T + IF_i with sum_i IF_i = 0: T is the run's metric, IF_i how far example i moves it (n times its
infinitesimal jackknife). The mean of phi is exactly T, and the spread of phi is that of T over new examples, so phi
enters the analysis of means unchanged (the delta method; Efron 1982, "The Jackknife, the Bootstrap and Other
Resampling Plans", chapter 6). Every function takes one run and returns float64 [n].

A row declares such a metric by its form (`search.core.scores`): by name where it comes of classes, or as `INFLUENCE`
where the row itself holds the values, made here by `jackknife` or by the author's own formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from search.core.errors import InternalError
from search.core.scores import AUC, BALANCED_ACCURACY, MACRO_F1

Floats = npt.NDArray[np.float64]

CALIBRATION_BINS = 15
"""Bins of confidence, as in the paper."""


def macro_f1(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """Return influence values of the macro F1 over the C classes that occur in `truth`.

    Args:
        truth: class of each example, [n].
        predicted: predicted class, [n]; one that does not occur in `truth` is wrong.

    IF_i = (n / C) sum_c [2 1(t_i = p_i = c) - F_c (1(t_i = c) + 1(p_i = c))] / D_c with D_c = 2 TP + FP + FN: the
    derivative of F_c = 2 TP / D_c by the weight of example i.

    Raises:
        InternalError: shapes that differ.
    """
    t, p = _pair(truth, predicted)
    n = len(t)
    classes = np.unique(t)
    total, phi = 0.0, np.zeros(n)
    for c in classes:
        of_class, called = t == c, p == c
        hit = of_class & called
        size = int(of_class.sum()) + int(called.sum())
        f = 2 * int(hit.sum()) / size
        total += f
        phi += (2.0 * hit - f * (of_class.astype(np.float64) + called)) / size
    return (total + n * phi) / max(len(classes), 1)


def balanced_accuracy(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """Return influence values of the mean recall over the C classes that occur in `truth`.

    IF_i = (n / C) (1(p_i = t_i) - R_c) / n_c with c = t_i, R_c the recall and n_c the size of its class.

    Raises:
        InternalError: shapes that differ.
    """
    t, p = _pair(truth, predicted)
    if not len(t):
        return np.zeros(0)
    _, index, counts = np.unique(t, return_inverse=True, return_counts=True)
    hit = (t == p).astype(np.float64)
    recall = np.bincount(index, hit) / counts
    phi: Floats = recall.mean() + len(t) * (hit - recall[index]) / (len(counts) * counts[index])
    return phi


def auc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Return influence values of the area under the ROC curve.

    Args:
        labels: 1 (or True) for a positive example, 0 for a negative one, [n].
        scores: the larger, the more positive, [n].

    IF_i = (n / n1) (V10_i - AUC) for a positive, (n / n0) (V01_i - AUC) for a negative, where V10 is the share of
    negatives with a smaller score and V01 that of positives with a larger one, ties 1/2 (DeLong et al. 1988).

    Raises:
        InternalError: shapes that differ, a score that is NaN, or labels of one kind only.
    """
    y, s = _pair(labels, scores)
    positive, values = y.astype(bool), s.astype(np.float64)
    n1 = int(positive.sum())
    n0 = len(y) - n1
    if not n1 or not n0:
        raise InternalError("labels of an AUC: must hold positive and negative examples")
    if np.isnan(values).any():
        raise InternalError("scores of an AUC: must be numbers, and hold NaN")
    place = np.empty(len(y))
    place[positive] = _below(values[positive], np.sort(values[~positive])) / n0
    place[~positive] = 1 - _below(values[~positive], np.sort(values[positive])) / n1
    area = float(place[positive].mean())
    return area + len(y) / np.where(positive, n1, n0) * (place - area)


def root_mean(squares: npt.ArrayLike, weights: Floats | float = 1.0) -> Floats:
    """Return influence values of the root of a mean, sqrt m + (y - m) / (2 sqrt m): RMSE of squared errors, any shape.

    The last axis holds the examples, or groups of them with weights of mean 1. All 0 where the mean is 0.
    """
    y = np.asarray(squares, dtype=np.float64)
    if not y.size:
        return y
    mean = (y * weights).mean(axis=-1, keepdims=True)
    root = np.sqrt(mean)
    return np.where(mean > 0, root + (y - mean) / np.where(mean > 0, 2 * root, 1.0), 0.0)


def calibration(right: npt.ArrayLike, confidence: npt.ArrayLike, bins: int = CALIBRATION_BINS) -> Floats:
    """Return influence values of the expected calibration error (Guo et al. 2017, "On Calibration of Modern Neural
    Networks"): sum_b (n_b / n) |accuracy_b - confidence_b| over bins of equal width.

    Args:
        right: whether each example was predicted rightly, [n].
        confidence: the probability that was given to the predicted class, [n], in [0, 1].
        bins: their number; bin b holds (b / bins, (b + 1) / bins], the first one 0 too.

    With r_i right or wrong, c_i the confidence, and s_b the sign of bin b's sum of r - c, the error is the mean of
    s_b (r_i - c_i), and so IF_i = s_b (r_i - c_i) - T: linear in the weights of examples while no bin changes its sign.
    Noise gives every bin some gap, so T is larger the fewer the examples: intervals cover its mean over samples of as
    many examples (98 to 100 % of the time, `tests/statistics/test_calibration_error.py`), not the source's error.

    Raises:
        InternalError: shapes that differ.
    """
    r, c = _pair(right, confidence)
    gaps = r.astype(np.float64) - c.astype(np.float64)
    place = np.clip(np.ceil(np.nan_to_num(c.astype(np.float64)) * bins) - 1, 0, bins - 1).astype(np.intp)
    signs: Floats = np.sign(np.bincount(place, gaps, bins))[place]
    return signs * gaps


def jackknife(metric: Callable[[npt.NDArray[np.intp]], float], examples: int) -> Floats:
    """Return pseudo-values n T - (n - 1) T(-i) of any metric, moved so that their mean is T (Tukey 1958).

    Args:
        metric: gives T for the examples at these places; called n + 1 times.
        examples: n >= 2.

    Raises:
        InternalError: fewer than two examples, or a metric that is no finite number with an example left out.
    """
    if examples < 2:
        raise InternalError(f"jackknife of {examples} examples: at least 2 are needed")
    every = np.arange(examples)
    whole = float(metric(every))
    without = np.array([float(metric(np.delete(every, i))) for i in every])
    if not math.isfinite(whole) or not np.isfinite(without).all():
        raise InternalError("jackknife: the metric is no finite number with some example left out")
    pseudo: Floats = whole + (examples - 1) * (without.mean() - without)
    return pseudo


OF_CLASSES: Mapping[str, Callable[[npt.ArrayLike, npt.ArrayLike], Floats]] = {
    MACRO_F1: macro_f1,
    BALANCED_ACCURACY: balanced_accuracy,
    AUC: auc,
}
"""Form of a metric -> its influence values, from true classes and what was predicted."""


def _pair(one: npt.ArrayLike, other: npt.ArrayLike) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    a, b = np.asarray(one), np.asarray(other)
    if a.ndim != 1 or a.shape != b.shape:
        raise InternalError(f"shapes {a.shape} and {b.shape}: must be equal, one value per example")
    return a, b


def _below(values: Floats, ordered: Floats) -> Floats:
    """Return how many of `ordered` lie below each value, ties 1/2."""
    both = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    half: Floats = both / 2.0
    return half
