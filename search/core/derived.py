"""Metrics that predictions on record tell, whether or not a row measured them: macro F1 and balanced accuracy.

A row keeps the bits that it was recorded with; what it says by its predictions is worked out where it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from search.core.influence import OF_CLASSES
from search.core.scores import BALANCED_ACCURACY, HIGHER, MACRO_F1, ScoreRule
from search.core.trial import Row

FORMS = (MACRO_F1, BALANCED_ACCURACY)
"""Names of such metrics, behind that of a split: ``val_macro_f1``."""


def rule_of(metric: str) -> ScoreRule | None:
    """Return how a metric comes from predictions, by its name; None where it is no such metric."""
    split, _, form = metric.partition("_")
    if form not in FORMS:
        return None
    return ScoreRule(split, "", HIGHER, form, 0.0, 1.0, example="image", examples="images")


def derived(metrics: Iterable[str]) -> tuple[str, ...]:
    """Return those of `metrics` that predictions tell, each once."""
    return tuple(dict.fromkeys(metric for metric in metrics if rule_of(metric) is not None))


def with_derived(row: Row, metrics: Iterable[str], truth: Mapping[str, np.ndarray]) -> Row:
    """Return a row with those of `metrics` that it did not measure, and that its predictions tell.

    Args:
        row: with its predictions.
        metrics: names, as `derived` returns them.
        truth: split -> true class of each image.
    """
    told: dict[str, float] = {}
    for metric in metrics:
        rule = rule_of(metric)
        if rule is None or metric in row.metrics:
            continue
        predicted, classes = row.predictions.get(rule.split), truth.get(rule.split)
        if predicted is not None and classes is not None and len(predicted) == len(classes) > 0:
            told[metric] = float(OF_CLASSES[rule.form](classes, predicted).mean())
    return replace(row, metrics={**row.metrics, **told}) if told else row
