"""What a list, or a page that is watched, reads of the trials of a study: a few columns, faster than whole trials."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from search.core.trial import State, Trial
from search.ledger import tables
from search.ledger.hidden import SHOWN


def brief_trials(engine: sa.Engine, study_id: int) -> list[Trial]:
    """Return all trials of a study, by number, without parameters, settings and texts: numbers are read faster."""
    names = ("number", "configuration", "seed", "epochs", "state", "last_epoch", "attempts")
    query = sa.select(*(tables.trial.c[name] for name in names)).where(tables.trial.c.study_id == study_id)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(tables.trial.c.number)).all()
    return [
        Trial(number, configuration, seed, {}, {}, epochs, State(state), "", last_epoch, "", attempts)
        for number, configuration, seed, epochs, state, last_epoch, attempts in rows
    ]


def parameters_of(engine: sa.Engine, study_id: int, configurations: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """Return configuration -> its parameters, of those of a study that are among `configurations`."""
    trial, found = tables.trial.c, dict[int, Mapping[str, Any]]()
    first = sa.select(sa.func.min(trial.number)).where(trial.study_id == study_id).group_by(trial.configuration)
    query = sa.select(trial.configuration, trial.parameters).where(trial.study_id == study_id)
    with engine.connect() as connection:
        for batch in tables.batches(configurations):
            some = trial.configuration.in_(batch)
            rows = connection.execute(query.where(trial.number.in_(first.where(some))))
            found |= {configuration: json.loads(text) for configuration, text in rows}
    return found


def last_keys(engine: sa.Engine, study_id: int) -> dict[int, tuple[str, str]]:
    """Return trial number -> (key of its last epoch on record, data fingerprint), of all trials that have one."""
    trial = tables.trial.c
    start = (trial.last_epoch - 1) * tables.KEY_BYTES + 1
    key = sa.func.substr(trial.path, start, tables.KEY_BYTES, type_=sa.LargeBinary)
    query = sa.select(trial.number, key, trial.data).where(trial.study_id == study_id, trial.last_epoch > 0)
    with engine.connect() as connection:
        return {number: (bytes(blob).hex(), data) for number, blob, data in connection.execute(query)}


def seconds_of(engine: sa.Engine, keys: Sequence[str]) -> dict[str, float]:
    """Return epoch key -> seconds that its epoch took, of those that are on record and were not withdrawn."""
    epoch, found = tables.epoch.c, dict[str, float]()
    with engine.connect() as connection:
        for batch in tables.batches(keys):
            query = sa.select(epoch.key, epoch.seconds).where(epoch.key.in_(list(map(bytes.fromhex, batch))), SHOWN)
            found |= {row.key.hex(): row.seconds for row in connection.execute(query)}
    return found
