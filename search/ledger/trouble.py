"""What a database answers when it cannot be used any more, in our words: `StorageFailed`, whoever asked for what.

A transaction that did not commit left no trace, and what is committed stays. So every such error means the same: mend
what the message names and give the same command again. Where waiting alone may mend it, the error says so (`passing`),
and a run waits by itself.

Errors that are not the database's state but ours (a broken constraint, a wrong statement) pass through as they are.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from search.core.errors import ReadOnly, StorageFailed

REACHED = "see that the server runs and can be reached"
"""What to do about a server that does not answer."""

_FULL = re.compile(r"disk is full|no space left|quota exceeded|could not (extend|write)", re.IGNORECASE)
_LOCKED = re.compile(r"\block(ed)?\b|busy", re.IGNORECASE)
_UNWRITABLE = re.compile(r"readonly|read-only|unable to open|permission denied", re.IGNORECASE)
_FORBIDDEN = re.compile(r"permission denied for|read-only transaction", re.IGNORECASE)
_DAMAGED = re.compile(r"malformed|not a database|corrupt", re.IGNORECASE)
_REMOVED = re.compile(r"no such table", re.IGNORECASE)


def translate_errors(engine: sa.Engine, shown: str) -> None:
    """Make every error of the database's state that passes through `engine` a `StorageFailed`.

    Args:
        engine: the database.
        shown: the storage, as it may be shown.
    """
    file = _file_of(engine)

    @sa.event.listens_for(engine, "handle_error")
    def on_error(context: Any) -> None:
        error = context.original_exception
        if isinstance(error, StorageFailed) or context.is_pre_ping or not isinstance(error, Exception):
            return  # the last: somebody interrupted this process, and the database is sound
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        if file is None and _FORBIDDEN.search(reason):
            raise ReadOnly(f"storage {shown!r}: this user may read it, and not write to it ({reason})") from error
        if not _of_its_state(context):
            return
        if file is not None and _REMOVED.search(reason):
            raise _removed(shown) from error
        raise StorageFailed(shown, reason, *_remedy(reason, file)) from error

    if file is not None:
        _notice_removal(engine, file, shown)


def room(folder: Path) -> str:
    """Return how much is free on the disk that holds a folder, and where that disk is mounted, as text."""
    place = folder
    while not place.exists() or not (place.is_mount() or place == place.parent):
        place = place.parent
    try:
        free = f"{shutil.disk_usage(place).free / 1e6:,.1f} MB are free"
    except OSError as error:
        free = error.strerror or str(error)
    return f"{free} on the disk of {folder} (mounted at {place})"


def _file_of(engine: sa.Engine) -> Path | None:
    name = engine.url.database
    return Path(name).absolute() if engine.dialect.name == "sqlite" and name and name != ":memory:" else None


def _of_its_state(context: Any) -> bool:
    known = context.dialect.loaded_dbapi
    error = context.original_exception
    if isinstance(error, (known.OperationalError, known.InterfaceError)):
        return True
    # A damaged file is the bare kind; its other subclasses (a broken constraint ...) are mistakes of ours.
    return context.is_disconnect or (type(error) is known.DatabaseError and bool(_DAMAGED.search(str(error))))


def _remedy(reason: str, file: Path | None) -> tuple[str, bool]:
    """Return what to do about it, and whether waiting may do."""
    if _FULL.search(reason):
        return (f"{room(file.parent)}: make room" if file else "make room on the server's disk"), False
    if _DAMAGED.search(reason):
        return "the file is damaged: put a copy in its place, or give another --storage", False
    if file is None:
        return REACHED, True
    if _LOCKED.search(reason):
        return "another process holds it: end that, or wait for it", True
    if _UNWRITABLE.search(reason):
        return f"make {file.parent} a folder that is there and can be written", False
    return f"see that the disk of {file.parent} is sound ({room(file.parent)})", False


def _notice_removal(engine: sa.Engine, file: Path, shown: str) -> None:
    """Refuse to write into a file that is not at its path any more: SQLite would go on, and all of it would be lost."""

    @sa.event.listens_for(engine, "do_connect")
    def before_connect(*_: object) -> None:
        if not file.exists():  # SQLite would make an empty one
            raise _removed(shown)

    @sa.event.listens_for(engine, "connect")
    def on_connect(_: object, record: Any) -> None:
        record.info["file"] = _identity(file)

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes") and connection.info.get("file") != _identity(file):
            engine.dispose()  # connections to the file that was there are of no use to anybody
            raise _removed(shown)

    engine.dispose()  # connections made before bear no mark


def _removed(shown: str) -> StorageFailed:
    return StorageFailed(
        shown, "the file was removed, or another one lies in its place", "put it back if there is a copy of it"
    )


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
