"""Data frames as XLSX: numbers as numbers to the last bit, text that no spreadsheet runs.

Columns, headings and cells are those of the CSV file: what is not there is an empty cell, a setting's null the text
``null``. Whole numbers beyond 2**53, which a spreadsheet would round, are text. Notes stand on a sheet of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from search.core.errors import UserError
from search.report.formats.render import records
from search.report.text import cell_text, neutral, storable

MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 1_048_576, 16_384, 32_767
"""Limits of the format: rows and columns of a sheet, UTF-16 code units of a cell."""

_CUT = " [cut]"
_EXACT, _SHORT = 2**53, 10**15
_ILLEGAL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def workbook(frame: pd.DataFrame, title: str, notes: Sequence[str], file: BinaryIO) -> None:
    """Write a data frame to `file` as a workbook: sheet ``data`` is the frame, sheet ``notes`` the title and the notes.

    Raises:
        UserError: more rows or columns than a sheet holds.
    """
    rows, columns = len(frame) + 1, len(frame.columns)
    if rows > MOST_ROWS or columns > MOST_COLUMNS:
        raise UserError(
            f"xlsx: {rows} rows of {columns} columns, but a sheet holds {MOST_ROWS} and {MOST_COLUMNS}; "
            "export as csv or parquet"
        )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("data")
    sheet.freeze_panes = "A2"
    head = [str(name) for name in frame.columns]
    lines = records(frame)
    for index, name in enumerate(head):
        sheet.column_dimensions[get_column_letter(index + 1)].width = _width(
            name, (line[index] for line in lines[:100])
        )
    sheet.append([_cell(sheet, name, bold=True) for name in head])
    for line in lines:
        sheet.append([_cell(sheet, value) for value in line])
    about = book.create_sheet("notes")
    about.column_dimensions["A"].width = 100
    about.append([_cell(about, title, bold=True)])
    for note in notes:
        about.append([_cell(about, note, wrap=True)])
    book.save(file)


def _cell(sheet: object, value: object, bold: bool = False, wrap: bool = False) -> object:
    """Return a cell with its type set: openpyxl would take `=` for a formula, and cut numbers to 16 digits."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer) and abs(int(value)) < _SHORT:
        return int(value)
    text = cell_text(value)
    if not text:
        return None
    number = isinstance(value, float | np.floating) or (
        isinstance(value, int | np.integer) and abs(int(value)) <= _EXACT
    )
    cell = WriteOnlyCell(sheet, text if number else cell_string(text))
    cell.data_type = "n" if number else "s"
    if bold:
        cell.font = Font(bold=True)
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def cell_string(text: str) -> str:
    """Return text as a cell holds it: neutralised, without control characters, cut and marked where it is too long."""
    text = _ILLEGAL.sub("\ufffd", "\n".join(re.split("\r\n?", storable(neutral(text)))))
    text = _ESCAPED.sub("_x005F_", text)  # a reader would take _x0041_ for the letter A
    if len(text.encode("utf-16-le")) // 2 > MOST_CHARACTERS:
        text = text.encode("utf-16-le")[: 2 * (MOST_CHARACTERS - len(_CUT))].decode("utf-16-le", "ignore") + _CUT
    return text


def _width(name: str, values: Iterable[object]) -> int:
    longest = max([len(name), *(len(cell_text(value)) for value in values)])
    return min(max(longest + 2, 8), 40)
