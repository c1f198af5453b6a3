"""Leaves without a row: whoever stands for others is the one that would be chosen among all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import given

from search.core.order import Candidate, Order
from search.engine.decide.untouched import Untouched
from search.study.fold import Fold
from tests.engine.decide.test_forecast import fold as usual

KINDS = ("a", "b")
FIRST_KEYS = "pqrs"


def fold_of(number: int, kind: str, seed: int, first: str, length: int) -> Fold:
    """Return a leaf that no row was fed to; further keys belong to it alone."""
    fold = usual(number, first + "x" * (length - 1))
    fold.leaf = replace(fold.leaf, kind=kind, trial=replace(fold.leaf.trial, seed=seed))
    return fold


FOLDS = st.builds(
    fold_of,
    st.integers(0, 30),
    st.sampled_from(KINDS),
    st.integers(0, 2),
    st.sampled_from(FIRST_KEYS),
    st.integers(1, 3),
)
STEPS = st.lists(FOLDS | st.integers(0, 30) | st.sets(st.sampled_from(FIRST_KEYS)), max_size=60)


@given(STEPS)
def test_the_first_ones_stand_for_all_others(steps: list[Fold | int | set[str]]) -> None:
    """A leaf comes, one is taken off, or it is asked while leases bring some first rows."""
    untouched, known, there = Untouched(), dict[int, Fold](), dict[int, Fold]()
    for step in [*steps, set[str]()]:
        if isinstance(step, Fold):
            number = step.leaf.trial.number
            there[number] = known.setdefault(number, step)  # the leaf of a trial does not become another one
            untouched.add(there[number])
        elif isinstance(step, int):
            untouched.discard(step)
            there.pop(step, None)
        else:
            free = [one for one in there.values() if one.leaf.path[0] not in step]
            found = untouched.first_ones(step)
            assert {id(one) for one in found} <= {id(one) for one in free}
            assert set(Counter((one.leaf.kind, one.leaf.trial.seed, one.remaining) for one in found).values()) <= {1}
            assert bool(found) == bool(free)
            if free:
                for any_order_costs_nothing in (True, False):
                    assert chosen(found, any_order_costs_nothing) == chosen(free, any_order_costs_nothing)
        assert {one.leaf.trial.number for one in untouched} == set(there)
        assert all(untouched.get(number) is one for number, one in there.items())
        for kind in KINDS:
            of_kind = {one.leaf.trial.number for one in untouched.of_kind(kind)}
            assert of_kind == {number for number, one in there.items() if one.leaf.kind == kind}


def chosen(folds: list[Fold], free: bool) -> int:
    """Return whom the order starts."""
    candidates = [Candidate(one.leaf.trial.number, one.leaf.trial.seed, one.remaining) for one in folds]
    return Order().choose(candidates, lambda: None, 0.0, free).number
