"""The comparison table of a study in short, as plain data that is kept with its answer: what its page shows at once."""

from __future__ import annotations

import math
from collections.abc import Collection

from search.report.formats.columns import drawn_lines, table_columns
from search.report.table.judged_text import factor
from search.report.table.model import Line, Table

MAX_LINES = 30
"""Lines that are kept; the report has all."""

MAX_PRIORITY = 3
"""Columns that a wide terminal shows first: values, differences, how trials ended, published and test figures."""


def kept_table(table: Table, keys: Collection[str] = ()) -> dict[str, object]:
    """Return a table in short.

    Args:
        keys: of the columns that are kept; none for those that a wide terminal shows first, and the seeds.

    Returns:
        ``columns`` (head, kind, texts, and whether each is bold), of which the first names the lines; ``intervals``,
        by line [low, estimate, high] of the difference to the baseline in its unit, or None, empty where no line has
        one; ``after``, the column that these belong to; ``more``, lines that are left out; ``warnings`` and ``notes``.
    """
    columns = [
        column
        for column in table_columns(table)
        if (column.key in keys if keys else column.priority <= MAX_PRIORITY or column.key == "seeds")
    ]
    lines = len(columns[0].entries) if columns else 0
    intervals = [_interval(table, line) for line in drawn_lines(table)][:MAX_LINES]
    kept = {column.key for column in columns}
    first = [sentence for sentence in (table.incomplete, table.banner, *table.distrusted) if sentence]
    shown = [entry.text for column in columns for entry in column.entries]
    notes = [
        note.text
        for note in table.footnotes
        if not note.about or kept & {*note.about} or any(sign in text for sign in note.about for text in shown)
    ]
    return {
        "columns": [
            {
                "head": column.head,
                "kind": column.kind,
                "texts": [entry.text for entry in column.entries[:MAX_LINES]],
                "bold": [entry.bold for entry in column.entries[:MAX_LINES]],
            }
            for column in columns
        ],
        "intervals": intervals if any(intervals) else [],
        "after": next((place for place, column in enumerate(columns) if column.key == _difference(table)), -1),
        "more": max(0, lines - MAX_LINES),
        "warnings": first,
        "notes": [note for note in notes if note not in first],
    }


def _difference(table: Table) -> str:
    return "test difference" if table.confirms else "difference"


def _interval(table: Table, line: Line) -> list[float] | None:
    """Return low end, estimate and high end of a line's difference to the baseline, in its unit."""
    found = (line.tested if table.confirms else line.judged).difference
    if found is None or found.estimate is None or found.low is None or found.high is None:
        return None
    ends = [value * factor(found.measure) for value in (found.low, found.estimate, found.high)]
    return ends if all(map(math.isfinite, ends)) else None
