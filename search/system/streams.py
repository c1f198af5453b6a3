"""The standard streams of a command: what is printed is readable in any encoding, and what cannot be ends nothing.

A run of hours must not fail because its terminal was closed, whoever read its output has ended, or a sign in a table is
not in the terminal's encoding. So the command line prints through streams that write a readable substitute for what
their encoding lacks, and that go deaf where nobody can hear them any more.
"""

from __future__ import annotations

import atexit
import codecs
import errno
import io
import os
import re
import select
import stat
import sys
import threading
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn, TextIO

from search.core.shown import cells, folded

ERRORS = "search.readable"
"""Name of the way in which these streams encode what their encoding lacks."""

SUBSTITUTES = {
    "†": "+",  # the marks of a table's values are one column wide, as the originals are
    "‡": "#",
    "§": "@",
    "¶": "%",
    "‖": "=",
    "−": "-",
    "–": "-",
    "—": "-",
    "±": "+-",
    "×": "x",
    "·": ".",
    "•": "*",
    "●": "o",  # markers of settings, as figures draw them
    "■": "#",
    "◆": "<>",
    "★": "*",
    "✚": "+",
    "✖": "x",
    "…": "...",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "∈": "in",
    "∞": "inf",
    "√": "sqrt",
    "⁄": "/",
    "→": "->",
    "←": "<-",
    "▲": "^",
    "▼": "v",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "°": "deg",
    "ß": "ss",
    "µ": "u",
    "μ": "u",
    "\ufffd": "?",
}

JOINED = "\N{NO-BREAK SPACE}"
"""Stands for a space where no line may end."""

_COUNTS = re.compile(r"(?<=\S) (?=\d+(?:/\d+)+\b)")
"""Parts a name from counts behind it, as in "tulip 45/30/30": these stand on one line."""

MIN_COLUMNS, USUAL_COLUMNS = 20, 80
"""Columns of a terminal at least, and where it does not say."""

_GONE = (errno.EPIPE, errno.ECONNRESET, errno.EIO, errno.ENXIO)
"""Errors of a pipe, a socket or a terminal with nobody at its other end."""


def substitute(sign: str) -> str:
    """Return readable ASCII for one character; for a letter of another script, its escape."""
    if sign in SUBSTITUTES:
        return SUBSTITUTES[sign]
    if "\u2500" <= sign <= "\u257f":  # what tables are drawn with
        return "-" if sign in "─━┄┅┈┉╌╍═╴╶╸╺╼╾" else "|" if sign in "│┃┆┇┊┋╎╏║╵╷╹╻╽╿" else "+"
    plain = "".join(SUBSTITUTES.get(c, c) for c in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(c))
    if plain and plain.isascii():
        return f"^{plain}" if unicodedata.decomposition(sign).startswith("<super>") else plain
    return sign.encode("ascii", "backslashreplace").decode("ascii")


def _readable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(substitute, error.object[error.start : error.end])), error.end


codecs.register_error(ERRORS, _readable)


