"""Tables on a terminal, as wide as it is: numbers whole, what has no room named below, paragraphs broken at words.

Bold is marked by a star as well: a log and a pipe know no bold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from search.core.shown import cells, folded, one_line
from search.report.formats.fitting import GAP_COLUMNS, Layout, fit
from search.report.formats.sheet import Column, Entry, Sheet
from search.system.streams import JOINED

MAX_PARAGRAPH_COLUMNS = 100
"""Width of a paragraph at most: longer lines are hard to read."""

BETTER = "*"
"""Marks what is drawn bold."""

_MARKED = re.compile(rf"(.*?)((?: [†‡§¶‖{re.escape(BETTER)}])*)", re.DOTALL)
"""A value, and the marks behind it."""

_COUNT = re.compile(r"(?<=\b[0-9]) (?=[a-z])|(?<=\b[0-9][0-9]) (?=[a-z])")
"""Parts a count from what it counts: "2 pruned" stands on one line."""

_SHORT = {
    "seeds finished": "seeds",
    "sd over seeds (points)": "sd over seeds",
    "how trials ended": "ended",
    ", mean": "",
    ", sum": "",
    "_accuracy (%)": " %",
    "95 % interval": f"95{JOINED}%",
    "95 %: ": f"95{JOINED}%: ",
    " (points)": "",
}


@dataclass(frozen=True)
class Fitted:
    """A table with its layout for a terminal.

    Attributes:
        sheet: its columns as a terminal shows them: short headings, marks in line, text on one line.
        layout: what is shown of them.
        width: of the terminal.
    """

    sheet: Sheet
    layout: Layout
    width: int

    @property
    def shown(self) -> list[Column]:
        """The columns that are shown."""
        return [self.sheet.columns[place] for place in sorted({*self.layout.widths})]

    def lines(self) -> Iterator[Text]:
        """Yield the lines of the table, its title above it, and what was left out below it."""
        for line in folded(one_line(self.sheet.title), self.width) if self.sheet.title else ():
            yield Text(line)
        for number, panel in enumerate(self.layout.panels):
            if number:
                yield Text("")
            yield from self._panel(panel)
        if left_out := [self.sheet.columns[place].head for place in self.layout.left_out]:
            names = ", ".join(dict.fromkeys(plain_head(head) for head in left_out))
            what = f"Left out at {self.width} columns: {names} (COLUMNS={self.layout.whole} shows them)."
            yield from paragraph(what, self.width)

    def _panel(self, panel: Sequence[int]) -> Iterator[Text]:
        names, *others = panel
        columns, widths = self.sheet.columns, self.layout.widths
        above = self.layout.above
        drawn = others if above else panel
        head = [Entry(columns[place].head) for place in panel]
        if above:
            yield from _styled(folded(head[0].text, widths[names]), "bold")
        for line in self._row(drawn, head[1:] if above else head, last=True):
            line.stylize("bold")
            yield line
        total = sum(widths[place] + GAP_COLUMNS for place in drawn) - (0 if above else GAP_COLUMNS)
        yield Text("─" * max(total, 1))
        for row in self.sheet.lines:
            entries = [row[place] for place in panel]
            if above:
                yield from (Text(line.replace(JOINED, " ")) for line in folded(entries[0].text, widths[names]))
            yield from self._row(drawn, entries[1:] if above else entries)

    def _row(self, places: Sequence[int], entries: Sequence[Entry], last: bool = False) -> Iterator[Text]:
        """Yield one row; entries of fewer lines stand at its top, or with `last` at its bottom."""
        blocks = [_folded(entry.text, self.layout.widths[place]) for place, entry in zip(places, entries, strict=True)]
        if not any(entry.text for entry in entries):
            return
        height = max(map(len, blocks))
        blocks = [[""] * (height - len(one)) + one if last else one + [""] * (height - len(one)) for one in blocks]
        for parts in zip(*blocks, strict=True):
            line = Text(" " * GAP_COLUMNS if self.layout.above else "")
            for place, part, entry in zip(places, parts, entries, strict=True):
                if place != places[0]:
                    line.append(" " * GAP_COLUMNS)
                padding = " " * (self.layout.widths[place] - cells(part))
                number = self.sheet.columns[place].kind == "number"
                line.append(padding if number else "")
                line.append(part.replace(JOINED, " "), "bold" if entry.bold else "")
                line.append("" if number else padding)
            line.rstrip()
            yield line


def fitted(sheet: Sheet, width: int) -> Fitted:
    """Return a table with what a terminal of this width shows of it."""
    columns = [
        replace(column, head=_short(one_line(column.head)), entries=_aligned(column)) for column in sheet.columns
    ]
    return Fitted(replace(sheet, columns=columns), fit(columns, width), width)


def paragraph(text: str, width: int) -> Iterator[Text]:
    """Yield a paragraph, broken at words; its lines are no longer than what is easily read."""
    yield from map(Text, folded(one_line(text), min(width, MAX_PARAGRAPH_COLUMNS), hang=GAP_COLUMNS))


class Paragraph:
    """A paragraph that is broken at words, as wide as the terminal."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:  # its name
        """Yield its lines."""
        yield from paragraph(self._text, options.max_width)


