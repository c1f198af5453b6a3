"""Which columns of a table a terminal of a given width shows, and how wide each is.

Columns of priority 0 are always shown; the others as far as there is room, those of a lower number first. Numbers are
never folded. The first column names the lines and may take several lines of the terminal; names that would take more
than `MAX_NAME_LINES` stand above their numbers instead. Where not even the columns that must be shown fit beside one
another, the table is cut into panels below one another, each with the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from search.core.shown import cells, folded
from search.report.formats.sheet import Column

GAP_COLUMNS = 2
"""Columns of a terminal between two columns of a table, and before numbers that stand below their names."""

MAX_NAME_LINES = 3
"""Lines of the terminal that a name beside its numbers may take."""

COMFORTABLE_NAME_LINES = 2
"""No column that may be left out is shown for names to take more lines than that."""

MIN_TEXT_COLUMNS, MUST_TEXT_COLUMNS = 14, 24
"""Text that is wider may be folded into so many columns of the terminal; where it is always shown, into the latter."""

NAME_SHARE = 4
"""Names keep one in so many columns of the terminal before columns that may be left out get theirs."""


HEAD_LINES = {1: 1, 2: 2}
"""A heading of figures takes so many lines where that widens its column by no more than so many columns."""

_WORDS = re.compile(r"[^ ._]+[._]*|[._]+")
"""Parts that a heading is broken into at most: at spaces, and behind points and low lines."""


@dataclass(frozen=True)
class Layout:
    """How a table stands on a terminal.

    Attributes:
        panels: places of columns, from left to right; panels stand below one another, and each begins with the names.
        widths: place of a shown column -> its width.
        above: names stand on lines of their own, above their numbers.
        left_out: places of the columns that are not shown.
        whole: width from which on nothing is left out.
    """

    panels: Sequence[Sequence[int]]
    widths: Mapping[int, int]
    above: bool
    left_out: Sequence[int]
    whole: int


def fit(columns: Sequence[Column], width: int) -> Layout:
    """Choose the columns that are shown on a terminal.

    Args:
        columns: of the table, the first with the names of the lines.
        width: of the terminal, in its own columns.
    """
    names, *others = columns
    needs = [0, *(_need(column) for column in others)]
    longest = _longest(names)
    least = min(longest, MIN_TEXT_COLUMNS)

    @cache
    def lines(room: int) -> int:
        return max((len(folded(entry.text, room)) for entry in names.entries), default=1)

    def room(places: Sequence[int]) -> int:
        return width - sum(needs[place] + GAP_COLUMNS for place in places)

    def comfort(of_terminal: int) -> int:
        """Return what names should have before columns that may be left out are shown."""
        start = min(longest, max(MIN_TEXT_COLUMNS, of_terminal // NAME_SHARE))
        return next((one for one in range(start, longest) if lines(one) <= COMFORTABLE_NAME_LINES), longest)

    every = range(1, len(columns))
    musts = [place for place in every if columns[place].priority == 0]
    all_needs = sum(needs) + GAP_COLUMNS * len(others)
    whole = all_needs + next((one for one in range(least, longest) if comfort(all_needs + one) <= one), longest)
    beside = room(musts) >= least and lines(min(longest, room(musts))) <= MAX_NAME_LINES
    if beside:
        kept = min(comfort(width), room(musts))
        shown = _chosen(columns, musts, lambda places: room(places) >= kept)
    elif room(musts) >= 0:
        shown = _chosen(columns, musts, lambda places: room(places) >= 0)
    else:
        first = min(longest, max(least, width // NAME_SHARE))
        most = width - first - GAP_COLUMNS
        widths = {place: min(needs[place], most) for place in musts} | {0: first}
        panels = [(0, *places) for places in _panels(columns, musts, widths, most)]
        return Layout(panels, widths, False, [place for place in every if place not in musts], whole)
    widths = {place: needs[place] for place in shown} | {0: min(longest, room(shown)) if beside else width}
    spare = room(shown) - (widths[0] if beside else 0)
    for place in shown:
        if columns[place].kind == "text":
            more = min(spare, _longest(columns[place]) - widths[place])
            widths[place] += more
            spare -= more
    return Layout([(0, *shown)], widths, not beside, [place for place in every if place not in shown], whole)


def _chosen(columns: Sequence[Column], musts: Sequence[int], fits: Callable[[Sequence[int]], bool]) -> list[int]:
    """Return the places of the columns to show: those that must be, and by priority what fits beside them."""
    shown = list(musts)
    for priority in sorted({column.priority for column in columns[1:]} - {0}):
        together = [place for place, column in enumerate(columns) if place and column.priority == priority]
        if fits([*shown, *together]):
            shown += together
    return sorted(shown)


def _panels(
    columns: Sequence[Column], places: Sequence[int], widths: Mapping[int, int], room: int
) -> Iterator[list[int]]:
    """Cut columns into panels of at most `room`, columns of one group together where they fit."""
    panel: list[int] = []

    def taken(group: Sequence[int]) -> int:
        return sum(widths[place] for place in group) + GAP_COLUMNS * (len(group) - 1)

    for name, members in groupby(places, lambda place: columns[place].group):
        group = list(members)
        whole = bool(name) and taken(group) <= room
        for part in [group] if whole else [[place] for place in group]:
            if panel and taken([*panel, *part]) > room:
                yield panel
                panel = []
            panel += part
    yield panel


def _longest(column: Column) -> int:
    return max((*(cells(entry.text) for entry in column.entries), _of_head(column)))


def _of_head(column: Column) -> int:
    """Return the least width of a heading: on few lines where that takes little more than its column has anyway."""
    words = max(map(cells, _WORDS.findall(column.head)), default=1)
    if column.kind == "text":
        return words
    least = max((words, *(cells(entry.text) for entry in column.entries)))
    for lines, more in HEAD_LINES.items():
        for one in range(least, least + more + 1):
            if len(folded(column.head, one)) <= lines:
                return one
    return words


def _need(column: Column) -> int:
    """Return the width below which a column is not shown."""
    longest = _longest(column)
    least = MIN_TEXT_COLUMNS if column.priority else MUST_TEXT_COLUMNS
    return longest if column.kind == "number" else min(longest, max(least, _of_head(column)))
