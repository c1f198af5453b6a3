"""Kinds of training that nothing is shared of any more, and their rows, which nobody is shown.

A proof of a kind failed, so whatever came from a saved state, or from a process that had trained something else, may be
wrong. Such rows are *withdrawn*: they stay in their table, and an entry beside them hides them. Rows of a process that
began at epoch 0 and had trained nothing else stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from search.core.trial import State
from search.ledger import tables
from search.ledger.files import StateFile
from search.ledger.hidden import SHOWN, TAINTED, WITHDRAWN
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
    keys = _withdraw_tainted(connection, kind, text, run_id)
    _reopen(connection, keys, kind, text, run_id)
    return len(keys), [StateFile(row.key.hex(), row.sha256, row.size) for row in gone]


def withdraw(connection: sa.Connection, kind: str, keys: Collection[bytes], text: str, run_id: int) -> None:
    """Withdraw rows, whatever their origin."""
    entry = {"kind": kind, "reason": text, "run_id": run_id, "at": utc_now()}
    if entries := [{"key": key, **entry} for key in sorted(keys)]:
        connection.execute(tables.insert_new(connection.dialect.name, tables.withdrawn), entries)


def clear(connection: sa.Connection) -> int:
    """Let every kind earn trust anew; return how many were distrusted. What is withdrawn stays so until its row is
    trained again."""
    kinds = distrusted(connection, None)
    for each in kinds.values():
        _withdraw_tainted(connection, each.kind, each.text, each.run_id)
    # A driver that had not heard of it may have recorded proofs since.
    connection.execute(tables.proof.delete().where(tables.proof.c.kind.in_(sa.select(_distrust.kind))))
    connection.execute(tables.distrust.delete())
    return len(kinds)


def _withdraw_tainted(connection: sa.Connection, kind: str, text: str, run_id: int) -> set[bytes]:
    """Withdraw the rows of a kind that may be wrong; return the keys of those that were not yet."""
    query = sa.select(_epoch.key).where(_epoch.kind == kind, TAINTED, ~WITHDRAWN)
    keys = set(connection.scalars(query))
    withdraw(connection, kind, keys, text, run_id)
    return keys


def _reopen(connection: sa.Connection, keys: set[bytes], kind: str, text: str, run_id: int) -> None:
    """Reopen the trials of all studies that showed a withdrawn row, and log it in each study concerned."""
    if not keys:
        return
    trials: defaultdict[int, list[int]] = defaultdict(list)
    rows: defaultdict[int, set[bytes]] = defaultdict(set)
    for study_id, number, path in _shown_paths(connection, sa.true()):
        if not keys.isdisjoint(path):
            trials[study_id].append(number)
            rows[study_id].update(keys.intersection(path))
    for study_id in sorted(trials):
        _log_reopened(connection, study_id, trials[study_id], len(rows[study_id]), kind, text, run_id)


def hides(connection: sa.Connection) -> bool:
    """Whether any row is shown to nobody."""
    return any(connection.execute(sa.select(table).limit(1)).first() for table in (tables.withdrawn, tables.distrust))


def reopen(connection: sa.Connection, study_id: int) -> int:
    """Reopen the trials of a study that ended with a row that is shown to nobody; return how many there were."""
    ended = tables.trial.c.state.in_([state.value for state in State if state.ended and state != State.FAILED])
    paths = {
        number: path for _, number, path in _shown_paths(connection, (tables.trial.c.study_id == study_id) & ended)
    }
    hidden = _hidden(connection, list(dict.fromkeys(key for path in paths.values() for key in path)))
    trials: defaultdict[Distrust, list[int]] = defaultdict(list)
    for number, path in paths.items():
        if (why := next((hidden[key] for key in path if key in hidden), None)) is not None:
            trials[why].append(number)
    for why, numbers in trials.items():
        rows = len({key for number in numbers for key in paths[number] if hidden.get(key) == why})
        _log_reopened(connection, study_id, numbers, rows, why.kind, why.text, why.run_id)
    return sum(map(len, trials.values()))


def _hidden(connection: sa.Connection, keys: Sequence[bytes]) -> dict[bytes, Distrust]:
    """Return those of the keys whose rows are shown to nobody, with why."""
    kinds: dict[bytes, str] = {}
    entries: dict[bytes, Distrust] = {}
    for batch in tables.batches(keys):
        found = connection.execute(sa.select(_epoch.key, _epoch.kind).where(_epoch.key.in_(batch), ~SHOWN))
        kinds |= {row.key: row.kind or "" for row in found}
        for row in connection.execute(sa.select(tables.withdrawn).where(_withdrawn.key.in_(batch))):
            entries[row.key] = Distrust(row.kind, row.reason, True, row.run_id, "")
    whole = {kind: replace(why, at="", withdrawn=0) for kind, why in distrusted(connection, None).items()}
    # One that took a withdrawn row's place between the two looks has no entry any more.
    return {key: why for key, kind in kinds.items() if (why := whole.get(kind) or entries.get(key))}


def _shown_paths(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[tuple[int, int, list[bytes]]]:
    """Yield study, number and the keys of the epochs behind which a trial stands, of those that have begun."""
    table = tables.trial.c
    columns = (table.study_id, table.number, table.last_epoch, table.path)
    for row in connection.execute(sa.select(*columns).where(table.last_epoch > 0, which).order_by(table.number)):
        yield row.study_id, row.number, [row.path[start : start + 20] for start in range(0, 20 * row.last_epoch, 20)]


def _log_reopened(
    connection: sa.Connection, study_id: int, numbers: Sequence[int], rows: int, kind: str, text: str, run_id: int
) -> None:
    step = Step(connection, study_id)
    step.log("withdrawn", kind_of_training=kind, text=text, rows=rows, trials=list(numbers), run=run_id)
    for number in numbers:
        step.set_trial(number, state=State.INTERRUPTED, ended_by="", last_epoch=0, error="")
    step.flush()
