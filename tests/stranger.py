"""Somebody who may read a folder and not write to it: root may do everything, so another user does it then."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that every user can come to: pytest's are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="search-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        shutil.rmtree(folder)


@contextmanager
def stranger(folder: Path) -> Iterator[None]:
    """Be a user who may read a folder and all that is in it; skips the test where this is not possible."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() != 0:
        yield
        return
    if os.access not in os.supports_effective_ids:
        pytest.skip("root cannot be somebody else for a while on this system")
    group, temporary = os.getegid(), tempfile.tempdir
    tempfile.tempdir = None  # root's may be closed to others: it is chosen anew, as in a process of their own
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        if not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
            pytest.skip("another user does not come to the folder for temporary files")
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        tempfile.tempdir = temporary


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Name, size and time of change of all that is in a folder."""
    found = {str(path.relative_to(folder)): path.stat() for path in sorted(folder.rglob("*"))}
    return {name: (about.st_size, about.st_mtime_ns) for name, about in found.items()}
