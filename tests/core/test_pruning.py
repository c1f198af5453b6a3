"""ASHA as a fold: the same verdicts as Ray's bracket, one per epoch key."""

from __future__ import annotations

import math
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.pruning import Asha, quantile, rungs

VALUES = st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.75, 0.9, -1.0]) | st.floats(-5, 5)
WITH_INFINITIES = VALUES | st.sampled_from([math.inf, -math.inf])
ETAS = st.sampled_from([2, 3, 4, 2.5, 3.0, 4.7])


@pytest.fixture(scope="module")
def bracket():
    """Ray's own class; importing it takes seconds."""
    pytest.importorskip("ray")
    from ray.tune.schedulers.async_hyperband import _Bracket

    return _Bracket


def rays_verdict(theirs: Any, key: str, epoch: int, score: float) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return theirs.on_result(SimpleNamespace(trial_id=key), epoch, score) == "CONTINUE"


@st.composite
def feeds(draw, values=WITH_INFINITIES):
    """Curves of some keys, and the order in which their epochs are committed (each key's own in sequence)."""
    longest = draw(st.integers(2, 30))
    count = draw(st.integers(1, 10))
    curves = [draw(st.lists(values, min_size=longest, max_size=longest)) for _ in range(count)]
    order = draw(st.permutations([key for key in range(count) for _ in range(longest)]))
    grace = draw(st.integers(1, longest))
    return longest, grace, curves, order


