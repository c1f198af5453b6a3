"""Text for people: names of files, classes and studies hold whatever somebody wrote; counts and lists in sentences.

An escape sequence in one of them would otherwise reach the terminal, and a direction override turn the words behind it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal

MAX_ITEMS_NAMED = 3
"""Settings, axes or claims a sentence names; the others are counted."""

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


def counted(number: int, noun: str) -> str:
    """Return ``1 image``, ``1,020 images`` or ``2 classes``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"


def listed(names: Sequence[str], most: int = MAX_ITEMS_NAMED, between: str = ", ") -> str:
    """Return names as a sentence holds them: "a, b and c", "a, b and 5 more"."""
    if len(names) > most + 1:  # "and 1 more" is no shorter than its name
        return f"{between.join(names[:most])} and {len(names) - most} more"
    if between != ", " or len(names) < 2:
        return between.join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes at most: signs of East Asia two, those that combine none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def folded(text: str, width: int, hang: int = 0) -> list[str]:
    """Return `text` as lines of at most `width` columns, broken between words.

    A word that is longer than a line is broken behind a sign that joins names (``model.activation=leaky_relu``), and
    where there is none, anywhere. No number of at most `width` digits is broken.

    Args:
        text: one paragraph.
        width: columns of a line, at least 2 more than `hang`.
        hang: spaces before each line but the first.
    """
    lines: list[str] = []
    line = ""
    for whole in filter(None, text.split(" ")):
        word = whole
        room = width - (hang if lines else 0)
        if cells(longer := f"{line} {word}" if line else word) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        while cells(word) > width - (hang if lines else 0):
            piece = _piece(word, width - (hang if lines else 0))
            lines.append(piece)
            word = word[len(piece) :]
        line = word
    if line or not lines:
        lines.append(line)
    return [lines[0], *(" " * hang + more for more in lines[1:])]


def _piece(word: str, room: int) -> str:
    """Return the beginning of a word that fits into `room` columns, broken where names are joined if that can be."""
    end = 1
    while end < len(word) and cells(word[: end + 1]) <= room:
        end += 1
    for place in range(end, 1, -1):
        before, after = word[place - 1], word[place : place + 1]
        if before in "=/_:;" or (before in ",.+-" and not after.isdigit()):
            return word[:place]
    return word[:end]


def called(workload: str) -> str:
    """Return the name of a workload as people know it: without its description, where that stands in the space file."""
    return workload.partition(" {")[0]


def is_accuracy(metric: str) -> bool:
    """Whether a metric is a fraction that people read in per cent."""
    return metric.endswith("accuracy")


def significant(value: float) -> str:
    """Return a number to 4 significant digits, without exponent where that stays readable."""
    text = f"{value:.4g}"
    return format(Decimal(text), "f") if 1e-4 <= abs(value) < 1e7 else text


def duration(seconds: float, whole: bool = False) -> str:
    """Return seconds as a person says them: ``12.3 s``, ``4 min 10 s``, ``3 h 20 min``.

    Args:
        seconds: at least 0.
        whole: leave the tenths out.
    """
    if seconds < 60 and round(seconds, 1) < 60:
        return f"{seconds:.0f} s" if whole else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"
