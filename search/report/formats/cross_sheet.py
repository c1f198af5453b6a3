"""The cross table: rows and columns are values of two axes, a cell is an accuracy with half its interval.

Beside each column of accuracies stand the differences to the baseline's row *within that column*. All of them are one
family. `table.csv` holds the same lines one below the other, with everything else that is known of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from search.report.formats.sheet import Column, Entry
from search.report.table.judged_text import difference_head, difference_text, plus_minus
from search.report.table.model import NOT_JUDGED, Line, Table
from search.report.table.noise_notes import flagged
from search.report.table.notes import PARTIAL, SELECTED
from search.report.text import value_text, with_unit


def cross_columns(table: Table) -> list[Column]:
    """Return the columns of a cross table; `Table.cross` names its axes."""
    rows, columns = table.cross if table.cross else ("", "")
    place: dict[tuple[str, str], Line] = {}
    names: dict[str, str] = {}
    heads: dict[str, str] = {}
    for line in table.shown:
        row, column = (json.dumps(line.parameters.get(axis)) for axis in (rows, columns))
        place[row, column] = line
        names.setdefault(row, table.row_names.get(row, value_text(line.parameters.get(rows))))
        heads.setdefault(column, f"{columns}={value_text(line.parameters.get(columns))}")
    metric = table.judged or table.metrics[0]
    drawn = [Column(rows, "text", [Entry(name) for name in names.values()], "setting")]

    def add(head: str, column: str, key: str, text: Callable[[Line], Entry], priority: int = 0) -> None:
        lines = [place.get((row, column)) for row in names]
        entries = [text(line) if line is not None else Entry("") for line in lines]
        drawn.append(Column(head, "number", entries, key, priority, heads[column]))

    for column, head in heads.items():
        add(f"{head}: {with_unit(metric)}", column, "level", lambda line: _level(table, line, metric))
        if table.compared and table.judged:
            add(f"{head}: {difference_head(table.measure)}", column, "difference", _difference)
        if table.test:
            add(f"{head}: {with_unit(table.test)}", column, "test", lambda line: _test(table, line), 3)
    return drawn


def _level(table: Table, line: Line, metric: str) -> Entry:
    cell = line.cells[metric]
    if cell.mean is None:
        return Entry(f"diverged {PARTIAL}" if line.diverged else "")
    marks = [PARTIAL] * line.partial + [SELECTED] * (table.value == "best" and line.finished > 0)
    judged = line.judged if metric == table.judged else NOT_JUDGED
    return Entry(flagged(" ".join([plus_minus(metric, cell, judged), *marks]), judged), judged.better)


def _difference(line: Line) -> Entry:
    return Entry(difference_text(line, line.judged, False, halved=True), line.judged.better)


def _test(table: Table, line: Line) -> Entry:
    return Entry(flagged(plus_minus(table.test, line.chosen, line.tested), line.tested), line.tested.better)
