"""Text for people's eyes: names of files, classes and studies hold whatever somebody wrote.

An escape sequence in one of them would otherwise reach the terminal, and a direction override turn the words behind it.
"""

from __future__ import annotations

import unicodedata

_DIRECTION = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, lines: bool = False) -> str:
    """Replace control characters, direction overrides and unpaired surrogates.

    Line feeds and tabs stay where `lines` is true.
    """
    keep = "\n\t" if lines else ""
    unsafe = (c not in keep and (c in _DIRECTION or unicodedata.category(c) in ("Cc", "Cs")) for c in text)
    return "".join("\ufffd" if bad else c for c, bad in zip(text, unsafe, strict=True))


def shell_word(text: str) -> str:
    """Return `text` as one word of a shell's, in single quotes."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind where it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def one_line(text: str) -> str:
    """Return `text` without line breaks and control characters."""
    return printable(" ".join(text.split()) if len(text.splitlines()) > 1 else text)
