"""Reading an SQLite file that this user may not write to: somebody else's, or one on a read-only disk.

SQLite's write-ahead log wants to write even to read: its index (``-shm``) lies beside the file. Three ways are left,
taken anew for each connection, for whoever may write can begin to at any time:

* without a log there is nothing but the file: it is opened as one that does not change;
* with a log and its index, both are read;
* with a log alone, or a journal (a writer was killed, or the folder was copied), a copy is opened, which SQLite can put
  in order.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

BESIDE = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database."""


def may_write(file: Path) -> bool:
    """Whether this user may write to an SQLite file and what lies beside it; False where the folder is not there."""
    there = [path for path in (file, *(_beside(file, ending) for ending in BESIDE)) if path.exists()]
    return writable(file.parent) and all(map(writable, there))


def writable(path: Path) -> bool:
    """Whether this user may write to a file, or into a folder."""
    mode = os.W_OK | os.X_OK if path.is_dir() else os.W_OK
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def reading_engine(file: Path) -> sa.Engine:
    """Return an engine whose connections read a file and write nothing, not even beside it."""
    reader = _Reader(file)
    engine = sa.create_engine("sqlite://", creator=reader.connect, poolclass=sa.NullPool)
    engine.url = sa.URL.create("sqlite", database=str(file))

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")  # one reading sees one state

    return engine


def copied(file: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a folder with a copy of an SQLite file and its logs, under its name; it goes when nobody holds it."""
    folder = tempfile.TemporaryDirectory(prefix="search-read-")
    for path in (file, _beside(file, "-wal"), _beside(file, "-journal")):
        if path.exists():
            shutil.copyfile(path, Path(folder.name) / path.name)
    return folder


class _Reader:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._copy: tempfile.TemporaryDirectory[str] | None = None

    def connect(self) -> sqlite3.Connection:
        """Open a connection by the first way that works."""
        if not _holds(_beside(self._file, "-journal")):
            if not _holds(_beside(self._file, "-wal")):
                return _opened(self._file, "mode=ro&immutable=1")
            try:
                return _opened(self._file, "mode=ro")
            except sqlite3.OperationalError:
                if _beside(self._file, "-shm").exists():
                    raise
        if self._copy is None:
            self._copy = copied(self._file)
        return _opened(Path(self._copy.name) / self._file.name, "mode=rw")


def _opened(file: Path, how: str) -> sqlite3.Connection:
    address = f"file:{quote(os.fsencode(file.absolute()))}?{how}"
    connection = sqlite3.connect(address, uri=True, check_same_thread=False, timeout=60, isolation_level=None)
    try:
        with closing(connection.execute("SELECT count(*) FROM sqlite_master")) as found:
            found.fetchall()
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _holds(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0
