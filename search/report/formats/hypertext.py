"""Tables as HTML: one accessible ``<table>``, and a page of its own that works offline.

The table has a caption and headings with a scope, by which a screen reader says to what a cell belongs. All text is
escaped, on one line, and cells with right-to-left letters choose their direction themselves. The page asks for nothing
over the network, and its policy forbids scripts.
"""

from __future__ import annotations

import unicodedata
from html import escape

from search.report.formats.sheet import Column, Entry, Sheet
from search.report.text import one_line

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 1.5rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
caption {{ font-size: 1.25rem; font-weight: bold; padding-bottom: .5rem; text-align: start; }}
th, td {{ padding: .25rem .75rem; text-align: start; vertical-align: baseline; }}
tbody th {{ font-weight: normal; }}
.number {{ text-align: end; }}
thead th {{ border-block: 2px solid; vertical-align: bottom; }}
tbody tr:last-child > * {{ border-bottom: 2px solid; }}
p {{ max-width: 45rem; }}
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


def html_page(sheet: Sheet) -> str:
    """Return a sheet as a page of its own, its notes below the table."""
    notes = "\n".join(f"<p{_direction(note)}>{html_text(note)}</p>" for note in sheet.notes)
    return _PAGE.format(title=html_text(sheet.title), table=html_table(sheet), notes=notes)


def html_table(sheet: Sheet) -> str:
    """Return a sheet's table alone, to stand in another page: no notes, no style but the class ``number``."""
    head = "".join(_cell("th", column.head, column, 'scope="col"') for column in sheet.columns)
    rows = [f"<tr>{_line(sheet, line)}</tr>" for line in sheet.lines]
    parts = [
        "<table>",
        f"<caption{_direction(sheet.title)}>{html_text(sheet.title)}</caption>",
        f"<thead><tr>{head}</tr></thead>",
        *("<tbody>", *rows, "</tbody>"),
        "</table>",
    ]
    return "\n".join(parts)


def _line(sheet: Sheet, line: tuple[Entry, ...]) -> str:
    cells = []
    for index, (entry, column) in enumerate(zip(line, sheet.columns, strict=True)):
        tag, scope = ("td", "") if index else ("th", 'scope="row"')
        cells.append(_cell(tag, entry.text, column, scope, entry.bold))
    return "".join(cells)


def _cell(tag: str, text: str, column: Column, scope: str, bold: bool = False) -> str:
    kind = ' class="number"' if column.kind == "number" else ""
    inner = f"<strong>{html_text(text)}</strong>" if bold else html_text(text)
    return f"<{tag}{' ' * bool(scope)}{scope}{kind}{_direction(text)}>{inner}</{tag}>"


def html_text(text: str) -> str:
    """Return `text` so that HTML shows it as it is, between tags and in attributes in quotes."""
    return escape(one_line(text), quote=True)


def _direction(text: str) -> str:
    """Return the attribute that text with right-to-left letters needs, so that its words stand in their order."""
    return ' dir="auto"' if any(unicodedata.bidirectional(c) in ("R", "AL") for c in text) else ""
