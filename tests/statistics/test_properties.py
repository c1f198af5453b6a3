"""What holds for every table of booleans, whole or not: no NaN, no warning, no order, no side."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.statistics.cell import cell
from search.statistics.families import family
from search.statistics.power import assumed, need
from search.statistics.results import Trust
from search.statistics.scores import Ended, Scores, make_scores
from search.statistics.verdicts import best, better, equal
from tests.statistics.helpers import difference, differences


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@st.composite
def arrays(draw: st.DrawFn, least: tuple[int, int, int] = (1, 0, 0), most: tuple[int, int, int] = (4, 9, 12)) -> Any:
    """Settings x seeds x images of booleans, often equal, constant, or equal from seed to seed."""
    shape = tuple(draw(st.integers(low, high)) for low, high in zip(least, most, strict=True))
    kind = draw(st.sampled_from(["random", "rare", "same seeds", "same settings", "constant"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    y = rng.random(shape) < {"rare": 0.05, "constant": draw(st.sampled_from([0.0, 1.0]))}.get(kind, 0.6)
    if kind == "same seeds" and shape[1]:
        y[:] = y[:, :1]
    if kind == "same settings":
        y[:] = y[:1]
    return y


@st.composite
def tables(draw: st.DrawFn) -> Scores:
    """Scores with runs that did not finish, classes and duplicates."""
    y = draw(arrays())
    a, s, n = y.shape
    ends = st.sampled_from([Ended.FINISHED] * 6 + [Ended.DIVERGED, Ended.MISSING, Ended.PRUNED])
    ended = draw(st.none() | st.lists(st.lists(ends, min_size=s, max_size=s), min_size=a, max_size=a))
    per_image = st.none() | st.lists(st.integers(0, 3), min_size=n, max_size=n)
    scores = make_scores(y, ended=ended, classes=draw(per_image), groups=draw(per_image))
    return scores.at_chance(4) if draw(st.booleans()) else scores


def finite(value: Any) -> bool:
    """Return whether no number in a result is NaN or infinite."""
    if isinstance(value, dict):
        return all(finite(item) for item in value.values())
    if isinstance(value, tuple | list):
        return all(finite(item) for item in value)
    return not isinstance(value, float | np.floating) or math.isfinite(value)


@pytest.mark.slow
@given(tables())
@settings(max_examples=30, deadline=None)
def test_every_table_has_an_answer(scores: Scores) -> None:
    found = differences(scores, 0)
    adjusted = family(found)
    assert finite(list(adjusted.adjusted))
    for one, p in zip(found, adjusted.adjusted, strict=True):
        if one is None:
            continue
        assert finite(asdict(one))
        known = one.state in (Trust.ESTIMATED, Trust.ONE_RUN)
        assert known == (one.low is not None) == (one.high is not None) == (one.p is not None)
        if one.low is not None and one.high is not None and one.estimate is not None and one.p is not None:
            assert -1 <= one.low <= one.high <= 1
            assert one.low < one.high
            assert 0 <= one.p <= 1
            if one.state is Trust.ESTIMATED:
                assert one.low <= one.estimate <= one.high
        else:
            assert one.reason or one.state is Trust.SAME_RUN
        for verdict in (better(one, p, margin=0.02), better(one, p, by=0.02), equal(one, 0.02), best({"b": one})):
            assert verdict.reason
            assert finite(dict(verdict.evidence))
        assert need(one, assumed()).sentence
    for a in range(scores.settings):
        cell_found = cell(scores, a)
        assert finite(asdict(cell_found))
        if cell_found.low is not None and cell_found.high is not None and cell_found.estimate is not None:
            assert 0 <= cell_found.low <= cell_found.estimate <= cell_found.high <= 1
            assert cell_found.low < cell_found.high


@given(arrays(least=(2, 1, 2)), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_seeds_images_and_other_settings_is_nothing(y: Any, random: Any) -> None:
    orders = [list(range(size)) for size in y.shape]
    for order in orders:
        random.shuffle(order)
    others, seeds, images = orders
    others = [0, 1, *(a for a in others if a > 1)]
    moved = y[others][:, seeds][:, :, images]
    close(difference(make_scores(y), 1, 0), difference(make_scores(moved), 1, 0))
    one, other = cell(make_scores(y), 0), cell(make_scores(moved), 0)
    assert (one.low, one.high, one.df) == pytest.approx((other.low, other.high, other.df), abs=1e-12)


@given(arrays(least=(2, 1, 2)))
@settings(max_examples=50, deadline=None)
def test_the_other_way_round_only_the_sign_changes(y: Any) -> None:
    there, back = difference(make_scores(y), 1, 0), difference(make_scores(y), 0, 1)
    assert (there.estimate, there.low, there.high) == pytest.approx(negative(back), abs=1e-12)
    assert (there.p, there.df) == pytest.approx((back.p, back.df), abs=1e-12)


@given(arrays(least=(2, 1, 2)))
@settings(max_examples=50, deadline=None)
def test_right_and_wrong_exchanged_only_the_sign_changes(y: Any) -> None:
    one, other = difference(make_scores(y), 1, 0), difference(make_scores(~y), 1, 0)
    assert (one.estimate, one.low, one.high) == pytest.approx(negative(other), abs=1e-12)
    assert one.p == pytest.approx(other.p, abs=1e-12)
    mirrored, plain = cell(make_scores(~y), 0), cell(make_scores(y), 0)
    assert mirrored.low is not None
    assert plain.high is not None
    assert mirrored.low == pytest.approx(1 - plain.high, abs=1e-12)


@given(arrays(least=(2, 2, 4)))
@settings(max_examples=30, deadline=None)
def test_equal_classes_are_balanced_already(y: Any) -> None:
    y = y[:, :, : y.shape[2] // 2 * 2]
    classes = [0, 1] * (y.shape[2] // 2)
    close(difference(make_scores(y), 1, 0), difference(make_scores(y, classes=classes), 1, 0))


@given(arrays(least=(2, 2, 2)), st.integers(2, 4))
@settings(max_examples=30, deadline=None)
def test_every_image_twice_is_every_image_once(y: Any, times: int) -> None:
    many = make_scores(np.repeat(y, times, axis=-1), groups=np.repeat(np.arange(y.shape[2]), times))
    close(difference(make_scores(y), 1, 0), difference(many, 1, 0))


def close(one: Any, other: Any) -> None:
    """Check that two differences agree beyond rounding."""
    names = ("estimate", "low", "high", "p", "variance", "df")
    assert one.state is other.state
    assert [getattr(one, name) for name in names] == pytest.approx([getattr(other, name) for name in names], abs=1e-12)


def negative(difference: Any) -> tuple[float, float, float]:
    """Return estimate and ends with their signs changed."""
    return -difference.estimate, -difference.high, -difference.low
