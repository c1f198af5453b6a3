"""What all rows of a run have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search.core.trial import Row


@dataclass(frozen=True)
class Form:
    """What all rows of a run have in common: the names of metrics, and split -> number of predicted images."""

    metrics: frozenset[str]
    images: Mapping[str, int] = field(default_factory=dict)


def form_of(row: Row) -> Form:
    """Return the form of a row."""
    return Form(frozenset(row.metrics), {split: len(classes) for split, classes in row.predictions.items()})
