"""Numbers of a column under one another, at their decimal points, whatever each of them was rounded to.

A cell stays the text it is, but for a minus as wide as a plus: what it lacks in front of a point and behind it stands
in attributes that a style sheet turns into room (`ROOM`), so that nobody copies it or hears it read. Cells of another
form than most of their column ("baseline", "same run") stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from search.report.formats.markup import Markup, element, escaped
from search.report.text import one_line, storable

ROOM = (
    "[data-lead]::before { content: attr(data-lead); visibility: hidden; }\n"
    "[data-pad]::after { content: attr(data-pad); visibility: hidden; }"
)
"""The rules of a style sheet that show the room."""

MINUS = "\u2212"
"""As wide as a plus, which a hyphen is not."""

_NUMBER = re.compile(r"[+\-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+\-]?\d+)?%?")
_MARKS = re.compile(r"(?: [^\w\s.,\[\]()%+\-]+)+$")


class _Number(NamedTuple):
    """A number in parts: its sign, the figures before its point, and the rest of it."""

    sign: str
    whole: str
    rest: str


class _Cell(NamedTuple):
    """A text in parts: its numbers, what is around them, and the marks at its end."""

    numbers: tuple[_Number, ...]
    around: tuple[str, ...]
    marks: str


def aligned(texts: Sequence[str]) -> list[Markup]:
    """Return the texts of a column's cells, numbers, brackets and marks under one another."""
    texts = [one_line(text) for text in texts]
    cells = [_cell(text) for text in texts]
    forms = Counter(cell.around for cell in cells if cell.numbers)
    if not forms:
        return [escaped(text) for text in texts]
    ((form, _),) = forms.most_common(1)
    alike = [cell for cell in cells if cell.numbers and cell.around == form]
    widest = [
        _Number(
            "+" if any(number.sign for number in column) else "",
            max((re.sub(r"\d", "0", number.whole) for number in column), key=len),
            max((re.sub(r"\d", "0", number.rest) for number in column), key=len),
        )
        for column in zip(*(cell.numbers for cell in alike), strict=True)
    ]
    marks = max((cell.marks for cell in alike), key=len)
    return [
        _drawn(cell, widest, marks) if cell in alike else escaped(text) for text, cell in zip(texts, cells, strict=True)
    ]


def _cell(text: str) -> _Cell:
    match = _MARKS.search(text)
    core, marks = (text[: match.start()], match[0]) if match else (text, "")
    numbers = []
    for number in _NUMBER.findall(core):
        sign = number[0] if number[0] in "+-" else ""
        whole = re.match(r"[\d,]+", number[len(sign) :])
        assert whole is not None
        numbers.append(_Number(sign, whole[0], number[len(sign) + len(whole[0]) :]))
    return _Cell(tuple(numbers), tuple(_NUMBER.split(core)), marks)


def _drawn(cell: _Cell, widest: Sequence[_Number], marks: str) -> Markup:
    whole = "".join(cell.around)
    ranged = whole.count("[") == whole.count("]") == 1 and whole.index("[") < whole.index("]")
    parts = [_around(cell.around[0], ranged)]
    lack = ""
    for i, (number, most, after) in enumerate(zip(cell.numbers, widest, cell.around[1:], strict=True)):
        lead = most.sign[len(number.sign) :] + most.whole[: len(most.whole) - len(number.whole)]
        pad = most.rest[len(number.rest) :]
        shown = _text(f"{number.sign.replace('-', MINUS)}{number.whole}{number.rest}")
        if i:  # inside a bracket room would tear it apart: it stands behind
            lack += lead + pad
        elif lead or pad:
            shown = element("span", shown, data_lead=lead or False, data_pad=pad or False)
        parts += [shown, _around(after, ranged)]
    lack += marks[len(cell.marks) :]
    if cell.marks or lack:
        parts.append(element("span", _text(cell.marks), data_pad=lack or False))
    return Markup("".join(parts))


def _around(part: str, ranged: bool) -> Markup:
    """Return what stands around numbers; a range in brackets is kept on one line."""
    shown = _text(part)
    if ranged:
        shown = Markup(shown.replace("[", '<span class="range">[').replace("]", "]</span>"))
    return shown


def _text(part: str) -> Markup:
    """Return a part of a line that is clean already, its spaces at both ends with it."""
    return Markup(escape(storable(part), quote=True))
