"""The folder in which a local Ray keeps its sockets, logs and sessions: one for each run, and swept once that is gone.

While its driver lives, a lock is held on a file in it, which the system lets go however the driver ends. So whoever
finds it later, in another container too, knows whether it is in use. Free of Ray.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from search.core.errors import UserError

FOLDER_PREFIX = "search-"
LOCK_FILE = "driver.lock"

SOCKET_PATH_BYTES = 107 if sys.platform.startswith("linux") else 103
"""Bytes of the longest path that a socket may have."""

SOCKET_BYTES_INSIDE = len(f"/{FOLDER_PREFIX}12345678/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store")
"""Bytes of the longest path of a socket inside the folder for temporary files."""

MIN_FREE_BYTES = 20_000_000
"""Bytes that must be free for it: less than that is gone with the first logs."""

DISK_FULL_BYTES = 1_000_000
"""Bytes free below which a disk is full: errors of many kinds come of it."""

USUAL_PLACES = ("/tmp", "/var/tmp", "/dev/shm")
"""Where it lies if no variable of the environment names a folder that will do."""


@contextlib.contextmanager
def own_folder(say: Callable[[str], object]) -> Iterator[str]:
    """Make a folder for a local Ray, mark it as in use while inside, and sweep those that are not any more.

    It is not removed at exit, for processes may be at work in it: the guard does that.

    Args:
        say: told where it lies, if not where the environment says.

    Raises:
        UserError: there is no place for it.
    """
    place, note = chosen(places())
    if note:
        say(note)
    sweep()
    folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=place)
    draft = Path(folder, f"{LOCK_FILE}.new")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        draft.rename(Path(folder, LOCK_FILE))  # only now does it say that it may be swept
        yield folder
    finally:
        os.close(descriptor)


def places() -> list[tuple[str, str]]:
    """Return the folders for temporary files, the preferred one first, and which variable names each."""
    named = [(value, name) for name in ("RAY_TMPDIR", "TMPDIR") if (value := os.environ.get(name))]
    return [*named, *((usual, "") for usual in USUAL_PLACES)]


def chosen(candidates: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the first folder that will do, and what is to be said of those that were preferred, or "".

    Raises:
        UserError: none will do.
    """
    refused: list[tuple[str, str]] = []
    for place, name in candidates:
        trouble = trouble_of(place)
        shown = f"{name} {place!r}" if name else repr(place)
        if not trouble:
            said = "; ".join(text for text, named in refused if named)
            return place, f"{said}: Ray's files lie in {place!r} instead" if said else ""
        refused.append((f"{shown} {trouble}", name))
    raise UserError(
        f"there is no folder for Ray's temporary files: {'; '.join(text for text, _ in refused)}; "
        "give one that will do in TMPDIR"
    )


def trouble_of(place: str) -> str:
    """Return why Ray cannot keep its files in a folder, in words that follow its name, or ""."""
    try:
        length = len(place.encode())
    except UnicodeEncodeError:
        return "is no text in UTF-8"
    if not place.isascii():
        return "has letters beyond ASCII, which Ray does not take"
    if not Path(place).is_absolute():
        return "is no absolute path"
    if length + SOCKET_BYTES_INSIDE > SOCKET_PATH_BYTES:
        most = SOCKET_PATH_BYTES - SOCKET_BYTES_INSIDE
        return f"has {length} bytes, and the paths of sockets inside allow {most}"
    if not os.path.isdir(place):
        return "is no folder"
    if not os.access(place, os.W_OK | os.X_OK):
        return "cannot be written"
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return f"cannot be used ({error.strerror})"
    return f"has only {free / 1e6:.1f} MB free" if free < MIN_FREE_BYTES else ""


def full(folder: str) -> str:
    """Return what is to be said of a local Ray's folder where its disk is full, or ""."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if free >= DISK_FULL_BYTES:
        return ""
    place = folder.rpartition(f"/{FOLDER_PREFIX}")[0] or folder
    return (
        f"the folder for Ray's temporary files {place!r} is full; make room, or give another one in TMPDIR; what is "
        "committed stays, and the same command goes on"
    )


def sweep() -> int:
    """Remove the folders of this user's drivers that are gone; return how many there were."""
    roots = {place for place, _ in places()}
    return sum(_swept(folder) for root in sorted(roots) for folder in _found(root))


def _found(root: str) -> list[Path]:
    try:
        return sorted(Path(root).glob(f"{FOLDER_PREFIX}????????"))
    except OSError:
        return []


def _swept(folder: Path) -> bool:
    """Remove a folder if it is one of ours and its driver is gone; return whether it was."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:  # no lock: another program's, or not ready yet
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except OSError:  # its driver lives
        return False
    finally:
        os.close(descriptor)
    return not folder.exists()
