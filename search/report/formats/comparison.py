"""The comparison table on a terminal: configurations compact, and of claims and footnotes what the shown figures need.

Settings of several axes stand as a column per axis where these fit. Values that all shown settings have in common are
said once, above the table. The report holds every column and every note whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from search.core.shown import folded
from search.report.formats.axes import axis_columns, shared_parts
from search.report.formats.columns import drawn_lines, table_sheet, table_title
from search.report.formats.fitting import GAP_COLUMNS
from search.report.formats.sheet import Column, Entry
from search.report.formats.terminal import MAX_PARAGRAPH_COLUMNS, Fitted, first_fitting, fitted, paragraph
from search.report.table.judged_text import evidence_text
from search.report.table.labels import short_label
from search.report.table.model import Claim, Note, Table
from search.statistics.single import head

CONFIGURATION = "#"
"""Heads the numbers of configurations, where each axis has a column."""


class Comparison:
    """A comparison table that is drawn as wide as the terminal it is printed on."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:  # its name
        """Yield the table, then what must be said of it."""
        yield from comparison_lines(self._table, options.max_width)


def comparison_lines(table: Table, width: int) -> Iterator[Text]:
    """Yield a comparison table, its claims and its notes, line by line.

    Args:
        table: the table.
        width: of the terminal, in its columns.
    """
    drawn, common = _drawn(table, width)
    drawn = _telling(drawn, table)
    yield from paragraph(drawn.sheet.title, width)
    if common:
        yield from paragraph(f"All of them: {common}.", width)
    yield Text("")
    yield from replace(drawn, sheet=replace(drawn.sheet, title="")).lines()
    yield Text("")
    for line in table.shown if table.confirms else ():
        name = short_label(table, line)
        if name != line.setting:
            yield from paragraph(f"{name}: {line.setting.removeprefix(f'{name}: ')}", width)
    if table.confirms:
        yield Text("")
    first = len([sentence for sentence in (table.incomplete, *table.distrusted) if sentence])
    notes = [*_needed(table.footnotes, drawn)]
    for note in notes[:first]:
        yield from paragraph(note, width)
    for claim in table.verdicts:
        yield from _claim(claim, width)
    if table.verdicts:
        yield Text("")
    for note in notes[first:]:
        yield from paragraph(note, width)


def _telling(drawn: Fitted, table: Table) -> Fitted:
    """Return a table without the second lines of which no figure is shown."""
    if table.cross:
        return drawn
    figures = [column.entries for column in drawn.shown if column.key not in ("setting", "seeds")]
    kept = [not line.second or any(one[place].text for one in figures) for place, line in enumerate(drawn_lines(table))]
    columns = [replace(column, entries=[*compress(column.entries, kept)]) for column in drawn.sheet.columns]
    return replace(drawn, sheet=replace(drawn.sheet, columns=columns))


def _needed(notes: Sequence[Note], drawn: Fitted) -> Iterator[str]:
    """Yield the notes that say something of what is shown."""
    keys = {column.key for column in drawn.shown}
    marks = {word for column in drawn.shown for entry in column.entries for word in entry.text.split(" ")}
    for note in notes:
        text = note.text if note.short is None else note.short
        if text and (not note.about or keys & {*note.about} or marks & {*note.about}):
            yield text


def _claim(claim: Claim, width: int) -> Iterator[Text]:
    """Yield a claim, and below it the verdict with its figures, and why, clause by clause."""
    first, *more = claim.reason.split("; ")
    yield from paragraph(f"Claim: {claim.text}", width)
    verdict = claim.kind.capitalize()
    for clause in filter(None, (f"{verdict}: {first}", evidence_text(claim), *more)):
        for line in folded(clause, min(width, MAX_PARAGRAPH_COLUMNS) - GAP_COLUMNS, hang=GAP_COLUMNS):
            text = Text(f"{'':{GAP_COLUMNS}}{line}")
            text.highlight_regex(f"^ +{verdict}(?=:)", "bold")
            yield text


def _drawn(table: Table, width: int) -> tuple[Fitted, str]:
    """Return the table as it fits, and the values that all its settings have in common, as text."""
    full = table_sheet(table)
    # Of single runs p stands beside a difference whose heading says so already.
    columns = [replace(column, head=column.head.replace(f" ({head(table.measure)})", "")) for column in full.columns]
    sheet = replace(full, title=table_title(table), columns=columns)
    if table.confirms and not table.cross:  # what each candidate stands for is said below
        names = [short_label(table, line) + (f", {line.second}" if line.second else "") for line in drawn_lines(table)]
        column = replace(sheet.columns[0], entries=[Entry(name) for name in names])
        return fitted(replace(sheet, columns=[column, *sheet.columns[1:]]), width), ""
    parts = [_parts(line.setting, table.axes) for line in table.shown]
    if table.cross or len(table.axes) < 2 or len(parts) < 2:
        return fitted(sheet, width), ""
    common, left = shared_parts(parts)
    shorter = iter(", ".join(mine) for mine in left)
    texts = [line.setting if line.second else next(shorter) for line in drawn_lines(table)]
    column = replace(sheet.columns[0], entries=[Entry(text) for text in texts])
    forms = [replace(sheet, columns=[column, *sheet.columns[1:]])]
    values = [_values(mine, table.axes) for mine in left]
    if all(values) and len(texts) == len(values):  # no label hides an axis, and no second line has a name alone
        numbers = Column(CONFIGURATION, "number", [Entry(str(line.configuration)) for line in table.shown], "setting")
        forms.insert(0, replace(sheet, columns=[numbers, *axis_columns(values, table.axes), *sheet.columns[1:]]))
    return first_fitting(forms, width), ", ".join(common)


def _parts(setting: str, axes: Sequence[str]) -> list[str]:
    """Cut the name of a setting into the values of its axes; what a label says stays whole."""
    names = "|".join(re.escape(axis) for axis in axes)
    return re.split(rf", (?=(?:{names})=)", setting)


def _values(parts: Sequence[str], axes: Sequence[str]) -> dict[str, str]:
    """Return axis -> text of the parts of a setting's name; {} where a part names no axis."""
    pairs = [part.partition("=") for part in parts]
    plain = all(equals and name in axes for name, equals, _ in pairs)
    return {name: value for name, _, value in pairs} if plain else {}
