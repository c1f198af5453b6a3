"""Published figures and claims that belong to other data than a study's.

A figure of a paper is a figure of its images, and so is what the paper claims. ``--data`` moves a file to others, where
they are neither reproduced nor refuted: they stand apart, under a heading that says what they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from search.core.shown import is_accuracy
from search.core.trial import Trial
from search.report.table.claims import claim_text
from search.report.table.labels import key_text
from search.report.table.model import Elsewhere, Line
from search.report.text import value_text
from search.space.model import Space
from search.statistics.measure import ACCURACY, Measure

DATA = "data"
"""The setting that names what a trial is trained on."""


def foreign(space: Space, trial: Trial) -> bool:
    """Whether a trial was trained on other data than the file's published figures and claims belong to."""
    used = trial.settings.get(DATA, space.settings(trial.parameters).get(DATA, ""))
    return _other(space, used)


def elsewhere(space: Space, lines: Sequence[Line]) -> Elsewhere | None:
    """Return what stands apart: published figures and claims, where they belong to none of the lines."""
    published = space.report.published
    apart = all(line.foreign for line in lines) if lines else _other(space, space.fixed.get(DATA, ""))
    if published is None or not apart:
        return None
    return Elsewhere(
        published.data,
        value_text(space.fixed.get(DATA, "the data of this study")),
        published.source,
        published.metric,
        published.n,
        [(key_text(space, key), figure) for key, figure in published.values.items()],
        [_claim(space, claim) for claim in space.report.claims],
    )


def _claim(space: Space, claim: Mapping[str, Any]) -> str:
    """Return a claim for people; what the unit of a metric is that is no accuracy only rows would say."""
    metric = claim.get("metric", "")
    judged = metric or space.search.objective.metric
    return claim_text(space, claim, ACCURACY if is_accuracy(judged) else Measure(), metric)


def _other(space: Space, used: object) -> bool:
    published = space.report.published
    # A path has several spellings: with a point in front, or a slash at its end.
    return published is not None and bool(published.data) and Path(published.data) != Path(str(used))
