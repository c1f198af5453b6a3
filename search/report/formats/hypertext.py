"""Tables as HTML: one accessible ``<table>``, and a page of its own that works offline.

The table has a caption and headings with a scope, by which a screen reader says to what a cell belongs. All text is
escaped, on one line, and cells with right-to-left letters choose their direction themselves. The page asks for nothing
over the network, and its policy forbids scripts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from search.report import design
from search.report.formats.aligned import ROOM, aligned
from search.report.formats.markup import Markup, element, escaped, joined
from search.report.formats.sheet import Column, Sheet
from search.report.text import right_to_left

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
<div class="wide" role="region" aria-label="{title}" tabindex="0">
{table}
</div>
{notes}
</main>
</body>
</html>
"""

_STYLE = """
body { background: var(--page); color: var(--text); font: var(--body)/1.5 var(--font); margin: 1.5rem; }
.wide { overflow-x: auto; }
p { max-width: var(--measure); }
caption { font-size: var(--large); padding-bottom: .75rem; }
"""

TABLE_STYLE = f"""
table {{ border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }}
caption {{ font-weight: 600; text-align: start; }}
th, td {{ padding: .45rem .7rem; text-align: start; vertical-align: baseline; border-bottom: 1px solid var(--rule); }}
th:first-child, td:first-child {{ padding-inline-start: 0; }}
thead th {{ vertical-align: bottom; border-bottom: 1.5px solid var(--text); font-weight: 600; }}
thead .group {{ border-bottom: 0; padding-block-end: 0; }}
thead .group::after {{ content: ""; display: block; border-bottom: 1px solid var(--line); margin-block-start: .35rem; }}
tbody th {{ font-weight: 500; }}
tbody tr:last-child > * {{ border-bottom-color: var(--text); }}
.number {{ text-align: end; white-space: nowrap; }}
thead .number {{ white-space: normal; }}
td.quiet, small {{ color: var(--quiet); }}
{ROOM}
"""
"""How a table looks, here and on the page of a study."""


def html_page(sheet: Sheet) -> str:
    """Return a sheet as a page of its own, its notes below the table."""
    notes = joined(element("p", note) for note in sheet.notes)
    style = "".join((design.variables(), TABLE_STYLE, _STYLE))
    return _PAGE.format(style=style.strip(), title=escaped(sheet.title), table=html_table(sheet), notes=notes)


def html_table(sheet: Sheet, kind: str = "", rows: Sequence[str] = ()) -> Markup:
    """Return a sheet's table alone, to stand in another page: no notes, and no style but the classes it names.

    Numbers stand under one another, see `aligned`.

    Args:
        kind: class of the table; where there is one, columns of one group have a heading above them, and each cell
            bears the heading of its column, which a style sheet may show where rows stand as cards.
        rows: class of each line, "" for none.
    """
    begins = _begins(sheet.columns)
    cells = [_entries(column, i == 0, kind, begins[i]) for i, column in enumerate(sheet.columns)]
    head = [element("tr", *row) for row in _head(sheet.columns, bool(kind))]
    parts = [f'<table class="{escaped(kind)}">' if kind else "<table>", element("caption", sheet.title)]
    parts += [element("thead", *head), "<tbody>"]
    for place, line in enumerate(zip(*cells, strict=True)):
        parts.append(element("tr", *line, class_=rows[place] if rows and rows[place] else False))
    return Markup("\n".join([*parts, "</tbody>", "</table>"]))


def _begins(columns: Sequence[Column]) -> list[bool]:
    """Return which columns are the first of their group."""
    groups = [column.above for column in columns]
    return [bool(group) and (i == 0 or groups[i - 1] != group) for i, group in enumerate(groups)]


def _head(columns: Sequence[Column], grouped: bool) -> Iterator[list[Markup]]:
    """Yield the cells of the rows of headings: one row, or two where columns have groups."""
    if not grouped or not any(column.above for column in columns):
        yield [_heading(column, column.head, grouped) for column in columns]
        return
    upper: list[Markup] = []
    for group, members in groupby(columns, key=lambda column: column.above):
        inner = list(members)
        if len(inner) == 1:
            upper.append(_heading(inner[0], group or inner[0].head, new=bool(group), rowspan="2"))
        elif group:
            upper.append(element("th", group, scope="colgroup", colspan=str(len(inner)), class_="group"))
        else:
            upper += [_heading(column, column.head, rowspan="2") for column in inner]
    yield upper
    begins = zip(columns, _begins(columns), strict=True)
    alone = Counter(column.above for column in columns)
    yield [
        _heading(column, column.brief or column.head, new=new)
        for column, new in begins
        if column.above and alone[column.above] > 1
    ]


def _heading(column: Column, text: str, grouped: bool = True, new: bool = False, rowspan: str | bool = False) -> Markup:
    direction = "auto" if right_to_left(text) else False
    return element(
        "th",
        _breakable(text) if grouped else text,
        scope="col",
        rowspan=rowspan,
        class_=_classes(column, new),
        dir=direction,
    )


def _breakable(text: str) -> Markup:
    """Return a heading that may be broken behind the points and low lines of a name."""
    return Markup(re.sub(r"(?<=\w)([._])(?=\w)", "\\1\u200b", escaped(text)))


def _entries(column: Column, named: bool, kind: str, new: bool) -> list[Markup]:
    """Return the cells of a column; those that name the lines are headings."""
    number = column.kind == "number" and not named
    texts = [entry.text for entry in column.entries]
    shown = aligned(texts) if number else [escaped(text) for text in texts]
    about = column.above if new else column.brief or column.head
    return [
        element(
            "th" if named else "td",
            element("strong", content) if entry.bold else content,
            *([element("small", f" {entry.remark}")] if entry.remark else []),
            scope="row" if named else False,
            class_=_classes(column, new, entry.quiet),
            data_label=about if kind and not named else False,
            dir="auto" if right_to_left(entry.text) else False,
        )
        for entry, content in zip(column.entries, shown, strict=True)
    ]


def _classes(column: Column, new: bool, quiet: bool = False) -> str | bool:
    names = ["number"] * (column.kind == "number") + ["first"] * new + ["quiet"] * quiet
    return " ".join(names) or False
