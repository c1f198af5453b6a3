"""Hyperband's brackets are those of its paper, and each of them is successive halving by itself."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.hyperband import Hyperband, rungs_of_brackets
from search.core.pruning import Asha


def test_brackets_are_those_of_the_paper() -> None:
    """Table 1 of Li et al. 2018, R = 81 and eta = 3: configurations and first epochs of each bracket."""
    hyperband = Hyperband(1, 3, 81)
    first = [(bracket.rungs or [81])[0] for bracket in hyperband.brackets]
    assert list(zip(hyperband.sizes, first, strict=True))[::-1] == [(81, 1), (34, 3), (15, 9), (8, 27), (5, 81)]
    assert [bracket.rungs for bracket in hyperband.brackets][::-1] == [[1, 3, 9, 27], [3, 9, 27], [9, 27], [27], []]
    assert hyperband.rungs == [1, 3, 9, 27]


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_full_round_has_as_many_configurations_in_each_bracket_as_the_paper(rounds: int) -> None:
    hyperband = Hyperband(1, 3, 81)
    placed = Counter(map(hyperband.bracket_of, range(rounds * 143)))
    assert [placed[s] for s in range(5)] == [rounds * size for size in hyperband.sizes]


def test_a_short_search_has_all_brackets_from_the_most_daring_on() -> None:
    hyperband = Hyperband(3, 3, 27)
    assert [hyperband.bracket_of(number) for number in range(9)] == [2, 1, 2, 0, 2, 1, 2, 0, 2]
    assert hyperband.bracket_of(3) == 0, "asked again"


@given(st.integers(1, 300), st.floats(2, 9), st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_rungs_ascend_before_the_last_epoch_and_no_bracket_begins_before_the_grace_period(
    grace: int, eta: float, longest: int
) -> None:
    brackets = rungs_of_brackets(grace, eta, longest)
    assert brackets[0] == []
    for before, after in itertools.pairwise(brackets):
        assert set(before) <= set(after)
        assert after == sorted(set(after))
        assert grace <= after[0]
        assert after[-1] < longest
    assert longest / eta ** len(brackets) < grace, "one more bracket would begin before it"


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from([1, 3]), st.floats(-1, 1)), max_size=40),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_bracket_decides_as_successive_halving_would_and_a_replay_decides_alike(
    feeds: list[tuple[int, int, float]], maximize: bool
) -> None:
    hyperband = Hyperband(1, 3, 9, maximize)
    alone = [Asha(1, 3, 9, maximize, at=bracket.rungs) for bracket in hyperband.brackets]
    log = []
    for configuration, epoch, value in feeds:
        bracket, key = hyperband.bracket_of(configuration), f"{configuration}"
        known = hyperband.decided(epoch, key, configuration)
        verdict = hyperband.judge(epoch, key, [0.0, value], configuration)
        assert verdict is alone[bracket].feed(epoch, key, value)
        if verdict is not None and not known:
            log.append((epoch, key, {"value": value, **hyperband.about([value], configuration)}, configuration))
            cutoff, words = hyperband.because(epoch, key, configuration)
            assert words.endswith(f"one in 3 goes on, in bracket {bracket} of 2")
            assert cutoff == pytest.approx(alone[bracket].compared(epoch, key)[0], nan_ok=True)
    again = Hyperband(1, 3, 9, maximize)
    for epoch, key, detail, _ in log:
        again.restore(epoch, key, detail)
    for epoch, key, detail, configuration in log:
        assert again.decided(epoch, key, configuration)
        curve = [detail["value"]]
        assert again.judge(epoch, key, curve, configuration) is hyperband.judge(epoch, key, curve, configuration)
