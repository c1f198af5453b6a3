"""Epoch keys: equal exactly when what trains is equal."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search.core.errors import InternalError
from search.core.prefix import KEY_BYTES, fingerprint, next_key, path, root_key, without_defaults

WORDS = st.text("ab.\"'[]{},:01é\\ \n", max_size=4)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers()
    | st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e22, 2.0**53, 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.sampled_from(["null", "true", "1", "1.0", "[]", "{}"])
)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=8
)
SETTINGS = st.dictionaries(st.sampled_from(["lr", "gamma", "model.name", "seed"]), SCALARS, max_size=3)


def same(one: Any, other: Any) -> bool:
    """Equality as people mean it in a space file: mappings in any order, 1 like 1.0, but True is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other)]
    return one == other if all(numbers) else type(one) is type(other) and one == other


def respelt(value: Any, chance: random.Random) -> Any:
    """The same data, said another way."""
    if isinstance(value, dict):
        items = [(name, respelt(item, chance)) for name, item in value.items()]
        chance.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return chance.choice([list, tuple])(respelt(item, chance) for item in value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1023 and float(value) == value:
        return float(value)
    return value


@pytest.mark.slow
@given(PLAIN, st.randoms(use_true_random=False))
def test_what_is_the_same_has_the_same_hash_however_it_is_spelt(value, chance):
    assert fingerprint(respelt(value, chance)) == fingerprint(value)


@pytest.mark.slow
@given(PLAIN, PLAIN)
def test_hashes_are_equal_exactly_where_the_data_are(one, other):
    assert (fingerprint(one) == fingerprint(other)) == same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, [2]], [[1], 2]),
        ([[]], []),
        ([], {}),
        ({"a": {"b": 1}}, {"a.b": 1}),
        ({"a": 1}, [["a", 1]]),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        (["ab", "c"], ["a", "bc"]),
        (["a,b"], ["a", "b"]),
        (['a","b'], ["a", "b"]),
        (1, "1"),
        (1, True),
        (0, False),
        (None, "null"),
        (None, 0),
        ("", None),
        ([1, 2], [2, 1]),
        (0.1 + 0.2, 0.3),
        (2**53, 2**53 + 1),
        ("é", "e\u0301"),
    ],
)
def test_structure_cannot_collide(one, other):
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0.0, -0.0), (10**22, 1e22), (2**60, 2.0**60), ((1, 2), [1, 2])])
def test_equal_numbers_and_lists_are_one(one, other):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "nan (float)"),
        (math.inf, "inf (float)"),
        (-math.inf, "-inf (float)"),
        (b"ab", "b'ab' (bytes)"),
        ({1, 2}, "{1, 2} (set)"),
        (np.int64(3), "np.int64(3) (int64)"),
        (1j, "1j (complex)"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": {"b": v}}])
def test_what_is_not_plain_and_finite_is_refused(value, shown, wrap):
    with pytest.raises(InternalError) as refused:
        fingerprint(wrap(value))
    assert str(refused.value) == f"{shown} has no canonical spelling; settings are plain and finite"


@pytest.mark.parametrize("name", [1, None, True, ("a",)])
def test_names_that_are_not_text_are_refused(name):
    with pytest.raises(InternalError) as refused:
        fingerprint([{name: 0}])
    assert str(refused.value) == f"{name!r} names an entry; settings are named by text"


PARTS: dict[str, Any] = {
    "identity": {"workload": "classifier", "recipe": "1", "evaluation": "1"},
    "data": "3f2a",
    "inputs": {"weights": "77aa"},
    "fixed": {"model.name": "c", "optimizer.momentum": 0.9, "seed": 0},
    "execution_class": {"device": "cpu", "threads": "1"},
    "salt": "",
}
SCHEDULE = [{"lr": 0.005}, {"lr": 0.005}, {"lr": 0.0005, "loss.gamma": 2}]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("identity", {"workload": "other", "recipe": "1", "evaluation": "1"}),
        ("identity", {"workload": "classifier", "recipe": "2", "evaluation": "1"}),
        ("identity", {"workload": "classifier", "recipe": "1", "evaluation": "2"}),
        ("data", "3f2b"),
        ("inputs", {"weights": "77ab"}),
        ("inputs", {}),
        ("fixed", {"model.name": "c", "optimizer.momentum": 0.9, "seed": 1}),
        ("fixed", {"model.name": "c", "optimizer.momentum": 0.8, "seed": 0}),
        ("fixed", {"model.name": "c", "optimizer.momentum": 0.9}),
        ("fixed", {"model.name": "c", "optimizer.momentum": 0.9, "seed": 0, "new": None}),
        ("execution_class", {"device": "cpu", "threads": "2"}),
        ("salt", "focal/3"),
    ],
)
def test_changing_any_part_changes_every_key(part, value):
    before = [root_key(**PARTS), *path(root_key(**PARTS), SCHEDULE)]
    root = root_key(**{**PARTS, part: value})
    assert not set(before) & {root, *path(root, SCHEDULE)}


