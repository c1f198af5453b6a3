"""Randomness as tables: fixed for ever, independent, stable under more images."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from classifier.draws import generator, permutation, table

GOLDEN_TABLE = [
    [0.14688557936544222, 0.1715406894590087, 0.7664677961573004],
    [0.36892111593315546, 0.12628653701721781, 0.14373806216997298],
]
GOLDEN_PERMUTATION = [5, 9, 1, 4, 8, 6, 0, 3, 7, 2]
GOLDEN_RAW = [6115981395459900553, 6401440486263517477]


def test_golden_values() -> None:
    """These bits are part of every recorded row: a change here voids the ledger."""
    assert table(0, 1, "augment.crop", 2, 3).tolist() == GOLDEN_TABLE
    assert permutation(0, 1, 10).tolist() == GOLDEN_PERMUTATION
    assert generator(3, "weights", "conv1").bit_generator.random_raw(2).tolist() == GOLDEN_RAW


def test_a_row_does_not_depend_on_how_many_images_there_are() -> None:
    assert np.array_equal(table(5, 2, "x", 1000, 7)[:13], table(5, 2, "x", 13, 7))
    longer = permutation(5, 2, 1000)
    assert np.array_equal(longer[longer < 13], permutation(5, 2, 13))


def test_every_argument_counts() -> None:
    streams = [
        table(0, 1, "a", 4, 2),
        table(1, 1, "a", 4, 2),
        table(0, 2, "a", 4, 2),
        table(0, 1, "b", 4, 2),
        table(1, 0, "a", 4, 2),
        generator(0, "table", 1, "a", "").random((4, 2)),
        generator(0, "table", "1", "a").random((4, 2)),
        generator(0, "table", 1, "a1").random((4, 2)),
        generator(-1, "table", 1, "a").random((4, 2)),
    ]
    values = np.concatenate([stream.ravel() for stream in streams])
    assert len(set(values.tolist())) == values.size


def test_lengths_and_types_of_a_purpose_are_part_of_it() -> None:
    draws = {
        generator(0, *purpose).random() for purpose in [("ab", "c"), ("a", "bc"), ("abc",), (1, 2), (12,), ("12",)]
    }
    assert len(draws) == 6


def test_numpy_integers_and_python_ones_are_the_same() -> None:
    assert np.array_equal(table(np.int64(3), np.int32(1), "a", 4, 2), table(3, 1, "a", 4, 2))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        generator(0, 1.5)  # type: ignore[arg-type]


def test_draws_are_uniform_and_uncorrelated() -> None:
    draws = table(11, 1, "a", 20_000, 4)
    assert draws.dtype == np.float64
    assert draws.min() >= 0
    assert draws.max() < 1
    assert all(stats.kstest(column, "uniform").pvalue > 1e-3 for column in draws.T)
    others = np.concatenate((draws, table(11, 2, "a", 20_000, 4), table(11, 1, "b", 20_000, 4)), axis=1)
    correlation = np.corrcoef(others, rowvar=False) - np.eye(12)
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)


def test_permutations_are_uniform() -> None:
    orders = [tuple(permutation(seed, 1, 3).tolist()) for seed in range(3000)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 1e-3
    assert permutation(0, 1, 0).dtype == np.int64
    assert sorted(permutation(4, 9, 257).tolist()) == list(range(257))


def test_neither_the_draws_nor_the_settings_need_torch() -> None:
    code = "import sys, classifier.draws, classifier.augment; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)}).returncode
        == 0
    )
