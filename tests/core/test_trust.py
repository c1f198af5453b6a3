"""What a kind is, and which proofs are owed, against plain enumeration."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.trust import (
    START,
    depth_name,
    depth_of,
    is_sampled,
    kind_of,
    needed,
    owed,
    proves_depth,
    sample_name,
    start_epochs,
)

IDENTITY = {"workload": "mine:It", "recipe": "source 0123", "evaluation": "1"}
CLASS = {"device": "cpu", "threads": "1"}
FIXED = {
    "lr": 0.1,
    "momentum": 0.9,
    "width": 64,
    "norm": "batch",
    "nested": {"betas": [0.9, 0.0], "on": True},
    "seed": 3,
}
NUMBERS = st.integers(-5, 5) | st.floats(-1e6, 1e6)
LEAVES = NUMBERS | st.booleans() | st.none() | st.text(max_size=3)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)
SETTINGS = st.dictionaries(st.text(max_size=3), VALUES, max_size=4)


def kind(fixed: Any, **defaults: Any) -> str:
    return kind_of(IDENTITY, CLASS, fixed, defaults)


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers_in(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def changed(value: Any, change: Any) -> Any:
    """The same value with every number in it changed."""
    if isinstance(value, dict):
        return {name: changed(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [changed(item, change) for item in value]
    return change(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


@given(SETTINGS, st.integers(0, 9))
def test_other_numbers_are_one_kind_as_long_as_the_same_ones_are_zero(fixed: dict[str, Any], seed: int) -> None:
    fixed.pop("seed", None)
    assert kind({**changed(fixed, lambda number: number * 3.0), "seed": seed}) == kind(fixed)
    zeroed = changed(fixed, lambda number: 0)
    assert (kind(zeroed) == kind(fixed)) == (not any(numbers_in(fixed)))


@pytest.mark.parametrize(
    "change",
    [
        {"momentum": 0},
        {"momentum": 0.0},
        {"norm": "group"},
        {"norm": None},
        {"width": "64"},
        {"momentum": True},
        {"nested": {"betas": [0.9, 0.1], "on": True}},
        {"nested": {"betas": [0.9, 0.0], "on": False}},
        {"nested": {"betas": [0.9], "on": True}},
        {"nested": {"betas": [0.9, 0.0], "on": 1}},
        {"more": 1},
    ],
)
def test_what_changes_which_code_acts_is_another_kind(change: dict[str, Any]) -> None:
    assert kind({**FIXED, **change}) != kind(FIXED)


def test_workload_and_execution_class_are_in_the_kind_and_the_seed_is_not() -> None:
    assert kind_of({**IDENTITY, "recipe": "source 4567"}, CLASS, FIXED) != kind(FIXED)
    assert kind_of(IDENTITY, {**CLASS, "threads": "2"}, FIXED) != kind(FIXED)
    assert kind({**FIXED, "seed": 0}) == kind(FIXED) == kind({k: v for k, v in FIXED.items() if k != "seed"})
    assert kind({**FIXED, "momentum": 0}) == kind({**FIXED, "momentum": 0.0}) == kind({**FIXED, "momentum": -0.0})


@given(SETTINGS, st.data())
def test_a_setting_that_comes_new_at_its_default_leaves_the_kind(fixed: dict[str, Any], data: st.DataObject) -> None:
    default, number = data.draw(LEAVES), data.draw(NUMBERS.filter(bool))
    fixed.pop("new", None)
    assert kind({**fixed, "new": default}, new=default) == kind(fixed, new=default)
    assert kind({**fixed, "new": number}, new=1) == kind(fixed, new=number) == kind({**fixed, "new": 2}, new=number)
    assert kind({**fixed, "new": 0}, new=number) != kind(fixed, new=number)


def test_depths_double() -> None:
    assert [depth_of(epoch) for epoch in range(1, 18)] == [0, 0, 1, 1, 2, 2, 2, 2, *[3] * 8, 4]


@given(st.integers(1, 10**6))
def test_a_depth_holds_the_epochs_up_to_twice_its_least_pair(epoch: int) -> None:
    depth = depth_of(epoch)
    assert 2**depth < epoch <= 2 ** (depth + 1) or (depth, epoch) == (0, 1)
    least = next(start for start in range(1, epoch + 1) if proves_depth(start, depth))
    assert least == 2**depth
    assert least >= epoch / 2
    assert depth <= math.log2(epoch)


def test_one_state_in_a_hundred_is_sampled() -> None:
    assert [number for number in range(1, 1000) if is_sampled(f"{number:040x}")] == list(range(100, 1000, 100))


def test_what_starts_anew_needs_nothing() -> None:
    assert needed(0, "") == []
    assert needed(5, f"{7:040x}") == ["depth 2"]
    assert needed(5, f"{200:040x}") == ["depth 2", f"sample {200:040x}"]
    assert needed(5, "") == ["depth 2"]


KINDS = st.sampled_from("abc")
STARTS = st.lists(st.tuples(KINDS, st.integers(0, 40), st.integers(0, 500).map(lambda number: f"{100 * number:040x}")))


@given(st.sets(KINDS), STARTS, st.booleans(), st.data())
def test_each_proof_is_owed_once_and_none_that_is_on_record(
    roots: set[str], starts: list[tuple[str, int, str]], own_process: bool, data: st.DataObject
) -> None:
    everything = owed(roots, starts, {}, own_process)
    depths = {(one, depth_of(epoch)) for one, epoch, _ in starts if epoch}
    samples = {(one, key) for one, epoch, key in starts if epoch and is_sampled(key)}
    assert sum(everything.values()) == start_epochs(own_process) * len(roots) + len(depths) + len(samples)
    assert set(everything) == {
        *((one, START) for one in roots),
        *((one, depth_name(depth)) for one, depth in depths),
        *((one, sample_name(key)) for one, key in samples),
    }
    names = sorted(everything)
    on_record = data.draw(st.sets(st.sampled_from(names))) if names else set()
    proven: dict[str, set[str]] = {}
    for one, what in on_record:
        proven.setdefault(one, set()).add(what)
    assert owed(roots, starts, proven, own_process) == {
        name: cost for name, cost in everything.items() if name not in on_record
    }
