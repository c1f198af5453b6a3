"""Runs at chance in simulated tables: how many are flagged, how many others, what they do to the rest of a table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from search.statistics.crossed import Rule, compare
from search.statistics.families import family
from search.statistics.results import Difference
from search.statistics.scores import Scores, make_scores
from search.statistics.stuck import flags, without
from tests.statistics.generator import Scenario, draw


def at_chance(y: np.ndarray, rng: np.random.Generator, share: float, chance: float = 0.1) -> np.ndarray:
    """Replace a share of all runs by runs at chance; return which ones."""
    which = rng.random(y.shape[:3]) < share
    y[which] = rng.random((int(which.sum()), y.shape[3])) < chance
    return which


def outcomes(scores: Scores, chance: float | None) -> set[tuple[int, int]]:
    return {(one.setting, one.seed) for one in flags(scores, chance) if one.outcome}


def sensitivity(count: int, seeds: int, tables: int, share: float = 0.05, chance: float | None = 0.1) -> float:
    """Return the share of runs at chance that are flagged, whatever as, of accuracy .8 at 340 images."""
    rng = np.random.default_rng([count, seeds])
    y = draw(rng, Scenario("1 pt", 1), tables, count, seeds, 340, 0.8)
    which = at_chance(y, rng, share)
    hits = total = 0
    for one, gone in zip(y, which, strict=True):
        if not gone.any():
            continue
        found = {(flag.setting, flag.seed) for flag in flags(make_scores(one), chance)}
        total += int(gone.sum())
        hits += len(found & {(int(a), int(s)) for a, s in zip(*np.nonzero(gone), strict=True)})
    return hits / total


def false_alarms(noise: float, tables: int, chance: float | None = 0.1) -> float:
    """Return the share of tables of 5 settings and 3 seeds, none of them stuck, with a flag."""
    rng = np.random.default_rng([int(10 * noise), tables])
    y = draw(rng, Scenario("", noise), tables, 5, 3, 340, 0.8)
    return sum(bool(outcomes(make_scores(one), chance)) for one in y) / tables


def test_runs_at_chance_are_flagged() -> None:
    assert sensitivity(5, 3, 150) >= 0.97
    assert sensitivity(2, 5, 150) >= 0.97


def test_no_false_alarm_at_ordinary_noise() -> None:
    assert false_alarms(1, 150) == 0
    assert false_alarms(3, 150) == 0


@pytest.mark.stress
def test_sensitivity_and_false_alarms_in_full() -> None:
    for count, seeds, least in ((2, 3, 0.98), (5, 3, 0.98), (1, 3, 0.75), (5, 5, 0.99), (5, 10, 0.99)):
        seen, often = sensitivity(count, seeds, 700), sensitivity(count, seeds, 700, 0.2)
        none = sensitivity(count, seeds, 700, chance=None)
        shares = ", ".join(f"{100 * share:.1f}" for share in (seen, often, none))
        print(f"% flagged of 5 % at chance, of 20 %, of 5 % without a chance level: A {count} S {seeds}: {shares}")
        assert seen >= least
    for noise, most in ((1, 0.0), (3, 0.0), (5, 0.01)):
        seen = false_alarms(noise, 700)
        print(f"run noise {noise} pt, A 5 S 3: {100 * seen:.2f} % of tables with a false alarm (700 tables)")
        assert seen <= most


def half_widths(found: list[Difference]) -> float:
    return float(np.mean([((one.high or 0) - (one.low or 0)) / 2 for one in found]))


def unrelated(count: int, tables: int) -> tuple[float, float]:
    """Return how much wider the intervals of rows are, guarded and pooled, for one stuck run of an unrelated row."""
    rng = np.random.default_rng(count)
    y = draw(rng, Scenario("1 pt, mixed", 1, 0.7), tables, count, 3, 340, 0.8)
    sums = np.zeros(3)
    for one in y:
        pairs = [(a, 0) for a in range(1, count - 1)]
        broken = one.copy()
        broken[-1, 1] = rng.random(340) < 0.1
        scores = make_scores(broken)
        gone = outcomes(scores, 0.1)
        assert gone == {(count - 1, 1)}
        sums += [
            half_widths(compare(make_scores(one), pairs, Rule.GUARDED)),
            half_widths(compare(scores, pairs, Rule.GUARDED, gone)),
            half_widths(compare(scores, pairs, Rule.POOLED)),
        ]
    return float(sums[1] / sums[0]), float(sums[2] / sums[0])


def test_a_stuck_run_of_an_unrelated_row_widens_by_no_more_than_a_tenth() -> None:
    for count in (4, 5):
        guarded, pooled = unrelated(count, 60)
        assert guarded <= 1.10
        assert pooled > 2  # the guard


def stuck_everywhere(count: int, tables: int) -> tuple[float, float]:
    """Return coverage and family error of rows without stuck runs, where 5 % of all runs are at chance."""
    rng = np.random.default_rng([count, tables])
    y = draw(rng, Scenario("1 pt, mixed", 1, 0.7), tables, count, 3, 340, 0.8)
    which = at_chance(y, rng, 0.05)
    covered, false = [], []
    for one, gone in zip(y, which, strict=True):
        scores = make_scores(one)
        found = compare(scores, [(a, 0) for a in range(1, count)], Rule.GUARDED, outcomes(scores, 0.1))
        clean = [d for a, d in enumerate(found, 1) if not gone[a].any() and not gone[0].any()]
        covered += [(d.low or 0) <= 0 <= (d.high or 0) for d in clean]
        false.append(any((p or 1) <= 0.05 for p in family(found).adjusted))
    return float(np.mean(covered)), float(np.mean(false))


@pytest.mark.stress
@pytest.mark.parametrize("count", [2, 5, 20])
def test_stuck_runs_in_full(count: int) -> None:
    tables = 500 if count < 20 else 200
    coverage, error = stuck_everywhere(count, tables)
    figures = f"coverage {100 * coverage:.1f} family {100 * error:.1f} ({tables} tables)"
    print(f"5 % of runs at chance, A {count} S 3: {figures}")
    assert coverage >= 0.94 - 3 * math.sqrt(0.94 * 0.06 / tables)
    assert error <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / tables)
    if count == 5:
        for rows in (4, 5):
            print(
                f"one stuck run of an unrelated row, A {rows} S 3: widening {unrelated(rows, 400)[0]:.3f} (400 tables)"
            )


def second_lines(tables: int) -> tuple[float, float]:
    """Return coverage and half-width of the second line of a setting with a stuck run, A 5, S 3."""
    rng = np.random.default_rng(tables)
    y = draw(rng, Scenario("1 pt, mixed", 1, 0.7), tables, 5, 3, 340, 0.8)
    covered, half = [], []
    for one in y:
        one[1, 2] = rng.random(340) < 0.1
        scores = make_scores(one)
        left = without(scores, flags(scores, 0.1), 1, 0)
        if left is None:
            continue
        found = compare(left, [(1, 0)], Rule.GUARDED)[0]
        covered.append((found.low or 0) <= 0 <= (found.high or 0))
        half.append(half_widths([found]))
    assert len(covered) > 0.9 * tables
    return float(np.mean(covered)), float(np.mean(half))


def test_the_second_line_covers_what_trained_runs_differ_by() -> None:
    coverage, half = second_lines(100)
    assert coverage >= 0.88
    assert 0.03 < half < 0.09


@pytest.mark.stress
def test_second_lines_in_full() -> None:
    coverage, half = second_lines(400)
    print(f"second line, A 5 S 3: coverage {100 * coverage:.1f}, half-width {100 * half:.1f} pt (400 tables)")
    assert coverage >= 0.94 - 3 * math.sqrt(0.94 * 0.06 / 400)
