"""What a sampled study may say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from search.core.errors import InternalError
from search.statistics.sampled import best_so_far, expected_best, too_few, why_no_expected_best


def test_golden_value() -> None:
    assert expected_best([0.7, 0.5, 0.8, 0.6])[1] == pytest.approx(0.733333, abs=5e-7)


def test_it_is_the_mean_over_all_subsets() -> None:
    values = [0.31, 0.9, 0.2, 0.77, 0.5, 0.5, 0.64]
    for k in range(1, 8):
        subsets = [max(subset) for subset in itertools.combinations(values, k)]
        assert expected_best(values)[k - 1] == pytest.approx(np.mean(subsets), abs=1e-14)


def test_ends_and_order() -> None:
    values = np.random.default_rng(1).random(3000)
    curve = expected_best(values)
    assert (curve[0], curve[-1]) == pytest.approx((values.mean(), values.max()), abs=1e-12)
    assert (np.diff(curve) >= -1e-15).all()
    assert expected_best([]).tolist() == []
    assert expected_best([0.4]).tolist() == [0.4]


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(InternalError, match="must be a list of finite numbers; count a diverged trial at chance"):
        expected_best([0.5, float("nan")])


def test_only_independent_full_trials_have_the_curve() -> None:
    assert why_no_expected_best("random", [10, 10], 0) == ""
    assert why_no_expected_best("tpe", [10], 0) == (
        "settings of the sampler tpe depend on one another; only independent random ones are exchangeable"
    )
    assert why_no_expected_best("random", [10, 10], 1).startswith("1 setting was pruned")
    assert why_no_expected_best("random", [10, 10], 0, 2).startswith("2 settings were not finished; the expected best")
    assert why_no_expected_best("random", [10, 20], 0).startswith("settings have different lengths")
    assert why_no_expected_best("random", [], 0) == "no setting is complete"


def test_best_so_far() -> None:
    assert best_so_far([None, 0.2, 0.1, None, 0.3], True) == [None, 0.2, 0.2, 0.2, 0.3]


def test_few_trials() -> None:
    assert too_few(29) == "too few: 29 complete settings, importances need 30"
    assert too_few(30) == ""
