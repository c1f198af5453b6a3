"""The comparison table as Markdown, as CSV and for the terminal; data frames as CSV, Markdown and JSON.

A value that must not stand unmarked among the others carries its mark in every format; nothing is bold.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import rich.box
import rich.table
import tabulate
from rich.console import Group, RenderableType
from rich.text import Text

from search.report.frames import parameter_column, unique_columns
from search.report.notes import PARTIAL, SELECTED
from search.report.rows import Line, Table
from search.report.text import (
    cell_text,
    csv_cell,
    duration,
    figure,
    is_accuracy,
    markdown_cell,
    one_line,
    plain,
    significant,
)

_SHORT = {
    "seeds finished": "seeds",
    "sd over seeds (points)": "sd over seeds",
    "how trials ended": "ended",
    ", mean": "",
    ", sum": "",
    "_accuracy (%)": " %",
}

_TABLE_COLUMNS = ("setting", "finished", "seeds", "published", "epochs", "seconds", "ending", "marks")


def cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Return the table as text: headings, and the lines to print. Nothing is escaped yet."""
    several = any(line.seeds > 1 for line in table.lines)
    published = any(line.published for line in table.lines)
    ended = any(line.ending for line in table.shown)
    head = ["setting", "seeds finished"]
    for name in table.metrics:
        unit = " (%)" if is_accuracy(name) else ""
        head.append(f"{name}, mean{unit}" if several else f"{name}{unit}")
        if several and not name.startswith("test_"):
            head.append("sd over seeds" + (" (points)" if unit else ""))
        if published and name == _measured_like_published(table):
            head.append("published")
    head += ["epochs, mean" if several else "epochs", "seconds, sum" if several else "seconds"]
    return head + ["how trials ended"] * ended, [_cells(table, line, several, published, ended) for line in table.shown]


def _cells(table: Table, line: Line, several: bool, published: bool, ended: bool) -> list[str]:
    result = [line.setting, f"{line.finished} of {line.seeds}"]
    for name in table.metrics:
        result.append(_value(table, line, name))
        if several and not name.startswith("test_"):
            result.append(figure(name, line.cells[name].sd))
        if published and name == _measured_like_published(table):
            result.append(line.published)
    epochs = "" if line.epochs is None else significant(line.epochs)
    return result + [epochs, duration(line.seconds)] + [line.ending] * ended


def _measured_like_published(table: Table) -> str:
    """Return the metric whose column the published figures stand beside: papers print accuracies."""
    likely = [name for name in table.metrics if is_accuracy(name) and not name.startswith("test_")]
    return likely[0] if likely else table.metrics[0]


def _value(table: Table, line: Line, name: str) -> str:
    cell = line.cells[name]
    if cell.mean is None:
        return f"diverged {PARTIAL}" if line.diverged and name == table.metrics[0] else ""
    chosen = table.value == "best" and line.finished and not name.startswith("test_")
    marks = [PARTIAL] * line.partial + [SELECTED] * bool(chosen)
    return " ".join([figure(name, cell.mean), *marks])


def table_markdown(table: Table) -> str:
    """Return the table with its footnotes as Markdown; every cell reads as it is written."""
    head, lines = cells(table)
    body = [[markdown_cell(cell) for cell in line] for line in lines]
    parts = [f"# {markdown_cell(table.title)}", _pipe([markdown_cell(cell) for cell in head], body)]
    return "\n\n".join([*parts, *(markdown_cell(note) for note in table.notes)]) + "\n"


def _short(heading: str) -> str:
    """Return a heading that leaves room on a terminal of 80 columns; the footnotes say the rest."""
    for long, short in _SHORT.items():
        heading = heading.replace(long, short)
    return heading


def _long(lines: Sequence[Sequence[str]]) -> bool:
    return any(len(line[0]) > 30 for line in lines)


