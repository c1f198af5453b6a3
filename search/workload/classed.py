"""Metrics that come of true and predicted classes, and of no score by itself: macro F1, balanced accuracy, AUC.

What is checked where a row is first read: whether these classes are there and are some, and whether the metric is what
they say. Its influence values are computed where a table is made (`search.core.influence`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from search.core.influence import OF_CLASSES
from search.core.scores import AUC, BALANCED_ACCURACY, MACRO_F1, ScoreRule
from search.core.trial import DataCard

WORDS = {MACRO_F1: "macro F1", BALANCED_ACCURACY: "balanced accuracy", AUC: "area under the ROC curve"}

_OVER_TRUE_CLASSES = "; classes count that occur among the true ones (labels=numpy.unique(truth) in scikit-learn)"

Named = Mapping[str, Mapping[str, np.ndarray]]
"""Split -> name -> one value per example."""


def influence_of(
    metric: str,
    rule: ScoreRule,
    predictions: Mapping[str, np.ndarray],
    scores: Named,
    card: DataCard | None,
    finite: bool = True,
) -> np.ndarray | None:
    """Return influence values of a metric of classes, float64 [n]; None where nothing tells the true classes yet, or
    the run diverged.

    Args:
        metric: its name.
        rule: its rule; the scores that it names are there.
        predictions, scores: of the row.
        card: the data card, None where it is not at hand.
        finite: whether the metric is; that of a run that diverged may come of scores that are not.

    Raises:
        ValueError: there are no such classes, or they are none.
    """
    where = f"score_rules of {metric!r}"
    if rule.score:
        predicted, origin = scores[rule.split][rule.score], f"scores {rule.score!r} of {rule.split!r}"
    elif rule.split in predictions:
        predicted, origin = predictions[rule.split], f"predictions of {rule.split!r}"
    else:
        raise ValueError(f"{where}: {WORDS[rule.form]} needs predictions of {rule.split!r}, which this row has not")
    if rule.label:
        truth, source = scores[rule.split][rule.label], f"scores {rule.label!r} of {rule.split!r}"
    elif card is None:
        return None
    elif rule.split in card.truth:
        truth, source = np.asarray(card.truth[rule.split]), f"the data card's classes of {rule.split!r}"
    else:
        raise ValueError(
            f"{where}: {WORDS[rule.form]} needs the true classes of {rule.split!r}, which the data card has not; give "
            "it them, or name scores that hold them, as in {'label': 'truth'}"
        )
    if len(truth) != len(predicted):
        raise ValueError(
            f"{where}: {origin} are of {len(predicted)} examples, {source} of {len(truth)}; they must agree"
        )
    if not finite and not np.isfinite(predicted).all():
        return None
    for name, values in ((source, truth), (origin, predicted)):
        _check(name, values, "a finite number" if rule.form == AUC and values is predicted else "a class")
    if rule.form == AUC and sorted(set(truth.tolist())) != [0, 1]:
        held = ", ".join(f"{value:g}" for value in np.unique(truth)[:5]) or "none"
        raise ValueError(f"{where}: {source} hold {held}; an AUC needs examples of both classes, 0 and 1, and no other")
    return OF_CLASSES[rule.form](truth, predicted)


def remedy_of(rule: ScoreRule) -> str:
    """Return the likely cause where a metric is not what its classes say."""
    return _OVER_TRUE_CLASSES if rule.form != AUC else "; the larger a score, the more positive its example"


def _check(name: str, values: np.ndarray, wanted: str) -> None:
    """Refuse values that are no classes, or no numbers.

    Raises:
        ValueError: one is not.
    """
    given = np.asarray(values, dtype=np.float64)
    right = np.isfinite(given)
    if wanted == "a class":
        right &= (given >= 0) & (given == np.floor(given))
    if not right.all():
        place = int(np.argmin(right))
        rule = "classes are whole numbers from 0 on" if wanted == "a class" else "each example must have a finite score"
        raise ValueError(f"{name} hold {given[place]:g} (example {place}), must be {wanted}; {rule}")
