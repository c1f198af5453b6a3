"""The folder of an entry of the queue: its files, the output of its command, and the lock by which that is alive.

The lock is one of the system's on an open file, which the server takes and its command inherits: it is let go when the
last process that holds it is gone, however that ended. So it says from the first moment whether a command lives, to
whoever asks, and no number of a process is ever taken for another's.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from search.core.queue import Entry
from search.ledger.tables import utc_now
from search.ledger.urls import is_url
from search.workload.finding import INSTALLED_ONLY_VARIABLE

ENTRY_VARIABLE = "SEARCH_ENTRY"
"""Variable of the environment that holds the number of an entry, in the command that was started for it."""

QUEUE = "queue"
"""Folder of the entries in the results folder."""

MAX_TAIL_BYTES = 1 << 18
"""Bytes of an output that are read at once."""


@dataclass(frozen=True)
class Places:
    """Where a server keeps what it has: results folder, and the ledger's database where it is not in there."""

    results: Path
    storage: str | None = None

    def folder(self, number: int) -> Path:
        """Return the folder of an entry."""
        return self.results / QUEUE / str(number)


def output_file(folder: Path) -> Path:
    """Return the file that the command of an entry writes to."""
    return folder / "output.txt"


def live_file(folder: Path) -> Path:
    """Return the file that says how far the command of an entry has come."""
    return folder / "live.json"


def lives(folder: Path) -> bool:
    """Whether the command of an entry lives."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lacks_room(error: BaseException | None) -> bool:
    """Whether an error, or one that it comes from, says that a disk is full or cannot be written to."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            return True
        error = error.__cause__ or error.__context__
    return False


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files of an entry into its folder; return the space file, which is the first."""
    for name, text in files.items():
        path = folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder / "files" / next(iter(files))


def arguments(options: Mapping[str, object]) -> list[str]:
    """Return the options of an entry as those of its command, `run` or `judge`."""
    words: list[str] = []
    if data := options.get("data"):
        words += ["--data", str(data)]
    sets = options.get("set")
    for setting in sets if isinstance(sets, list) else ():
        words += ["--set", str(setting)]
    if (most := options.get("max_seeds")) is not None:
        words += ["--max-seeds", str(most)]
    return [*words, *(["--new-revision"] if options.get("new_revision") else [])]


def verb(options: Mapping[str, object]) -> str:
    """Return the verb of the command of an entry with these options."""
    return "judge" if options.get("judge") else "run"


def environment(allow_code: bool, password: str | None = None) -> dict[str, str]:
    """Return the environment of what a server starts; no command line shows the password of a database."""
    kept = {name: value for name, value in os.environ.items() if name != "SEARCH_TOKEN"}
    return {
        **kept,
        INSTALLED_ONLY_VARIABLE: "0" if allow_code else "1",
        **({"PGPASSWORD": password} if password else {}),
    }


def storage_words(storage: str | None) -> tuple[list[str], str | None]:
    """Return the option that names a database, without its password, and that password."""
    if storage is None:
        return [], None
    if not is_url(storage):
        return ["--storage", storage], None
    url = sa.make_url(storage)
    bare = url.set(password=None) if url.password is None else url._replace(password=None)
    return ["--storage", bare.render_as_string(hide_password=False)], None if url.password is None else str(
        url.password
    )


def command(places: Places, entry: Entry) -> list[str]:
    """Return the command of an entry."""
    storage, _ = storage_words(places.storage)
    file = places.folder(entry.id) / "files" / next(iter(entry.files))
    return [
        *(sys.executable, "-m", "search", verb(entry.options), str(file), "--results", str(places.results)),
        *(*storage, *arguments(entry.options)),
    ]


def start(places: Places, entry: Entry, allow_code: bool) -> subprocess.Popen[bytes] | None:
    """Start the command of an entry, in a session of its own; None where it lives already.

    Raises:
        OSError: there is no room, or no process can be started.
    """
    folder = places.folder(entry.id)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        with suppress(FileNotFoundError):
            live_file(folder).unlink()
        write_files(folder, entry.files)
        _, password = storage_words(places.storage)
        with output_file(folder).open("ab") as output:
            output.write(f"--- {utc_now()[:19]} UTC: started\n".encode())
            output.flush()
            return subprocess.Popen(
                command(places, entry),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[descriptor],
                env={**environment(allow_code, password), ENTRY_VARIABLE: str(entry.id)},
            )
    finally:
        os.close(descriptor)


def output_from(folder: Path, offset: int) -> tuple[str, int]:
    """Return what a command wrote behind an offset in bytes, and the offset behind that; at most `MAX_TAIL_BYTES`.

    A negative offset means so many bytes before the end.
    """
    try:
        with output_file(folder).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start_at = max(0, size + offset) if offset < 0 else min(offset, size)
            file.seek(start_at)
            read = file.read(MAX_TAIL_BYTES)
    except FileNotFoundError:
        return "", 0
    return read.decode("utf-8", "replace"), start_at + len(read)


def live(folder: Path) -> dict[str, object]:
    """Return what the command of an entry said last of how far it is; empty before it said anything.

    Workers are those of a command that lives: one that was killed could not say that they are gone.
    """
    try:
        found = json.loads(live_file(folder).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {**found, "workers": []} if found.get("workers") and not lives(folder) else found
