"""A comparison table inside a notebook: as HTML between other cells, as text, and as the columns that one reads.

The style names one class and takes the notebook's own colours, light or dark, so that it changes no other table there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import pandas as pd
from rich.console import Console

from search.report.formats.aligned import ROOM
from search.report.formats.columns import table_sheet
from search.report.formats.comparison import Comparison
from search.report.formats.hypertext import html_table
from search.report.formats.markup import element, joined
from search.report.table.model import Table

TEXT_COLUMNS = 120
"""Width of a table as text: notebooks and terminals of today show as much."""

_STYLE = """
.search-study { overflow-x: auto; }
.search-study table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.search-study caption { font-weight: 600; text-align: start; padding-block: .3em; }
.search-study th, .search-study td { text-align: start; padding: .3em .6em; background: none;
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.search-study tbody th { font-weight: 500; }
.search-study .number { text-align: end; white-space: nowrap; }
.search-study thead .number { white-space: normal; }
.search-study .notes { opacity: .8; max-width: 60em; }
"""


def inline_html(table: Table) -> str:
    """Return the table with its notes: what must be said at once below it, the rest to be opened."""
    sheet = table_sheet(table)
    first = [note for note in (table.incomplete, *table.distrusted) if note]
    others = [note for note in sheet.notes if note not in first]
    notes = [element("p", note) for note in first]
    if others:
        items = [element("li", note) for note in others]
        notes.append(element("details", element("summary", "What the figures are"), element("ul", *items)))
    style = f"<style>{_STYLE}{ROOM}</style>"
    body = joined([html_table(sheet), element("div", *notes, class_="notes")])
    return f'{style}<div class="search-study">{body}</div>'


def inline_text(table: Table, width: int = TEXT_COLUMNS) -> str:
    """Return the table as a terminal of this width shows it, without colour."""
    # In a notebook rich would show what it prints as an output of its own.
    console = Console(file=io.StringIO(), width=width, color_system=None, force_jupyter=False)
    with console.capture() as captured:
        console.print(Comparison(table))
    return captured.get().rstrip()


def read_columns(table: Table, frame: pd.DataFrame) -> list[str]:
    """Return the columns that one reads: what a setting is, its figures with their intervals, and what they cost.

    Args:
        frame: all columns, see `search.report.formats.render.table_frame`. ``published``, ``ending`` and ``marks`` are
            read where they say something.
    """
    wanted = ["setting", *_names_of(table), "epochs", "seconds"]
    said = [name for name in ("published", "ending", "marks") if frame[name].astype(bool).any()]
    axes = frame.columns[1 : 1 + len(table.axes)]
    chosen = {*wanted, *said, *axes}
    return [name for name in frame.columns if name in chosen]


def _names_of(table: Table) -> Iterator[str]:
    yield "finished"
    for metric in table.metrics:
        if metric != table.test:
            yield f"{metric}_mean"
    for metric in (table.judged, f"{table.test}_chosen" if table.test else ""):
        if metric:
            yield from (f"{metric}_{part}" for part in ("mean", "low", "high"))
            yield from (f"{metric}_{part}" for part in ("difference", "difference_low", "difference_high", "p_holm"))
    if table.judged:
        yield f"{table.judged}_better"
