"""Lines that are rows, and sentences on those that are none."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.adapters.command.rows import BadRow, Numbering, row_in

RULE = 'must be one JSON object such as {"val_loss": 0.5}'
REMEDY = "; let it print all else to standard error, or write rows into a file that `rows` names"
NUMBERS = "; write NaN, Infinity or -Infinity for what is no finite number"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"epoch 1, loss 0.5", f"'epoch 1, loss 0.5', {RULE}{REMEDY}"),
        (b'{"val_loss": 0.5', f"'{{\"val_loss\": 0.5', {RULE}{REMEDY}"),
        (b'{"val_loss": 0.5} {"val_loss": 1}', f'\'{{"val_loss": 0.5}} {{"val_loss": 1}}\', {RULE}{REMEDY}'),
        (b"[0.5]", f"'[0.5]', {RULE}{REMEDY}"),
        (b"0.5", f"'0.5', {RULE}{REMEDY}"),
        (b"\xff\xfe", f"'\\\\xff\\\\xfe', {RULE}{REMEDY}"),
        (b'{"val_loss": nan}', f"'{{\"val_loss\": nan}}', {RULE}{NUMBERS}"),
        (b'{"val_loss": -inf}', f"'{{\"val_loss\": -inf}}', {RULE}{NUMBERS}"),
        (b"x" * 200, f"'{'x' * 77}...', {RULE}{REMEDY}"),
        (b"[" * 100_000, f"'{'[' * 77}...', {RULE}{REMEDY}"),
    ],
)
def test_a_line_that_is_no_row_is_shown_with_the_rule_and_the_remedy(line: bytes, sentence: str) -> None:
    with pytest.raises(BadRow) as refused:
        row_in(line, 3, "its output")
    assert str(refused.value) == f"line 3 of its output is {sentence}"


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(BadRow) as refused:
        row_in(b'{"loss": 1, "loss": 2}', 1, "the file 'rows.jsonl'")
    assert (
        str(refused.value) == "line 1 of the file 'rows.jsonl' names 'loss' twice; each metric has one value per epoch"
    )


def test_what_is_no_finite_number_may_be_written_in_four_ways() -> None:
    row = row_in(b'{"a": NaN, "b": null, "c": Infinity, "d": -Infinity}', 1, "")
    assert math.isnan(row["a"])
    assert math.isnan(row["b"])
    assert (row["c"], row["d"]) == (math.inf, -math.inf)


@given(st.dictionaries(st.text(), st.floats(allow_nan=False)))
def test_rows_are_read_to_the_bit(row: dict[str, float]) -> None:
    assert row_in(json.dumps(row).encode(), 1, "") == row


@given(st.binary())
def test_any_bytes_are_a_row_or_refused(line: bytes) -> None:
    refused = ""
    try:
        row = row_in(line, 1, "its output")
    except BadRow as error:
        row, refused = {}, str(error)
    assert isinstance(row, dict)
    assert not refused or refused.startswith("line 1 of its output ")


@pytest.mark.parametrize("first", [0, 1])
def test_rows_that_number_themselves_count_up(first: int) -> None:
    numbering = Numbering()
    rows = [numbering.taken_out({"epoch": first + place, "loss": 1}, place + 1) for place in range(3)]
    assert rows == [{"loss": 1}] * 3
    with pytest.raises(BadRow) as refused:
        numbering.taken_out({"epoch": first + 4, "loss": 1}, 4)
    due = f"must be {first + 3}: one row for each epoch, in turn"
    assert str(refused.value) == f"row 4 says that it is of epoch {first + 4}, {due}"


@pytest.mark.parametrize("found", [2, True, "1", 0.5, None])
def test_a_first_row_of_another_epoch_is_refused(found: object) -> None:
    with pytest.raises(BadRow) as refused:
        Numbering().taken_out({"epoch": found}, 1)
    assert str(refused.value) == f"row 1 says that it is of epoch {found!r}, must be 1: one row for each epoch, in turn"
