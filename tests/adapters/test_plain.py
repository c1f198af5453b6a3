"""Plain data and arrays come back to the bit; what is neither is refused by name; nothing is unpickled."""

from __future__ import annotations

import ast
import collections
import copy
import datetime
import enum
import pickle
import random
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.adapters.plain import MAX_NESTING_LEVELS, NotPlain, decode, encode
from tests.adapters.strategies import alike, plain_values

ROOT = Path(__file__).parents[2]


@given(plain_values)
def test_plain_data_come_back_to_the_bit(value):
    assert alike(value, decode(encode(value)))


@given(plain_values)
def test_equal_values_give_equal_bytes(value):
    assert encode(value) == encode(copy.deepcopy(value))
    assert encode(decode(encode(value))) == encode(value)


@given(plain_values, st.data())
def test_bytes_that_end_too_early_or_too_late_are_refused(value, data):
    whole = encode(value)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"N"):
        with pytest.raises(ValueError, match=r"plain data|truncated|reading|EOF|magic|header"):
            decode(wrong)


@given(st.binary(max_size=200))
def test_bytes_of_no_value_are_refused_and_run_nothing(data):
    try:
        value = decode(data)
    except (ValueError, MemoryError, OverflowError, TypeError):
        return
    assert decode(encode(value)) is None or alike(decode(encode(value)), value)


def test_attributes_of_an_ordered_dictionary_come_back():
    state = OrderedDict(weight=np.ones(2))
    state._metadata = OrderedDict({"": {"version": 2}})  # as torch notes versions of modules
    again = decode(encode(state))
    assert again._metadata == state._metadata


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


looped: list = []
looped.append(looped)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "the value is an object"),
        ({"a": [1, {2}]}, "['a'][1] is a set"),
        ([random.Random(0)], "[0] is a random.Random"),
        (np.random.default_rng(0), "the value is a numpy.random._generator.Generator"),
        ({"f": len}, "['f'] is a builtin_function_or_method"),
        (Colour.RED, f"the value is a {__name__}.Colour"),
        (Text("a"), f"the value is a {__name__}.Text"),
        (collections.deque([1]), "the value is a collections.deque"),
        (datetime.date(2026, 1, 1), "the value is a datetime.date"),
        (np.array([None]), "the value is an array of Python objects, whose content has no bytes"),
        (np.ma.array([1]), "the value is a numpy.ma.MaskedArray"),
        (
            {np.int64(1): 1},
            "[np.int64(1)] is a key that is a numpy.int64, and keys are text, numbers and tuples of these",
        ),
        ({float("nan"): 1}, "[nan] is a key that is a float, and keys are text, numbers and tuples of these"),
        (
            looped,
            f"{'[0]' * 20} is a list, nested deeper than {MAX_NESTING_LEVELS} levels, or in itself",
        ),
    ],
)
def test_what_is_not_plain_is_refused_by_its_place_and_type(value, said):
    with pytest.raises(NotPlain) as refused:
        encode(value)
    assert str(refused.value) == said
    assert str(pickle.loads(pickle.dumps(refused.value))) == said


def test_what_is_stored_elsewhere_comes_back_from_there():
    stored: list[object] = []

    def put(value: object) -> int | None:
        stored.append(value)
        return len(stored) - 1

    value = {"a": (object(), 2), "b": object()}
    assert decode(encode(value, put), stored) == value
    with pytest.raises(ValueError, match="no plain data"):
        decode(encode(value, put))


@pytest.mark.parametrize("path", sorted((ROOT / "search/adapters").rglob("*.py")), ids=lambda path: path.stem)
def test_no_adapter_pickles(path):
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert not {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"} & imported
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            assert {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}["weights_only"] == "True"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert ast.unparse(node.value) == "False"
