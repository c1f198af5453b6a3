"""The text of a file, or why there is none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from search.core.errors import nearest
from search.space.nodes import Problems, printable
from search.system.special import kind_of

MAX_FILE_BYTES = 1_000_000


def text_of_file(file: str, problems: Problems) -> str | None:
    """Return the text of a file, or say why it has none."""
    kind = kind_of(file)
    if kind not in ("", "a file"):
        remedy = "" if kind == "a folder" else "; write its text to a file first"
        problems.at(file, 0, "", f"is {kind}, must be a search-space file{remedy}")
        return None
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        problems.at(file, 0, "", f"no such file{neighbour(file)}")
    except PermissionError:
        problems.at(file, 0, "", "may not be read by this user; change its permissions")
    except (OSError, ValueError) as error:
        problems.at(printable(file), 0, "", f"cannot be read: {getattr(error, 'strerror', None) or error}")
    else:
        if len(raw) > MAX_FILE_BYTES:
            problems.at(file, 0, "", f"is larger than {MAX_FILE_BYTES:,} bytes; a search-space file is a page of text")
            return None
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            problems.at(file, line, "", f"is not UTF-8: found byte 0x{raw[error.start]:02x}; save the file as UTF-8")
    return None


def neighbour(file: str, without: Iterable[str] = ()) -> str:
    """Name the nearest file to one that is missing, as the rest of a sentence: `focal` may mean `spaces/focal.yaml`.

    Args:
        file: the one that is missing.
        without: files that cannot be meant.
    """
    folder = Path(file).parent
    with contextlib.suppress(OSError):
        for place in (folder, Path("spaces")):
            if (meant := place / f"{Path(file).name.removesuffix('.yaml')}.yaml").is_file():
                return f"; did you mean {str(meant)!r}?"
    try:
        others = {os.path.realpath(other) for other in without}
        names = [entry.name for entry in folder.iterdir() if os.path.realpath(entry) not in others]
    except OSError:
        return f"; the folder {str(folder)!r} does not exist either"
    return nearest(Path(file).name, names)
