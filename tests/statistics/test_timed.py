"""Times: against `scipy.stats`, and how often they are told apart where they are the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from search.statistics.results import Trust
from search.statistics.timed import timed_cell, timed_difference

SECONDS = st.floats(1e-6, 1e4)
RUNS = st.lists(SECONDS, min_size=2, max_size=8)


def by_seed(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


@given(RUNS, st.data())
def test_a_difference_is_welchs_of_logarithms(ours: list[float], data: st.DataObject) -> None:
    theirs = data.draw(st.lists(SECONDS, min_size=len(ours), max_size=len(ours)))
    found = timed_difference(by_seed(ours), by_seed(theirs))
    if len(set(ours)) == len(set(theirs)) == 1:
        assert (found.state, found.reason) == (Trust.NOT_ESTIMABLE, "identical times")
        return
    if min(np.ptp(np.log(ours)), np.ptp(np.log(theirs))) < 1e-6:
        return  # what scipy returns of so little is rounding
    wanted = stats.ttest_ind(np.log(ours), np.log(theirs), equal_var=False)
    interval = wanted.confidence_interval(0.95)
    assert found.estimate == pytest.approx(math.log(stats.gmean(ours) / stats.gmean(theirs)), abs=1e-9)
    assert found.p == pytest.approx(wanted.pvalue, rel=1e-6, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)
    assert found.df == pytest.approx(wanted.df, rel=1e-6)
    assert (found.gain or 0.0) == -(found.estimate or 0.0)


@given(RUNS)
def test_a_time_has_a_t_interval_of_its_logarithm(values: list[float]) -> None:
    found = timed_cell(by_seed(values), len(values) + 1)
    assert (found.seeds, found.of) == (len(values), len(values) + 1)
    assert found.estimate == pytest.approx(stats.gmean(values))
    if np.ptp(np.log(values)) < 1e-6:
        return
    logs = np.log(values)
    ends = stats.t.interval(0.95, len(values) - 1, logs.mean(), stats.sem(logs))
    assert (found.low, found.high) == pytest.approx(tuple(min(math.exp(min(end, 700)), 1e100) for end in ends))


def test_what_has_no_interval_says_why() -> None:
    assert timed_cell({}, 3).reason == "no seed finished"
    assert timed_cell({0: 1.0}, 3).reason == "a single run"
    assert timed_cell({0: 1.0, 1: 1.0}, 3).reason == "identical times"
    assert timed_difference({0: 1.0}, {1: 1.0}).reason == "no seed that both settings finished"
    one = timed_difference({0: 2.0, 1: 3.0}, {1: 1.0})
    assert one.estimate == math.log(3)
    assert one.reason == "a single run of each tells nothing of how times scatter"
    assert timed_difference({0: 2.0}, {0: 2.0}, same=True).state is Trust.SAME_RUN


def test_only_seeds_that_both_finished_are_compared() -> None:
    both = timed_difference({0: 2.0, 1: 2.1, 7: 900.0}, {0: 1.0, 1: 1.1, 8: 0.001})
    assert both == timed_difference({0: 2.0, 1: 2.1}, {0: 1.0, 1: 1.1})


@pytest.mark.parametrize(("spread", "other"), [(0.05, 0.05), (0.02, 0.2), (0.5, 0.5)])
@pytest.mark.parametrize("seeds", [3, 5])
def test_equal_times_are_told_apart_no_more_often_than_promised(seeds: int, spread: float, other: float) -> None:
    draws = np.random.default_rng([seeds, round(100 * spread)])
    tables = 3000
    false = covered = 0
    for _ in range(tables):
        ours, theirs = (np.exp(draws.normal(-6, sd, seeds)) for sd in (spread, other))
        found = timed_difference(by_seed(ours.tolist()), by_seed(theirs.tolist()))
        false += (found.p or 1.0) <= 0.05
        cell = timed_cell(by_seed(ours.tolist()), seeds)
        covered += (cell.low or 0) <= math.exp(-6) <= (cell.high or 0)
    # Welch's test keeps its level but where three runs of one setting scatter ten times as far as the other's.
    assert false / tables <= (0.075 if seeds == 3 and other > spread else 0.06)
    assert covered / tables == pytest.approx(0.95, abs=0.015)
