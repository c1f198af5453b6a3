"""Optuna's tables, many trials at a time: its storage writes and reads them value by value, a transaction for each.

The layout is that of `optuna.storages.RDBStorage`: what is written here its methods read back, and the other way
round. A trial through its methods takes 15 to 25 ms and the next one a little longer than the last, because each is
numbered by counting those before it; here it takes a few tenths of a millisecond, the ten-thousandth like the first.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import TrialState

BATCH_TRIALS = 500
"""Trials read at once."""

_trials: sa.Table = models.TrialModel.__table__
_params: sa.Table = models.TrialParamModel.__table__
_values: sa.Table = models.TrialValueModel.__table__
_attributes: sa.Table = models.TrialUserAttributeModel.__table__
_steps: sa.Table = models.TrialIntermediateValueModel.__table__
_CHILDREN: Sequence[sa.Table] = (
    *(_params, _values, _attributes, _steps),
    models.TrialSystemAttributeModel.__table__,
    models.TrialHeartbeatModel.__table__,
)


@dataclass(frozen=True)
class Copy:
    """A trial as Optuna's tables hold it.

    Attributes:
        number: 0-based, in the order of the study.
        state: Optuna's.
        params: name -> value.
        distributions: name -> distribution of that value; empty where it was read.
        attributes: user attributes.
        value: of the objective; None unless complete.
        intermediate: step -> value.
        began, ended: naive UTC, as the tables hold them; None where it did not, and where it was read.
        id: Optuna's own number of the trial, -1 before it is written.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]
    attributes: Mapping[str, Any]
    values: Sequence[float] = ()
    intermediate: Mapping[int, float] = field(default_factory=dict)
    began: datetime | None = None
    ended: datetime | None = None
    id: int = -1


def insert(connection: sa.Connection, study: int, copies: Sequence[Copy]) -> list[int]:
    """Add trials of different numbers to a study; return their ids, in the same order."""
    if not copies:
        return []
    rows = [
        {
            "number": copy.number,
            "study_id": study,
            "state": copy.state,
            "datetime_start": copy.began,
            "datetime_complete": copy.ended,
        }
        for copy in copies
    ]
    # In whatever order they come back: asked for in ours, SQLAlchemy would send SQLite one statement per trial.
    added = connection.execute(sa.insert(_trials).returning(_trials.c.number, _trials.c.trial_id), rows)
    id_of = {row.number: row.trial_id for row in added}
    ids = [id_of[copy.number] for copy in copies]
    both = list(zip(ids, copies, strict=True))
    texts: dict[int, str] = {}
    _add(connection, _params, [row for trial, copy in both for row in _param_rows(trial, copy, texts)])
    _add(connection, _attributes, [row for trial, copy in both for row in _attribute_rows(trial, copy)])
    _add(connection, _values, [row for trial, copy in both for row in _value_rows(trial, copy.values)])
    _add(connection, _steps, [row for trial, copy in both for row in _step_rows(trial, copy.intermediate)])
    return ids


def put_steps(connection: sa.Connection, trial: int, values: Mapping[int, float]) -> None:
    """Set intermediate values of a trial."""
    if values:
        connection.execute(sa.delete(_steps).where(_steps.c.trial_id == trial, _steps.c.step.in_(values)))
        _add(connection, _steps, list(_step_rows(trial, values)))


def put_times(connection: sa.Connection, trial: int, began: datetime | None, ended: datetime | None) -> None:
    """Set when a trial began and ended, naive UTC."""
    times = {"datetime_start": began, "datetime_complete": ended}
    connection.execute(sa.update(_trials).where(_trials.c.trial_id == trial).values(times))


def read(engine: sa.Engine, study: int) -> Iterator[list[Copy]]:
    """Yield the trials of a study by number, some at a time."""
    with engine.connect() as connection:
        columns = _trials.c.trial_id, _trials.c.number, _trials.c.state
        query = sa.select(*columns).where(_trials.c.study_id == study).order_by(_trials.c.number, _trials.c.trial_id)
        rows = connection.execute(query).all()
        for start in range(0, len(rows), BATCH_TRIALS):
            yield _read(connection, rows[start : start + BATCH_TRIALS])


def remove(connection: sa.Connection, study: int) -> None:
    """Remove all trials of a study."""
    ours = sa.select(_trials.c.trial_id).where(_trials.c.study_id == study)
    for table in _CHILDREN:
        connection.execute(sa.delete(table).where(table.c.trial_id.in_(ours)))
    connection.execute(sa.delete(_trials).where(_trials.c.study_id == study))


def _add(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)


def _param_rows(trial: int, copy: Copy, texts: dict[int, str]) -> Iterator[dict[str, object]]:
    """Yield the rows of a trial's parameters; `texts` remembers how distributions are spelled, by their identity."""
    for name, value in copy.params.items():
        kind = copy.distributions[name]
        text = texts.get(id(kind)) or texts.setdefault(id(kind), distribution_to_json(kind))
        internal = kind.to_internal_repr(value)
        yield {"trial_id": trial, "param_name": name, "param_value": internal, "distribution_json": text}


@functools.lru_cache(maxsize=256)
def _from_json(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _attribute_rows(trial: int, copy: Copy) -> Iterator[dict[str, object]]:
    for name, value in copy.attributes.items():
        yield {"trial_id": trial, "key": name, "value_json": json.dumps(value)}


def _value_rows(trial: int, values: Sequence[float]) -> Iterator[dict[str, object]]:
    for place, value in enumerate(values):
        stored, kind = models.TrialValueModel.value_to_stored_repr(value)
        yield {"trial_id": trial, "objective": place, "value": stored, "value_type": kind}


def _step_rows(trial: int, values: Mapping[int, float]) -> Iterator[dict[str, object]]:
    for step, value in values.items():
        stored, kind = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr(value)
        yield {"trial_id": trial, "step": step, "intermediate_value": stored, "intermediate_value_type": kind}


def _read(connection: sa.Connection, rows: Sequence[Any]) -> list[Copy]:
    ids = [row.trial_id for row in rows]
    params: dict[int, dict[str, Any]] = {trial: {} for trial in ids}
    attributes: dict[int, dict[str, Any]] = {trial: {} for trial in ids}
    steps: dict[int, dict[int, float]] = {trial: {} for trial in ids}
    values: dict[int, dict[int, float]] = {trial: {} for trial in ids}

    def of(table: sa.Table, key: sa.Column[object]) -> Sequence[Any]:
        return connection.execute(sa.select(table).where(table.c.trial_id.in_(ids)).order_by(key)).all()

    for row in of(_params, _params.c.param_id):
        params[row.trial_id][row.param_name] = _from_json(row.distribution_json).to_external_repr(row.param_value)
    for row in of(_attributes, _attributes.c.trial_user_attribute_id):
        attributes[row.trial_id][row.key] = json.loads(row.value_json)
    for row in of(_values, _values.c.trial_value_id):
        values[row.trial_id][row.objective] = models.TrialValueModel.stored_repr_to_value(row.value, row.value_type)
    to_number = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value
    for row in of(_steps, _steps.c.trial_intermediate_value_id):
        steps[row.trial_id][row.step] = to_number(row.intermediate_value, row.intermediate_value_type)
    return [
        Copy(
            row.number,
            row.state,
            params[row.trial_id],
            {},
            attributes[row.trial_id],
            [values[row.trial_id][place] for place in sorted(values[row.trial_id])],
            steps[row.trial_id],
            id=row.trial_id,
        )
        for row in rows
    ]
