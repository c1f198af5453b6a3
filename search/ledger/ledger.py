"""Reading and writing the ledger; see the package's docstring for its guarantees."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from search.errors import StudyNotFound, nearest
from search.ledger import codec, tables
from search.trial import DataCard, Row, State, Trial

CHUNK = 500  # keys per query: SQLite allows 32,766 variables, and smaller statements are cached better


@dataclass(frozen=True)
class StudyRecord:
    """A study as the ledger knows it. `space` is the resolved file as text, `identity` the hash of what makes it this
    study and not a revision of it."""

    id: int
    name: str
    base_name: str
    revision: int
    space: str
    identity: str
    workload: str
    execution_class: Mapping[str, str] | None
    created: str


@dataclass(frozen=True)
class Recorded:
    """A row as it is on record: with the seconds its epoch took, the run that trained it, and when it was committed
    (UTC)."""

    row: Row
    epoch: int
    seconds: float
    run_id: int
    recorded: str = ""


@dataclass(frozen=True)
class Decision:
    """One entry of a study's order log."""

    seq: int
    at: str
    kind: str
    trial: int | None
    epoch: int | None
    key: str | None
    detail: Mapping[str, Any]


class Ledger:
    """One database.

    Args:
        storage: an SQLAlchemy URL, or the path of an SQLite file.

    Raises:
        UserError: the database cannot be opened or is not ours.
    """

    def __init__(self, storage: str) -> None:
        self.storage = storage
        self.engine = tables.open_engine(storage)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    # Studies -------------------------------------------------------------------------------------------------

    def studies(self) -> list[StudyRecord]:
        """Return all studies, oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(tables.study).order_by(tables.study.c.id)).all()
        return [_study(row) for row in rows]

    def study(self, name: str) -> StudyRecord:
        """Return a study by name.

        Raises:
            StudyNotFound: names the nearest one, or those there are.
        """
        found = self.studies()
        for record in found:
            if record.name == name:
                return record
        names = [record.name for record in found]
        hint = nearest(name, names) or (f"; there are {', '.join(names)}" if names else "; the ledger holds none yet")
        raise StudyNotFound(f"no study {name!r} in {tables.without_password(self.storage)}{hint}")

    def create_study(self, name: str, base_name: str, revision: int, space: str, identity: str, workload: str) -> None:
        """Add a study; does nothing where one of this name was added in the meantime."""
        values = {
            "name": name,
            "base_name": base_name,
            "revision": revision,
            "space": space,
            "identity": identity,
            "workload": workload,
            "created": utc_now(),
        }
        with self._writing() as connection:
            connection.execute(self._insert_new(tables.study, values))

    def update_study(self, study_id: int, **values: Any) -> None:
        """Set columns of a study: its ``space`` text, or ``execution_class``, which is pinned once."""
        if isinstance(values.get("execution_class"), Mapping):
            values["execution_class"] = json.dumps(dict(values["execution_class"]), sort_keys=True)
        with self._writing() as connection:
            connection.execute(tables.study.update().where(tables.study.c.id == study_id).values(**values))

    def begin_run(self, study_id: int, conditions: Mapping[str, Any]) -> int:
        """Record that a driver starts on a study, under these conditions; return the run's id."""
        with self._writing() as connection:
            result = connection.execute(
                tables.run.insert().values(
                    study_id=study_id, started=utc_now(), outcome="", conditions=json.dumps(dict(conditions))
                )
            )
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def end_run(self, run_id: int, outcome: str, seconds: float) -> None:
        """Record how a run ended and how long it took by the monotonic clock."""
        with self._writing() as connection:
            connection.execute(
                tables.run.update()
                .where(tables.run.c.id == run_id)
                .values(ended=utc_now(), outcome=outcome, seconds=seconds)
            )

    def runs(self, ids: Sequence[int] | None = None, study_id: int | None = None) -> list[dict[str, Any]]:
        """Return runs with their conditions, oldest first: those of a study, or those with these ids."""
        query = sa.select(tables.run).order_by(tables.run.c.id)
        if ids is not None:
            query = query.where(tables.run.c.id.in_(ids))
        if study_id is not None:
            query = query.where(tables.run.c.study_id == study_id)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [{**row._mapping, "conditions": json.loads(row.conditions)} for row in rows]

    # Data ----------------------------------------------------------------------------------------------------

    def put_data(self, card: DataCard) -> None:
        """Record what a data fingerprint stands for."""
        values = {"fingerprint": card.fingerprint, "card": codec.encode_card(card)}
        with self._writing() as connection:
            connection.execute(self._insert_new(tables.data, values))

    def data(self, fingerprint: str) -> DataCard | None:
        """Return the data card of a fingerprint, or None."""
        query = sa.select(tables.data.c.card).where(tables.data.c.fingerprint == fingerprint)
        with self.engine.connect() as connection:
            blob = connection.execute(query).scalar()
        return None if blob is None else codec.decode_card(blob)

    # Trials and rows -----------------------------------------------------------------------------------------

    def trials(self, study_id: int) -> list[Trial]:
        """Return all trials of a study, by number."""
        columns = [column for column in tables.trial.c if column.name != "path"]
        query = sa.select(*columns).where(tables.trial.c.study_id == study_id).order_by(tables.trial.c.number)
        with self.engine.connect() as connection:
            return [_trial(row) for row in connection.execute(query)]

    def paths(self, study_id: int) -> dict[int, tuple[list[str], str]]:
        """Return trial number -> (epoch keys of its whole path, data fingerprint)."""
        query = sa.select(tables.trial.c.number, tables.trial.c.path, tables.trial.c.data)
        with self.engine.connect() as connection:
            rows = connection.execute(query.where(tables.trial.c.study_id == study_id)).all()
        return {row.number: (_split_path(row.path), row.data) for row in rows}

    def rows(self, keys: Sequence[str], predictions: bool = False) -> dict[str, Recorded]:
        """Return those of `keys` that are on record."""
        found = {}
        with self.engine.connect() as connection:
            for start in range(0, len(keys), CHUNK):
                wanted = [bytes.fromhex(key) for key in keys[start : start + CHUNK]]
                for row in connection.execute(sa.select(tables.epoch).where(tables.epoch.c.key.in_(wanted))):
                    content = codec.decode_row(row.row, predictions)
                    found[row.key.hex()] = Recorded(content, row.epoch, row.seconds, row.run_id, row.recorded)
        return found

    def decisions(self, study_id: int, kinds: Sequence[str] = ()) -> list[Decision]:
        """Return the order log of a study, or only these kinds of entries."""
        query = sa.select(tables.decision).where(tables.decision.c.study_id == study_id)
        if kinds:
            query = query.where(tables.decision.c.kind.in_(kinds))
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(tables.decision.c.seq)).all()
        return [
            Decision(r.seq, r.at, r.kind, r.trial, r.epoch, r.key.hex() if r.key else None, json.loads(r.detail))
            for r in rows
        ]

    @contextmanager
    def step(self, study_id: int) -> Iterator[Step]:
        """One transaction on a study: commits at the end, or leaves no trace when an exception passes through."""
        with self._writing() as connection:
            step = Step(connection, study_id, self._insert_new)
            yield step
            step.flush()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def _insert_new(self, table: sa.Table, values: Mapping[str, Any]) -> sa.Insert:
        """Insert unless the primary key or a unique name is taken."""
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table).values(**values).on_conflict_do_nothing()


