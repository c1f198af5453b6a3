"""One driver per study: a lock that dies with its holder.

`flock` on a file beside the SQLite database; PostgreSQL gives an advisory lock of the connection.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
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
    if engine.dialect.name == "sqlite" and engine.url.database:
        with _file_lock(Path(engine.url.database).resolve(), study):
            yield
    elif engine.dialect.name == "postgresql":
        with _advisory_lock(engine, study):
            yield
    else:
        yield


@contextmanager
def _file_lock(database: Path, study: str) -> Iterator[None]:
    # Study names may hold anything; the file's name must not.
    path = database.with_name(f"{database.name}.{zlib.crc32(study.encode()):08x}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; make its folder one that can be written") from error
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StudyLocked(_refusal(study, file.read())) from error
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        with suppress(OSError):  # the lock holds without it
            file.truncate(0)
            file.write(json.dumps(holder).encode())
        yield
        # The file stays: unlinking it would let a waiting driver lock a name that no longer exists.


@contextmanager
def _advisory_lock(engine: sa.Engine, study: str) -> Iterator[None]:
    number = zlib.crc32(study.encode())
    with engine.connect() as connection:
        if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:n)"), {"n": number}).scalar():
            raise StudyLocked(_refusal(study, connection.execute(_HOLDER, {"n": number}).scalar() or ""))
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
                raise StorageFailed(shown, f"the lock of study {study!r} was lost with its connection", REACHED, True)

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
    try:
        who = json.loads(holder)
        place = f"pid {who['pid']} on {who['host']} since {who['since']}"
    except (ValueError, KeyError, TypeError):
        place = "another process"
    return f"study {study!r} is being run by {place}; wait for it, or end it and give the same command again"
