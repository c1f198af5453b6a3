"""Which epochs are trained again: enough of them, no more than asked for, and each row with the same chance."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.proof.sample import Chain, epochs_of, longest, rows_of, sampled
from search.proof.subject import Subject


def chain(trial: int, *keys: str) -> Chain:
    return Chain(trial, Subject(f"trial {trial}", {}, [{}] * len(keys)), keys, "data")


def tree(lengths: list[int], shared: int) -> list[Chain]:
    """Chains that have their first epochs in common."""
    return [
        chain(number, *(f"s{e}" if e < shared else f"{number}-{e}" for e in range(length)))
        for number, length in enumerate(lengths)
    ]


def all_keys(chains: list[Chain]) -> set[str]:
    return {key for one in chains for key in one.keys}


def test_chains_that_are_the_beginning_of_others_are_left_out():
    whole, begun, equal = chain(0, "a", "b", "c"), chain(1, "a", "b"), chain(2, "a", "b", "c")
    parted = chain(3, "a", "x")
    assert longest([begun, whole, equal, parted, chain(4)]) == [whole, parted]


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.integers(0, 6),
    st.floats(0.01, 1.0),
    st.integers(0, 10**6),
    st.sets(st.integers(1, 11)),
)
def test_a_sample_is_as_large_as_asked_for_and_every_stretch_begins_where_it_can(lengths, shared, share, seed, kept):
    chains = longest(tree(lengths, shared))
    keys = all_keys(chains)
    stretches = sampled(chains, share, keys, lambda one: [e for e in kept if e < len(one.keys)], random.Random(seed))
    assert stretches
    assert len({(id(one.chain), one.start) for one in stretches}) == len(stretches)
    for one in stretches:
        assert one.start == 0 or (one.start in kept and share < 1)
        assert one.start < one.end <= len(one.chain.keys)
        assert bool(one.state) == (one.start > 0)
    if share < 1:
        assert epochs_of(stretches) == math.ceil(share * len(keys))
        assert rows_of(stretches, keys) <= keys
    else:
        assert rows_of(stretches, keys) == keys


def test_a_share_of_1_trains_every_chain_from_nothing():
    chains = tree([5, 3], 1)
    stretches = sampled(chains, 1.0, all_keys(chains), lambda one: [2], random.Random(0))
    assert [(one.chain.trial, one.start, one.end) for one in stretches] == [(0, 0, 5), (1, 0, 3)]


def test_what_lies_too_far_is_trained_as_far_as_there_is_room():
    chains = tree([100], 0)
    (one,) = sampled(chains, 0.05, all_keys(chains), lambda one: [], random.Random(3))
    assert (one.start, one.end) == (0, 5)


def test_saved_states_bring_any_row_into_reach():
    chains = tree([100], 0)
    hits: Counter[int] = Counter()
    for seed in range(200):
        for one in sampled(chains, 0.02, all_keys(chains), lambda one: range(1, 100), random.Random(seed)):
            hits[one.start // 25] += 1
    assert min(hits.values()) > 50


@pytest.mark.parametrize("share", [0.001, 0.5])
def test_a_row_that_is_not_on_record_is_not_drawn(share):
    chains = tree([4], 0)
    stretches = sampled(chains, share, {"0-0", "0-1"}, lambda one: [], random.Random(1))
    assert all(one.end <= 2 for one in stretches)
