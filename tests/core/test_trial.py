"""Rows compare to the last bit."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.trial import Row, State

OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000123))[0]


def row(loss: float = 0.5, val: list[int] | None = None, **metrics: float) -> Row:
    return Row({"train_loss": loss, **metrics}, {"val": np.array(val if val is not None else [0, 1, 2])})


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        (row(), []),
        (row(math.nextafter(0.5, 1)), ["train_loss"]),
        (row(math.nan), ["train_loss"]),
        (row(val=[0, 1, 1]), ["predictions on val"]),
        (row(val=[0, 1]), ["predictions on val"]),
        (row(val_loss=1.0), ["val_loss"]),
        (row(0.25, [2, 1, 0], a=1.0), ["a", "train_loss", "predictions on val"]),
        (Row({"train_loss": 0.5}), ["predictions on val"]),
    ],
)
def test_differences_are_named(other, differing):
    assert row().differences(other) == differing
    assert other.differences(row()) == differing
    assert (row() == other) == (differing == [])
    assert (row() != other) == (differing != [])


def test_times_are_never_compared():
    timed, other = row(seconds_per_image=0.1), row(seconds_per_image=0.2)
    assert timed == other == row()
    assert hash(timed) == hash(other) == hash(row())
    assert timed.differences(row(math.nextafter(0.5, 1), seconds_per_image=0.1)) == ["train_loss"]
    assert row(epoch_seconds=0.1) != row(epoch_seconds=0.2)
    assert timed.untimed.metrics == row().metrics
    assert timed.untimed.predictions is timed.predictions


def scored(*values: float, name: str = "loss", dtype: type = np.float32) -> Row:
    return Row({"a": 1.0}, scores={"val": {name: np.array(values, dtype)}})


@pytest.mark.parametrize(
    ("other", "differing"),
    [
        (scored(0.5, 0.25), []),
        (scored(0.5, math.nextafter(0.25, 1), dtype=np.float64), ["scores loss on val"]),
        (scored(0.5, 0.25, dtype=np.float64), ["scores loss on val"]),
        (scored(0.5), ["scores loss on val"]),
        (scored(0.5, 0.0), ["scores loss on val"]),
        (Row({"a": 1.0}), []),  # recorded before there were scores
        (scored(7, 7, name="other"), []),
    ],
)
def test_scores_are_compared_to_the_last_bit_where_both_rows_have_them(other, differing):
    assert scored(0.5, 0.25).differences(other) == other.differences(scored(0.5, 0.25)) == differing


def test_scores_that_are_not_numbers_are_equal_and_zeros_of_other_signs_are_not():
    assert scored(math.nan, 0.0) == scored(-math.nan, 0.0)
    assert scored(math.nan, 0.0) != scored(math.nan, -0.0)


@pytest.mark.parametrize("value", [math.nan, OTHER_NAN, -math.nan])
def test_nan_equals_nan(value):
    assert row(value) == row(math.nan)


def test_zero_and_minus_zero_differ():
    assert row(0.0).differences(row(-0.0)) == ["train_loss"]


def test_infinities_differ_by_sign_only():
    assert row(math.inf) == row(math.inf)
    assert row(math.inf) != row(-math.inf)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.int64])
def test_the_width_of_predictions_does_not_matter(kind):
    assert Row({}, {"val": np.array([0, 7], dtype=kind)}) == Row({}, {"val": np.array([0, 7], dtype=np.int16)})


def test_a_row_is_no_other_thing():
    assert row() != {"train_loss": 0.5}
    assert row() != None  # noqa: E711


VALUES = st.floats() | st.sampled_from([0.0, -0.0, math.nan])
METRICS = st.dictionaries(st.sampled_from(["a", "b", "test_c"]), VALUES, max_size=3)


@given(METRICS, METRICS)
def test_equal_rows_have_equal_hashes_and_order_does_not_matter(one, other):
    backwards = Row(dict(reversed(one.items())))
    assert Row(one) == backwards
    assert hash(Row(one)) == hash(backwards)
    if Row(one) == Row(other):
        assert hash(Row(one)) == hash(Row(other))


def test_which_states_are_ends():
    assert {state.value for state in State if state.ended} == {
        "finished",
        "stopped",
        "pruned",
        "cut off",
        "diverged",
        "failed",
    }
    assert {state.value for state in State if not state.ended} == {"waiting", "running", "interrupted"}


def test_a_row_is_short_as_text_however_many_images_it_has():
    many = Row({"val_loss": 0.5}, {"val": np.zeros(6149, dtype=np.uint8), "test": np.zeros(20, dtype=np.uint8)})
    assert repr(many) == "Row({'val_loss': 0.5}, predictions: 6149 of val, 20 of test)"
    assert repr(scored(*range(999))) == "Row({'a': 1.0}, predictions: none; scores: loss of val)"
    assert repr(Row({"val_loss": 0.5})) == "Row({'val_loss': 0.5}, predictions: none)"
