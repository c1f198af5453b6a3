"""Levels of planned looks: golden values by another route, and what they keep over a whole path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.statistics.sequential import OVERALL_EQUAL, levels, looks


@pytest.mark.parametrize(
    ("seeds", "alphas", "equals"),
    [
        ((3, 5, 7, 10), [0.000231, 0.004341, 0.015927, 0.043712], [0.001615, 0.014588, 0.038993, 0.084153]),
        ((3, 5, 10), [0.000304, 0.005151, 0.047919], [0.002155, 0.017480, 0.092880]),
        ((5, 10), [0.005166, 0.047992], [0.017645, 0.093356]),
        ((7,), [0.05], [0.10]),
    ],
)
def test_levels_of_looks(seeds: tuple[int, ...], alphas: list[float], equals: list[float]) -> None:
    planned = looks(seeds)
    assert [look.alpha for look in planned] == pytest.approx(alphas, abs=2e-6)
    assert [2 * look.equal_alpha for look in planned] == pytest.approx(equals, abs=2e-6)
    assert [(look.number, look.seeds) for look in planned] == list(enumerate(seeds, start=1))


@given(st.sets(st.integers(3, 40), min_size=1, max_size=6).map(sorted))
@settings(deadline=None, max_examples=6)
def test_any_look_of_a_path_without_a_difference_errs_as_rarely_as_one_table(seeds: list[int]) -> None:
    """Against Brownian paths that are drawn; 60,000 of them have a standard error of .0009."""
    paths = np.random.default_rng(seeds).normal(size=(60_000, len(seeds))) * np.sqrt(np.diff([0, *seeds]) / seeds[-1])
    scores = np.abs(paths.cumsum(axis=1)) / np.sqrt(np.array(seeds) / seeds[-1])
    tails = 2 * (1 - _normal(scores))
    for overall in (0.05, OVERALL_EQUAL):
        each = levels(seeds, overall)
        assert each == sorted(each)
        assert each[-1] <= overall + 1e-9
        assert (tails <= np.array(each)).any(axis=1).mean() == pytest.approx(overall, abs=0.006)


def _normal(values: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(values))


def test_a_look_says_which_it_is() -> None:
    assert looks((3, 5, 7, 10))[1].sentence == (
        "look 2 of 4 (at 3, 5, 7, 10 seeds), decided at 0.00434: all looks together err in 5 %"
    )
