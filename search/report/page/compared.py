"""The comparison table as a page shows it.

A grid is the table of every other format, its columns under common headings. Of a search, and of a confirm stage,
the settings are too long to be names: each is called by its number, its values stand in one column per axis, and what
a setting has in common with the best one (with the baseline) is drawn quietly, so that it is seen by what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from search.core.shown import counted
from search.core.values import same
from search.report.formats.columns import FRONT, drawn_lines, table_columns
from search.report.formats.cross_sheet import cross_columns
from search.report.formats.hypertext import html_table
from search.report.formats.markup import Markup, element, joined, sentence, wide
from search.report.formats.sheet import Column, Entry, Sheet
from search.report.record.curves import identity
from search.report.table.confirmed import Outcome
from search.report.table.labels import DRAWN_DIGITS, short_label
from search.report.table.model import Line, Table
from search.report.table.notes import apart_notes
from search.report.text import is_accuracy, metric_words, value_text
from search.space.model import Grid, Space
from search.statistics.front import Place
from search.statistics.single import head as head_of_one

MAX_TABLE_LINES = 300
"""Lines of the table a page shows; ``table.csv`` has all of them."""

MAX_FRONT_KEPT = 12
"""Lines of the front that are seen at once; a button shows all lines."""

MAX_COLUMNS = 14
"""Columns that a page of 1,400 pixels has room for, where a third of them have intervals."""

CAPTION = "Settings compared"
SETTINGS, SETTINGS_CAPTION = "settings", "What the candidates set"
"""Heading of the columns of settings, and the caption of a table of them alone."""

QUIET_NOTE = "Grey: as in {reference}. A click on the head of a column sorts by it."


def compared_table(table: Table, space: Space, confirmed: Mapping[str, Outcome]) -> Markup:
    """Return the table with its banner and its notes.

    Args:
        confirmed: what the confirm stage says of settings of a search, as `outcomes` gives it.
    """
    left = max(len(table.shown) - MAX_TABLE_LINES, 0)
    if left:
        table = replace(table, limit=MAX_TABLE_LINES)
    apart = [] if table.elsewhere is None else list(apart_notes(table.elsewhere))  # the page has a section for them
    notes = [note.text for note in table.footnotes if note not in apart]
    if left:
        first = f"The first {MAX_TABLE_LINES} lines are shown; table.csv beside this page has the other {left}."
        notes = [first, *notes]
    sampled = space.search.sampler != "grid"
    if table.lines and (sampled or table.confirms):
        reference = "the best configuration" if sampled else "the baseline"
        notes = [QUIET_NOTE.format(reference=reference), *notes]
        columns = list(_apart(table, space, confirmed))
        kind, (columns, settings) = "sortable", _with_room(columns) if table.confirms else (columns, [])
    else:
        crossed = bool(table.cross and table.lines)
        columns, settings = cross_columns(table) if crossed else list(_columns(table)), []
        kind = "crossed" if crossed else "cards"
    made = wide(html_table(Sheet(CAPTION, columns), kind, _kept(table)), CAPTION)
    if settings:
        made = joined([made, wide(html_table(Sheet(SETTINGS_CAPTION, settings), kind), SETTINGS_CAPTION)])
    banner = [element("p", element("strong", _capital(table.banner)), class_="warning")] if table.banner else []
    return joined([*banner, made, _notes(notes)])


def _kept(table: Table) -> list[str]:
    """Return the class of each line: those that may be on the front are not folded away."""
    front = [line.front == Place.ON or line.front_by_values for line in drawn_lines(table)]
    return ["kept" if on and sum(front[:place]) < MAX_FRONT_KEPT else "" for place, on in enumerate(front)]


def _with_room(columns: Sequence[Column]) -> tuple[list[Column], list[Column]]:
    """Return the columns of a confirm stage, and where they are too many for a page those of its settings apart, below
    the same names: candidates are few, and are found again."""
    if len(columns) <= MAX_COLUMNS:
        return [*columns], []
    settings = [replace(column, above="") for column in columns if column.above == SETTINGS]
    return [column for column in columns if column.above != SETTINGS], [columns[0], *settings]


def _notes(notes: Sequence[str]) -> Markup:
    items = element("ul", *(element("li", sentence(note)) for note in notes), class_="notes")
    summary = element("summary", f"How to read this table: {counted(len(notes), 'note')}")
    return element("details", summary, items, class_="reading", open=True)


def _columns(table: Table) -> Iterator[Column]:
    """Yield the columns of every format under common headings."""
    judged, test = (_heading(name) for name in (table.judged, table.test))
    interval = f" [95\u00a0%: {head_of_one(table.measure)}]" if table.banner else " [95\u00a0%]"
    mean = "mean" if any(line.seeds > 1 for line in table.lines) else "value"
    above = ""
    for column in table_columns(table):
        brief = column.head.removeprefix("test ")
        for name in table.scored:
            brief = brief.removeprefix(f"{name} ")
        if column.key in ("level", "test", *table.metrics):
            above = _heading({"level": table.judged, "test": table.test}.get(column.key, column.key))
            brief = mean + (interval if "[" in column.head else "")
        elif column.key.endswith("difference"):
            name = column.key.removesuffix("difference").strip()
            above = {"": judged, "test": test}.get(name) or _heading(name)
            brief = f"{brief.partition(' [')[0].removeprefix(f'{name} ').replace(' (points)', '')}{interval}"
        elif column.key not in ("sd", "p", "test p", "right", "published", *(f"{name} p" for name in table.scored)):
            above = brief = ""
        yield replace(column, above=above, brief=brief)


def _heading(metric: str) -> str:
    return f"{metric_words(metric)} (%)" if is_accuracy(metric) else metric_words(metric)


def _apart(table: Table, space: Space, confirmed: Mapping[str, Outcome]) -> Iterator[Column]:
    """Yield number or name of each setting, what was measured, its values, and the rest."""
    lines = list(drawn_lines(table))
    rest = [column for column in _columns(table) if column.head != "setting"]
    head, names = "configuration", [str(line.configuration) for line in lines]
    if table.confirms:
        head, names = (
            "candidate",
            [short_label(table, line) + (f", {line.second}" if line.second else "") for line in lines],
        )
    remarks = [f"best of {line.best_of}, optimistic" if line.best_of else "" for line in lines]
    yield Column(head, "text", [Entry(name, remark=said) for name, said in zip(names, remarks, strict=True)])
    yield from (column for column in rest if column.above)
    yield from (column for column in rest if column.key == FRONT)
    if confirmed:
        found = [confirmed.get(identity(line.parameters)) for line in lines]
        yield Column("confirm stage", "text", [_verdict(outcome) for outcome in found])
    yield from _values(space, lines)
    yield from (column for column in rest if not column.above and column.key != FRONT)


def _verdict(outcome: Outcome | None) -> Entry:
    if outcome is None:
        return Entry("")
    return Entry(outcome.words, bold=outcome.kind == "better", remark=f"({outcome.name})")


def _values(space: Space, lines: Sequence[Line]) -> Iterator[Column]:
    """Yield one column for each axis, or for each setting that the candidates of a confirm stage stand for."""
    values = [_settings(space, line.parameters) for line in lines]
    for name in dict.fromkeys(name for each in values for name in each):
        first = values[0].get(name)
        entries = []
        for each in values:
            text = value_text(each[name], DRAWN_DIGITS) if name in each else ""
            entries.append(
                Entry(text, quiet=each is not values[0] and name in values[0] and same(each.get(name), first))
            )
        numbers = all(isinstance(each[name], int | float) for each in values if name in each)
        yield Column(name, "number" if numbers else "text", entries, above=SETTINGS, brief=name)


def _settings(space: Space, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a configuration sets: the value of each axis, or what the option of a confirm stage stands for."""
    settings: dict[str, Any] = {}
    options = {axis.name: axis.domain.options for axis in space.axes if isinstance(axis.domain, Grid)}
    for name, value in parameters.items():
        stands_for = options.get(name, {}).get(value) if space.search.sampler == "grid" else None
        settings |= stands_for if stands_for is not None else {name: value}
    return settings


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
