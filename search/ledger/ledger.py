"""Reading and writing the ledger; see the package's docstring for its guarantees."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from search.core.errors import StudyNotFound, nearest
from search.core.trial import DataCard, Row, State, Trial
from search.ledger import codec, distrust, tables
from search.ledger.cards import merged
from search.ledger.distrust import Distrust
from search.ledger.files import remove_state
from search.ledger.hidden import SHOWN
from search.ledger.opening import open_engine
from search.ledger.states import States
from search.ledger.step import Step
from search.ledger.tables import utc_now
from search.ledger.urls import without_password


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
    (UTC). Rows that are equal to the last bit, predictions included, have one `content`, within this process (`codec`).
    `kind` is that of its training, `origin` how its process began (`search.core.trust`); both "" where nobody said."""

    row: Row
    epoch: int
    seconds: float
    run_id: int
    recorded: str = ""
    content: int = 0
    kind: str = ""
    origin: str = ""


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
        states: folder of the state files; by default ``states`` beside the SQLite file.
        reading: it is enough to read it, where this user may not write to it.

    Attributes:
        read_only: whether all that would write raises `ReadOnly`.

    Raises:
        UserError: the database cannot be opened or is not ours.
    """

    def __init__(self, storage: str, states: str | os.PathLike[str] | None = None, *, reading: bool = False) -> None:
        self.storage = storage
        self.engine = open_engine(storage, reading)
        self.read_only = bool(self.engine.get_execution_options().get("read_only"))
        if states is None:
            states = Path(self.engine.url.database or ".").parent / "states"
        self.states = States(self.engine, Path(states).absolute())

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    # Studies -------------------------------------------------------------------------------------------------

    def studies(self, base_name: str | None = None) -> list[StudyRecord]:
        """Return all studies, or the revisions of one, oldest first."""
        query = sa.select(tables.study).order_by(tables.study.c.id)
        if base_name is not None:
            query = query.where(tables.study.c.base_name == base_name)
        with self.engine.connect() as connection:
            return [study_of(row) for row in connection.execute(query)]

    def names(self) -> dict[int, str]:
        """Return number -> name of all studies, oldest first."""
        query = sa.select(tables.study.c.id, tables.study.c.name).order_by(tables.study.c.id)
        with self.engine.connect() as connection:
            return {row.id: row.name for row in connection.execute(query)}

    def study(self, name: str) -> StudyRecord:
        """Return a study by name.

        Raises:
            StudyNotFound: names the nearest one, or those there are.
        """
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(tables.study).where(tables.study.c.name == name)).one_or_none()
            if row is not None:
                return study_of(row)
            names = list(connection.execute(sa.select(tables.study.c.name).order_by(tables.study.c.id)).scalars())
        hint = nearest(name, names) or nearest(Path(name).stem, names)  # of a file, as `run` takes it
        hint = hint or (f"; there are {', '.join(names)}" if names else "; the ledger holds none yet")
        raise StudyNotFound(f"no study {name!r} in {without_password(self.storage)}{hint}")

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
        with self.writing() as connection:
            connection.execute(tables.insert_new(self.engine.dialect.name, tables.study, values))

    def update_study(self, study_id: int, **values: Any) -> None:
        """Set columns of a study: its ``space`` text, or ``execution_class``, which is pinned once."""
        if isinstance(values.get("execution_class"), Mapping):
            values["execution_class"] = json.dumps(dict(values["execution_class"]), sort_keys=True)
        with self.writing() as connection:
            connection.execute(tables.study.update().where(tables.study.c.id == study_id).values(**values))

    def begin_run(self, study_id: int, conditions: Mapping[str, object]) -> int:
        """Record that a driver starts on a study, under these conditions; return the run's id."""
        with self.writing() as connection:
            result = connection.execute(
                tables.run.insert().values(
                    study_id=study_id, started=utc_now(), outcome="", conditions=json.dumps(dict(conditions))
                )
            )
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def amend_run(self, run_id: int, conditions: Mapping[str, object]) -> None:
        """Add to the conditions of a run what was found out on its way."""
        (known,) = self.runs([run_id])
        amended = json.dumps({**known["conditions"], **conditions})
        with self.writing() as connection:
            connection.execute(tables.run.update().where(tables.run.c.id == run_id).values(conditions=amended))

    def end_run(self, run_id: int, outcome: str, seconds: float) -> None:
        """Record how a run ended and how long it took by the monotonic clock."""
        with self.writing() as connection:
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

    # Trust -----------------------------------------------------------------------------------------------------

    def proofs(self, kinds: Collection[str] | None = None) -> dict[str, frozenset[str]]:
        """Return kind -> what is proven of it, of all kinds or of those among `kinds` (`search.core.trust`)."""
        query = sa.select(tables.proof.c.kind, tables.proof.c.what)
        if kinds is not None:
            query = query.where(tables.proof.c.kind.in_(sorted(kinds)))
        found: defaultdict[str, set[str]] = defaultdict(set)
        with self.engine.connect() as connection:
            for kind, what in connection.execute(query):
                found[kind].add(what)
        return {kind: frozenset(names) for kind, names in found.items()}

    def distrust(self, kind: str, text: str, repeatable: bool, run_id: int) -> int:
        """Record that a kind gave another row than the one on record, and withdraw its rows: all but those of processes
        that began at epoch 0 and had trained nothing before.

        Nobody reads a withdrawn row any more. The states of the kind and its proofs are gone, and the trials of all
        studies that showed such a row are open again; a decision ``withdrawn`` says so in each of these studies. A
        driver of another study may commit rows of the kind meanwhile: nobody is shown them, and calling this again
        withdraws them, too.

        Args:
            kind: the kind (`search.core.trust.kind_of`).
            text: what differed, in a sentence; the first one stands, unless the kind turns out not to be repeatable.
            repeatable: whether two fresh processes train the same bits from epoch 0.
            run_id: the run that noticed.

        Returns:
            number of rows that were withdrawn now.
        """
        with self.writing() as connection:
            count, states = distrust.record(connection, kind, text, repeatable, run_id)
        for state in states:
            remove_state(self.states.folder, state)
        return count

    def withdraw(self, kind: str, keys: Collection[str], text: str, run_id: int) -> None:
        """Withdraw single rows of a kind, whatever their origin: they are about to be trained once more.

        Args:
            kind: the kind.
            keys: of the rows.
            text: why.
            run_id: the run that trains them.
        """
        with self.writing() as connection:
            distrust.withdraw(connection, kind, [bytes.fromhex(key) for key in keys], text, run_id)

    def reopen(self, study_id: int) -> int:
        """Reopen the trials of a study that ended with a withdrawn row on their path; return how many there were.

        A driver that works while another one distrusts a kind hears of it at its end, or the next one at its beginning.
        """
        with self.engine.connect() as connection:
            if not distrust.hides(connection):
                return 0
        with self.writing() as connection:
            return distrust.reopen(connection, study_id)

    def trust_again(self) -> int:
        """Let every distrusted kind earn trust anew; return how many there were. Rows that were withdrawn stay so
        until they are trained again."""
        with self.writing() as connection:
            return distrust.clear(connection)

    def distrusted(self, kinds: Collection[str] | None = None) -> dict[str, Distrust]:
        """Return the kinds that nothing is shared of, all or those among `kinds`, oldest first."""
        with self.engine.connect() as connection:
            return distrust.distrusted(connection, kinds)

    # Data ----------------------------------------------------------------------------------------------------

    def put_data(self, card: DataCard) -> None:
        """Record what a data fingerprint stands for: the first card stands, but for what it left empty, and for groups.

        Raises:
            UserError: other true classes are on record, see `merged`.
        """
        values = {"fingerprint": card.fingerprint, "card": codec.encode_card(card)}
        named = tables.data.c.fingerprint == card.fingerprint
        with self.writing() as connection:
            connection.execute(tables.insert_new(self.engine.dialect.name, tables.data, values))
            stored = connection.execute(sa.select(tables.data.c.card).where(named)).scalar_one()
            blob = codec.encode_card(merged(codec.decode_card(stored), card))
            if blob != stored:
                connection.execute(tables.data.update().where(named).values(card=blob))

    def data(self, fingerprint: str) -> DataCard | None:
        """Return the data card of a fingerprint, or None."""
        query = sa.select(tables.data.c.card).where(tables.data.c.fingerprint == fingerprint)
        with self.engine.connect() as connection:
            blob = connection.execute(query).scalar()
        return None if blob is None else codec.decode_card(blob)

    # Trials and rows -----------------------------------------------------------------------------------------

    def trials(self, study_id: int) -> list[Trial]:
        """Return all trials of a study, by number."""
        columns = [column for column in tables.trial.c if column.name not in ("study_id", "path", "data")]
        query = sa.select(*columns).where(tables.trial.c.study_id == study_id).order_by(tables.trial.c.number)
        with self.engine.connect() as connection:
            return [_trial(row) for row in connection.execute(query)]

    def begun(self, study_id: int, data: str) -> list[Trial]:
        """Return the first trial of each configuration on data of this fingerprint that has an epoch on record."""
        trial = tables.trial.c
        columns = [column for column in trial if column.name not in ("study_id", "path", "data")]
        mine = (trial.study_id == study_id) & (trial.last_epoch > 0) & (trial.data == data)
        first = sa.select(sa.func.min(trial.number)).where(mine).group_by(trial.configuration)
        query = sa.select(*columns).where(trial.study_id == study_id, trial.number.in_(first)).order_by(trial.number)
        with self.engine.connect() as connection:
            return [_trial(row) for row in connection.execute(query)]

    def paths(self, study_id: int, numbers: Sequence[int] | None = None) -> dict[int, tuple[list[str], str]]:
        """Return trial number -> (epoch keys of its whole path, data fingerprint), of all trials or of these."""
        columns = tables.trial.c.number, tables.trial.c.path, tables.trial.c.data
        query = sa.select(*columns).where(tables.trial.c.study_id == study_id)
        batches = [None] if numbers is None else tables.batches(numbers)
        found: dict[int, tuple[list[str], str]] = {}
        with self.engine.connect() as connection:
            for batch in batches:
                rows = connection.execute(query if batch is None else query.where(tables.trial.c.number.in_(batch)))
                found |= {row.number: (_split_path(row.path), row.data) for row in rows}
        return found

    def rows(self, keys: Sequence[str], predictions: bool = False, scores: bool = False) -> dict[str, Recorded]:
        """Return those of `keys` that are on record and were not withdrawn.

        Args:
            keys: epoch keys.
            predictions: with their predictions.
            scores: with their scores; for many examples see `scores`.
        """
        recorded = {}
        columns = [column for column in tables.epoch.c if scores or column is not tables.epoch.c.scores]
        with self.engine.connect() as connection:
            for batch in tables.batches(keys):
                query = sa.select(*columns).where(tables.epoch.c.key.in_(list(map(bytes.fromhex, batch))), SHOWN)
                for row in connection.execute(query):
                    recorded[row.key.hex()] = Recorded(
                        codec.row_with_scores(row.row, row.scores if scores else None, predictions),
                        row.epoch,
                        row.seconds,
                        row.run_id,
                        row.recorded,
                        codec.content(row.row),
                        row.kind or "",
                        row.origin or "",
                    )
        return recorded

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

    def last_decision(self, study_id: int) -> int:
        """Return the number of the last entry of a study's order log; -1 where it has none."""
        query = sa.select(sa.func.max(tables.decision.c.seq)).where(tables.decision.c.study_id == study_id)
        with self.engine.connect() as connection:
            last = connection.execute(query).scalar()
        return -1 if last is None else int(last)

    @contextmanager
    def step(self, study_id: int) -> Iterator[Step]:
        """One transaction on a study: commits at the end, or leaves no trace when an exception passes through."""
        with self.writing() as connection:
            step = Step(connection, study_id)
            yield step
            step.flush()

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """One transaction that writes."""
        return tables.writing(self.engine)


def _split_path(blob: bytes) -> list[str]:
    digits = blob.hex()
    return [digits[start : start + 40] for start in range(0, len(digits), 40)]


def study_of(row: Any) -> StudyRecord:
    """Return the study of a row of its table."""
    values = dict(row._mapping)
    pinned = values.pop("execution_class")
    return StudyRecord(**values, execution_class=json.loads(pinned) if pinned else None)


def _trial(row: Any) -> Trial:
    read = {"parameters": json.loads(row.parameters), "settings": json.loads(row.settings), "state": State(row.state)}
    return Trial(**{**row._mapping, **read})
