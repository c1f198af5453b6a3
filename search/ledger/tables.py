"""The ledger's tables, and how they are written.

study     what was asked, under which execution class
run       conditions of every driver that worked on a study
data      what the rows were measured on, by fingerprint
trial     the leaves of a study and how they ended
epoch     rows, by epoch key: immutable, shared by all studies
state     which states of runs are kept in files, by epoch key
decision  the order log of a study: what happened, in sequence; replayed by a restart
proof     what was proven of a kind of training (`search.core.trust`), each once
withdrawn rows that are shown to nobody any more, by epoch key; nothing is deleted
distrust  kinds of which a proof failed: nothing of them is shared
entry     the queue of a server: submitted space files, and what became of them
action    what somebody did to the queue or to a study by way of a server: who, when, what; only ever added to
answer    what a study came to, in short, up to an entry of its order log
taken     studies that somebody took off a server's pages; all of their rows stay
token     who may use a server: hashes of what was shown to them once
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

VERSION = "6"
"""Version of this layout."""

EARLIER = ("1", "2", "3", "4", "5")
"""Layouts that only lack tables, and columns that may be empty: these are added. Any other is refused, never guessed
at."""

MAX_NUMBER = 2**31 - 1
"""The greatest number of an entry or a study: what a column of whole numbers holds everywhere."""

KEY_BYTES = 20
"""Bytes of an epoch key."""

KEYS_PER_QUERY = 500
"""SQLite allows 32,766 variables in a statement, and smaller statements are cached better."""

_Key = TypeVar("_Key")

metadata = sa.MetaData()

meta = sa.Table("meta", metadata, sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String))

study = sa.Table(
    "study",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("base_name", sa.String, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("identity", sa.String, nullable=False),
    sa.Column("workload", sa.String, nullable=False),
    sa.Column("execution_class", sa.Text),
    sa.Column("created", sa.String, nullable=False),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("study_id", sa.Integer, sa.ForeignKey("study.id"), nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("ended", sa.String),
    sa.Column("seconds", sa.Float),
    sa.Column("outcome", sa.String, nullable=False, default=""),
    sa.Column("conditions", sa.Text, nullable=False),
)

data = sa.Table(
    "data",
    metadata,
    sa.Column("fingerprint", sa.String, primary_key=True),
    sa.Column("card", sa.LargeBinary, nullable=False),
)

trial = sa.Table(
    "trial",
    metadata,
    sa.Column("study_id", sa.Integer, sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("configuration", sa.Integer, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("epochs", sa.Integer, nullable=False),
    sa.Column("path", sa.LargeBinary, nullable=False),
    sa.Column("data", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("ended_by", sa.String, nullable=False),
    sa.Column("last_epoch", sa.Integer, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
)

epoch = sa.Table(
    "epoch",
    metadata,
    sa.Column("key", sa.LargeBinary(20), primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("row", sa.LargeBinary, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("recorded", sa.String, nullable=False),
    sa.Column("kind", sa.String),
    sa.Column("origin", sa.String),  # "fresh", "saved", "used", or the key of the state its process began from
    sa.Column(
        "scores", sa.LargeBinary
    ),  # real numbers per example; the last column, so that it is read by who asks for it
)

state = sa.Table(
    "state",
    metadata,
    sa.Column("key", sa.LargeBinary(20), primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("made", sa.String, nullable=False, default=lambda: utc_now()),
    sa.Column("kind", sa.String),
    sa.Column("behind", sa.LargeBinary(20)),  # the next row, once the process that saved the state has trained it
    sa.Column("pair", sa.Text),  # what that epoch was trained with
)

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("study_id", sa.Integer, sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("trial", sa.Integer),
    sa.Column("epoch", sa.Integer),
    sa.Column("key", sa.LargeBinary(20)),
    sa.Column("detail", sa.Text, nullable=False),
)

proof = sa.Table(
    "proof",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("what", sa.String, primary_key=True),
    sa.Column("key", sa.LargeBinary(20)),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("at", sa.String, nullable=False),
)

withdrawn = sa.Table(
    "withdrawn",
    metadata,
    sa.Column("key", sa.LargeBinary(20), primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("at", sa.String, nullable=False),
)

distrust = sa.Table(
    "distrust",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("repeatable", sa.Boolean, nullable=False),
    sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
    sa.Column("at", sa.String, nullable=False),
)

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("files", sa.Text, nullable=False),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("submitted", sa.String, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("phase", sa.String, nullable=False),
    sa.Column("outcome", sa.String),
    sa.Column("stops", sa.Integer, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False),
    sa.Column("reached", sa.Integer, nullable=False),
    sa.Column("not_before", sa.String, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("study", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("ended", sa.String, nullable=False),
    sa.Column("price", sa.Text),  # its plan's figures, once they are known
    sa.Column("names", sa.Text),  # of its files, for lists, which go without the texts
    sa.Column("released", sa.String),  # who let it start, where somebody was asked
    sa.Index("entry_by_phase", "phase", "ended"),
)

action = sa.Table(
    "action",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("entry", sa.Integer),  # no foreign key: what was done stays on record when the entry is taken away
    sa.Column("study", sa.String, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("action_by_entry", "entry"),
)

answer = sa.Table(
    "answer",
    metadata,
    sa.Column("study_id", sa.Integer, sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)

taken = sa.Table(
    "taken",
    metadata,
    sa.Column("study_id", sa.Integer, sa.ForeignKey("study.id"), primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
)

token = sa.Table(
    "token",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False, unique=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("made", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("revoked", sa.String, nullable=False),
)


def utc_now() -> str:
    """The time as UTC text, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that writes."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def batches(keys: Sequence[_Key]) -> Iterator[Sequence[_Key]]:
    """Yield keys in parts that one statement takes each."""
    for start in range(0, len(keys), KEYS_PER_QUERY):
        yield keys[start : start + KEYS_PER_QUERY]


def insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Insert as the database of this name does it: the two know what to do where the key is taken."""
    if dialect != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # which a ledger in a file does not need

    return postgresql.insert(table)


def insert_new(dialect: str, table: sa.Table, values: Mapping[str, object] | None = None) -> sa.Insert:
    """Insert unless the primary key or a unique name is taken; without `values`, they come with the execution."""
    statement = insert(dialect, table)
    return (statement if values is None else statement.values(**values)).on_conflict_do_nothing()
