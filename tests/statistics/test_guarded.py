"""Guarded pooling: the golden values, the same by least squares with dummy variables, and what never happens."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from search.statistics.crossed import Rule, compare
from search.statistics.guarded import pool_of
from search.statistics.results import Difference, Trust
from search.statistics.scores import Ended, Scores, make_scores
from tests.statistics.generator import Scenario, draw
from tests.statistics.helpers import golden
from tests.statistics.test_properties import arrays, close, finite

F, M = Ended.FINISHED, Ended.MISSING


def guarded(y: np.ndarray, setting: int, rule: Rule = Rule.GUARDED) -> Difference:
    return compare(make_scores(y), [(setting, 0)], rule)[0]


def half_width(found: Difference) -> float:
    ends = found.interval(0.95)
    assert ends is not None
    assert found.estimate is not None
    return ends[1] - found.estimate


@pytest.mark.parametrize(
    ("count", "seeds", "setting", "half", "df", "p"),
    [
        (3, 3, 1, 0.255002, 4, 0.143767),
        (3, 3, 2, 0.209015, 5.226151, 0.143547),
        (3, 5, 1, 0.213489, 4, 0.142758),
        (3, 5, 2, 0.155121, 8, 0.039758),
        (5, 3, 1, 0.264396, 8, 0.184124),
        (5, 3, 3, 0.699870, 2, 0.206440),
        (5, 4, 3, 0.349205, 12, 0.222411),
        (5, 4, 4, 0.336693, 12, 0.036993),
    ],
)
def test_golden_values(count: int, seeds: int, setting: int, half: float, df: float, p: float) -> None:
    found = guarded(golden(count, seeds), setting)
    assert (half_width(found), found.df, found.p) == pytest.approx((half, df, p), abs=2e-6)


def test_golden_values_of_rows() -> None:
    assert guarded(golden(5, 3), 4).p == pytest.approx(0.002658, abs=2e-6)
    three, five = guarded(golden(3, 5), 1), guarded(golden(5, 3), 3)
    assert three.noisy == (pytest.approx(0.015292, abs=2e-6), None)
    assert five.noisy == (pytest.approx(0.047643, abs=2e-6), None)
    assert guarded(golden(3, 5), 2).noisy == (None, None)
    squares = guarded(golden(3, 3), 1).squares
    assert squares is not None
    assert squares.pooled == pytest.approx(0.672222, abs=2e-6)
    assert guarded(golden(3, 3), 1).noise == "seed noise estimated from 3 settings, 4 df"
    # F of (2, 2) degrees of freedom has the tail 1 / (1 + F)
    p = pool_of(golden(3, 3).mean(axis=-1)).p
    assert 1 / p[:2] - 1 == pytest.approx([0.120370, 7.491228], abs=2e-6)


def sse(table: np.ndarray) -> float:
    """Return the residual sum of squares of setting + seed effects, by least squares with dummy variables."""
    a, s = table.shape
    if a < 2:
        return 0.0
    rows, columns = np.repeat(np.eye(a), s, axis=0), np.tile(np.eye(s), (a, 1))
    design, y = np.hstack([rows, columns]), table.ravel()
    return float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())


def by_dummies(y: np.ndarray, setting: int, k: float | None = None) -> tuple[float, float, list[int]]:
    """Return half-width, df and the rows of the pool, written out for one table."""
    a, seeds, n = y.shape
    table, inside, p = y.mean(axis=-1), list(range(a)), [1.0] * a
    while True:
        count = len(inside)
        for r in inside if count >= 3 else ():
            rest = sse(table[[one for one in inside if one != r]])
            f = (sse(table[inside]) - rest) / (rest / (count - 2))
            p[r] = float(stats.f.sf(f, seeds - 1, (count - 2) * (seeds - 1)))
        worst = min(inside, key=lambda r: p[r])
        if count <= 3 or p[worst] >= 0.001 / count:
            break
        inside.remove(worst)
    d = y[setting].astype(float) - y[0]
    m, rows, columns = d.mean(), d.mean(axis=1), d.mean(axis=0)
    ms_s, ms_i = n * rows.var(ddof=1), seeds * columns.var(ddof=1)
    ms_r = ((d - rows[:, None] - columns + m) ** 2).sum() / ((seeds - 1) * (n - 1))
    i = max(ms_i - ms_r, 0.0)

    def error(q: float, f: float) -> tuple[float, float]:
        df = min(max((q + i) ** 2 / (q**2 / f), f), max(n - 1, f))
        return max((q + i) / (n * seeds), 2 / (seeds * (n + 2) ** 2)) ** 0.5, df

    se2, df2 = error(max(ms_s, ms_r), seeds - 1)
    if seeds >= 8 or count < 3 or not {0, setting} <= set(inside):
        return float(stats.t.ppf(0.975, df2)) * se2, df2, inside
    f = (count - 1) * (seeds - 1)
    se1, df1 = error(max(2 * n * sse(table[inside]) / f, ms_r / 2), f)
    noisy = min(p[0], p[setting]) < 0.05
    k = 1.0 if noisy else k or (1.5 if count <= 4 else 2.0)
    half = max(float(stats.t.ppf(0.975, df1)) * se1, float(stats.t.ppf(1 - 0.025 * k, df2)) * se2)
    return half, min(df1, df2) if noisy else df1, inside


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("seeds", [3, 4, 7, 8])
@pytest.mark.parametrize("loud", [0.0, 0.03, 0.3])
def test_least_squares_with_dummy_variables_gives_the_same(count: int, seeds: int, loud: float) -> None:
    rng = np.random.default_rng([count, seeds, int(100 * loud)])
    share = 0.6 + loud * rng.standard_normal((count, seeds, 1)) * (np.arange(count) == 1)[:, None, None]
    y = rng.random((count, seeds, 200)) < share
    for setting in range(1, count):
        for rule, k in ((Rule.GUARDED, None), (Rule.STRICT, 1.0)):
            half, df, _ = by_dummies(y, setting, k)
            found = guarded(y, setting, rule)
            assert (half_width(found), found.df) == pytest.approx((half, df), rel=1e-9)
    inside = np.flatnonzero(pool_of(y.mean(axis=-1)).inside).tolist()
    assert inside == by_dummies(y, 1)[2]
    if loud == 0.3 and count > 3 and seeds > 4:
        assert 1 not in inside


@given(arrays(least=(2, 3, 2), most=(6, 9, 12)))
@settings(max_examples=100, deadline=None)
def test_every_table_has_an_answer_and_strict_is_never_narrower(y: Any) -> None:
    for a in range(1, len(y)):
        plain, strict = guarded(y, a), guarded(y, a, Rule.STRICT)
        for found in (plain, strict):
            assert finite(asdict(found))
            assert found.state is Trust.ESTIMATED
            assert (found.low or 0) < (found.high or 0)
        assert half_width(strict) >= half_width(plain) * (1 - 1e-12)


@given(arrays(least=(3, 3, 2), most=(6, 7, 12)), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_seeds_images_and_other_settings_is_nothing(y: Any, random: Any) -> None:
    orders = [list(range(size)) for size in y.shape]
    for order in orders:
        random.shuffle(order)
    others = [0, 1, *(a for a in orders[0] if a > 1)]
    moved = y[others][:, orders[1]][:, :, orders[2]]
    close(guarded(y, 1), guarded(moved, 1))
    close(guarded(y, 1), turned(guarded(~y, 1)))


def test_a_row_that_meets_the_limit_exactly_is_not_noisy_on_either_side() -> None:
    y = np.array(
        [
            [[1, 1, 0], [0, 0, 1], [1, 1, 1]],
            [[1, 1, 0], [0, 1, 1], [0, 0, 0]],
            [[0, 0, 1], [1, 0, 0], [1, 1, 1]],
        ],
        dtype=bool,
    )
    assert pool_of(y.mean(axis=-1)).p[1] == 0.05
    close(guarded(y, 1), turned(guarded(~y, 1)))


def turned(found: Difference) -> Difference:
    assert found.estimate is not None
    assert found.low is not None
    assert found.high is not None
    return replace(found, estimate=-found.estimate, low=-found.high, high=-found.low)


def test_from_eight_seeds_on_and_with_two_settings_a_pair_has_its_own_noise() -> None:
    for y in (golden(5, 8), golden(2, 4)):
        one, other = guarded(y, 1), compare(make_scores(y), [(1, 0)], Rule.POOLED)[0]
        assert replace(one, squares=None) == replace(other, squares=None)
        assert one.settings == 2


def before(y: np.ndarray, a: int) -> tuple[float, float, float, bool]:
    """Return interval and p of setting a against 0 as they were without the guard, and whether they stand: where the
    pair's own seeds, at the level for 4 settings, tell no more noise than the pool.

    Mean squares by sums over single entries; Q = max(MS_P, MS_S, MS_R / 2) below 8 seeds, else max(MS_S, MS_R).
    """
    count, seeds, n = y.shape
    d = y[a].astype(float) - y[0]
    m, rows, columns = d.mean(), d.mean(axis=1), d.mean(axis=0)
    own = n * sum((r - m) ** 2 for r in rows) / (seeds - 1)
    images = seeds * sum((c - m) ** 2 for c in columns) / (n - 1)
    rest = sum((d[s, i] - rows[s] - columns[i] + m) ** 2 for s in range(seeds) for i in range(n))
    rest /= (seeds - 1) * (n - 1)
    run, cells = y.mean(axis=2), [(b, s) for b in range(count) for s in range(seeds)]
    pooled = 2 * n * sum((run[b, s] - run[b].mean() - run[:, s].mean() + run.mean()) ** 2 for b, s in cells)
    pooled /= (count - 1) * (seeds - 1)

    def half(q: float, f: float, level: float) -> tuple[float, float, float]:
        effects = max(images - rest, 0.0)
        error = np.sqrt(max((q + effects) / (n * seeds), 2 / (seeds * (n + 2) ** 2)))
        df = min(max((q + effects) ** 2 / (q**2 / f), f), max(n - 1, f))
        return stats.t.ppf(level, df) * error, error, df

    pairs = half(max(own, rest), seeds - 1, 0.975)
    if seeds >= 8:
        width, error, df = pairs
    else:
        width, error, df = half(max(pooled, own, rest / 2), (count - 1) * (seeds - 1), 0.975)
    stands = seeds >= 8 or (own <= pooled and half(max(own, rest), seeds - 1, 1 - 0.025 * 1.5)[0] <= width)
    return m - width, m + width, 2 * stats.t.sf(abs(m) / error, df), stands


@pytest.mark.parametrize("seeds", [5, 6, 7, 8, 10])
def test_tables_of_runs_that_scatter_alike_are_those_of_before(seeds: int) -> None:
    """From 8 seeds on all of them; below, where a pair's own seeds tell no more noise than the pool."""
    same = 0
    for y in draw(np.random.default_rng(seeds), Scenario("1 pt, mixed", 1, 0.7), 12, 4, seeds, 60, 0.8):
        for a in (1, 2, 3):
            low, high, p, stands = before(y, a)
            now = guarded(y, a)
            if stands and now.noisy == (None, None):
                assert (now.low, now.high, now.p) == pytest.approx((low, high, p), rel=1e-9)
                same += 1
    assert same == 36 if seeds >= 8 else same >= 6