def plain_head(head: str) -> str:
    """Return what a column is called in a sentence: its heading without what stands in brackets, and without Holm."""
    return re.sub(r" \[[^]]*\]", "", head).replace(", Holm", "").replace(JOINED, " ")


def first_fitting(sheets: Sequence[Sheet], width: int) -> Fitted:
    """Return the first of several forms of a table that stands beside its names in one piece; else the last one."""
    for sheet in sheets[:-1]:
        drawn = fitted(sheet, width)
        if not drawn.layout.above and len(drawn.layout.panels) == 1:
            return drawn
    return fitted(sheets[-1], width)


class OnTerminal:
    """A table that is drawn as wide as the terminal it is printed on, in the first of its forms that fits."""

    def __init__(self, *sheets: Sheet) -> None:
        self._sheets = sheets

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:  # its name
        """Yield its lines."""
        yield from first_fitting(self._sheets, options.max_width).lines()


class Facts:
    """Names with what is said of each, beside one another."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        self._facts = {name: text for name, text in facts.items() if text}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:  # its name
        """Yield them line by line."""
        names = max(map(cells, self._facts), default=0) + GAP_COLUMNS
        for name, text in self._facts.items():
            lines = [line for part in text.splitlines() for line in folded(one_line(part), options.max_width - names)]
            for place, line in enumerate(lines):
                yield Text((name if place == 0 else "").ljust(names) + line)


def _folded(text: str, width: int) -> list[str]:
    """Return an entry as lines; one that fits keeps the spaces that set it above the others."""
    return [text] if cells(text) <= width else folded(text, width)


def _styled(lines: Sequence[str], style: str) -> Iterator[Text]:
    return (Text(line, style) for line in lines)


def _short(heading: str) -> str:
    """Return a heading that leaves room on a terminal; the footnotes say the rest."""
    for long, short in _SHORT.items():
        heading = heading.replace(long, short)
    return heading


def _aligned(column: Column) -> list[Entry]:
    """Return a column's entries on one line each, bold ones with a star, numbers above one another despite marks."""
    texts = [one_line(entry.text) + f" {BETTER}" * (entry.bold and bool(entry.text)) for entry in column.entries]
    if column.kind == "text":
        texts = [_COUNT.sub(JOINED, text) for text in texts]
    if column.kind == "number":
        marks = [len(found[2]) if (found := _MARKED.fullmatch(text)) else 0 for text in texts]
        widest = max(marks, default=0)
        texts = [text + " " * (widest - one) if text else "" for text, one in zip(texts, marks, strict=True)]
    return [Entry(text, entry.bold) for text, entry in zip(texts, column.entries, strict=True)]
