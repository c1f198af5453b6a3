"""What may be asked for at least and at most: the same from a page and from a program."""

from __future__ import annotations

from typing import NamedTuple

from search.core.errors import UserError
from search.ledger.tables import MAX_NUMBER


class Bounds(NamedTuple):
    """The least and the greatest number that is taken."""

    low: int
    high: int


POSITIONS = Bounds(1, 1_000_000)
SEEDS = Bounds(1, 1000)
"""Seeds that are asked for at once."""

CONFIRM_SETTINGS = Bounds(1, 1000)
CONFIRM_SEEDS = Bounds(2, 1000)
TRIALS = Bounds(1, 1_000_000)
NUMBERS = Bounds(0, MAX_NUMBER)
"""Numbers of studies, and places in lists."""

OFFSETS_BYTES = Bounds(0, 1 << 50)

LIMITS = Bounds(1, 200)
"""Items of a page of a list."""

LIMIT = 50
"""Items of a page where nobody says how many."""


def number_of(text: str, bounds: Bounds) -> int:
    """Return the number that a field or an address holds.

    Raises:
        UserError: it is none, or out of bounds.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20 and bounds.low <= int(text) <= bounds.high):
        raise UserError(f"found {text[:40]!r}, must be a number from {bounds.low} to {bounds.high}")
    return int(text)


def limit_of(text: str | None) -> int:
    """Return how many items a page of a list has, as its address says; `LIMIT` where it does not.

    Raises:
        UserError: it is no number, or out of bounds.
    """
    if text is None:
        return LIMIT
    try:
        return number_of(text, LIMITS)
    except UserError as error:
        reason = f"limit={text[:40]!r}: must be a number from {LIMITS.low} to {LIMITS.high}; left out, it is {LIMIT}"
        raise UserError(reason) from error
