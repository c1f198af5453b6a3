"""What is wrong with the data a person named, as sentences they can act on."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


class DataError(ValueError):
    """Data that cannot be trained on.

    Attributes:
        faults: pairs of (setting name, sentence), all that were found.
    """

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{name}: {sentence}" for name, sentence in self.faults))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.faults,)  # pickle would otherwise hand the text to __init__


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` where one of `known` is spelled like `name`, else ``""``."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def named(things: Sequence[str], limit: int, separator: str = ", ") -> str:
    """List `things`, at most `limit` of them by name, the others as a count."""
    listed = separator.join(things[:limit])
    return listed if len(things) <= limit else f"{listed}{separator}and {len(things) - limit} more"
