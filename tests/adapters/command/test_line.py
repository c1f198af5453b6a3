"""Command lines: words, names in braces, and how values are written there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.adapters.command.line import BadLine, filled, names_in, words_of, written
from search.core.values import tidy


def test_text_is_split_at_spaces_and_quotes_hold_together() -> None:
    line = "python3 'my train.py' --name=\"a b\" --lr {lr} {}"
    assert words_of(line) == ["python3", "my train.py", "--name=a b", "--lr", "{lr}", "{}"]


def test_a_list_is_taken_as_it_is() -> None:
    assert words_of(["sh", "-c", "a | b > c; echo $HOME"]) == ["sh", "-c", "a | b > c; echo $HOME"]


@pytest.mark.parametrize(
    "sign", ["|", "||", ">", ">>", "2>&1", "<", "&&", "&", ";", "$HOME", "$(date)", "`date`", ">log"]
)
def test_what_only_a_shell_knows_is_refused_in_text(sign: str) -> None:
    with pytest.raises(BadLine) as refused:
        words_of(f"train --lr 1 {sign} x")
    assert str(refused.value) == (
        f"found {sign!r}, and no shell reads the command; put such a line into a script and name that, or write the "
        "command as a list of words"
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("train 'a", 'found "train \'a", which cannot be split into words (No closing quotation); close the quotes'),
        ("", "is empty, must be a program and its arguments"),
        ([], "is empty, must be a program and its arguments"),
        ([""], "is empty, must be a program and its arguments"),
    ],
)
def test_a_line_without_words_is_refused(line: str | list[str], sentence: str) -> None:
    with pytest.raises(BadLine) as refused:
        words_of(line)
    assert str(refused.value) == sentence


def test_names_stand_in_braces_and_doubled_braces_are_braces() -> None:
    words = ["a{lr}b", "{model.width}{lr}", "{{not}}", '{"json": {"a": 1}}', "{ print }", "{}"]
    assert names_in(words) == ["lr", "model.width"]
    values = {"lr": 0.5, "model.width": 3}
    assert [word for each in words for word in filled(each, values)] == [
        *("a0.5b", "30.5", "{not}", '{"json": {"a": 1}}', "{ print }", "{}")
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((3, "3"), (3.0, "3"), (0.1, "0.1"), (1e-5, "1e-05"), (1e300, "1e+300"), (-2.5, "-2.5")),
        *((True, "true"), (False, "false"), ("a b", "a b"), ("", ""), ([1, 2.0], "[1, 2.0]"), (2**70, str(2**70))),
    ],
)
def test_a_value_is_written_as_programs_read_it(value: object, text: str) -> None:
    assert written(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_as_it_is(value: float) -> None:
    assert float(written(tidy(value))) == tidy(value)


@given(st.integers(-(2**53), 2**53))
def test_numbers_that_are_equal_are_written_alike(value: int) -> None:
    tidied = tidy(float(value))
    assert int(tidied) != value or float(written(tidied)) == float(written(value))


def test_a_list_alone_becomes_as_many_words_as_it_has() -> None:
    values = {"flags": ["--nesterov", 2], "none": []}
    assert filled("{flags}", values) == ["--nesterov", "2"]
    assert filled("{none}", values) == []
    assert filled("--flags={flags}", values) == ['--flags=["--nesterov", 2]']
