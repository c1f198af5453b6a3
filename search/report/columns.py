"""Tables as columns of text: what every format that people read is drawn from (Markdown, LaTeX, HTML, the terminal).

A column that is added here appears in each of them. Nothing is escaped yet: an entry is what somebody should read.
Formats that programs read (CSV, JSON, Parquet, XLSX) hold the frames with all digits instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from search.report.notes import PARTIAL, SELECTED
from search.report.rows import Line, Table
from search.report.text import duration, figure, is_accuracy, readable, significant

ENDED = "how trials ended"
"""Heading of the column that says what became of trials which did not all finish."""


@dataclass(frozen=True)
class Entry:
    """What stands in one place of a table.

    Attributes:
        text: as a person should read it; "" where there is nothing.
        bold: drawn bold; who sets it says in a note what bold means.
    """

    text: str
    bold: bool = False


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        head: its heading, with the unit.
        kind: ``number`` is set flush right, ``text`` flush left.
        entries: from the first line to the last.
    """

    head: str
    kind: Literal["text", "number"]
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Sheet:
    """A table to draw: columns of equal length, of which the first names the lines.

    Attributes:
        title: stands above, or is the caption.
        columns: from left to right.
        notes: stand below, one paragraph each.
    """

    title: str
    columns: Sequence[Column]
    notes: Sequence[str] = ()

    @property
    def lines(self) -> list[tuple[Entry, ...]]:
        """The entries line by line."""
        return list(zip(*(column.entries for column in self.columns), strict=True))


def table_sheet(table: Table) -> Sheet:
    """Return the comparison table's printed lines; accuracies are in per cent, their spreads in points."""
    return Sheet(table.title, table_columns(table), table.notes)


def table_columns(table: Table) -> list[Column]:
    """Return the columns of the comparison table's printed lines.

    A value is rounded where its standard deviation over seeds has its second significant digit. A value that must not
    stand unmarked among the others carries its mark.
    """
    several = any(line.seeds > 1 for line in table.lines)
    published = any(line.published for line in table.lines)
    columns = [
        _column(table, "setting", lambda line: line.setting, "text"),
        _column(table, "seeds finished", lambda line: f"{line.finished} of {line.seeds}"),
    ]
    for name in table.metrics:
        columns += _metric(table, name, several)
        if published and name == _measured_like_published(table):
            columns.append(_column(table, "published", lambda line: line.published))
    columns.append(_column(table, "epochs, mean" if several else "epochs", _epochs))
    columns.append(_column(table, "seconds, sum" if several else "seconds", lambda line: duration(line.seconds)))
    if any(line.ending for line in table.shown):
        columns.append(_column(table, ENDED, lambda line: line.ending, "text"))
    return columns


def _column(table: Table, head: str, text: Callable[[Line], str], kind: Literal["text", "number"] = "number") -> Column:
    return Column(head, kind, [Entry(text(line)) for line in table.shown])


def _metric(table: Table, name: str, several: bool) -> list[Column]:
    """Return the column of a metric, and that of its spread: test figures are not spread out over a column more."""
    unit = " (%)" if is_accuracy(name) else ""
    head = f"{name}, mean{unit}" if several else f"{name}{unit}"
    columns = [_column(table, head, lambda line: _value(table, line, name))]
    if several and not name.startswith("test_"):
        head = "sd over seeds" + (" (points)" if unit else "")
        columns.append(_column(table, head, lambda line: figure(name, line.cells[name].sd, line.cells[name].sd)))
    return columns


def _value(table: Table, line: Line, name: str) -> str:
    cell = line.cells[name]
    if cell.mean is None:
        return f"diverged {PARTIAL}" if line.diverged and name == table.metrics[0] else ""
    chosen = table.value == "best" and line.finished and not name.startswith("test_")
    marks = [PARTIAL] * line.partial + [SELECTED] * bool(chosen)
    return " ".join([figure(name, cell.mean, cell.sd), *marks])


def _measured_like_published(table: Table) -> str:
    """Return the metric whose column the published figures stand beside: papers print accuracies."""
    likely = [name for name in table.metrics if is_accuracy(name) and not name.startswith("test_")]
    return likely[0] if likely else table.metrics[0]


def _epochs(line: Line) -> str:
    return "" if line.epochs is None else significant(line.epochs)


def frame_sheet(frame: pd.DataFrame, title: str) -> Sheet:
    """Return a data frame with all its rows; long fractions are cut to what people read, see `text.readable`."""
    columns = []
    for name in frame.columns:
        column = frame[name]
        gone = column.isna() if not pd.api.types.is_object_dtype(column.dtype) else [False] * len(column)
        entries = [Entry("" if lost else readable(value)) for value, lost in zip(column.tolist(), gone, strict=True)]
        number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
        columns.append(Column(str(name), "number" if number else "text", entries))
    return Sheet(title, columns)
