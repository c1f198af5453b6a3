"""Single runs: Wilson, Bonett-Price, McNemar."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from search.statistics.results import Trust
from search.statistics.scores import make_scores
from search.statistics.single import bonett_price, mcnemar, wilson
from tests.statistics.helpers import difference


def pair(b: int, c: int, n: int) -> np.ndarray:
    """Return a baseline and a setting that differ in b + c images."""
    y = np.zeros((2, 1, n), dtype=bool)
    y[1, 0, :b] = True
    y[0, 0, b : b + c] = True
    return y


def test_golden_values() -> None:
    assert bonett_price(9, 5, 137) == pytest.approx((-0.027422, 0.084976), abs=5e-7)
    assert mcnemar(9, 5) == pytest.approx(0.423950, abs=5e-7)
    assert bonett_price(0, 0, 137) == pytest.approx((-0.019941, 0.019941), abs=5e-7)
    assert mcnemar(0, 0) == 1.0


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (1, 1), (74, 137), (75, 137), (136, 137), (1019, 1020)])
def test_wilson_is_that_of_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_one_seed_is_answered_for_this_run_alone() -> None:
    found = difference(make_scores(pair(9, 5, 137)), 1, 0)
    assert (found.state, found.discordant, found.seeds) == (Trust.ONE_RUN, (9, 5), 1)
    assert (found.estimate, found.low, found.high, found.p) == pytest.approx(
        (4 / 137, -0.027422, 0.084976, 0.423950), abs=5e-7
    )
    assert not found.decidable
    assert found.noise == ""


def test_certain_differences_stay_within_bounds() -> None:
    found = difference(make_scores(pair(2, 0, 2)), 1, 0)
    assert found.estimate == 1.0
    assert found.high == 1.0


@pytest.mark.parametrize("classes", [None, [0] * 30 + [1] * 10])
def test_weighted_images_get_the_t_interval(classes: list[int] | None) -> None:
    y = pair(9, 5, 40)
    groups = None if classes else [0, 0, *range(2, 40)]
    scores = make_scores(y, classes=classes, groups=groups)
    found = difference(scores, 1, 0)
    d = scores.analysed(1, np.array([0]))[0] - scores.analysed(0, np.array([0]))[0]
    expected = stats.ttest_1samp(d, 0)
    assert (found.state, found.discordant) == (Trust.ONE_RUN, None)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    ties = difference(make_scores(np.repeat(y[:1], 2, axis=0), classes=classes, groups=groups), 1, 0)
    assert ties.p == 1.0
    assert ties.low is not None
    assert ties.low < 0
