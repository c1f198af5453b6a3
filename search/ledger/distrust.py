"""Kinds of training that nothing is shared of any more, and their rows, which nobody is shown.

A proof of a kind failed, so whatever came from a saved state, or from a process that had trained something else, may be
wrong. Such rows are *withdrawn*: they stay in their table, and an entry beside them hides them. Rows of a process that
began at epoch 0 and had trained nothing else stand.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from search.core.trial import State
from search.core.trust import FRESH
from search.ledger import tables
from search.ledger.files import StateFile
from search.ledger.step import Step
from search.ledger.tables import utc_now


@dataclass(frozen=True)
class Distrust:
    """Why nothing of a kind is shared.

    Attributes:
        kind: the kind.
        text: what differed, in a sentence.
        repeatable: whether two fresh processes train the same bits from epoch 0; where not, no row of it is reused.
        run_id: the run that noticed.
        at: when, UTC.
        withdrawn: rows that were withdrawn.
    """

    kind: str
    text: str
    repeatable: bool
    run_id: int
    at: str
    withdrawn: int = 0


_epoch, _withdrawn, _distrust = tables.epoch.c, tables.withdrawn.c, tables.distrust.c

_TAINTED = sa.or_(_epoch.origin.is_(None), _epoch.origin != FRESH)
"""Rows that a distrusted kind's word is not taken for."""

SHOWN = ~sa.exists().where(_withdrawn.key == _epoch.key) & ~sa.exists().where(_distrust.kind == _epoch.kind, _TAINTED)
"""Which rows anybody is shown. The second half hides what a driver that has not heard of it commits meanwhile."""


def distrusted(connection: sa.Connection, kinds: Collection[str] | None) -> dict[str, Distrust]:
    """Return the distrusted kinds, all or those among `kinds`."""
    hidden = sa.select(sa.func.count()).where(_withdrawn.kind == _distrust.kind).scalar_subquery()
    query = sa.select(tables.distrust, hidden.label("withdrawn")).order_by(_distrust.at, _distrust.kind)
    if kinds is not None:
        query = query.where(_distrust.kind.in_(sorted(kinds)))
    return {row.kind: Distrust(**row._mapping) for row in connection.execute(query)}


def record(
    connection: sa.Connection, kind: str, text: str, repeatable: bool, run_id: int
) -> tuple[int, list[StateFile]]:
    """Record that a kind is distrusted; return the number of rows withdrawn, and the states that are on record no more.

    The first text stands, unless it turns out later that the kind is not repeatable. Called again, it withdraws what
    was committed in the meantime.
    """
    values = {"kind": kind, "text": text, "repeatable": repeatable, "run_id": run_id, "at": utc_now()}
    connection.execute(tables.insert_new(connection.dialect.name, tables.distrust, values))
    if not repeatable:
        worse = tables.distrust.update().where(_distrust.kind == kind, _distrust.repeatable)
        connection.execute(worse.values(text=text, repeatable=False))
    connection.execute(tables.proof.delete().where(tables.proof.c.kind == kind))
    states = tables.state.c
    of_kind = sa.select(_epoch.key).where(_epoch.kind == kind)
    deleted = tables.state.delete().where((states.kind == kind) | states.key.in_(of_kind))
    gone = connection.execute(deleted.returning(states.key, states.sha256, states.size)).all()
    keys = _withdraw(connection, kind, text, run_id)
    _reopen(connection, keys, kind, text, run_id)
    return len(keys), [StateFile(row.key.hex(), row.sha256, row.size) for row in gone]


def withdraw(connection: sa.Connection, kind: str, keys: Collection[str], text: str, run_id: int) -> None:
    """Withdraw single rows, whatever their origin: they are about to be trained once more."""
    entry = {"kind": kind, "reason": text, "run_id": run_id, "at": utc_now()}
    entries = [{"key": bytes.fromhex(key), **entry} for key in sorted(keys)]
    connection.execute(tables.insert_new(connection.dialect.name, tables.withdrawn), entries)


def clear(connection: sa.Connection) -> int:
    """Let every kind earn trust anew; return how many were distrusted. What is withdrawn stays so until its row is
    trained again."""
    kinds = distrusted(connection, None)
    for each in kinds.values():
        _withdraw(connection, each.kind, each.text, each.run_id)
    connection.execute(tables.distrust.delete())
    return len(kinds)


def _withdraw(connection: sa.Connection, kind: str, text: str, run_id: int) -> set[bytes]:
    """Withdraw the rows of a kind that may be wrong; return the keys of those that were not yet."""
    query = sa.select(_epoch.key).where(_epoch.kind == kind, _TAINTED, ~sa.exists().where(_withdrawn.key == _epoch.key))
    keys = set(connection.scalars(query))
    entry = {"kind": kind, "reason": text, "run_id": run_id, "at": utc_now()}
    if keys:
        entries = [{"key": key, **entry} for key in sorted(keys)]
        connection.execute(tables.insert_new(connection.dialect.name, tables.withdrawn), entries)
    return keys


def _reopen(connection: sa.Connection, keys: set[bytes], kind: str, text: str, run_id: int) -> None:
    """Reopen the trials of all studies that showed a withdrawn row, and log it in each study concerned."""
    if not keys:
        return
    table = tables.trial.c
    columns = (table.study_id, table.number, table.last_epoch, table.path)
    reopened: dict[int, list[int]] = {}
    shown: dict[int, set[bytes]] = {}
    for row in connection.execute(sa.select(*columns).where(table.last_epoch > 0).order_by(table.number)):
        path = {row.path[start : start + 20] for start in range(0, 20 * row.last_epoch, 20)}
        if not keys.isdisjoint(path):
            reopened.setdefault(row.study_id, []).append(row.number)
            shown.setdefault(row.study_id, set()).update(keys & path)
    for study_id in sorted(reopened):
        step = Step(connection, study_id)
        numbers, rows = reopened[study_id], len(shown[study_id])
        step.log("withdrawn", kind_of_training=kind, text=text, rows=rows, trials=numbers, run=run_id)
        for number in numbers:
            step.set_trial(number, state=State.INTERRUPTED, ended_by="", last_epoch=0, error="")
        step.flush()
