r"""Tables as LaTeX with booktabs: a file that compiles alone, and that a document takes in with ``\input``.

What a file promises:

* plain ASCII, whatever the names in it hold: it compiles in any input encoding, see `latex_text`;
* where a character is replaced by its code point, a note says so;
* what fits on a page (`MAX_FLOAT_LINES`, `MAX_PAGE_LINES`) is a float with a caption; more is a ``longtable``, which
  breaks over pages;
* compiled alone, the paper is as wide as the table needs.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence

from search.report.formats.latex_text import REPLACED, latex_text
from search.report.formats.sheet import Column, Sheet

MAX_FLOAT_LINES = 40
"""Lines that fit on one page as a float."""

MAX_PAGE_LINES = 56
"""Lines of a page with those of the notes, which are set smaller."""

_NOTE_CHARACTERS = 100
"""Characters of a note that fill a line of the narrowest page."""

_MAX_COLUMN_LETTERS = 40
"""Characters from which on a column of text is broken into lines."""

_WORD = 20
"""Characters after which a long word may be broken there."""

_HEAD = 10
"""Characters of a line in a heading, where its words allow it."""

_CHARACTER = 1.95
"""Millimetres of a character at 10 pt, with some room: a digit of Computer Modern is 5 pt wide."""

_NEGATIVE = re.compile(r"(?<![\w.])-(?=[0-9.])")

_MARGIN, _A4 = 15, (210, 297)

_NOTE = "[U+1F600] and the like stand for characters that LaTeX's standard fonts do not have, by their code point."

_START = r"""%% Compiles alone; a document that takes it in with \input loads the packages %(packages)s.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \let\endoftable\relax
\else
  \documentclass{article}
  \usepackage[T1]{fontenc}
  \usepackage{%(packages)s}
  \usepackage[paperwidth=%(width)dmm,paperheight=%(height)dmm,margin=%(margin)dmm]{geometry}
  \def\endoftable{\end{document}}
  \begin{document}
\fi
"""
# Within a document \@nodocument, the error of text in a preamble, is \relax.


def latex_table(sheet: Sheet) -> str:
    """Return a sheet as LaTeX. Numbers are flush right; long texts are broken into lines, headings at spaces."""
    head = _row([_heading(column) for column in sheet.columns])
    body = [_row(cells) for cells in zip(*(_cells(column) for column in sheet.columns), strict=True)]
    caption, notes = _paragraph(sheet.title), [_paragraph(note) for note in sheet.notes]
    if any(REPLACED in text for text in (caption, head, *body, *notes)):
        notes.append(_paragraph(_NOTE))
    layout = "@{}" + "".join(_layout(column) for column in sheet.columns) + "@{}"
    width, height, size = _page(sheet.columns)
    style = size + r"\setlength{\tabcolsep}{4pt}"
    of_notes = sum(1 + len(note) // _NOTE_CHARACTERS for note in sheet.notes)
    long = len(body) > MAX_FLOAT_LINES or len(body) + of_notes > MAX_PAGE_LINES
    draw = _longtable if long else _float
    packages = "booktabs,longtable" if long else "booktabs"
    start = _START % {"packages": packages, "width": width, "height": height, "margin": _MARGIN}
    return start + "\n".join([*draw(style, layout, caption, head, body, notes), r"\endoftable"]) + "\n"


def _float(style: str, layout: str, caption: str, head: str, body: Sequence[str], notes: Sequence[str]) -> list[str]:
    return [
        r"\begin{table}[htbp]",
        r"\centering\setlength{\belowcaptionskip}{6pt}",
        rf"\caption{{{caption}}}",
        style,
        rf"\begin{{tabular}}{{{layout}}}",
        *(r"\toprule", head, r"\midrule", *body, r"\bottomrule"),
        r"\end{tabular}",
        *(rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {note}}}" for note in notes),
        r"\end{table}",
    ]


def _longtable(
    style: str, layout: str, caption: str, head: str, body: Sequence[str], notes: Sequence[str]
) -> list[str]:
    return [
        r"\begingroup",
        style,
        rf"\begin{{longtable}}{{{layout}}}",
        rf"\caption{{{caption}}}\tabularnewline",
        *(r"\toprule", head, r"\midrule", r"\endfirsthead"),
        *(r"\toprule", head, r"\midrule", r"\endhead"),
        *(r"\bottomrule", r"\endfoot"),
        *body,
        r"\end{longtable}",
        *(rf"\noindent {note}\par\smallskip" for note in notes),
        r"\endgroup",
    ]


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \tabularnewline"


def _cells(column: Column) -> list[str]:
    broken = _broken(column)
    draw = _paragraph if broken else _number if column.kind == "number" else latex_text
    texts = [rf"\textbf{{{draw(entry.text)}}}" if entry.bold else draw(entry.text) for entry in column.entries]
    return [rf"\raggedright {text}" for text in texts] if broken else texts


def _number(text: str) -> str:
    return "$-$".join(latex_text(part) for part in _NEGATIVE.split(text))


def _paragraph(text: str) -> str:
    return " ".join(_breakable(word) for word in text.split())


def _breakable(word: str) -> str:
    parts = [word[start : start + _WORD] for start in range(0, len(word), _WORD)]
    return r"\allowbreak{}".join(latex_text(part) for part in parts)


def _heading(column: Column) -> str:
    lines = [latex_text(line) for line in _heading_lines(column)]
    if len(lines) < 2:
        return "".join(lines)
    return rf"\begin{{tabular}}[b]{{@{{}}{_side(column)}@{{}}}}" + r"\\".join(lines) + r"\end{tabular}"


def _heading_lines(column: Column) -> list[str]:
    return textwrap.wrap(column.head, _HEAD, break_long_words=False, break_on_hyphens=False)


def _side(column: Column) -> str:
    return "r" if column.kind == "number" else "l"


def _longest(column: Column) -> int:
    return max((len(entry.text) for entry in column.entries), default=0)


def _broken(column: Column) -> bool:
    return column.kind == "text" and _longest(column) > _MAX_COLUMN_LETTERS


def _layout(column: Column) -> str:
    return f"p{{{_MAX_COLUMN_LETTERS / 2:.0f}em}}" if _broken(column) else _side(column)


def _page(columns: Sequence[Column]) -> tuple[int, int, str]:
    """Return width and height of the paper in mm and the size of the type with which the columns fit."""
    characters = 0
    for column in columns:
        widest = _MAX_COLUMN_LETTERS if _broken(column) else _longest(column)
        characters += max([widest, *map(len, _heading_lines(column))]) + 2
    short, long = _A4
    normal, small = (scale * characters * _CHARACTER + 2 * _MARGIN for scale in (1.0, 0.8))
    if normal <= short:
        return short, long, r"\normalsize"
    if small <= short:
        return short, long, r"\footnotesize"
    return (long, short, r"\footnotesize") if small <= long else (math.ceil(small), long, r"\footnotesize")
