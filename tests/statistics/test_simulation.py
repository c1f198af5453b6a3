"""Coverage and family error of the crossed analysis on tables whose true difference is known.

The targets are those the method was chosen by: in every cell but H the intervals hold the truth in at least 93 % and
Holm finds a false difference in at most 5 % of tables (plus 3 standard errors); with 5 settings and 3 or 5 seeds
coverage is 93 to 98 %; H, a baseline three times noisier than the rest, is a stated limit with 90 % and 8 %. The guard
puts a wrong method to the same test, pooled McNemar, which has to fail it.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.statistics.generator import HETEROSCEDASTIC, SCENARIOS, SIZES, Scenario, draw
from tests.statistics.helpers import REPORT_A
from tests.statistics.judging import Seen, crossed, judge, pooled_mcnemar

FAST = 400
FULL = 1500


def allowed(share: float, tables: int) -> float:
    """Return a share plus 3 of its standard errors."""
    return share + 3 * math.sqrt(share * (1 - share) / tables)


def meets(seen: Seen, hard: bool) -> bool:
    """Return whether coverage and family error meet the targets."""
    coverage, error = (0.90, 0.08) if hard else (0.93, 0.05)
    return seen.coverage >= coverage and seen.error <= allowed(error, seen.tables)


def tables(scenario: Scenario, seeds: int, images: int, accuracy: float, count: int) -> list[np.ndarray]:
    """Return `count` tables of 5 settings, in parts that fit into memory."""
    part = max(1, min(count, 12_000_000 // (5 * seeds * images)))
    rng = np.random.default_rng([seeds, images, [*SCENARIOS, HETEROSCEDASTIC].index(scenario)])
    parts = [min(part, count - start) for start in range(0, count, part)]
    return [draw(rng, scenario, size, 5, seeds, images, accuracy) for size in parts]


def total(seen: list[Seen]) -> Seen:
    """Return the figures of several parts as one."""
    count = sum(one.tables for one in seen)
    coverage = sum(one.coverage * one.tables for one in seen) / count
    return Seen(coverage, sum(one.error * one.tables for one in seen) / count, count)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(("images", "accuracy"), SIZES[:2])
def test_targets(seeds: int, images: int, accuracy: float) -> None:
    pooled = []
    for scenario in (*SCENARIOS, HETEROSCEDASTIC):
        (y,) = tables(scenario, seeds, images, accuracy, FAST)
        two, five = judge(y[:, :2]), judge(y)
        hard = scenario is HETEROSCEDASTIC
        assert meets(two, hard), (scenario, two)
        assert meets(five, hard), (scenario, five)
        if not hard:
            assert five.coverage <= 0.98, (scenario, five)
            pooled.append(five.coverage)
    assert np.mean(pooled) <= 0.975


@pytest.mark.parametrize("name", ["2.5 pt", "1 pt, mixed"])
def test_the_guard_pooled_mcnemar_fails_the_targets(name: str) -> None:
    """Seeds are no images: the same draws, the same targets, and three to thirteen times the error allowed."""
    scenario = next(one for one in SCENARIOS if one.name == name)
    (y,) = tables(scenario, 5, 360, 0.90, FAST)
    assert meets(judge(y), False)
    wrong = judge(y, pooled_mcnemar)
    assert not meets(wrong, False)
    assert wrong.error > 2 * allowed(0.05, FAST)
    assert wrong.coverage < 0.90


def test_a_true_difference_is_covered() -> None:
    rng = np.random.default_rng(7)
    y = draw(rng, SCENARIOS[1], FAST, 5, 3, 360, [0.86, 0.90, 0.90, 0.90, 0.90])
    seen = judge(y, truth=0.04)
    assert 0.93 <= seen.coverage <= 0.99


def test_balanced_accuracy() -> None:
    """Class sizes of a 20-class table of 137 images; the weights make rare classes count."""
    sizes = np.array(REPORT_A)
    weights = 137 / (len(sizes) * sizes[np.repeat(np.arange(len(sizes)), sizes)])
    for scenario in SCENARIOS[1:4]:
        (y,) = tables(scenario, 3, 137, 0.57, FAST)
        seen = judge(y * weights)
        assert meets(seen, False), (scenario, seen)


@pytest.mark.parametrize(
    ("images", "accuracy", "seeds", "expected"),
    [(137, 0.57, 3, 6.1), (137, 0.57, 5, 4.3), (360, 0.90, 3, 3.1), (360, 0.90, 5, 2.2), (360, 0.90, 10, 1.5)],
)
def test_half_widths(images: int, accuracy: float, seeds: int, expected: float) -> None:
    """The table of what an interval will be worth, in points: 5 settings, run noise 1 pt."""
    (y,) = tables(SCENARIOS[1], seeds, images, accuracy, 200)
    low, high, _ = crossed(y)
    assert 50 * float((high - low).mean()) == pytest.approx(expected, rel=0.05)


@pytest.mark.stress
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize(("images", "accuracy"), SIZES)
def test_targets_in_full(seeds: int, images: int, accuracy: float) -> None:
    pooled = []
    for scenario in (*SCENARIOS, HETEROSCEDASTIC):
        drawn = tables(scenario, seeds, images, accuracy, FULL)
        hard = scenario is HETEROSCEDASTIC
        for settings in (2, 3, 5):
            seen = total([judge(y[:, :settings]) for y in drawn])
            print(f"n {images} S {seeds} A {settings} {scenario.name}: {seen.coverage:.4f} {seen.error:.4f}")
            assert meets(seen, hard), (scenario, settings, seen)
            if settings == 5 and seeds in (3, 5) and not hard:
                assert seen.coverage <= 0.98, (scenario, seen)
            if settings >= 3 and seeds >= 3 and not hard:
                pooled.append(seen.coverage)
    if pooled:
        assert np.mean(pooled) <= 0.975