def test_two_seeds_are_pooled_as_ever() -> None:
    assert guarded(golden(5, 2), 1) == compare(make_scores(golden(5, 2)), [(1, 0)], Rule.POOLED)[0]


def test_rows_of_the_same_runs_count_once() -> None:
    """Thresholds of early stopping that never fire: three rows of one training would make the others look noisy."""
    y = np.concatenate([golden(3, 3), golden(3, 3)[2:], golden(3, 3)[2:]])
    keys = [[(min(a, 2), s) for s in range(3)] for a in range(5)]
    many = compare(make_scores(y, identities=keys), [(1, 0), (4, 0)], Rule.GUARDED)
    once = compare(make_scores(golden(3, 3)), [(1, 0), (2, 0)], Rule.GUARDED)
    assert many == once


def test_rows_without_noise_make_nobody_noisy() -> None:
    y = np.repeat(golden(4, 1, 60), 5, axis=1)
    y[3, 0, :9] ^= True
    found = guarded(y, 3)
    assert found.noisy == (None, None)
    p = pool_of(y.mean(axis=-1)).p
    assert p[3] == 1  # nothing is left without it
    assert (p > 0.5).all()


def test_rows_that_move_alike_make_the_third_not_noisy() -> None:
    """Without it nothing is left of their residuals, but for rounding."""
    y = np.zeros((3, 3, 9), dtype=bool)
    y[0, 0, 8] = y[0, 1, 3] = y[2, 0, 4] = y[2, 1, 4] = True
    for one in (y, ~y):
        assert pool_of(one.mean(axis=-1)).p[1] == 1


