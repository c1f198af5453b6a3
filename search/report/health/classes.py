"""Classes that no run gets right: a mean over all classes hides them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from search.core.shown import listed, one_line
from search.report.health.ahead import runs_of
from search.report.health.finding import Finding
from search.report.record.curves import Curves
from search.report.record.evidence import keys_of
from search.report.table.build import Comparison

SPLIT = "val"
ROWS_PER_READING = 50
"""Rows whose predictions are read together: mostly the first ones have every class."""

MAX_CLASSES_NAMED = 5

CHANCE = 0.05
"""Largest probability that so few examples of a class would all be missed, were classes equally hard."""

Labels = npt.NDArray[np.generic]


def classes(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding for each data set with classes of which no run has a single validation example right."""
    read, table = compared
    runs = runs_of(read, table)
    for fingerprint, card in read.cards.items():
        truth = card.truth.get(SPLIT)
        own = [[run for run in group if run.data == fingerprint] for group in runs]
        keys = keys_of(own, table.value)
        if truth is None or not len(truth) or not keys:
            continue
        missed = never_right(np.asarray(truth), _predictions(read, keys))
        if missed:
            names = [f"{_name(card.classes, label)} ({count})" for label, count in missed.items()]
            yield Finding(
                "classes-never-right",
                "note",
                f"No run of {len(keys)} has a validation example right of {listed(names, MAX_CLASSES_NAMED)} (examples "
                "in brackets).",
                "The settings are compared on the other classes alone, and the mean hides that these are lost.",
                "Look at these classes: their labels, how many training examples they have, and what they are taken "
                "for (figure `confusion`).",
            )


def never_right(truth: Labels, predictions: Iterable[Labels]) -> Mapping[int, int]:
    """Return class -> its number of examples, of classes of which no prediction is right, where that is no chance.

    Were all examples equally hard, each would be missed by all runs with the share q of those that are, and a class of
    n examples with q ** n: classes are told where that is at most 0.05 over all classes. Reading ends as soon as every
    class has a hit.

    Args:
        truth: true class of each example [n].
        predictions: of each run [n]; others are left out.
    """
    labels, counts = np.unique(truth, return_counts=True)
    hit = np.zeros(len(truth), dtype=bool)
    for predicted in predictions:
        if len(predicted) == len(truth):
            hit |= np.asarray(predicted == truth)
            if len(np.unique(truth[hit])) == len(labels):
                return {}
    share = float((~hit).mean())
    missing = np.setdiff1d(labels, truth[hit])
    sizes = dict(zip(labels.tolist(), counts.tolist(), strict=True))
    clear = [label for label in missing.tolist() if len(labels) * share ** sizes[label] <= CHANCE]
    return {int(label): int(sizes[label]) for label in clear} if hit.any() else {}


def _predictions(read: Curves, keys: Sequence[str]) -> Iterator[Labels]:
    for start in range(0, len(keys), ROWS_PER_READING):
        for recorded in read.study.ledger.rows(keys[start : start + ROWS_PER_READING], predictions=True).values():
            predicted = recorded.row.predictions.get(SPLIT)
            if predicted is not None:
                yield predicted


def _name(names: Sequence[str], label: int) -> str:
    return one_line(names[label]) if 0 <= label < len(names) else str(label)
