"""The crossed analysis on runs that were really trained: 4 settings x 60 seeds x 1,677 digits."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from tests.statistics.judging import Seen, crossed, guarded, judge, pooled_mcnemar, strict

ROOT = os.environ.get("SEARCH_DATA")
FILE = Path(ROOT or ".") / "statistics" / "real_packed.npz"

pytestmark = pytest.mark.skipif(
    ROOT is None or not FILE.exists(), reason="SEARCH_DATA names no folder that holds statistics/real_packed.npz"
)

TABLES = 600
SETTINGS = 5


@pytest.fixture(scope="module")
def runs() -> np.ndarray:
    """Settings x seeds x images: cross-entropy with weight decay 5e-4, with 5.0001e-4, focal gamma 2, gamma 0.5."""
    with np.load(FILE) as z:
        shape = z["shape"]
        return np.unpackbits(z["bits"])[: shape.prod()].reshape(shape).astype(bool)


def drawn(y: np.ndarray, tables: int, seeds: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Draw seeds and images, without repetition within a table."""
    result = np.empty((tables, len(y), seeds, images), dtype=bool)
    for table in result:
        chosen = rng.choice(y.shape[1], seeds, replace=False)
        table[:] = y[:, chosen][:, :, rng.choice(y.shape[2], images, replace=False)]
    return result


def alike(y: np.ndarray, tables: int, seeds: int, images: int, rng: np.random.Generator) -> np.ndarray:
    """Draw tables of one setting under five names, each with seeds of its own: every difference found is false."""
    result = np.empty((tables, SETTINGS, seeds, images), dtype=bool)
    for table in result:
        chosen = rng.choice(y.shape[1], SETTINGS * seeds, replace=False).reshape(SETTINGS, seeds)
        table[:] = y[0][chosen][:, :, rng.choice(y.shape[2], images, replace=False)]
    return result


@pytest.mark.parametrize("images", [137, 360])
@pytest.mark.parametrize("seeds", [3, 5])
def test_one_setting_under_five_names(runs: np.ndarray, seeds: int, images: int) -> None:
    y = alike(runs, TABLES, seeds, images, np.random.default_rng([seeds, images]))
    seen, wrong = judge(y, guarded), judge(y, pooled_mcnemar)
    limit = 0.05 + 3 * math.sqrt(0.05 * 0.95 / TABLES)
    assert seen.error <= limit
    assert seen.coverage >= 0.93
    assert wrong.error > 2 * limit  # the guard: seeds counted as images


@pytest.mark.parametrize("images", [137, 360])
@pytest.mark.parametrize("seeds", [3, 4, 5, 10])
def test_the_value_of_sixty_seeds_is_covered(runs: np.ndarray, seeds: int, images: int) -> None:
    truth = runs[1:].mean(axis=(1, 2)) - runs[0].mean()
    y = drawn(runs, TABLES, seeds, images, np.random.default_rng([seeds, images]))
    seen: Seen = judge(y, guarded, truth=truth)
    assert seen.coverage >= 0.93
    assert judge(y, strict, truth=truth).coverage >= seen.coverage


@pytest.mark.parametrize("images", [137, 1020])
@pytest.mark.parametrize(("seeds", "wider"), [(3, 1.23), (4, 1.12), (5, 1.07), (7, 1.04), (8, None), (12, None)])
def test_the_guard_widens_few_seeds_alone(runs: np.ndarray, seeds: int, images: int, wider: float | None) -> None:
    """Tables of 3 settings whose noise is alike: guarded intervals against plainly pooled ones, on the same tables."""
    y = drawn(runs[[0, 2, 3]], TABLES, seeds, images, np.random.default_rng([seeds, images]))
    (low, high, p), (old_low, old_high, old_p) = guarded(y), crossed(y)
    if wider is None:  # nothing is pooled: to the last bit
        assert (low == old_low).all()
        assert (high == old_high).all()
        assert (p == old_p).all()
    else:
        assert 0.97 <= (high - low).mean() / (old_high - old_low).mean() <= wider


def test_settings_that_differ_in_nothing_that_matters(runs: np.ndarray) -> None:
    """Weight decay 5e-4 against 5.0001e-4: 0.1 % of images differ, and the interval is not of zero width."""
    y = drawn(runs[:2], TABLES, 3, 137, np.random.default_rng(0))
    low, high, p = crossed(y)
    assert (high - low).min() > 0.02
    assert ((low <= 0) & (high >= 0)).mean() >= 0.99
    assert (p <= 0.05).mean() <= 0.01


@pytest.mark.parametrize(("seeds", "expected"), [(3, 0.47), (5, 0.90), (10, 1.0)])
def test_a_true_difference_is_found(runs: np.ndarray, seeds: int, expected: float) -> None:
    """Cross-entropy against gamma 2, 4.7 points: the power seen, unadjusted, in a table of 3 settings."""
    y = drawn(runs[[0, 2, 3]], TABLES, seeds, 137, np.random.default_rng(seeds))
    low, _, p = guarded(y)
    found = float(((p[:, 0] <= 0.05) & (low[:, 0] > 0)).mean())
    assert found == pytest.approx(expected, abs=0.07)
