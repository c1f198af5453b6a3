"""One driver per study, and one server per queue: locks that die with their holders.

`flock` on a file beside the SQLite database; PostgreSQL gives an advisory lock of the connection.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from search.core.errors import StorageFailed, StudyLocked, UserError
from search.ledger.trouble import REACHED


@contextmanager
def study_lock(engine: sa.Engine, study: str) -> Iterator[None]:
    """Hold the lock of a study.

    Raises:
        StudyLocked: another driver holds it; the message names pid, host and since when.
    """
    number = zlib.crc32(study.encode())  # names may hold anything; a file's name must not
    with _lock(engine, number, f"{number:08x}", f"the lock of study {study!r}", partial(_refusal, study)):
        yield


@contextmanager
def server_lock(engine: sa.Engine) -> Iterator[None]:
    """Hold the lock of a queue: one server works on it.

    Raises:
        StudyLocked: another server holds it; the message names pid, host and since when.
    """

    def refusal(holder: str | bytes) -> str:
        return (
            f"the queue of {engine.url.render_as_string()} is served by {_place(holder)}; use that server, or end it "
            "and give the same command again"
        )

    with _lock(engine, zlib.crc32(b"server\0"), "server", "the lock of the server", refusal):
        yield


@contextmanager
def _lock(
    engine: sa.Engine, number: int, name: str, what: str, refusal: Callable[[str | bytes], str]
) -> Iterator[None]:
    """Hold a lock.

    Args:
        engine: the database.
        number: of the lock, on a database server.
        name: of the lock, in the name of its file beside a database in a file.
        what: it is called when it is lost.
        refusal: makes a sentence of what its holder wrote.
    """
    if engine.dialect.name == "sqlite" and engine.url.database:
        with _file_lock(Path(engine.url.database).resolve(), name, refusal):
            yield
    elif engine.dialect.name == "postgresql":
        with _advisory_lock(engine, number, what, refusal):
            yield
    else:
        yield


@contextmanager
def _file_lock(database: Path, name: str, refusal: Callable[[str | bytes], str]) -> Iterator[None]:
    path = database.with_name(f"{database.name}.{name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; make its folder one that can be written") from error
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StudyLocked(refusal(file.read())) from error
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        with suppress(OSError):  # the lock holds without it
            file.truncate(0)
            file.write(json.dumps(holder).encode())
        yield
        # The file stays: unlinking it would let a waiting driver lock a name that no longer exists.


@contextmanager
def _advisory_lock(engine: sa.Engine, number: int, what: str, refusal: Callable[[str | bytes], str]) -> Iterator[None]:
    with engine.connect() as connection:
        if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": number}).scalar():
            raise StudyLocked(refusal(connection.execute(_HOLDER, {"n": number}).scalar() or ""))
        # The server's own word for a connection holds 63 bytes: too few for a long host name and JSON.
        name = f"{os.getpid()} {_now()} {socket.gethostname()}"[:63]
        connection.execute(sa.text("SELECT set_config('application_name', :name, false)"), {"name": name})
        connection.execute(_NO_IDLE_TIMEOUT)
        connection.commit()
        raw, held = connection.connection.dbapi_connection, True

        @sa.event.listens_for(engine, "begin")
        def on_begin(other: sa.Connection) -> None:
            # The lock goes with its connection, and another driver may hold it then: nothing is written without it.
            if held and other.get_execution_options().get("writes") and _closed(raw):
                shown = engine.url.render_as_string()
                raise StorageFailed(shown, f"{what} was lost with its connection", REACHED, True)

        try:
            yield
        finally:
            held = False
            with suppress(StorageFailed):  # the server is gone, and the lock with it
                # The connection goes back to its pool alive, and would keep the lock there.
                connection.execute(sa.text("SELECT pg_advisory_unlock(:n)"), {"n": number})
                connection.commit()


def _closed(raw: Any) -> bool:
    """Whether a server's connection has ended, as far as this machine was told: it costs no question to the server."""
    if pgconn := getattr(raw, "pgconn", None):
        try:
            for _ in range(2):  # the first reads what the server said before it went
                pgconn.consume_input()
        except Exception:
            return True
    return bool(raw.closed)


_NO_IDLE_TIMEOUT = sa.text(
    """
    SELECT set_config('idle_session_timeout', '0', false)
    WHERE EXISTS (SELECT FROM pg_settings WHERE name = 'idle_session_timeout')
    """
)

_HOLDER = sa.text(
    """
    SELECT json_build_object('pid', split_part(name, ' ', 1), 'since', split_part(name, ' ', 2),
                             'host', split_part(name, ' ', 3))::text
    FROM (SELECT activity.application_name AS name
          FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
          WHERE locktype = 'advisory' AND classid = 0 AND objid = :n AND objsubid = 1 AND granted
                AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS holder
    WHERE name LIKE '% % %'
    """
)
"""Who holds an advisory lock, as a holder writes it into the name of its connection."""


def _now() -> str:
    return datetime.now(UTC).isoformat("T", "seconds")


def _refusal(study: str, holder: str | bytes) -> str:
    place = _place(holder)
    return f"study {study!r} is being run by {place}; wait for it, or end it and give the same command again"


def _place(holder: str | bytes) -> str:
    try:
        who = json.loads(holder)
        return f"pid {who['pid']} on {who['host']} since {who['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
