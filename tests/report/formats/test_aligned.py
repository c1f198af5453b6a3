"""Numbers under one another: the text stays, and every cell of a column becomes equally long."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.formats.aligned import MINUS, aligned
from search.report.text import one_line

INTERVALS = ["59.2 [54.5, 63.7]", "33 [21, 48]", "100 [99.25, 100]", "baseline", ""]


def read(cell: str) -> str:
    """Return what is read and copied of a cell."""
    return unescape(re.sub("<[^>]*>", "", cell)).replace(MINUS, "-")


def room(cell: str) -> str:
    """Return what takes room in a cell, figures as 0 and signs as +, what attributes add among them."""
    cell = cell.replace('<span class="range">[', "[").replace("]</span>", "]")
    whole = re.sub(r'<span(?: data-lead="([^"]*)")?(?: data-pad="([^"]*)")?>(.*?)</span>', r"\1\3\2", cell)
    return re.sub(r"\d", "0", re.sub(f"[+{MINUS}-]", "+", unescape(whole)))


def test_what_is_read_is_the_text() -> None:
    assert [read(cell) for cell in aligned(INTERVALS)] == INTERVALS


def test_points_commas_and_brackets_stand_under_one_another() -> None:
    cells = [room(cell) for cell in aligned(INTERVALS)[:3]]
    assert {cell[: cell.index("[") + 1] for cell in cells} == {"000.0 ["}
    assert {len(cell) for cell in cells} == {len("000.0 [00.00, 000.0]")}
    assert aligned(INTERVALS)[3:] == ["baseline", ""]


@pytest.mark.parametrize(
    ("texts", "shape"),
    [
        (["+0.3", "-24", "0.00"], "+00.00"),
        (["3 of 3", "12 of 15"], "00 of 00"),
        (["95.8 ¶", "95.8", "7 † ‡"], "00.0 † ‡"),
        (["54.01%", "7%"], "00.00%"),
        (["1e-05", "0.01", "3"], "0.00"),
        (["1,500", "30"], "0,000"),
    ],
)
def test_signs_marks_and_units_take_room(texts: list[str], shape: str) -> None:
    cells = aligned(texts)
    assert [read(cell) for cell in cells] == texts
    if "e-05" not in texts[0]:
        assert {len(room(cell)) for cell in cells} == {len(shape)}


def test_a_minus_is_as_wide_as_a_plus() -> None:
    assert aligned(["-2.4", "+1.0"]) == [f"{MINUS}2.4", "+1.0"]


@given(st.lists(st.text(), min_size=1))
def test_any_text_is_read_as_it_is(texts: list[str]) -> None:
    assert [read(cell) for cell in aligned(texts)] == [one_line(text).replace(MINUS, "-") for text in texts]


@given(st.lists(st.floats(-1e6, 1e6).map(lambda value: f"{value:.3g}"), min_size=1))
def test_any_plain_numbers_take_equal_room(texts: list[str]) -> None:
    plain = [text for text in texts if "e" not in text]
    assert len({len(room(cell)) for cell in aligned(plain)}) <= 1