def table_frame(table: Table) -> pd.DataFrame:
    """Return all lines as a data frame of numbers: accuracies as fractions, the axes in columns of their own.

    Columns: ``setting``, one per axis, ``finished`` and ``seeds`` (numbers of seeds), per metric ``<metric>_mean`` and
    ``<metric>_sd`` (over seeds, n - 1), ``published`` (text), ``epochs`` (mean), ``seconds`` (sum), ``ending``,
    ``marks`` (``partial``: not every seed finished; ``diverged``; ``chosen on the same images``).
    """
    measures = [f"{name}{kind}" for name in table.metrics for kind in ("_mean", "_sd")]
    axes = unique_columns(table.axes, (*_TABLE_COLUMNS, *measures), "axis.")
    records = []
    for line in table.lines:
        record: dict[str, Any] = {"setting": line.setting}
        record |= {axes[name]: line.parameters.get(name, pd.NA) for name in table.axes}
        record |= {"finished": line.finished, "seeds": line.seeds}
        for name in table.metrics:
            record |= {f"{name}_mean": line.cells[name].mean, f"{name}_sd": line.cells[name].sd}
        record |= {"published": line.published, "epochs": line.epochs, "seconds": line.seconds, "ending": line.ending}
        record["marks"] = "; ".join(_mark_words(table, line))
        records.append(record)
    columns = ["setting", *axes.values(), "finished", "seeds", *measures]
    columns += ["published", "epochs", "seconds", "ending", "marks"]
    numbers = {*measures, "epochs", "seconds"}
    series = {
        name: pd.Series([record[name] for record in records], dtype="float64" if name in numbers else "object")
        for name in columns
    }
    for name in axes.values():
        series[name] = parameter_column(series[name].tolist())
    return pd.DataFrame(series).astype({"finished": "int64", "seeds": "int64"})


def _mark_words(table: Table, line: Line) -> list[str]:
    chosen = table.value == "best" and line.finished > 0
    return ["partial"] * line.partial + ["diverged"] * line.diverged + ["chosen on the same images"] * chosen


def table_rich(table: Table) -> RenderableType:
    """Return the table for a terminal, its footnotes under it."""
    head, lines = cells(table)
    drawn = rich.table.Table(
        title=Text(one_line(table.title)),
        title_justify="left",
        header_style="",
        box=rich.box.SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
    )
    for index, name in enumerate(head):
        left = index == 0 or name == "how trials ended"
        # One short label is read at a glance; a configuration of many axes may need several lines.
        whole = index == 0 and len(table.axes) <= 1 and not _long(lines)
        word = 30 if index == 0 and _long(lines) else max(len(part) for part in _short(name).split())
        drawn.add_column(
            Text(_short(name)), justify="left" if left else "right", overflow="fold", no_wrap=whole, min_width=word
        )
    for line in lines:
        drawn.add_row(*(Text(one_line(cell)) for cell in line))
    return Group(drawn, *(Text(one_line(note)) for note in table.notes))


def frame_csv(frame: pd.DataFrame) -> str:
    """Return a data frame as CSV with line feeds; see `text.csv_cell` for what a cell may hold."""
    lines = [",".join(csv_cell(str(name)) for name in frame.columns)]
    lines += [",".join(csv_cell(value) for value in row) for row in records(frame)]
    return "\n".join(lines) + "\n"


def frame_markdown(frame: pd.DataFrame) -> str:
    """Return a data frame as a Markdown table."""
    body = [[markdown_cell(cell_text(value)) for value in row] for row in records(frame)]
    return _pipe([markdown_cell(str(name)) for name in frame.columns], body) + "\n"


def frame_json(frame: pd.DataFrame) -> str:
    """Return a data frame as a JSON list with one object per row; null where a value is not there."""
    names = [str(name) for name in frame.columns]
    return to_json([dict(zip(names, (plain(value) for value in row), strict=True)) for row in records(frame)])


def table_json(table: Table) -> str:
    """Return the table as JSON: ``title``, ``value`` (last or best epoch), ``lines`` and ``notes``."""
    lines = json.loads(frame_json(table_frame(table)))
    return to_json({"title": table.title, "value": table.value, "lines": lines, "notes": list(table.notes)})


def to_json(content: Any) -> str:
    """Return plain content as JSON text without NaN."""
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def records(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return the rows of a data frame, each value with a type of its own column.

    `DataFrame.to_numpy` would make integers beside floats floats. What a column of text or numbers lacks is NA.
    """
    columns = []
    for name in frame.columns:
        column = frame[name]
        values = column.tolist()
        if not pd.api.types.is_object_dtype(column.dtype):
            values = [pd.NA if gone else value for value, gone in zip(values, column.isna(), strict=True)]
        columns.append(values)
    return list(zip(*columns, strict=True))


def _pipe(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    return tabulate.tabulate(body, list(head), tablefmt="pipe", disable_numparse=True)
