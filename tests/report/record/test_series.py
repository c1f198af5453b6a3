"""Columns make the same CSV, byte for byte, as the data frames that are made of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from search.report.formats.render import columns_csv, frame_csv
from search.report.record.frames import frame_of
from search.report.record.series import Columns, Series, parameter_series
from search.report.text import MISSING, storable

INTEGERS = st.integers(-(2**53), 2**53)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
TEXTS = st.text(max_size=8).map(storable)
PARAMETERS = st.one_of(st.none(), st.booleans(), INTEGERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS)
KINDS = {
    "int64": INTEGERS,
    "Int64": st.none() | INTEGERS,
    "float64": st.none() | NUMBERS | INTEGERS,
    "bool": st.booleans(),
    "str": st.none() | TEXTS,
    "object": PARAMETERS | st.just(MISSING) | st.lists(INTEGERS, max_size=2),
}


@st.composite
def columns(draw: st.DrawFn) -> Columns:
    """Columns of each type, and one of parameters of one type or of several."""
    count = draw(st.integers(0, 5))
    made = {kind: Series(kind, draw(st.lists(KINDS[kind], min_size=count, max_size=count))) for kind in KINDS}
    several = draw(st.sampled_from([PARAMETERS | st.just(MISSING), st.booleans(), INTEGERS, NUMBERS, TEXTS]))
    return made | {"parameter": parameter_series(draw(st.lists(several, min_size=count, max_size=count)))}


@settings(max_examples=150, deadline=None)
@given(columns())
def test_a_file_is_the_same_with_pandas_and_without(drawn: Columns) -> None:
    assert columns_csv(drawn) == frame_csv(frame_of(drawn))


def test_numbers_are_those_of_their_column() -> None:
    drawn = {
        "x": parameter_series([1, 2.5]),
        "y": Series("float64", [None, float("inf")]),
        "z": Series("str", [None, ""]),
    }
    assert columns_csv(drawn) == "x,y,z\n1.0,,\n2.5,,\n"