@pytest.mark.slow
@given(feeds(), ETAS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_verdicts_equal_rays_on_the_same_keys_in_the_same_order(bracket, feed, eta, maximize):
    longest, grace, curves, order = feed
    ours = Asha(grace, eta, longest, maximize)
    theirs = bracket(grace, longest, eta, 0)
    reached = [0] * len(curves)
    pruned: set[int] = set()
    for key in order:
        if key in pruned or reached[key] == longest - 1:  # Ray ends every trial at max_t without asking its bracket
            continue
        value = curves[key][reached[key]]
        reached[key] += 1
        verdict = ours.feed(reached[key], str(key), value)
        expected = rays_verdict(theirs, str(key), reached[key], value if maximize else -value)
        assert (verdict is not False) == expected
        if verdict is False:
            pruned.add(key)


@pytest.mark.slow
@given(feeds(VALUES), st.sampled_from([1.2, 1.5, 1.9]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_verdicts_equal_rays_at_the_rungs_where_rungs_are_narrow(bracket, feed, eta, maximize):
    """Several of Ray's milestones may lie between two epochs here; fed only where we decide, it decides alike."""
    longest, grace, curves, order = feed
    ours = Asha(grace, eta, longest, maximize)
    theirs = bracket(grace, longest, eta, 0)
    reached = [0] * len(curves)
    for key in order:
        if reached[key] == longest - 1:
            continue
        value = curves[key][reached[key]]
        reached[key] += 1
        verdict = ours.feed(reached[key], str(key), value)
        if verdict is not None:
            assert verdict == rays_verdict(theirs, str(key), reached[key], value if maximize else -value)


@given(st.lists(WITH_INFINITIES, min_size=1, max_size=30), ETAS)
@settings(max_examples=100, deadline=None)
def test_the_quantile_is_numpys_to_the_last_bit(values, eta):
    ordered = sorted(values)
    with np.errstate(invalid="ignore"):
        expected = float(np.percentile(ordered, (1 - 1 / eta) * 100))
    found = quantile(ordered, (1 - 1 / eta) * 100 / 100)
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_unlike_ray_nothing_is_decided_at_the_last_epoch(bracket):
    ours, theirs = Asha(1, 2, 4), bracket(1, 4, 2, 0)
    for key, value in [("a", 1.0), ("b", 0.0)]:
        expected = {"a": True, "b": False}[key]
        assert rays_verdict(theirs, key, 4, value) is expected
        assert ours.feed(4, key, value) is None


def test_unlike_ray_nan_never_goes_on(bracket):
    ours, theirs = Asha(1, 2, 4), bracket(1, 4, 2, 0)
    for key, value in [("first", math.nan), ("a", 0.5), ("later", math.nan)]:
        assert rays_verdict(theirs, key, 1, value) is True
        assert ours.feed(1, key, value) is not math.isnan(value)


def test_unlike_ray_a_late_epoch_is_never_put_into_an_earlier_rung(bracket):
    """Under Ray a trial that goes on from epoch 51 is measured against the 16th, the 4th and the 1st of others."""
    ours, theirs = Asha(1, 4, 64), bracket(1, 64, 4, 0)
    for epoch in (1, 4, 16):
        ours.feed(epoch, "early", 0.9)
        rays_verdict(theirs, "early", epoch, 0.9)
    assert [rays_verdict(theirs, "late", epoch, 0.5) for epoch in (51, 52, 53)] == [False, False, False]
    assert [ours.feed(epoch, "late", 0.5) for epoch in (51, 52, 53)] == [None, None, None]


def test_a_key_is_decided_once_and_answered_alike_ever_after():
    asha = Asha(1, 2, 9)
    assert asha.feed(1, "poor", 0.1) is True  # the first
    assert asha.feed(1, "good", 0.9) is True
    assert asha.feed(1, "fair", 0.4) is False
    for _ in range(3):
        assert [asha.feed(1, key, value) for key, value in [("poor", 0.1), ("good", 0.9), ("fair", 0.4)]] == [
            True,
            True,
            False,
        ]
    # Had the repeats been recorded, the median would be 0.4 and this key would go on.
    assert asha.feed(1, "next", 0.399) is False


def test_rungs_do_not_mix():
    asha = Asha(1, 2, 9)
    assert asha.feed(1, "a", 0.9) is True
    assert asha.feed(2, "b", 0.1) is True
    assert asha.feed(2, "a", 0.0) is False
    assert asha.feed(1, "b", 0.1) is False


@pytest.mark.parametrize(("maximize", "better", "worse"), [(True, 0.9, 0.1), (False, 0.1, 0.9)])
def test_direction_and_ties(maximize, better, worse):
    asha = Asha(1, 3, 9, maximize)
    assert asha.feed(1, "a", better) is True
    assert asha.feed(1, "b", worse) is False
    assert asha.feed(1, "c", better) is True
    assert asha.feed(1, "d", better) is True  # equal to the cutoff


def test_the_quantile_is_one_minus_one_over_eta_interpolated():
    asha = Asha(1, 4, 9)
    for number, value in enumerate([4.0, 8.0, 12.0, 16.0]):
        asha.feed(1, str(number), value)
    # The 0.75 quantile of 4, 8, 12, 16 is 13.
    assert asha.feed(1, "below", math.nextafter(13.0, 0)) is False
    fresh = Asha(1, 4, 9)
    for number, value in enumerate([16.0, 12.0, 8.0, 4.0]):
        fresh.feed(1, str(number), value)
    assert fresh.feed(1, "at", 13.0) is True


def test_nan_does_not_count_for_those_after_it():
    asha = Asha(1, 2, 9)
    assert asha.feed(1, "diverged", math.nan) is False
    assert asha.feed(1, "a", 0.1) is True  # the first known value
    assert asha.feed(1, "b", 0.05) is False


@pytest.mark.parametrize(
    ("grace", "eta", "longest", "expected"),
    [
        (1, 3, 27, [1, 3, 9]),  # none at the last epoch
        (1, 3, 28, [1, 3, 9, 27]),
        (1, 4, 64, [1, 4, 16]),
        (5, 3, 100, [5, 15, 45]),
        (5, 2, 5, []),
        (5, 2, 4, []),
        (1, 2, 1, []),
        (1, 2, 2, [1]),
        (1, 2.5, 20, [1, 3, 7, 16]),  # 2.5, 6.25, 15.625 rounded up
        (1, 1.2, 6, [1, 2, 3, 4, 5]),  # each epoch once
        (1, 1e300, 100, [1]),
        (3, 1.0000001, 9, [3, 4, 5, 6, 7, 8]),  # each epoch, in as many steps
        (1, 1 + 2**-52, 6, [1, 2, 3, 4, 5]),
    ],
)
def test_rungs(grace, eta, longest, expected):
    assert rungs(grace, eta, longest) == expected
    assert Asha(grace, eta, longest).rungs == expected


@given(st.integers(1, 20), ETAS, st.integers(1, 200))
def test_rungs_ascend_between_the_grace_period_and_the_end(grace, eta, longest):
    found = rungs(grace, eta, longest)
    assert found == sorted(set(found))
    assert all(grace <= epoch < longest for epoch in found)
    assert (grace in found) == (grace < longest)


@given(st.integers(1, 30), st.floats(1.02, 1.5) | st.integers(2, 100).map(lambda n: 1 + 1 / n), st.integers(1, 400))
def test_rungs_of_a_small_factor_are_those_of_all_its_powers(grace, eta, longest):
    powers = (math.ceil(grace * eta**exponent) for exponent in range(1_000))
    assert rungs(grace, eta, longest) == sorted({epoch for epoch in powers if epoch < longest})


class Counted(float):
    """A factor that counts how many powers are asked of it."""

    powers = 0

    def __pow__(self, exponent, modulus=None):
        Counted.powers += 1
        return float(self) ** exponent


@pytest.mark.parametrize("eta", [1 + 10.0**-digits for digits in range(1, 16)])
def test_no_factor_asks_for_more_powers_than_there_are_epochs(eta):
    Counted.powers = 0
    found = rungs(2, Counted(eta), 5_000)
    assert Counted.powers <= 2 * 5_000
    assert found == sorted(set(found))


@given(feeds(WITH_INFINITIES | st.just(math.nan)), ETAS)
@settings(max_examples=40, deadline=None)
def test_a_replay_of_the_log_gives_the_same_verdicts(feed, eta):
    longest, grace, curves, order = feed
    log = []
    live = Asha(grace, eta, longest)
    reached = [0] * len(curves)
    for key in order:
        value = curves[key][reached[key]]
        reached[key] += 1
        log.append((reached[key], str(key), value, live.feed(reached[key], str(key), value)))
    replay = Asha(grace, eta, longest)
    for epoch, key, value, verdict in log:
        assert replay.feed(epoch, key, value) is verdict
    # And a log that holds entries twice, as after a crash between writing and acting.
    doubled = Asha(grace, eta, longest)
    for epoch, key, value, verdict in log:
        assert doubled.feed(epoch, key, value) is doubled.feed(epoch, key, math.nan) is verdict


@given(st.lists(VALUES, min_size=1, max_size=12), ETAS, st.booleans())
def test_what_a_value_was_compared_with_explains_its_verdict(values, eta, maximize):
    asha = Asha(1, eta, 2, maximize)
    for number, value in enumerate(values):
        goes_on = asha.feed(1, str(number), value)
        cutoff, count = asha.compared(1, str(number))
        assert count == number
        assert math.isnan(cutoff) == (count == 0)
        assert goes_on is not (value < cutoff if maximize else value > cutoff)
    with pytest.raises(KeyError):
        asha.compared(1, "another")
