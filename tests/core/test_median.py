"""The median rule: a golden sequence worked out by hand, and the paper's sentence over any order."""

from __future__ import annotations

import math
from statistics import fmean, median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.median import MedianRule


def judged(rule: MedianRule, name: str, curve: list[float]) -> list[bool | None]:
    """Feed a curve epoch by epoch until the rule ends it; a trial that is not ended has finished."""
    said: list[bool | None] = []
    for epoch in range(1, len(curve) + 1):
        said.append(rule.judge(epoch, f"{name}{epoch}", curve[:epoch]))
        if said[-1] is False:
            return said
    rule.finished([f"{name}{epoch}" for epoch in range(1, len(curve) + 1)])
    return said


def test_a_golden_sequence() -> None:
    """Averages up to epoch 2: a .5, b .3, c .6; up to 3: a .6, b .4, c .6. Medians: .5 at epoch 2, .6 at epoch 3."""
    rule = MedianRule(2, 3, 4)
    for name, curve in (("a", [0.4, 0.6, 0.8, 1.0]), ("b", [0.2, 0.4, 0.6, 0.6]), ("c", [0.5, 0.7, 0.6, 0.9])):
        assert judged(rule, name, curve) == [None, True, True, None], "none is ended before three have finished"
    assert judged(rule, "d", [0.1, 0.49, 0.9, 0.9]) == [None, False]
    assert judged(rule, "e", [0.5, 0.1, 0.1, 0.1]) == [None, True, False], "its best so far, a tie at epoch 2"
    assert judged(rule, "f", [0.6, 0.0, 0.0, 0.0]) == [None, True, True, None]
    cutoff, words = rule.because(3, "e3")
    assert (cutoff, words) == (
        pytest.approx(0.6),
        "the median of the averages up to there of the 3 trainings that had finished",
    )
    assert rule.judge(2, "d2", [9.0, 9.0]) is False, "a key is decided once"


def test_what_was_ended_is_compared_with_nobody_and_a_shared_training_counts_once() -> None:
    rule = MedianRule(1, 1, 3, maximize=False)
    assert judged(rule, "a", [0.5, 0.5, 0.5]) == [True, True, None]
    assert judged(rule, "b", [0.9]) == [False]
    assert judged(rule, "c", [0.3, 0.3, 0.3]) == [True, True, None]
    for _ in range(5):  # trials that differ in how they are stopped alone
        rule.finished(["a1", "a2", "a3"])
    assert judged(rule, "d", [0.41]) == [False], "the median of .5 and .3"
    assert judged(rule, "e", [0.4, 0.4, 0.4]) == [True, True, None]


def test_nan_never_goes_on_and_the_last_epoch_is_the_end_anyway() -> None:
    rule = MedianRule(1, 5, 2)
    assert rule.judge(1, "a", [math.nan]) is False
    assert rule.judge(2, "b", [0.1, 0.1]) is None
    assert list(rule.rungs) == [1]


@given(
    st.lists(st.lists(st.integers(-3, 3).map(float), min_size=4, max_size=4), max_size=12),
    st.booleans(),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_it_does_what_the_paper_says_and_a_replay_decides_alike(
    curves: list[list[float]], maximize: bool, least: int
) -> None:
    rule, again, complete = MedianRule(1, least, 4, maximize), MedianRule(1, least, 4, maximize), []
    sign = 1 if maximize else -1
    log: list[Any] = []
    for number, curve in enumerate(curves):
        for epoch in range(1, 4):
            averages = [fmean(other[:epoch]) for other in complete]
            best = max(sign * value for value in curve[:epoch])
            poor = len(complete) >= least and best < sign * median(averages)
            assert rule.judge(epoch, f"{number}.{epoch}", curve[:epoch]) is not poor
            log.append((epoch, f"{number}.{epoch}", rule.about(curve[:epoch]), not poor))
            if poor:
                break
        else:
            complete.append(curve)
            rule.finished([f"{number}.{epoch}" for epoch in range(1, 5)])
            log.append([f"{number}.{epoch}" for epoch in range(1, 5)])
    for entry in log:
        if isinstance(entry, list):
            again.finished(entry)
        else:
            again.restore(*entry[:3])
            assert again.judge(entry[0], entry[1], [0.0]) is entry[3]
