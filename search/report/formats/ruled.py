"""Tables that stand in plain text, each below a line of hyphens, taken apart for a terminal they are too wide for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Literal

from search.report.formats.sheet import Column, Entry, Sheet
from search.report.formats.terminal import OnTerminal

_RULE = re.compile(r"-+(?:  -+)+")
_FIGURE = re.compile(r"[0-9][0-9,.]*|")


def blocks(text: str) -> Iterator[str | OnTerminal]:
    """Yield lines as they are, and tables: a heading, a line of hyphens that parts the columns, rows to an empty line.

    The last column is shown at any width, as the first is; the others as far as there is room, figures first. A table
    without columns of figures is cut into panels.
    """
    lines = text.splitlines()
    place = 0
    while place < len(lines):
        rule = lines[place + 1] if place + 1 < len(lines) else ""
        if _RULE.fullmatch(rule):
            rows = [*takewhile(bool, lines[place + 2 :])]
            yield OnTerminal(Sheet("", _columns(lines[place], rule, rows)))
            place += 2 + len(rows)
        else:
            yield lines[place]
            place += 1


def _columns(head: str, rule: str, rows: Sequence[str]) -> list[Column]:
    texts = [[row[slice(*part.span())].strip() for row in rows] for part in re.finditer("-+", rule)]
    heads = [head[slice(*part.span())].strip() for part in re.finditer("-+", rule)]
    figures = [all(map(_FIGURE.fullmatch, entries)) for entries in texts]
    last = len(heads) - 1
    columns = []
    for number, (title, entries, of_figures) in enumerate(zip(heads, texts, figures, strict=True)):
        must = number in (0, last) or not any(figures)
        priority = 0 if must else number if of_figures else last + number
        kind: Literal["text", "number"] = "number" if of_figures else "text"
        columns.append(Column(title, kind, [Entry(text) for text in entries], priority=priority))
    return columns