class Sink(io.FileIO):
    """Writes to a descriptor until that fails, and nothing from then on.

    Attributes:
        lost: the error that ended it, or None.
        told: whether somebody has to hear of it: a full disk, but not a reader or a terminal that went away.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.lost: OSError | None = None
        self.told = False

    def write(self, data: Any) -> int:
        """Write some of the bytes; after an error, take them all and do nothing."""
        while self.lost is None:
            try:
                return os.write(self.fileno(), data)
            except BlockingIOError:  # whoever shares it has set it so
                select.select([], [self.fileno()], [])
            except OSError as error:
                self.lost = error
                self.told = error.errno not in _GONE or stat.S_ISREG(os.fstat(self.fileno()).st_mode)
        return len(data)


class _Ascii(io.TextIOWrapper):
    """Writes ASCII, and says that it is Latin-1: click writes UTF-8 to whatever says that it is ASCII."""

    encoding = "iso8859-1"


def printing(descriptor: int, usual: TextIO | None) -> TextIO:
    """Return the stream that takes the place of a usual one, in the same encoding.

    Args:
        descriptor: where it writes.
        usual: the stream that Python made for it; None where it was closed.
    """
    encoding = (usual.encoding if usual is not None else "") or "utf-8"
    through = bool(getattr(usual, "write_through", False))
    sink = Sink(descriptor)
    buffer: Any = sink if through else io.BufferedWriter(sink)
    kind = _Ascii if codecs.lookup(encoding).name == "ascii" else io.TextIOWrapper
    return kind(
        buffer,
        encoding=encoding,
        errors=ERRORS,
        line_buffering=bool(getattr(usual, "line_buffering", False)),
        write_through=through,
    )


def wrapped(text: str, stream: TextIO) -> str:
    """Return text as a terminal shows it best: broken at words, where the stream is one; for others as it is.

    Lines keep their indentation, and what is broken goes on two columns further in.
    """
    if not stream.isatty():
        return text
    width = terminal_columns(stream)
    return "\n".join(part for line in text.split("\n") for part in _broken(line, width))


def _broken(line: str, width: int) -> list[str]:
    body = line.lstrip(" ")
    indent = min(len(line) - len(body), width // 2)
    if cells(line) <= width:
        return [line]
    kept = _COUNTS.sub(JOINED, body)
    return [" " * indent + part.replace(JOINED, " ") for part in folded(kept, width - indent, hang=2)]


def terminal_columns(stream: TextIO) -> int:
    """Return how wide a terminal is; ``COLUMNS`` overrides what it says itself."""
    if (told := os.environ.get("COLUMNS", "")).isdigit() and int(told) >= MIN_COLUMNS:
        return int(told)
    with suppress(OSError, ValueError, AttributeError):
        return max(os.get_terminal_size(stream.fileno()).columns, MIN_COLUMNS)
    return USUAL_COLUMNS


def unicode() -> bool:
    """Whether what is printed can be any text: JSON escapes the rest, where a substitute would be another text."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def prepare() -> None:
    """Make the standard streams of this process such streams, and see that its child processes have some.

    Started in a locale without UTF-8, it starts anew in Python's UTF-8 mode: a study's folder has the same name
    everywhere.
    """
    for number in range(3):
        _open(number)
    if codecs.lookup(sys.getfilesystemencoding()).name != "utf-8":
        _start_anew()
    for number, name in ((1, "stdout"), (2, "stderr")):
        usual = getattr(sys, name)
        if usual is None or _descriptor(usual) == number:
            if usual is not None:
                with suppress(OSError):
                    usual.flush()
            setattr(sys, name, printing(number, usual))
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    os.environ.pop("PYTHONIOENCODING", None)  # it is about our terminal: children write into files


def _open(number: int) -> None:
    """Open a descriptor that is closed: files would get its number, and child processes would print into them."""
    try:
        os.fstat(number)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, number)
        os.set_inheritable(number, True)
        if nowhere != number:
            os.close(nowhere)


def _start_anew() -> None:
    if os.environ.get("PYTHONUTF8") == "1" or not sys.executable:  # it did not help, or cannot be done
        return
    encoding = sys.stdout.encoding if sys.stdout is not None else "utf-8"
    environment = {"PYTHONIOENCODING": encoding, **os.environ, "PYTHONUTF8": "1"}
    os.execve(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]], environment)


def _descriptor(stream: TextIO) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):  # of a notebook, or of whoever captures it
        return -1


def _sinks() -> Sequence[Sink]:
    buffers = [getattr(stream, "buffer", None) for stream in (sys.stdout, sys.stderr)]
    raws = [getattr(buffer, "raw", buffer) for buffer in buffers]
    return [raw for raw in raws if isinstance(raw, Sink)]


def leave(code: int) -> NoReturn:
    """End the process as `multiprocessing` ends its own: threads and exit functions first, then at once.

    An ordinary end looks through all that was imported for cycles, for up to a second; without that look, extension
    modules complain of what was not freed.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        for sink in _sinks()[:1]:
            if sink.lost is not None and sink.told:
                print(f"standard output: {sink.lost.strerror}; what was to be printed there is lost", file=sys.stderr)
                code = code or 1
        sys.stderr.flush()
    except KeyboardInterrupt:
        code = 130
    os._exit(code)
