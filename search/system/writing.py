"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from search.core.errors import ReadOnly, UserError
from search.system.special import kind_of


def write_text(path: Path, text: str) -> Path:
    """Write a text file atomically, as UTF-8 with the line ends it has; unpaired surrogates are written escaped."""
    return write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file atomically."""
    return write_atomically(path, lambda file: file.write(content))


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    """Let `write` fill a temporary file in the same folder, then put it in the place of `path`.

    Raises:
        UserError: the folder or the file cannot be written, or is a pipe, a socket or a device; what stood at `path` is
            untouched; so is a stream that leads to a file, as ``/dev/stdout`` may.
    """
    kind = "a stream" if _is_stream(path) else kind_of(path)
    if kind in ("a pipe", "a socket", "a device", "a stream"):
        raise UserError(f"{path}: is {kind}, and the file would take its place; give the path of a file")
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in FORBIDDEN:
            raise ReadOnly(f"{path}: cannot be written: {error.strerror}", "give another place") from error
        raise UserError(
            f"{path}: cannot be written: {error.strerror or error}; give another place, or make room: "
            "what stood there is as it was"
        ) from error
    return path


def _is_stream(path: Path) -> bool:
    folder = f"{os.path.realpath(path.parent)}/"
    return path.exists() and folder.startswith(("/dev/", "/proc/")) and not folder.startswith("/dev/shm/")


FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors of a place that this user may not write to."""
