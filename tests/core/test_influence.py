"""Influence values: the golden values, scikit-learn's figures, and derivatives by the weight of an example."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from search.core.errors import InternalError
from search.core.influence import auc, balanced_accuracy, calibration, jackknife, macro_f1, root_mean


def test_golden_values_of_macro_f1() -> None:
    phi = macro_f1([int(c) for c in "0000111220"], [int(c) for c in "0010110210"])
    assert phi.mean() == pytest.approx(0.679365, abs=5e-7)
    assert phi[[0, 2, 7]] == pytest.approx([0.812698, 0.140590, 1.420106], abs=5e-7)


def test_golden_values_of_auc() -> None:
    phi = auc([1, 1, 1, 0, 0, 0, 0], [0.9, 0.6, 0.4, 0.5, 0.4, 0.3, 0.1])
    assert phi.mean() == pytest.approx(0.875)
    expected = [1.166667, 1.166667, 0.291667, 0.510417, 0.802083, 1.09375, 1.09375]
    assert phi == pytest.approx(expected, abs=5e-7)


def test_golden_values_of_the_root_of_a_mean() -> None:
    phi = root_mean([1, 4, 9, 0])
    assert phi.mean() == pytest.approx(1.870829, abs=5e-7)
    assert phi == pytest.approx([1.202676, 2.004459, 3.340766, 0.935414], abs=5e-7)
    assert (root_mean([[0, 0], [0, 2]]) == [[0, 0], [0.5, 1.5]]).all()


def test_golden_values_of_the_calibration_error() -> None:
    """By hand: bins of a half; in the lower one 1 of 2 is right at .3 and .5, in the upper one 1 of 2 at .8 and 1."""
    phi = calibration([True, False, True, False], [0.3, 0.5, 0.8, 1.0], bins=2)
    assert phi == pytest.approx([0.7, -0.5, -0.2, 1.0])
    assert phi.mean() == pytest.approx(abs(1 - 0.8) / 4 + abs(1 - 1.8) / 4)
    assert calibration([True, True], [0.0, 1.0]).mean() == 0.5, "0 lies in the first bin"


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_the_calibration_error_is_the_mean_gap_of_its_bins(pairs: list[tuple[bool, float]]) -> None:
    right, confidence = (np.array(column) for column in zip(*pairs, strict=True))
    edges = np.linspace(0, 1, 16)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high) | ((low == 0) & (confidence == 0))
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration(right, confidence).mean() == pytest.approx(total, abs=1e-6)


CLASSES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=2, max_size=14)


def by_weights(weighted: Callable[[np.ndarray], float], n: int) -> np.ndarray:
    """Return T + dT / dw_i with weights w of mean 1, by differences of the weighted metric."""
    step, result = 1e-6, np.empty(n)
    for i in range(n):
        more, less = np.ones(n), np.ones(n)
        more[i], less[i] = 1 + step, 1 - step
        result[i] = weighted(np.ones(n)) + n * (weighted(more) - weighted(less)) / (2 * step)
    return result


@given(CLASSES)
@settings(max_examples=15, deadline=None)
def test_macro_f1_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    t, p = (np.array(column) for column in zip(*pairs, strict=True))

    def weighted(w: np.ndarray) -> float:
        labels = np.unique(t)
        return float(metrics.f1_score(t, p, labels=labels, average="macro", sample_weight=w, zero_division=0))

    assert macro_f1(t, p).mean() == pytest.approx(weighted(np.ones(len(t))), abs=1e-12)
    assert macro_f1(t, p) == pytest.approx(by_weights(weighted, len(t)), abs=1e-6)


@given(CLASSES)
@settings(max_examples=15, deadline=None)
def test_balanced_accuracy_is_the_mean_recall(pairs: list[tuple[int, int]]) -> None:
    t, p = (np.array(column) for column in zip(*pairs, strict=True))

    def weighted(w: np.ndarray) -> float:
        return float(np.mean([np.average(p[t == c] == c, weights=w[t == c]) for c in np.unique(t)]))

    phi = balanced_accuracy(t, p)
    assert phi.mean() == pytest.approx(weighted(np.ones(len(t))), abs=1e-12)
    assert phi == pytest.approx(by_weights(weighted, len(t)), abs=1e-6)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=10))
@settings(max_examples=15, deadline=None)
def test_auc_is_that_of_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    labels, scores = np.array([True, False, *(a for a, _ in pairs)]), np.array([3, 2, *(b for _, b in pairs)])
    phi = auc(labels, scores)
    assert phi.mean() == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)

    def weighted(w: np.ndarray) -> float:
        return float(metrics.roc_auc_score(labels, scores, sample_weight=w))

    assert phi == pytest.approx(by_weights(weighted, len(labels)), abs=1e-5)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_the_jackknife_of_a_mean_is_the_example(y: list[float]) -> None:
    values = np.array(y)
    assert jackknife(lambda at: float(values[at].mean()), len(y)) == pytest.approx(values, rel=1e-9, abs=1e-6)


def test_the_jackknife_of_another_metric_comes_near_the_influence_values() -> None:
    y = np.random.default_rng(0).exponential(size=400)
    phi = jackknife(lambda at: float(np.sqrt(y[at].mean())), len(y))
    assert phi.mean() == pytest.approx(float(np.sqrt(y.mean())), abs=1e-12)
    assert phi == pytest.approx(root_mean(y), abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auc([1, 1], [0.1, 0.2]), "must hold positive and negative examples"),
        (lambda: auc([1, 0], [0.1, float("nan")]), "must be numbers, and hold NaN"),
        (lambda: macro_f1([1, 0], [1]), r"shapes \(2,\) and \(1,\): must be equal"),
        (lambda: jackknife(lambda at: 1.0, 1), "jackknife of 1 examples: at least 2 are needed"),
        (lambda: jackknife(lambda at: float("nan"), 3), "no finite number with some example left out"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InternalError, match=message):
        call()


def test_no_example_has_no_influence() -> None:
    assert macro_f1([], []).shape == balanced_accuracy([], []).shape == root_mean([]).shape == (0,)
