"""Tables as HTML: one accessible ``<table>``, and a page of its own that works offline.

The table has a caption and headings with a scope, by which a screen reader says to what a cell belongs. All text is
escaped, on one line, and cells with right-to-left letters choose their direction themselves. The page asks for nothing
over the network, and its policy forbids scripts.
"""

from __future__ import annotations

from search.report.formats.markup import Markup, element, escaped, joined
from search.report.formats.sheet import Column, Entry, Sheet
from search.report.text import right_to_left

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
    notes = joined(element("p", note) for note in sheet.notes)
    return _PAGE.format(title=escaped(sheet.title), table=html_table(sheet), notes=notes)


def html_table(sheet: Sheet) -> Markup:
    """Return a sheet's table alone, to stand in another page: no notes, no style but the class ``number``."""
    head = [_cell("th", Entry(column.head), column, "col") for column in sheet.columns]
    parts = ["<table>", element("caption", sheet.title), element("thead", element("tr", *head)), "<tbody>"]
    for first, *rest in ([*zip(line, sheet.columns, strict=True)] for line in sheet.lines):
        parts.append(element("tr", _cell("th", *first, "row"), *(_cell("td", *each) for each in rest)))
    return Markup("\n".join([*parts, "</tbody>", "</table>"]))


def _cell(tag: str, entry: Entry, column: Column, scope: str | bool = False) -> Markup:
    content = element("strong", entry.text, dir=False) if entry.bold else entry.text
    direction = "auto" if right_to_left(entry.text) else False
    kind = "number" if column.kind == "number" else False
    return element(tag, content, scope=scope, class_=kind, dir=direction)
