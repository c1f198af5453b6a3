"""Runs with what they say per example: which have finished, and their scores, read apart from rows, for they are as
long as the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from search.core.scores import ScoreRule
from search.core.trial import State
from search.ledger import codec, tables
from search.ledger.hidden import SHOWN
from search.ledger.ledger import Ledger

FINISHED = (State.FINISHED, State.STOPPED)
"""How a run ended whose figures count."""


class FinishedRun(NamedTuple):
    """A trial that finished: where it is, and its epochs."""

    study: int
    number: int
    configuration: int
    seed: int
    last_epoch: int


def finished_runs(ledger: Ledger, workload: str, data: str, most: int) -> list[FinishedRun]:
    """Return at most so many trials of a workload on these data that finished, those of the newest studies first."""
    trial, study = tables.trial.c, tables.study.c
    columns = trial.study_id, trial.number, trial.configuration, trial.seed, trial.last_epoch
    query = sa.select(*columns).join(tables.study, study.id == trial.study_id)
    query = query.where(
        study.workload == workload, trial.data == data, trial.state.in_([end.value for end in FINISHED])
    )
    with ledger.engine.connect() as connection:
        rows = connection.execute(query.order_by(trial.study_id.desc(), trial.number).limit(most))
        return [FinishedRun(*row) for row in rows]


def score_rules(ledger: Ledger, keys: Sequence[str]) -> dict[str, ScoreRule]:
    """Return how metrics come from scores, metric -> rule, as the first of these rows says that has any."""
    column = tables.epoch.c.scores
    with ledger.engine.connect() as connection:
        for batch in tables.batches(keys):
            those = tables.epoch.c.key.in_(list(map(bytes.fromhex, batch)))
            blob = connection.execute(sa.select(column).where(those, column.is_not(None), SHOWN).limit(1)).scalar()
            if blob is not None:
                return codec.decode_scores(blob, ("", ""))[1]
    return {}


def scores_of(
    ledger: Ledger, keys: Sequence[str], split: str, name: str, metric: str
) -> Iterator[tuple[str, np.ndarray, ScoreRule | None]]:
    """Yield key, these scores and the rule by which `metric` comes from scores, of each row of `keys` that has them.

    One row at a time is in memory, however many examples there are. Several metrics may come from the same scores: a
    mean and its root, a log-likelihood and its perplexity.
    """
    column = tables.epoch.c.scores
    with ledger.engine.connect() as connection:
        for key in keys:
            query = sa.select(column).where(tables.epoch.c.key == bytes.fromhex(key), column.is_not(None), SHOWN)
            if (blob := connection.execute(query).scalar()) is None:
                continue
            by_split, rules = codec.decode_scores(blob, (split, name))
            if (scores := by_split.get(split, {}).get(name)) is not None:
                yield key, scores, rules.get(metric)
