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
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from search.errors import StudyLocked


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
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise StudyLocked(_refusal(study, file.read())) from error
        file.truncate(0)
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        file.write(json.dumps(holder))
        file.flush()
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
        connection.commit()
        try:
            yield
        finally:
            # The connection goes back to its pool alive, and would keep the lock there.
            connection.execute(sa.text("SELECT pg_advisory_unlock(:n)"), {"n": number})
            connection.commit()


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


def _refusal(study: str, holder: str) -> str:
    try:
        who = json.loads(holder)
        place = f"pid {who['pid']} on {who['host']} since {who['since']}"
    except (ValueError, KeyError, TypeError):
        place = "another process"
    return f"study {study!r} is being run by {place}; wait for it, or end it and give the same command again"
