"""XLSX: read back with pandas and openpyxl; numbers are numbers, text is never run."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.errors import UserError
from search.core.trial import State
from search.report.formats import workbook as module
from search.report.formats.render import table_frame
from search.report.formats.workbook import MOST_CHARACTERS, cell_string, workbook
from search.report.record.curves import read_curves
from search.report.record.frames import epochs_frame, trials_frame
from search.report.results import export
from search.report.table.build import comparison_table
from search.space.model import Axis, Grid
from tests.report.builder import GAMMAS
from tests.report.hostile import TEXTS, hostile_study


def book_of(frame: pd.DataFrame, notes=()):
    file = io.BytesIO()
    workbook(frame, "=title", notes, file)
    return openpyxl.load_workbook(file)


def test_pandas_reads_the_frames_back_to_the_last_bit(focal, tmp_path):
    for what, frame in (
        ("trials", trials_frame(read_curves(focal.opened))),
        ("epochs", epochs_frame(read_curves(focal.opened))),
    ):
        back = pd.read_excel(export(focal.opened, what, "xlsx", tmp_path / f"{what}.xlsx"))
        pd.testing.assert_frame_equal(back, frame, check_exact=True, check_dtype=False)
    table = pd.read_excel(export(focal.opened, "table", "xlsx", tmp_path / "table.xlsx"))
    frame = table_frame(comparison_table(focal.opened))
    numbers = frame.select_dtypes("number")
    assert table["setting"].tolist() == frame["setting"].tolist()
    pd.testing.assert_frame_equal(table[numbers.columns], numbers, check_exact=True, check_dtype=False)


def test_the_notes_stand_on_a_sheet_of_their_own(focal, tmp_path):
    path = export(focal.opened, "table", "xlsx", tmp_path / "t.xlsx")
    about = pd.read_excel(path, sheet_name="notes")
    assert about.columns.tolist() == ["Focal loss"]
    assert about["Focal loss"].tolist() == list(comparison_table(focal.opened).notes)


def test_no_hostile_text_is_a_formula_or_an_error(make, tmp_path):
    study = hostile_study(make)
    for what in ("table", "trials", "decisions"):
        path = export(study.opened, what, "xlsx", tmp_path / f"{what}.xlsx")
        cells = [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]
        texts = [cell.value for cell in cells if cell.data_type == "s"]
        assert {cell.data_type for cell in cells} <= {"s", "n", "b"}
        assert not [text for text in texts if re.match(r"[=+@\t\r\n]|-(?![0-9.]+$)", text)]
        if what == "trials":
            assert {"'=cmd()|'/C calc'!A0", "'+1+1", "'-2+3", "'@SUM(A1)", "'\t=1", "'\n=1", "#N/A"} <= set(texts)
            assert {text for text in TEXTS if text[0].isalpha()} <= set(texts)
            assert {-0.25} <= {cell.value for cell in cells}, "a negative number stays one"


@pytest.mark.parametrize(
    ("value", "read", "kind"),
    [
        (-0.5, -0.5, "n"),
        (1e-300, 1e-300, "n"),
        (0.1 + 0.2, 0.1 + 0.2, "n"),
        (np.float64(-1 / 3), -1 / 3, "n"),
        (-7, -7, "n"),
        (2**53, 2**53, "n"),
        (2**53 + 1, str(2**53 + 1), "s"),
        (True, True, "b"),
        (None, "null", "s"),
        (math.nan, None, "n"),
        (-math.inf, None, "n"),
        (pd.NA, None, "n"),
        ("", None, "n"),
        ("=1", "'=1", "s"),
        ("-0.5", "-0.5", "s"),
        ("#DIV/0!", "#DIV/0!", "s"),
        ("a\0b\x0bc", "a\ufffdb\ufffdc", "s"),
        ("a\r\nb\rc", "a\nb\nc", "s"),
        ("\ud800", "\\ud800", "s"),
        (" x ", " x ", "s"),
        ([0.5, "a"], "[0.5, a]", "s"),
    ],
)
def test_cells(value, read, kind):
    cell = book_of(pd.DataFrame({"a": pd.Series([value], dtype="object")}))["data"]["A2"]
    assert (cell.value, cell.data_type) == (read, kind)


def test_what_looks_like_an_escape_is_escaped():
    assert cell_string("_x0041_x0042_ _x41_") == "_x005F_x0041_x005F_x0042_ _x41_"


def test_long_text_is_cut_and_says_so():
    fits = "a" * MOST_CHARACTERS
    assert cell_string(fits) == fits
    assert cell_string(fits + "a") == "a" * (MOST_CHARACTERS - 6) + " [cut]"
    cut = cell_string("🚀" * MOST_CHARACTERS)
    assert len(cut.encode("utf-16-le")) // 2 <= MOST_CHARACTERS
    assert cut.endswith("🚀 [cut]")


def test_more_rows_than_a_sheet_holds_are_refused(focal, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 9)
    message = r"^xlsx: 10 rows of 19 columns, but a sheet holds 9 and 16384; export as csv or parquet$"
    with pytest.raises(UserError, match=message):
        export(focal.opened, "trials", "xlsx", tmp_path / "t.xlsx")
    assert not (tmp_path / "t.xlsx").exists()


def test_diverged_and_mixed_values(make, tmp_path):
    study = make(replace(GAMMAS, axes=[Axis("aug", Grid(["a", 1, None, -2.5]))]))
    for value in ("a", 1, None, -2.5):
        study.trial({"aug": value}, 0, [math.nan], State.DIVERGED)
    sheet = openpyxl.load_workbook(export(study.opened, "trials", "xlsx", tmp_path / "t.xlsx"))["data"]
    (column,) = [c for c in sheet.iter_cols(values_only=True) if c[0] == "aug"]
    assert column == ("aug", "a", 1, "null", -2.5)
    assert "nan" not in " ".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row).lower()


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats() | st.text() | st.integers() | st.booleans() | st.none(), min_size=1))
def test_any_column_reads_back(values):
    book = book_of(pd.DataFrame({"c": pd.Series(values, dtype="object")}), ["=note", "-1"])
    read = [book["data"].cell(row, 1) for row in range(2, len(values) + 2)]
    for value, cell in zip(values, read, strict=True):
        if isinstance(value, bool):
            assert cell.value is value
        elif isinstance(value, float):
            assert cell.value is None if not math.isfinite(value) else float(cell.value).hex() == value.hex()
        elif isinstance(value, int):
            assert cell.value == (value if abs(value) <= 2**53 else str(value))
        elif isinstance(value, str):
            assert (cell.value or "") == cell_string(value)
    assert book["notes"]["A1"].value == "'=title"
    assert book["notes"]["A2"].value == "'=note"
