"""Links inside a data folder: which are followed, and which are to be named.

A link to a file or a folder is followed, wherever it leads; one that leads outside the data folder is named. Not
followed, and named, are links that would read images a second time: to a folder that holds the link, to one inside
the same class folder, and to one that was read for the same class before. A link to nothing is a file that cannot be
read.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


def broken(path: Path) -> str:
    """Return why a link leads nowhere; empty where it leads somewhere, or `path` is no link."""
    if not path.is_symlink():
        return ""
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "a link that leads back to itself"
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return "a link to nothing"
    return ""


def holds(folder: str, path: str) -> bool:
    """Return whether `path` is `folder` or lies in it; both are real paths, without links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def links_to(path: Path, root: Path) -> list[Path]:
    """Return those among `path` and the folders between it and `root` that are links."""
    return [part for part in (path, *path.parents) if part != root and root in part.parents and part.is_symlink()]
