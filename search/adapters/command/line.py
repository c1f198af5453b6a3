"""The command line: its words, the names in braces that values stand for, and how a value is written there."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from search.core.values import SIGNIFICANT_DIGITS

FOLDER, EPOCHS, SEED, CPUS = "folder", "epochs", "seed", "cpus"

OF_A_RUN = {
    SEED: "the seed of the trial",
    EPOCHS: "how many epochs it is asked for",
    CPUS: "how many CPU threads it has",
    FOLDER: "a new, empty folder of its own, which is removed behind it",
}
"""What a command line may hold beside settings, and what each is."""

_WORD = r"[A-Za-z_][\w.-]*"
_NAME = re.compile(rf"\{{({_WORD})\}}|\{{(\{{{_WORD}\}})\}}")
_SHELL_SIGNS = re.compile(r"\d*(>>?|<<?)(&?\d+)?.*|\|\|?|&&?|;|\$\w.*|\$[({].*|`.*")


class BadLine(ValueError):
    """A command line that cannot be read; the message names the value, the rule and the remedy."""


def words_of(line: str | Sequence[str]) -> list[str]:
    """Return a command line as the list of its words; text is split at spaces, and quotes hold words together.

    Raises:
        BadLine: it has no word, quotes do not close, or it holds what only a shell would know.
    """
    if isinstance(line, str):
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise BadLine(f"found {line!r}, which cannot be split into words ({error}); close the quotes") from None
        if signs := [word for word in words if _SHELL_SIGNS.fullmatch(word)]:
            raise BadLine(
                f"found {signs[0]!r}, and no shell reads the command; put such a line into a script and name that, or "
                "write the command as a list of words"
            )
    else:
        words = list(line)
    if not words or not words[0]:
        raise BadLine("is empty, must be a program and its arguments")
    return words


def names_in(words: Sequence[str]) -> list[str]:
    """Return the names in braces, each once, in the order of the line."""
    return list(dict.fromkeys(match[1] for word in words for match in _NAME.finditer(word) if match[1]))


def filled(word: str, values: Mapping[str, Any]) -> list[str]:
    """Return the words that one word of the line becomes: one, or as many as the list has that alone stands there.

    ``{{name}}`` stands for the text ``{name}``; other braces are themselves.
    """
    alone = _NAME.fullmatch(word)
    if alone and alone[1] and isinstance(values[alone[1]], (list, tuple)):
        return [written(item) for item in values[alone[1]]]
    return [_NAME.sub(lambda match: written(values[match[1]]) if match[1] else match[2], word)]


def written(value: object) -> str:
    """Return a value as a word: numbers that are equal are written alike, truth as ``true`` and ``false``."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.{SIGNIFICANT_DIGITS}g}"
    return json.dumps(value)
