"""Scores: what goes in is checked, whole runs are told from others, the same seed twice is one."""

from __future__ import annotations

import numpy as np
import pytest

from search.core.errors import InternalError
from search.statistics.results import Trust
from search.statistics.scores import Ended, RunScores, from_runs, make_scores
from tests.statistics.helpers import difference, golden

F, D, M = Ended.FINISHED, Ended.DIVERGED, Ended.MISSING


def runs(y: np.ndarray) -> list[RunScores]:
    return [RunScores(a, 10 + s, F, y[a, s]) for a in range(y.shape[0]) for s in range(y.shape[1])]


def test_runs_in_any_order() -> None:
    y = golden(3, 3)
    found = from_runs(reversed(runs(y)), 3, 40)
    assert (found.values == y).all()
    assert difference(found, 1, 0) == difference(make_scores(y), 1, 0)


def test_the_same_seed_twice_is_one_seed() -> None:
    y = golden(2, 3)
    twice = [RunScores(0, 10, D), *runs(y), *runs(y), RunScores(1, 12, D)]
    assert difference(from_runs(twice, 2, 40), 1, 0) == difference(make_scores(y), 1, 0)


def test_runs_that_are_not_there_are_missing() -> None:
    found = from_runs([*runs(golden(2, 3))[:5], RunScores(1, 12, D)], 3, 40)
    assert found.ended == ((F, F, F), (F, F, D), (M, M, M))
    assert difference(found, 1, 0).seeds == 2
    assert difference(found, 2, 0).reason == "no seed that both settings finished"
    assert from_runs([], 2, 40).values.shape == (2, 0, 40)


def test_one_training_under_two_settings() -> None:
    y = golden(1, 3)
    shared = [RunScores(a, s, F, y[0, s], f"row {s}") for a in (0, 1) for s in range(3)]
    assert difference(from_runs(shared, 2, 40), 1, 0).state is Trust.SAME_RUN


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([RunScores(3, 0, F, [1, 0])], "setting 3: must be one of 0 to 2"),
        ([RunScores(1, 7, F, [1, 0, 1])], r"scores of setting 1, seed 7: \(3,\), must be one per image, 2"),
        ([RunScores(1, 7, F, [1, float("nan")])], r"must lie in \[0, 1\]; a prediction that is no number is wrong, 0"),
        ([RunScores(1, 7, F, [1, -1])], r"must lie in \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_refused(given: list[RunScores], message: str) -> None:
    with pytest.raises(InternalError, match=message):
        from_runs(given, 3, 2)


def test_shapes_are_checked() -> None:
    with pytest.raises(InternalError, match=r"scores of shape \(2, 3\): must be settings x seeds x images"):
        make_scores(np.ones((2, 3)))
    with pytest.raises(InternalError, match="ended: must be 2 settings x 3 seeds, as the scores"):
        make_scores(golden(2, 3), ended=[[F, F, F]])
    with pytest.raises(InternalError, match="identities: must be 2 settings x 3 seeds"):
        make_scores(golden(2, 3), identities=[["a"], ["b"]])
    with pytest.raises(InternalError, match=r"classes of shape \(3,\): must be one per image, 40"):
        make_scores(golden(2, 3), classes=[0, 1, 2])
    with pytest.raises(InternalError, match=r"groups of shape \(3,\): must be one per image, 40"):
        make_scores(golden(2, 3), groups=[0, 1, 2])


def test_weights_have_mean_1() -> None:
    classes, groups = [0] * 30 + [1] * 10, [0, 0, 0, *range(3, 40)]
    for scores in (make_scores(golden(1, 2), classes=classes), make_scores(golden(1, 2), groups=groups)):
        assert scores.weights.mean() == pytest.approx(1)
        assert scores.weighted
    assert not make_scores(golden(1, 2), groups=range(40)).weighted


def test_groups_and_classes_together_keep_balanced_accuracy() -> None:
    y, classes = golden(1, 2), np.array([0] * 30 + [1] * 10)
    both = make_scores(y, classes=classes, groups=[0, 0, 0, *range(3, 38), 38, 38])
    expected = [(y[0, s, :30].mean() + y[0, s, 30:].mean()) / 2 for s in range(2)]
    assert (both.values * both.weights).mean(axis=-1)[0] == pytest.approx(expected)
    assert both.images == 37


def test_duplicates_need_not_stand_together() -> None:
    """Groups stand in the order of their first image; each is the mean of its images."""
    found = make_scores([[[1, 0, 1, 1, 0, 0]]], groups=["b", "a", "b", "c", "a", "b"])
    assert found.values[0, 0] == pytest.approx([2 / 3, 0, 1])
    assert found.weights == pytest.approx([1.5, 1.0, 0.5])
