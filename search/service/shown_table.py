"""The table that is kept with an answer, as its page shows it: rows of cells, intervals drawn beside their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH_PX = 170
"""Width of a drawn interval."""

EDGE_PX = 6


@dataclass(frozen=True)
class Drawn:
    """Where an interval stands, in pixels from the left.

    Attributes:
        low, estimate, high: its ends and its middle.
        zero: no difference.
        clear: the interval does not hold zero.
    """

    low: float
    estimate: float
    high: float
    zero: float
    clear: bool


def rows_of(table: Mapping[str, Any]) -> list[dict[str, object]]:
    """Return the rows of a table that was kept: ``cells`` (head, kind, text, bold), and ``drawn``, of an interval."""
    columns = table.get("columns", ())
    drawn = drawn_intervals(table.get("intervals", ()))
    lines = len(columns[0]["texts"]) if columns else 0
    return [
        {
            "cells": [
                {
                    "head": column["head"],
                    "kind": column["kind"],
                    "text": column["texts"][place],
                    "bold": column["bold"][place],
                }
                for column in columns
            ],
            "drawn": drawn[place] if place < len(drawn) else None,
        }
        for place in range(lines)
    ]


def drawn_intervals(intervals: Sequence[Sequence[float] | None]) -> list[Drawn | None]:
    """Return where intervals stand on one scale, which holds zero."""
    ends = [0.0, *(value for interval in intervals if interval for value in interval)]
    low, high = min(ends), max(ends)
    across = (WIDTH_PX - 2 * EDGE_PX) / ((high - low) or 1.0)

    def x(value: float) -> float:
        return round(EDGE_PX + across * (value - low), 1)

    return [
        None
        if interval is None
        else Drawn(x(interval[0]), x(interval[1]), x(interval[2]), x(0.0), interval[0] > 0 or interval[2] < 0)
        for interval in intervals
    ]
