"""What lies at a path where a file or a folder is due: a pipe, a socket or a device can hold a reader up for ever."""

from __future__ import annotations

import os
import stat

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISREG, "a file"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return ``a file``, ``a folder``, ``a pipe``, ``a socket`` or ``a device``, links followed; "" for none at all.

    Nothing is opened: opening a pipe waits for its writer, and opening a device may do what the device does.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  # of Path, no path at all is the working folder
    except (OSError, ValueError):  # not there, not to be looked at, or no path
        return ""
    return next((kind for test, kind in _KINDS if test(mode)), "no file")
