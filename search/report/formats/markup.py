"""Building blocks of HTML: every text is escaped unless it is markup already.

`Markup` is a text that HTML may read; plain text becomes markup by `escaped` alone, on one line, with control
characters and direction overrides replaced. Elements escape their content and their attributes themselves, so that a
text of a study cannot become a tag, an attribute or a script by being forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from search.report.text import one_line, printable, right_to_left, storable

_ISOLATE, _ISOLATE_END = "\u2068", "\u2069"
_LETTER = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_TURNED = re.compile(f"{_LETTER}+(?:[^\\w\u2068\u2069&]+{_LETTER}+)*")
"""Words of the scripts that are written from right to left, with what is between them."""


class Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def escaped(text: str, lines: bool = False) -> Markup:
    """Return what shows `text` as it is, between tags and in attributes in quotes; with `lines` its lines stay."""
    clean = printable(text.replace("\r\n", "\n"), lines=True) if lines else one_line(text)
    return Markup(escape(storable(clean), quote=True))


def sentence(text: str) -> Markup:
    """Return a sentence that holds names: what is written from right to left stands apart, so that the numbers behind
    it keep their places."""
    shown = str(escaped(text))
    if not right_to_left(shown):
        return escaped(text)
    return Markup(_TURNED.sub(lambda found: f"{_ISOLATE}{found[0]}{_ISOLATE_END}", shown))


def element(name: str, *content: str, lines: bool = False, **attributes: str | bool) -> Markup:
    """Return an element.

    Args:
        content: markup as it is, other text escaped.
        lines: line feeds of text in it stay, as in ``pre``.
        attributes: ``class_`` is ``class``, other low lines are hyphens; True has no value, False is left out.
    """
    inner = "".join(part if isinstance(part, Markup) else escaped(part, lines) for part in content)
    if "dir" not in attributes and any(not isinstance(part, Markup) and right_to_left(part) for part in content):
        attributes["dir"] = "auto"  # else the words before and behind it would change places with it
    parts = [name]
    for keyword, value in attributes.items():
        key = keyword.rstrip("_").replace("_", "-")
        if value is not False:
            parts.append(key if value is True else f'{key}="{value if isinstance(value, Markup) else escaped(value)}"')
    return Markup(f"<{' '.join(parts)}>{inner}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Return markup in sequence, line by line; text among it is escaped."""
    return Markup("\n".join(part if isinstance(part, Markup) else escaped(part) for part in parts))


def facts(pairs: Iterable[tuple[str, str | Sequence[str]]]) -> Markup:
    """Return terms with what is said of each, as a description list; those of which nothing is said are left out."""
    parts = []
    for term, said in pairs:
        if values := [value for value in ([said] if isinstance(said, str) else said) if value]:
            parts.append(element("div", element("dt", term), *(element("dd", value) for value in values)))
    return element("dl", *parts) if parts else Markup("")


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> Markup:
    """Return a table in a box that scrolls sideways; the first cell of a row names it.

    Args:
        caption: says what it holds.
        head: headings of the columns.
        numbers: columns, counted from 0, that are set flush right.
    """

    def kind(place: int) -> str | bool:
        return "number" if place in numbers else False

    top = [element("th", text, scope="col", class_=kind(place)) for place, text in enumerate(head)]
    lines = []
    for row in rows:
        first, *rest = row
        cells = [element("td", text, class_=kind(place)) for place, text in enumerate(rest, start=1)]
        lines.append(element("tr", element("th", first, scope="row", class_=kind(0)), *cells))
    grid = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *top)),
        element("tbody", joined(lines)),
    )
    return wide(grid, caption)


def wide(content: Markup, label: str) -> Markup:
    """Return content in a box of its own that scrolls sideways, by keyboard as well."""
    return element("div", content, class_="wide", role="region", aria_label=label, tabindex="0")
