"""Rows as a program writes them: one JSON object per line and epoch."""

from __future__ import annotations

import json
import math

MAX_ROW_BYTES = 64 * 2**20
"""Of one line: more is no row, but a program that has forgotten to end its lines."""

EXAMPLE = '{"val_loss": 0.5}'

SCORES = "scores"
"""A name under which a row holds numbers per example: split -> name -> list."""

EPOCH = "epoch"
"""A name that may number the rows; it is checked, and no metric."""


class BadRow(ValueError):
    """A line that is no row; the message names the value, the rule and the remedy."""


def row_in(line: bytes, number: int, where: str) -> dict[str, object]:
    """Return the metrics on a line.

    Args:
        line: with or without its end.
        number: of the row, from 1 on.
        where: where the line stands, for people: ``"its output"``.

    Raises:
        BadRow: it is not one JSON object with a name for every value.
    """
    shown, place = _shown(line), f"line {number} of {where}"
    rule = f"must be one JSON object such as {EXAMPLE}"
    try:
        row = json.loads(line.decode(), object_pairs_hook=_once)
    except BadRow as twice:
        raise BadRow(f"{place} names {twice} twice; each metric has one value per epoch") from None
    except (ValueError, RecursionError):
        remedy = "; write NaN, Infinity or -Infinity for what is no finite number" if _number_like(line) else ""
        raise BadRow(f"{place} is {shown}, {rule}{remedy or _remedy(where)}") from None
    if not isinstance(row, dict):
        raise BadRow(f"{place} is {shown}, {rule}{_remedy(where)}")
    return {name: _filled(value) if value is None or name == SCORES else value for name, value in row.items()}


def _filled(value: object) -> object:
    """Return a value with NaN for null, which is how many programs write it; scores hold lists of numbers."""
    if isinstance(value, dict):
        return {name: _filled(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [math.nan if number is None else number for number in value]
    return math.nan if value is None else value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        raise BadRow(repr(next(name for name in names if names.count(name) > 1)))
    return result


def _number_like(line: bytes) -> bool:
    """Whether a line would be an object but for a number that JSON has no word for: ``nan``, ``-nan``, ``inf``."""
    text = line.decode(errors="replace").strip().lower()
    return (
        text.startswith("{") and text.endswith("}") and any(word in text for word in (": nan", ":nan", "-nan", "inf"))
    )


def _remedy(where: str) -> str:
    if where != "its output":
        return ""
    return "; let it print all else to standard error, or write rows into a file that `rows` names"


def _shown(line: bytes) -> str:
    text = " ".join(line.decode(errors="backslashreplace").split())
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


class Numbering:
    """Checks the numbers of rows, where a program writes any: they count up by one, from 0 or 1 on."""

    def __init__(self) -> None:
        self._first: int | None = None

    def taken_out(self, row: dict[str, object], number: int) -> dict[str, object]:
        """Return a row without its number.

        Raises:
            BadRow: rows are missing, double or in another order.
        """
        if EPOCH not in row:
            return row
        counted = row[EPOCH]
        if self._first is None and number == 1 and counted in (0, 1):
            self._first = int(counted)
        due = 1 if self._first is None else self._first + number - 1
        if isinstance(counted, bool) or counted != due:
            raise BadRow(
                f"row {number} says that it is of epoch {counted!r}, must be {due}: one row for each epoch, in turn"
            )
        return {name: value for name, value in row.items() if name != EPOCH}
