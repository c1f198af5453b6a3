"""Draws come from (seed, epoch, purpose) alone."""

from __future__ import annotations

import random

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.adapters.torch.seeding import derived, generator, left_alone, seed_all

purposes = st.lists(st.one_of(st.text(max_size=5), st.integers(0, 3)), max_size=2).map(tuple)
keys = st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 10**6), purposes)


def draws() -> list[object]:
    return [random.random(), np.random.random(), torch.rand(()).item()]


@given(keys, keys)
def test_other_keys_give_other_seeds(one, other):
    assert (derived(*one[:2], *one[2]) == derived(*other[:2], *other[2])) == (one == other)
    assert 0 <= derived(*one[:2], *one[2]) < 2**63


def test_seeds_are_the_same_in_every_process_and_version():
    assert derived(1, 2, "order") == 4124724273233143461


@given(keys, st.integers(0, 5))
def test_what_was_drawn_before_does_not_matter(key, count):
    with left_alone():
        seed_all(*key[:2], *key[2])
        first = draws()
        for _ in range(count):
            draws()
        seed_all(*key[:2], *key[2])
        assert draws() == first
        assert len(set(first)) == 3


def test_each_generator_moves_with_the_seed_the_epoch_and_the_purpose():
    seen = []
    with left_alone():
        for key in ((0, 1, "a"), (1, 1, "a"), (0, 2, "a"), (0, 1, "b")):
            seed_all(*key)
            seen.append([*draws(), torch.rand((), generator=generator(*key)).item()])
    assert all(len(set(column)) == 4 for column in zip(*seen, strict=True))


def test_what_is_drawn_inside_leaves_the_generators_alone():
    with left_alone():
        seed_all(0, 0)
        wanted = draws()
        seed_all(0, 0)
        with left_alone():
            seed_all(1, 1)
            draws()
        assert draws() == wanted
