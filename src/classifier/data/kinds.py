"""What is neither a file nor a folder: who opens it may wait for ever, so it is told from its metadata."""

from __future__ import annotations

import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def what_is(path: Path) -> str:
    """Return what a path, or what a link leads to, is where it is no folder: "a file", "a named pipe"; else ""."""
    return "a file" if path.is_file() else odd(path)


def odd(path: Path) -> str:
    """Return what a path, or what a link leads to, is where it is neither file nor folder: "a named pipe"; else ""."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: no file system has such a name
        return ""
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")
