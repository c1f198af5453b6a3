"""Runs with what they say per example: which have finished, and their scores, read apart from rows, for they are as
long as the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from search.core.errors import InternalError
from search.core.influence import OF_CLASSES
from search.core.scores import ScoreRule
from search.core.trial import Row, State
from search.ledger import codec, tables
from search.ledger.hidden import SHOWN
from search.ledger.ledger import Ledger

FINISHED = (State.FINISHED, State.STOPPED)
"""How a run ended whose figures count."""


class FinishedRun(NamedTuple):
    """A trial that finished: where it is, its parameters as text, and its epochs."""

    study: int
    number: int
    parameters: str
    seed: int
    last_epoch: int


def finished_runs(ledger: Ledger, workload: str, data: str, most: int) -> list[FinishedRun]:
    """Return at most so many trials of a workload on these data that finished, those of the newest studies first."""
    trial, study = tables.trial.c, tables.study.c
    columns = trial.study_id, trial.number, trial.parameters, trial.seed, trial.last_epoch
    query = sa.select(*columns).join(tables.study, study.id == trial.study_id)
    query = query.where(
        study.workload == workload, trial.data == data, trial.state.in_([end.value for end in FINISHED])
    )
    with ledger.engine.connect() as connection:
        rows = connection.execute(query.order_by(trial.study_id.desc(), trial.number).limit(most))
        return [FinishedRun(*row) for row in rows]


def score_rules(ledger: Ledger, keys: Sequence[str]) -> dict[str, ScoreRule]:
    """Return how metrics come from scores, metric -> rule, as the first of these rows says that has any."""
    key, column = tables.epoch.c.key, tables.epoch.c.scores
    with ledger.engine.connect() as connection:
        for batch in tables.batches(keys):
            those = key.in_(list(map(bytes.fromhex, batch)))
            found = connection.execute(sa.select(key).where(those, column.is_not(None), SHOWN)).scalars()
            scored = {bytes(one).hex() for one in found}
            if (first := next((one for one in batch if one in scored), None)) is not None:
                blob = connection.execute(sa.select(column).where(key == bytes.fromhex(first))).scalar_one()
                return codec.decode_scores(blob, ("", ""))[1]
    return {}


Told = tuple[str, np.ndarray, ScoreRule | None]
"""Key of a row, the values whose mean, or a function of it, a metric is, and how the row says so."""


def scores_of(
    ledger: Ledger,
    keys: Sequence[str],
    metric: str,
    rule: ScoreRule,
    truth: Mapping[str, np.ndarray] | None = None,
) -> Iterator[Told]:
    """Yield what a metric comes from, of each row of `keys` that has it: scores, or influence values of its classes.

    One row at a time is in memory, however many examples there are. Several metrics may come from the same scores: a
    mean and its root, a log-likelihood and its perplexity.

    Args:
        ledger: where the rows are.
        keys: theirs.
        metric: its name.
        rule: how it comes from scores.
        truth: key -> true class of each example, where the data card and no row has them.
    """
    columns = (tables.epoch.c.row, tables.epoch.c.scores) if rule.of_classes else (tables.epoch.c.scores,)
    with ledger.engine.connect() as connection:
        for key in keys:
            query = sa.select(*columns).where(tables.epoch.c.key == bytes.fromhex(key), SHOWN)
            stored = connection.execute(query).one_or_none()
            if stored is None or (stored.scores is None and not rule.of_classes):
                continue
            if rule.of_classes:
                row = codec.row_with_scores(stored.row, stored.scores)
                values = _influence(row, rule, (truth or {}).get(key))
                own = row.score_rules.get(metric)
            else:
                by_split, rules = codec.decode_scores(stored.scores, (rule.split, rule.score))
                values, own = by_split.get(rule.split, {}).get(rule.score), rules.get(metric)
            if values is not None:
                yield key, values, own


def _influence(row: Row, rule: ScoreRule, truth: np.ndarray | None) -> np.ndarray | None:
    """Return the influence values of a metric of classes, None where the row or the data card lack some of them."""
    given = row.scores.get(rule.split, {})
    predicted = given.get(rule.score) if rule.score else row.predictions.get(rule.split)
    labels = given.get(rule.label) if rule.label else truth
    if predicted is None or labels is None or len(predicted) != len(labels) or not len(labels):
        return None
    try:
        return OF_CLASSES[rule.form](labels, predicted)
    except InternalError:  # an AUC of one class
        return None