class Step:
    """What one transaction writes; made by `Ledger.step`, which also commits it.

    Trials' columns and log entries are collected and written at the end: a statement costs more than its content.
    """

    def __init__(self, connection: sa.Connection, study_id: int, insert_new: Any) -> None:
        self._connection = connection
        self._study_id = study_id
        self._insert_new = insert_new
        self._seq: int | None = None
        self._columns: dict[int, dict[str, Any]] = {}  # trial -> columns to set
        self._entries: list[dict[str, Any]] = []

    def put_row(self, key: str, epoch: int, row: Row, seconds: float, run_id: int) -> tuple[Row, bool]:
        """Insert a row, or find the one that is there: the first one stands.

        Returns:
            the row on record, and whether it is the one given.
        """
        blob = codec.encode_row(row)
        binary = bytes.fromhex(key)
        values = {"key": binary, "epoch": epoch, "row": blob, "seconds": seconds, "run_id": run_id}
        insert = self._insert_new(tables.epoch, {**values, "recorded": utc_now()})
        # Ask for the key: what a driver reports as number of inserted rows may be -1.
        if self._connection.execute(insert.returning(tables.epoch.c.key)).first() is not None:
            return row, True
        query = sa.select(tables.epoch.c.row).where(tables.epoch.c.key == binary)
        return codec.decode_row(self._connection.execute(query).scalar_one()), False

    def add_trial(self, trial: Trial, path: Sequence[str], data: str) -> None:
        """Add a trial with its path of epoch keys."""
        self._connection.execute(
            tables.trial.insert().values(
                study_id=self._study_id,
                number=trial.number,
                configuration=trial.configuration,
                seed=trial.seed,
                parameters=json.dumps(dict(trial.parameters)),
                settings=json.dumps(dict(trial.settings)),
                epochs=trial.epochs,
                path=bytes.fromhex("".join(path)),
                data=data,
                state=trial.state.value,
                ended_by=trial.ended_by,
                last_epoch=trial.last_epoch,
                error=trial.error,
                attempts=trial.attempts,
            )
        )

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
        **detail: Any,
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
        for number, values in self._columns.items():
            where = (tables.trial.c.study_id == self._study_id) & (tables.trial.c.number == number)
            self._connection.execute(tables.trial.update().where(where).values(**values))
        if self._entries:
            self._connection.execute(tables.decision.insert(), self._entries)
        self._columns, self._entries = {}, []

    def _last_seq(self) -> int:
        if self._connection.dialect.name != "sqlite":
            # Others that would take the same number wait here; SQLite lets one writer in at a time anyway.
            row = sa.select(tables.study.c.id).where(tables.study.c.id == self._study_id)
            self._connection.execute(row.with_for_update())
        query = sa.select(sa.func.max(tables.decision.c.seq)).where(tables.decision.c.study_id == self._study_id)
        last = self._connection.execute(query).scalar()
        return -1 if last is None else last


def utc_now() -> str:
    """The time as UTC text, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _split_path(blob: bytes) -> list[str]:
    digits = blob.hex()
    return [digits[start : start + 40] for start in range(0, len(digits), 40)]


def _study(row: Any) -> StudyRecord:
    values = dict(row._mapping)
    pinned = values.pop("execution_class")
    return StudyRecord(**values, execution_class=json.loads(pinned) if pinned else None)


def _trial(row: Any) -> Trial:
    return Trial(
        number=row.number,
        configuration=row.configuration,
        seed=row.seed,
        parameters=json.loads(row.parameters),
        settings=json.loads(row.settings),
        epochs=row.epochs,
        state=State(row.state),
        ended_by=row.ended_by,
        last_epoch=row.last_epoch,
        error=row.error,
        attempts=row.attempts,
    )
