"""How a metric comes from scores: real numbers, one per example of a split.

Accuracy is the mean of "right or wrong"; any other metric that is the mean of something over examples, or a declared
function of such a mean, can have intervals and p values, too, once each example's number is on record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search.core.directions import HIGHER as HIGHER
from search.core.directions import LOWER as LOWER

MEAN, ROOT_MEAN, EXP_MEAN = "mean", "root_mean", "exp_mean"

FORMS: Mapping[str, Callable[[float], float]] = {MEAN: float, ROOT_MEAN: math.sqrt, EXP_MEAN: math.exp}
"""What a metric is of the mean of its scores: that mean, its root (RMSE of squared errors), its exponential (perplexity
of negative log-likelihoods in nats)."""

INFLUENCE = "influence"
"""Scores are influence values: the metric is their mean, and a single one has no range of its own."""

MACRO_F1, BALANCED_ACCURACY, AUC = "macro_f1", "balanced_accuracy", "auc"
"""Metrics of classes that are no means over examples; `search.core.influence` has their formulas."""

CALIBRATION_ERROR = "calibration_error"
"""End of the names of metrics that `search.core.influence.calibration` tells."""

CLASS_FORMS = (MACRO_F1, BALANCED_ACCURACY, AUC)


@dataclass(frozen=True)
class ScoreRule:
    """How a metric comes from scores, and how it is read.

    Attributes:
        split: whose examples.
        score: name of the scores. Of `CLASS_FORMS`: what was predicted, classes ("" for the row's predictions), or for
            an AUC a number that is larger the more positive the example.
        better: whether `LOWER` or `HIGHER` values are better.
        form: one of `FORMS`, `INFLUENCE`, or one of `CLASS_FORMS`.
        low: least value that a score can have; None where there is none. Of the last two: that the metric can have.
        high: largest value.
        untrained: the mean score of a model that has learned nothing (log C for cross-entropy, the variance of the
            target for squared errors), at which runs that diverged are counted; None where nobody said.
        unit: of the metric, "" for none.
        example: what one example is called, "image".
        examples: several of them.
        label: of `CLASS_FORMS`: name of the scores that hold the true class of each example; "" for the data card's.
    """

    split: str
    score: str
    better: str = LOWER
    form: str = MEAN
    low: float | None = None
    high: float | None = None
    untrained: float | None = None
    unit: str = ""
    example: str = "example"
    examples: str = "examples"
    label: str = ""

    @property
    def of_classes(self) -> bool:
        """Whether the metric comes of true and predicted classes, and of no score by itself."""
        return self.form in CLASS_FORMS

    def metric(self, scores: npt.NDArray[np.floating]) -> float:
        """Return what the metric is of these scores [n], influence values of `CLASS_FORMS`.

        NaN where it is not defined for them, or there is none.
        """
        if not len(scores):
            return math.nan
        with np.errstate(all="ignore"):
            mean = float(np.mean(scores, dtype=np.float64))
        try:
            return FORMS.get(self.form, float)(mean)
        except ValueError:  # the root of a negative number
            return math.nan
        except OverflowError:
            return math.inf


def equal_scores(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> bool:
    """Whether scores are equal to the last bit, and of one precision: NaN equals NaN, 0.0 differs from -0.0."""
    if one.shape != other.shape or one.dtype.itemsize != other.dtype.itemsize:
        return False
    same = (one == other) & (np.signbit(one) == np.signbit(other))
    return bool((same | (np.isnan(one) & np.isnan(other))).all())
