"""Places of databases: a path is no URL, and becomes one from its parts alone.

Pasted into a URL, a path with ``?`` or ``%`` names another file, outside of its folder.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import sqlalchemy as sa

from search.core.errors import UserError

_URL = re.compile(r"[\w+]+://")
_ARGUMENTS = {"uri", "timeout", "isolation_level", "detect_types", "check_same_thread", "cached_statements"}
"""What may follow ``?`` in the URL of an SQLite file; with ``uri=true`` anything may."""


def is_url(storage: str) -> bool:
    """Whether a storage is a URL; otherwise it is the path of an SQLite file."""
    return bool(_URL.match(storage))


def is_text(path: str | os.PathLike[str]) -> bool:
    """Whether a path can stand in a URL: a name may hold bytes that are no UTF-8."""
    try:
        return bool(os.fspath(path).encode())
    except UnicodeEncodeError:
        return False


def sqlite_url(file: str | os.PathLike[str]) -> str:
    """Return the SQLAlchemy URL of an SQLite file, whatever signs its path has.

    Raises:
        UserError: its path is no text.
    """
    if not is_text(file):
        raise UserError(
            f"{str(file)!r}: the path holds bytes that are no UTF-8, of which no URL can be made; give a folder with "
            "another name as --results"
        )
    return sa.URL.create("sqlite", database=os.fspath(file)).render_as_string(hide_password=False)


def parsed(storage: str) -> sa.URL:
    """Return a storage as a URL.

    Raises:
        sqlalchemy.exc.ArgumentError: it looks like a URL and is none.
        UserError: it is the URL of an SQLite file, cut off at a ``?``.
    """
    if not is_url(storage):
        return sa.URL.create("sqlite", database=storage)
    url = sa.make_url(storage)
    rest = storage.partition("?")[2]
    odd = [part for part in rest.split("&") if rest and part.partition("=")[0] not in _ARGUMENTS]
    if odd and url.get_backend_name() == "sqlite" and "uri" not in url.query:
        raise UserError(
            f"storage {storage!r}: {odd[0]!r} behind the ? is no argument of an SQLite URL; write the path alone, or "
            "%3F for a ? that belongs to it"
        )
    return url


def ledger_exists(storage: str) -> bool:
    """Whether there is a database; of one that is no file it is not asked.

    Raises:
        UserError: this user may not look.
    """
    try:
        file = sqlite_file(storage)
        return file is None or bool(Path(file).stat())
    except sa.exc.ArgumentError:
        return True  # opening it says what is wrong
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise UserError(
            f"{storage!r}: {error.strerror}; ask whoever owns it for the right to read it, or name another place"
        ) from error


def sqlite_file(storage: str) -> Path | None:
    """Return the file that a storage names; None where it is no SQLite file.

    Raises:
        sqlalchemy.exc.ArgumentError, UserError: as `parsed`.
    """
    url = parsed(storage)
    plain = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:" and not url.query
    return Path(str(url.database)) if plain else None


def without_password(storage: str) -> str:
    """Return a storage as it may be shown and logged."""
    try:
        return sa.make_url(storage).render_as_string() if is_url(storage) else storage
    except sa.exc.ArgumentError:
        return storage
