"""What all rows of a run have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from search.core.trial import Row


@dataclass(frozen=True)
class Form:
    """What all rows of a run have in common: the names of metrics, split -> number of predicted images, and
    (split, name of scores) -> number of examples; None where rows before may lack scores that these have."""

    metrics: frozenset[str]
    images: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[tuple[str, str], int] | None = field(default_factory=dict)


def form_of(row: Row) -> Form:
    """Return the form of a row."""
    scores = {(split, name): len(given) for split, named in row.scores.items() for name, given in named.items()}
    return Form(frozenset(row.metrics), {split: len(classes) for split, classes in row.predictions.items()}, scores)


def form_on_record(row: Row) -> Form:
    """Return the form of a row that an earlier version may have recorded, which knew of no scores."""
    form = form_of(row)
    return form if row.scores else replace(form, scores=None)
