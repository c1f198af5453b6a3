"""The comparison table as Markdown and CSV; data frames as CSV, Markdown and JSON.

A value that must not stand unmarked among the others carries its mark in every format. What people read is drawn from
`columns`; LaTeX, HTML, XLSX and the terminal have modules of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import tabulate

from search.report.formats.columns import frame_sheet, table_sheet, values_of
from search.report.formats.judged_frame import Column, figure_columns, mean_columns, verdicts_frame
from search.report.formats.sheet import Entry, Sheet
from search.report.record.series import Columns, Series, parameter_series, unique_columns
from search.report.table.model import Cell, Line, Table
from search.report.text import MISSING, csv_cell, markdown_cell, plain

if TYPE_CHECKING:
    import pandas as pd

_SEEDS: Sequence[Column] = (
    ("finished", "int64", lambda line: line.finished),
    ("seeds", "int64", lambda line: line.seeds),
)
_COSTS: Sequence[Column] = (
    ("published", "object", lambda line: line.published),
    ("epochs", "float64", lambda line: line.epochs),
    ("epochs_alone", "int64", lambda line: line.alone),
    ("epochs_distinct", "int64", lambda line: line.distinct),
    ("seconds", "float64", lambda line: line.seconds),
    ("ending", "object", lambda line: line.ending),
)

_FRONT: Sequence[Column] = (
    ("front", "object", lambda line: line.front),
    ("front_by_values", "bool", lambda line: line.front_by_values),
    ("dominated_by", "object", lambda line: "; ".join(line.dominated_by)),
)


def table_markdown(table: Table) -> str:
    """Return the table with its footnotes as Markdown; every cell reads as it is written."""
    sheet = table_sheet(table)
    parts = [f"# {markdown_cell(sheet.title)}", _pipe(sheet)]
    return "\n\n".join([*parts, *(markdown_cell(note) for note in sheet.notes)]) + "\n"


def table_frame(table: Table) -> pd.DataFrame:
    """Return `table_columns` as a data frame."""
    from search.report.record.frames import frame_of

    return frame_of(table_columns(table))


def table_columns(table: Table) -> Columns:
    """Return all lines as columns of numbers: accuracies as fractions, the axes in columns of their own.

    Columns: ``setting``, one per axis, ``finished`` and ``seeds`` (numbers of seeds), per metric ``<metric>_mean`` and
    ``<metric>_sd`` (over seeds, n - 1), of several objectives ``front`` (on, dominated, not decided),
    ``front_by_values`` and ``dominated_by`` (text), what its predictions say (`figure_columns`), ``published`` (text),
    ``epochs`` (mean), ``epochs_alone`` and ``epochs_distinct`` (sums, those that no line above has), ``seconds`` (sum),
    ``ending``, ``marks`` (``partial``: not every seed finished; ``diverged``; ``chosen on the same images``; ``best of
    30, optimistic``: what a search found best, by the figure that it is shown with).
    """
    measures = [column for name in table.metrics for column in mean_columns(name, partial(_cell, name))]
    columns = [*_SEEDS, *measures, *figure_columns(table), *(_FRONT if table.front is not None else ()), *_COSTS]
    columns.append(("marks", "object", lambda line: "; ".join(_mark_words(table, line))))
    axes = unique_columns(table.axes, ("setting", *(name for name, _, _ in columns)), "axis.")
    series = {"setting": Series("object", [line.setting for line in table.lines])}
    for name in table.axes:
        series[axes[name]] = parameter_series([line.parameters.get(name, MISSING) for line in table.lines])
    for name, kind, of in columns:
        series[name] = Series(kind, [of(line) for line in table.lines])
    return series


def _cell(metric: str, line: Line) -> Cell:
    return line.cells[metric]


def _mark_words(table: Table, line: Line) -> list[str]:
    chosen = table.value == "best" and line.finished > 0
    marks = ["partial"] * line.partial + ["diverged"] * line.diverged + ["chosen on the same images"] * chosen
    return [*marks, f"best of {line.best_of}, optimistic"] if line.best_of else marks


def frame_csv(frame: pd.DataFrame) -> str:
    """Return a data frame as CSV with line feeds; see `text.csv_cell` for what a cell may hold."""
    return _csv(frame.columns, records(frame))


def columns_csv(columns: Columns) -> str:
    """Return columns as CSV, as `frame_csv` does a frame of them."""
    return _csv(columns, zip(*(column.values for column in columns.values()), strict=True))


def _csv(names: Iterable[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [",".join(csv_cell(str(name)) for name in names)]
    lines += [",".join(csv_cell(value) for value in row) for row in rows]
    return "\n".join(lines) + "\n"


def frame_markdown(frame: pd.DataFrame) -> str:
    """Return a data frame as a Markdown table, for reading: see `columns.frame_sheet`."""
    return _pipe(frame_sheet(frame, "")) + "\n"


def frame_json(frame: pd.DataFrame) -> str:
    """Return a data frame as a JSON list with one object per row; null where a value is not there."""
    names = [str(name) for name in frame.columns]
    return to_json([dict(zip(names, (plain(value) for value in row), strict=True)) for row in records(frame)])


def table_json(table: Table) -> str:
    """Return the table as JSON: ``title``, ``banner`` (what must stand above it), ``value`` (last or best epoch),
    ``lines``, ``verdicts`` on the file's claims, ``published_elsewhere`` (figures and claims of other data; null where
    there are none), and ``notes``."""
    lines, said = (json.loads(frame_json(frame)) for frame in (table_frame(table), verdicts_frame(table.verdicts)))
    apart = None if table.elsewhere is None else asdict(table.elsewhere)
    head = {"title": table.title, "banner": table.banner, "value": table.value}
    return to_json({**head, "lines": lines, "verdicts": said, "published_elsewhere": apart, "notes": list(table.notes)})


def to_json(content: object) -> str:
    """Return plain content as JSON text without NaN."""
    return json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def records(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    """Return the rows of a data frame, each value with a type of its own column.

    `DataFrame.to_numpy` would make integers beside floats floats. What a column of text or numbers lacks is NA.
    """
    return list(zip(*(values_of(frame[name]) for name in frame.columns), strict=True))


def _pipe(sheet: Sheet) -> str:
    body = [[_entry(entry) for entry in line] for line in sheet.lines]
    align = ["left" if column.kind == "text" else "right" for column in sheet.columns]
    head = [markdown_cell(column.head) for column in sheet.columns]
    return tabulate.tabulate(body, head, tablefmt="pipe", disable_numparse=True, colalign=align if body else None)


def _entry(entry: Entry) -> str:
    text = markdown_cell(entry.text)
    return f"**{text}**" if entry.bold and text else text