def stuck(scores: Scores, *runs: tuple[int, int]) -> list[Difference]:
    return compare(scores, [(a, 0) for a in range(1, scores.settings)], Rule.GUARDED, runs)


def test_a_stuck_run_leaves_the_noise_of_unrelated_rows_alone() -> None:
    y = np.random.default_rng(0).random((5, 3, 300)) < 0.7
    broken = y.copy()
    broken[4, 1] = np.random.default_rng(1).random(300) < 0.1
    clean, fooled = stuck(make_scores(y[:4])), compare(make_scores(broken), [(1, 0)], Rule.POOLED)[0]
    found = stuck(make_scores(broken), (4, 1))
    assert found[:3] == clean
    assert found[3].settings == 2
    assert half_width(fooled) > 3 * half_width(clean[0])
    of_baseline = stuck(make_scores(broken[[4, 0, 1, 2, 3]]), (0, 1))
    assert all(one.settings == 2 for one in of_baseline)


def test_only_rows_complete_on_the_common_seeds_are_pooled() -> None:
    y = golden(5, 4)
    ended = [[F, F, F, M], *[[F] * 4] * 3, [F, M, F, F]]
    found = compare(make_scores(y, ended=ended), [(1, 0)], Rule.GUARDED)[0]
    assert found == compare(make_scores(y[:4, :3]), [(1, 0)], Rule.GUARDED)[0]