def test_parts_cannot_stand_in_for_each_other():
    same_content = {"a": "b"}
    parts = {**PARTS, "identity": {}, "inputs": {}, "fixed": {}, "execution_class": {}}
    roots = {root_key(**{**parts, part: same_content}) for part in ("identity", "inputs", "fixed", "execution_class")}
    assert len(roots) == 4
    assert root_key(**{**PARTS, "data": "x", "salt": "y"}) != root_key(**{**PARTS, "data": "y", "salt": "x"})


@given(st.lists(SETTINGS, min_size=1, max_size=6), st.data())
def test_changing_an_epoch_changes_the_keys_from_there_on_and_none_before(schedule, data):
    changed = data.draw(st.integers(0, len(schedule) - 1))
    settings = data.draw(SETTINGS)
    assume(not same(settings, schedule[changed]))
    before = path("00" * KEY_BYTES, schedule)
    after = path("00" * KEY_BYTES, [*schedule[:changed], settings, *schedule[changed + 1 :]])
    assert after[:changed] == before[:changed]
    assert not set(after[changed:]) & set(before)


@given(st.lists(SETTINGS, max_size=6), st.integers(0, 6))
def test_a_path_is_made_of_its_steps_and_ignores_its_length(schedule, shorter):
    keys = path("00" * KEY_BYTES, schedule)
    assert path("00" * KEY_BYTES, schedule[:shorter]) == keys[:shorter]
    for key, settings, following in zip(["00" * KEY_BYTES, *keys], schedule, keys, strict=False):
        assert next_key(key, settings) == following


def test_equal_epochs_in_a_row_have_different_keys():
    assert len(set(path(root_key(**PARTS), [{"lr": 0.1}] * 50))) == 50


def test_swapping_two_epochs_changes_where_they_lead():
    assert path("ab", [{"lr": 1}, {"lr": 2}])[-1] != path("ab", [{"lr": 2}, {"lr": 1}])[-1]


RULES: dict[str, dict[str, Any]] = {
    "lr": {"default": 1},
    "nesterov": {"default": False},
    "note": {"default": None},
    "betas": {"default": [0.9, 1]},
    "deep": {"default": {"a": True, "b": [0]}},
    "needed": {},
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 1.0),
        ("nesterov", False),
        ("note", None),
        ("betas", (0.9, 1.0)),
        ("deep", {"b": [0.0], "a": True}),
    ],
)
def test_defaults_are_left_out(name, value):
    assert without_defaults({name: value, "seed": 3}, RULES) == {"seed": 3}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", True),
        ("lr", 1.0000001),
        ("nesterov", 0),
        ("note", 0),
        ("note", False),
        ("betas", [0.9]),
        ("betas", [0.9, True]),
        ("betas", [1, 0.9]),
        ("betas", 0.9),
        ("deep", {"a": 1, "b": [0]}),
        ("deep", {"a": True}),
        ("needed", None),
        ("unknown", None),
    ],
)
def test_what_is_no_default_stays(name, value):
    assert without_defaults({name: value}, RULES) == {name: value}


def test_a_new_setting_with_a_default_voids_no_key():
    old = without_defaults({"lr": 0.1, "note": "x"}, RULES)
    new = without_defaults({"lr": 0.1, "note": "x", "mixup": 0.0}, {**RULES, "mixup": {"default": 0}})
    assert next_key("ab", new) == next_key("ab", old)


def test_keys_stay_what_they_are():
    """Golden values: a change of hashing would silently void every ledger there is."""
    assert fingerprint({"b": [1, 2.5, "é", None, True], "a": {}}) == "3f6273c07f423d122ac814a2ee61c45ada6f2d00"
    assert root_key(**PARTS) == "9caf6272f56ab51c6b75f51a90ba3228e66191c6"
    assert path(root_key(**PARTS), SCHEDULE) == [
        "090b482d7b519f47531df717ee31b9c1d90fd83c",
        "9fc2c3e6f59418590a3bd5ab0a08eb5ecf30c91c",
        "b97191c71ec470af93742a5966abb269c3c06eb3",
    ]
    assert root_key(**{**PARTS, "salt": "focal/3"}) == "d69fcea4de7cb406df834efba3d5f2536c5805b4"
