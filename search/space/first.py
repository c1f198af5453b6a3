"""A first space file for somebody's own data, written by the workload and read back before it is handed over."""

from __future__ import annotations

import re
from pathlib import Path

from search.core.errors import Faults, InternalError, UserError
from search.space.nodes import bad_text
from search.space.reader import read_space
from search.workload import Beginning, load_workload

WORKLOAD = "classifier"
"""The workload that comes with the service: it knows what to look at."""

MAX_STEM_LETTERS = 60
"""Letters of the file's name, which is the study's as well."""


def write_first(data: str, folder: Path) -> Path:
    """Look at data and write a commented space file for them into a folder; return its path.

    Args:
        data: a data set known by name, or the path of a folder, as the setting ``data`` takes it.
        folder: where the file is written; made where it is not there.

    Raises:
        UserError: the data cannot be used, a file of that name is there, or the folder cannot be written.
    """
    if reason := bad_text(data):
        raise UserError(f"--data {data!r}: {reason} from the folder's name, which no space file can hold")
    path = folder / f"{stem(data)}.yaml"
    if path.exists() or path.is_symlink():
        raise _in_the_way(path, data)
    workload = load_workload(WORKLOAD)
    if not isinstance(workload, Beginning):
        raise UserError(f"workload {WORKLOAD!r} writes no first file: it has no method first_file(data, file)")
    try:
        text = workload.first_file(data, str(path))
    except ValueError as error:
        if not (faults := getattr(error, "faults", ())):
            raise
        raise UserError("\n".join(f"--data: {sentence}" for _, sentence in faults)) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:  # never over one that came in the meantime
            file.write(text)
    except FileExistsError as error:
        raise _in_the_way(path, data) from error
    except OSError as error:
        raise UserError(
            f"{error.filename or folder}: {error.strerror}; give a folder that can be written: "
            f"python -m search init --data {data} --folder FOLDER"
        ) from error
    try:
        read_space(path)
    except Faults as error:
        path.unlink()
        raise InternalError(f"the first file for {data!r} is not sound: {error}") from error
    return path


def stem(data: str) -> str:
    """Return the name of a file, and of a study, for these data: the folder's, in letters that both may have."""
    name = re.sub(r"[^A-Za-z0-9._()-]+", "-", Path(data).expanduser().absolute().name)[:MAX_STEM_LETTERS]
    return name.strip("-.") or "images"


def _in_the_way(path: Path, data: str) -> UserError:
    return UserError(
        f"{path}: is there, and no file is overwritten; rename it, or give another folder: "
        f"python -m search init --data {data} --folder FOLDER"
    )
