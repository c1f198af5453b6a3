"""Runs that did not learn: the golden values, what is flagged and what is not, and what they do to a table."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from search.statistics.cell import cell
from search.statistics.crossed import compare
from search.statistics.measure import ACCURACY, Measure
from search.statistics.scores import Ended, make_scores
from search.statistics.stuck import Flag, Stuck, _median_without, failing_share, flags, qn, without
from tests.statistics.test_properties import arrays, finite

LOSS = Measure(low=0.0, higher_is_better=False)


def table(means: list[list[float]], images: int) -> np.ndarray:
    """Return right and wrong of runs with these accuracies, as near as whole images allow."""
    counts = np.rint(np.array(means) * images)
    return np.arange(images) < counts[..., None]


def test_golden_values() -> None:
    assert qn([0.8, 0.81, 0.79, 0.8, 0.1]) == pytest.approx(0.018753, abs=5e-7)
    y = table([[0.80, 0.81, 0.10], [0.82, 0.80, 0.81], [0.79, 0.80, 0.78]], 340)
    (found,) = flags(make_scores(y), 0.1)
    assert (found.setting, found.seed, found.why, found.outcome) == (0, 2, Stuck.NOT_LEARNED, True)
    assert (found.mean, found.siblings) == pytest.approx((0.1, 0.805), abs=0.002)


def test_the_share_of_failing_runs_is_that_of_clopper_and_pearson() -> None:
    assert failing_share(1, 3) == pytest.approx((0.008, 0.906), abs=0.001)
    for failed, runs in ((0, 3), (3, 3), (1, 10), (2, 5)):
        exact = stats.binomtest(failed, runs).proportion_ci(method="exact")
        assert failing_share(failed, runs) == pytest.approx((exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize("count", [5, 6, 9, 10, 11, 40])
def test_qn_estimates_the_sd_of_normal_runs(count: int) -> None:
    drawn = np.random.default_rng(count).standard_normal((2000, count))
    assert np.mean([qn(row) for row in drawn.tolist()]) == pytest.approx(1, abs=0.1)


def test_two_runs_are_held_against_the_other_settings() -> None:
    y = table([[0.80, 0.10], [0.82, 0.80], [0.79, 0.80]], 340)
    assert [(one.setting, one.seed) for one in flags(make_scores(y), 0.1)] == [(0, 1)]
    assert flags(make_scores(y[:1]), 0.1) == []
    assert flags(make_scores(y[:2, :1]), 0.1) == []


def test_without_a_chance_level_a_run_is_far_below_its_siblings() -> None:
    y = np.random.default_rng(0).gamma(2, 1, (3, 3, 400))
    y[1, 2] += 5
    (found,) = flags(make_scores(y, measure=LOSS))
    assert (found.setting, found.seed, found.why) == (1, 2, Stuck.FAR_BELOW)
    assert found.mean > (found.siblings or 0)
    # 5 above a chance of 4 did not learn; above a chance of 30 it did
    assert flags(make_scores(y, measure=replace(LOSS, untrained=4.0)))[0].why is Stuck.NOT_LEARNED
    assert flags(make_scores(y, measure=replace(LOSS, untrained=30.0))) == []


def test_a_whole_setting_at_chance_is_a_figure_and_no_outcome() -> None:
    y = table([[0.10, 0.11, 0.10], [0.82, 0.80, 0.81], [0.79, 0.80, 0.78]], 340)
    found = flags(make_scores(y), 0.1)
    assert [(one.setting, one.why, one.outcome) for one in found] == [(0, Stuck.AT_CHANCE, False)] * 3
    assert without(make_scores(y), found, 0) is None


def test_the_second_line_needs_two_runs() -> None:
    y = table([[0.80, 0.81, 0.10], [0.82, 0.80, 0.81]], 340)
    scores = make_scores(y)
    found = flags(scores, 0.1)
    left = without(scores, found, 1, 0)
    assert left is not None
    assert compare(left, [(1, 0)])[0].seeds == 2
    assert cell(left, 0).per_seed == pytest.approx([0.8, 0.81], abs=0.002)
    assert without(scores, found, 1) is None
    two = [Flag(0, s, Stuck.NOT_LEARNED, 0.1, 0.8) for s in (1, 2)]
    assert without(scores, two, 0) is None


@given(arrays(least=(1, 0, 0)), st.none() | st.floats(0.05, 0.5))
@settings(max_examples=150, deadline=None)
def test_every_table_has_an_answer(y: Any, chance: float | None) -> None:
    found = flags(make_scores(y), chance)
    assert finite([asdict(one) for one in found])
    turned = flags(make_scores(1.0 - y, measure=replace(ACCURACY, higher_is_better=False, correctness=False)), 0.5)
    same = flags(make_scores(y.astype(float), measure=replace(ACCURACY, correctness=False)), 0.5)
    assert [(one.setting, one.seed, one.why) for one in turned] == [(one.setting, one.seed, one.why) for one in same]


@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_settings_and_seeds_is_nothing(seed: int, random: Any) -> None:
    y = np.random.default_rng(seed).random((4, 5, 60)) < 0.8
    y[2, 3] = np.random.default_rng(seed).random(60) < 0.1
    a, s = list(range(4)), list(range(5))
    random.shuffle(a)
    random.shuffle(s)
    one, other = flags(make_scores(y), 0.1), flags(make_scores(y[a][:, s]), 0.1)
    assert {(f.setting, f.seed, f.why) for f in one} == {(a[f.setting], s[f.seed], f.why) for f in other}


def test_diverged_runs_are_another_outcome() -> None:
    y = table([[0.80, 0.81, 0.10], [0.82, 0.80, 0.81]], 340)
    ended = [[Ended.FINISHED, Ended.FINISHED, Ended.DIVERGED], [Ended.FINISHED] * 3]
    assert flags(make_scores(y, ended=ended), 0.1) == []


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_run_among_many_settings_takes_no_more_medians(seeds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    median, asked = np.median, dict[int, int]()
    for settings_ in (20, 80):
        y, taken = table([[0.8] * seeds] * (settings_ - 1) + [[0.1] * seeds], 50), 0

        def counted(values: Any) -> Any:
            nonlocal taken
            taken += 1
            return median(values)

        monkeypatch.setattr(np, "median", counted)
        found = flags(make_scores(y), 0.1)
        monkeypatch.undo()
        assert {one.setting for one in found} == {settings_ - 1}
        asked[settings_] = taken
    assert asked[80] <= 4 * asked[20]


def test_the_median_of_the_others() -> None:
    assert [_median_without(values, values[0]) for values in ([3.0], [1.0, 4.0], [1.0, 4.0, 5.0])] == [None, 4.0, 4.5]
    assert [_median_without([1.0, 4.0, 4.0, 7.0], value) for value in (1.0, 4.0, 7.0)] == [4.0, 4.0, 4.0]
