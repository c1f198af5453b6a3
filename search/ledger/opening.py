"""How a database of the ledger is opened: made, checked for its layout, tuned, and closed at exit."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from search.core.errors import ReadOnly, UserError
from search.ledger import urls
from search.ledger.reading import copied, may_write, reading_engine
from search.ledger.tables import EARLIER, VERSION, meta, metadata
from search.ledger.trouble import translate_errors
from search.system.special import kind_of

_opened = weakref.WeakSet[sa.Engine]()


@atexit.register
def _close() -> None:
    """Close SQLite's files at the end of the process: the last one out puts its log back into the file."""
    for engine in list(_opened):
        engine.dispose()


def open_engine(storage: str, reading: bool = False) -> sa.Engine:
    """Connect to a database, making its tables where it is new.

    Args:
        storage: an SQLAlchemy URL, or the path of an SQLite file.
        reading: it is enough to read it, where this user may not write to it; the engine has the option ``read_only``
            then, and refuses to write.

    Raises:
        UserError: the database cannot be opened or has another layout.
    """
    shown = urls.without_password(storage)
    try:
        url = urls.parsed(storage)
        if reading and (file := urls.sqlite_file(storage)) and os.path.lexists(file) and not may_write(file):
            return _for_reading(file, shown)
        if url.get_backend_name() == "sqlite" and url.database:
            _refuse_special(Path(url.database), shown)
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url, **_lasting(url))
    except ModuleNotFoundError as error:
        raise UserError(f"storage {shown!r}: {error}; install this driver, or write a path") from error
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError) as error:
        raise UserError(f"storage {shown!r}: {error}; write a path or a URL such as postgresql://host/db") from error
    except OSError as error:
        raise UserError(f"storage {shown!r}: {error}; give a place that can be written with --storage") from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
        _opened.add(engine)
    with _opening(engine, shown):
        _make_tables(engine)
    translate_errors(engine, shown)  # from now on: what is wrong with a new one was told above
    return engine


@contextmanager
def _opening(engine: sa.Engine, shown: str) -> Iterator[None]:
    """Say what is wrong with a database that is looked at for the first time."""
    try:
        yield
    except sa.exc.DatabaseError as error:
        engine.dispose()
        reason = str(error.orig).strip() if error.orig else str(error)
        raise UserError(f"storage {shown!r}: {reason}; check the path, its rights and that it is ours") from error
    except UserError:
        engine.dispose()
        raise


def _for_reading(file: Path, shown: str) -> sa.Engine:
    """Connect to a file of ours that this user may not write to."""
    engine = reading_engine(file)
    with _opening(engine, shown), engine.connect() as connection:
        layout = _layout(connection, file)
    if layout != VERSION:  # what it lacks is added in a copy
        folder = copied(file)
        engine = open_engine(str(Path(folder.name) / file.name))
        weakref.finalize(engine, folder.cleanup)
    else:
        translate_errors(engine, shown)
    engine.update_execution_options(read_only=True)

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes"):
            raise ReadOnly(f"storage {shown!r}: this user may read it, and not write to it")

    return engine


def _refuse_special(file: Path, shown: str) -> None:
    """Refuse what is there and can be no database: SQLite would wait for it, or answer with a number of the system."""
    for path, due in ((file.parent, "a folder"), (file, "a file")):
        if (found := kind_of(path)) not in ("", due):
            reason = f"{str(path)!r} is {found}, must be {due}"
            raise UserError(f"storage {shown!r}: {reason}; name another place with --storage or --results")


def _lasting(url: sa.URL) -> dict[str, object]:
    """Return options by which connections last: an epoch may take hours, and routers and servers forget idle ones."""
    if url.get_backend_name() == "sqlite":
        return {}
    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.drivername in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        options["connect_args"] = {} if "keepalives_idle" in url.query else {"keepalives_idle": 60}
    return options


def _tune_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        connection.execute("PRAGMA busy_timeout = 60000")
        # Changing the journal mode ignores the busy timeout, so that processes that create one file at once collide.
        for attempt in range(100):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except Exception as error:
                if "locked" not in str(error) or attempt == 99:
                    raise
                time.sleep(0.05)
        connection.execute("PRAGMA synchronous = FULL")  # committed is acknowledged, power failures included
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later fails at once when another writer came between.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _make_tables(engine: sa.Engine) -> None:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7236)"))
        if not sa.inspect(connection).get_table_names():
            metadata.create_all(connection)
            connection.execute(meta.insert().values(name="version", value=VERSION))
        elif _layout(connection, engine.url.database) != VERSION:
            metadata.create_all(connection)
            _add_columns(connection)
            connection.execute(meta.update().where(meta.c.name == "version").values(value=VERSION))


def _add_columns(connection: sa.Connection) -> None:
    """Add the columns that tables of an earlier layout lack; all of them may be empty."""
    inspector = sa.inspect(connection)
    quoted = connection.dialect.identifier_preparer.format_table
    for table in metadata.sorted_tables:
        named = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in named:
                declared = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {quoted(table)} ADD COLUMN {declared}")


def _layout(connection: sa.Connection, place: object) -> str:
    """Return the layout of a database that holds tables, which can be this one or an earlier one.

    Raises:
        UserError: it is not ours, or of another layout: nothing is written into it.
    """
    if not {"meta", "study", "epoch"} <= set(sa.inspect(connection).get_table_names()):
        raise UserError(f"{place}: this database holds other tables; give ours a place of its own")
    version = connection.execute(sa.select(meta.c.value).where(meta.c.name == "version")).scalar()
    if version not in (*EARLIER, VERSION):
        raise UserError(
            f"{place}: the ledger has layout {version}, this version reads layout {VERSION}; "
            "use the version that wrote it, or another --storage"
        )
    return str(version)
