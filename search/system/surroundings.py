"""What Ray wants of a process beside memory and disk: a working folder, a home, docstrings. Free of Ray."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from search.core.errors import UserError


def require_surroundings() -> None:
    """Refuse at once what cannot go well.

    Raises:
        UserError: the working folder is gone or cannot be named, or Python was started in a way that Ray cannot bear.
    """
    require_working_folder()
    have_home()
    folder = str(Path.cwd())
    try:
        folder.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"the working folder {folder!r} holds bytes that are no UTF-8, and Ray cannot hand such a path to workers; "
            "give the command in a folder with another name"
        ) from None
    if sys.flags.optimize > 1:
        raise UserError(
            "Python was started with -OO, or PYTHONOPTIMIZE=2, and Ray cannot be imported without docstrings; "
            "start it without"
        )


def require_working_folder() -> None:
    """Refuse to go on in a folder that is not there any more.

    Raises:
        UserError: it is gone, or cannot be reached.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise UserError(
            f"the working folder cannot be used ({error.strerror}); give the command in one that is there"
        ) from error


def have_home() -> None:
    """See that this process has a home: for a user without HOME and without an entry in the system, where temporary
    files lie. Ray cannot be imported without, and caches would lie in a folder that is called "~"."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.gettempdir()
