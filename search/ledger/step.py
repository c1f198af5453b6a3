"""One transaction on a study: what it may write, and when it is written."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningInsert

from search.core.trial import Row, State, Trial
from search.core.trust import FRESH
from search.ledger import codec, tables
from search.ledger.hidden import DOUBTED
from search.ledger.kept import KeptState
from search.ledger.tables import utc_now


class Step:
    """What one transaction writes; made by `Ledger.step`, which also commits it.

    Trials' columns and log entries are collected and written at the end: a statement costs more than its content. For
    the same reason statements are built once, with their values bound: building one takes longer than SQLite does.
    """

    def __init__(self, connection: sa.Connection, study_id: int) -> None:
        self._connection = connection
        self._study_id = study_id
        self._dialect = connection.dialect.name
        self._seq: int | None = None
        self._columns: dict[int, dict[str, Any]] = {}  # trial -> columns to set
        self._entries: list[dict[str, Any]] = []

    def put_row(
        self, key: str, epoch: int, row: Row, seconds: float, run_id: int, kind: str = "", origin: str = ""
    ) -> tuple[Row, bool, float]:
        """Insert a row, or find the one that is there: the first one stands, unless nobody is shown it.

        Args:
            key: its epoch key.
            epoch: counted from 1.
            row: what was measured.
            seconds: the epoch took.
            run_id: the run that trained it.
            kind: of the training (`search.core.trust`).
            origin: how its process began: "fresh", "saved", "used", or the key of the state it started from.

        Returns:
            the row on record, whether it is the one given, and the seconds on record that its epoch took.
        """
        binary = bytes.fromhex(key)
        values = {
            "epoch": epoch,
            "row": codec.encode_row(row),
            "scores": codec.encode_scores(row),
            "seconds": seconds,
            "run_id": run_id,
            "recorded": utc_now(),
            "kind": kind or None,
            "origin": origin or None,
        }
        # It returns the key: what a driver reports as number of inserted rows may be -1.
        if self._connection.execute(_insert_row(self._dialect), {"key": binary, **values}).first() is not None:
            return row, True, seconds
        if self._connection.execute(_TAKE_PLACE, {"_key": binary}).first() is not None:
            self._connection.execute(tables.epoch.update().where(tables.epoch.c.key == binary).values(**values))
            return row, True, seconds
        if origin == FRESH:  # it takes the place of one that is hidden by its kind alone, too
            doubted = tables.epoch.update().where(tables.epoch.c.key == binary, DOUBTED)
            if self._connection.execute(doubted.values(**values).returning(tables.epoch.c.key)).first() is not None:
                return row, True, seconds
        columns = tables.epoch.c
        query = sa.select(columns.row, columns.scores, columns.seconds).where(columns.key == binary)
        encoded, scores, took = self._connection.execute(query).one()
        return codec.row_with_scores(encoded, scores), False, took

    def put_state(self, kept: KeptState) -> None:
        """Name a state that lies on disk, complete and synced; another one of the same key is replaced. The row behind
        it stays with it where it is the same to the last bit."""
        values: dict[str, Any] = {
            "sha256": kept.file.sha256,
            "size": kept.file.size,
            "epoch": kept.epoch,
            "role": kept.role.value,
        }
        values |= {"made": utc_now(), "kind": kept.kind or None}
        named = tables.insert(self._dialect, tables.state).values(key=bytes.fromhex(kept.file.key), **values)
        columns = tables.state.c
        equal = columns.sha256 == kept.file.sha256
        values |= {name: sa.case((equal, columns[name])) for name in ("behind", "pair")}
        # In one statement: between two, another driver may name its own.
        self._connection.execute(named.on_conflict_do_update(index_elements=["key"], set_=values))

    def put_behind(self, state_key: str, row_key: str, pair: Mapping[str, object]) -> None:
        """Record that the process which saved a state has trained the row behind it: the two are a pair from now on.

        Args:
            state_key: of the state; where it has been freed in the meantime nothing is recorded.
            row_key: of the row.
            pair: what the epoch was trained with: ``fixed`` settings, ``settings`` of that epoch, fingerprint of its
                ``data``, ``inputs`` by name.
        """
        named = tables.state.c.key == bytes.fromhex(state_key)
        values = {"behind": bytes.fromhex(row_key), "pair": json.dumps(dict(pair), sort_keys=True)}
        self._connection.execute(tables.state.update().where(named).values(**values))

    def put_proof(self, kind: str, what: str, key: str, run_id: int) -> None:
        """Record what was proven of a kind (`search.core.trust`), by the state or row of this key; the first stands."""
        values = {"kind": kind, "what": what, "key": bytes.fromhex(key), "run_id": run_id, "at": utc_now()}
        self._connection.execute(tables.insert_new(self._dialect, tables.proof, values))

    def add_trial(self, trial: Trial, path: Sequence[str], data: str) -> None:
        """Add a trial with its path of epoch keys."""
        texts = {name: json.dumps(dict(getattr(trial, name))) for name in ("parameters", "settings")}
        values = {**vars(trial), **texts, "study_id": self._study_id, "state": trial.state.value, "data": data}
        self._connection.execute(tables.trial.insert().values(path=bytes.fromhex("".join(path)), **values))

    def set_trial(self, number: int, **values: Any) -> None:
        """Set columns of a trial: state, ended_by, last_epoch, error, attempts."""
        if "state" in values:
            values["state"] = State(values["state"]).value
        self._columns.setdefault(number, {}).update(values)

    def log(
        self,
        kind: str,
        *,
        trial: int | None = None,
        epoch: int | None = None,
        key: str | None = None,
        **detail: object,
    ) -> int:
        """Append to the study's order log; return the entry's number."""
        if self._seq is None:
            self._seq = self._last_seq()
        self._seq += 1
        self._entries.append(
            {
                "study_id": self._study_id,
                "seq": self._seq,
                "at": utc_now(),
                "kind": kind,
                "trial": trial,
                "epoch": epoch,
                "key": bytes.fromhex(key) if key else None,
                "detail": json.dumps(detail),
            }
        )
        return self._seq

    def flush(self) -> None:
        """Write what was collected."""
        alike: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for number, values in self._columns.items():
            where = {"_study_id": self._study_id, "_number": number}
            alike[tuple(sorted(values))].append({**where, **{f"_{name}": value for name, value in values.items()}})
        for names, each in alike.items():  # many trials wait for one row: one statement for all of them
            self._connection.execute(_update_trial(names), each)
        if self._entries:
            self._connection.execute(tables.decision.insert(), self._entries)
        self._columns, self._entries = {}, []

    def _last_seq(self) -> int:
        if self._dialect != "sqlite":
            # Others that would take the same number wait here; SQLite lets one writer in at a time anyway.
            row = sa.select(tables.study.c.id).where(tables.study.c.id == self._study_id)
            self._connection.execute(row.with_for_update())
        last = self._connection.execute(_LAST_SEQ, {"study": self._study_id}).scalar()
        return -1 if last is None else last


_LAST_SEQ = sa.select(sa.func.max(tables.decision.c.seq)).where(tables.decision.c.study_id == sa.bindparam("study"))


@functools.cache
def _insert_row(dialect: str) -> ReturningInsert[tuple[str]]:
    return tables.insert_new(dialect, tables.epoch).returning(tables.epoch.c.key)


_TAKE_PLACE = (
    tables.withdrawn.delete().where(tables.withdrawn.c.key == sa.bindparam("_key")).returning(tables.withdrawn.c.key)
)
"""A row put again under the key of one that was withdrawn takes its place: whoever removes the entry is the one."""


@functools.cache
def _update_trial(names: tuple[str, ...]) -> sa.Update:
    """Return the statement that sets these columns of one trial; its parameters bear the columns' names behind a _."""
    table = tables.trial
    where = (table.c.study_id == sa.bindparam("_study_id")) & (table.c.number == sa.bindparam("_number"))
    return table.update().where(where).values({name: sa.bindparam(f"_{name}") for name in names})
