"""Companions of differences of heavy-tailed scores: what they are, and that they cover what they are about."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from search.statistics.crossed import Rule, compare
from search.statistics.measure import Measure
from search.statistics.results import Trust
from search.statistics.scores import Ended, make_scores
from search.statistics.tails import companions
from tests.statistics.helpers import difference, golden, loops
from tests.statistics.test_measures import ANGLE, F1, LOSS, OVERLAP, PERPLEXITY, RMSE, losses, tables
from tests.statistics.test_properties import finite


def test_the_share_of_examples_won_is_an_analysis_of_wins() -> None:
    y = losses(2, 4)
    y[1, :, 3] = y[0, :, 3]
    (found,) = companions(make_scores(y, measure=LOSS), [(1, 0)])
    assert found is not None
    wins = np.stack([np.zeros_like(y[0]), np.where(y[1] < y[0], 0.5, np.where(y[1] > y[0], -0.5, 0.0))])
    expected = loops(wins, 1, 0)
    assert (found.won.estimate, found.won.p) == pytest.approx((expected["m"], expected["p"]), abs=1e-12)
    # one seed: the paired t over examples
    (one,) = companions(make_scores(y[:, :1], measure=LOSS), [(1, 0)])
    assert one is not None
    assert one.won.p == pytest.approx(stats.ttest_1samp(wins[1, 0], 0).pvalue)
    assert one.won.state is Trust.ONE_RUN


def test_more_is_won_whatever_the_direction_of_the_metric() -> None:
    y = losses(2, 4)
    y[1] *= 0.7
    down, up = (companions(make_scores(y, measure=m), [(1, 0)])[0] for m in (LOSS, Measure(low=0.0)))
    assert down is not None
    assert up is not None
    assert (down.won.estimate or 0) > 0.2
    assert down.won.estimate == pytest.approx(-(up.won.estimate or 0))
    assert down.won.gain == down.won.estimate


def test_scores_are_capped_at_the_sides_without_an_end() -> None:
    y = losses(3, 3, 200)
    y[1, 0, 5] = 1e6
    capped = np.minimum(y, np.quantile(y, 0.99))
    (found,) = companions(make_scores(y, measure=LOSS), [(1, 0)], Rule.GUARDED)
    assert found is not None
    assert found.capped == compare(make_scores(capped, measure=LOSS), [(1, 0)], Rule.GUARDED)[0]
    both = np.clip(y, np.quantile(y, 0.01), np.quantile(y, 0.99))
    (angle,) = companions(make_scores(y, measure=ANGLE), [(1, 0)], Rule.POOLED)
    assert angle is not None
    assert angle.capped == difference(make_scores(both, measure=ANGLE), 1, 0)
    (root,) = companions(make_scores(y, measure=RMSE), [(1, 0)], Rule.POOLED)
    assert root is not None
    assert root.capped == difference(make_scores(capped, measure=RMSE), 1, 0)


def test_what_the_top_carries_is_said_where_it_is_much() -> None:
    rng = np.random.default_rng(0)
    y = 1 + 0.01 * rng.standard_normal((2, 3, 200))
    (even,) = companions(make_scores(y, measure=LOSS), [(1, 0)])
    assert even is not None
    assert (even.sentence, even.top_share or 0) == ("", pytest.approx(0.05, abs=0.04))
    y[1, :, 7] += 5
    (found,) = companions(make_scores(y, measure=replace(PERPLEXITY)), [(1, 0)])
    assert found is not None
    assert found.sentence == "the top 1 % of documents carry 99 % of the spread"


def test_where_there_are_none() -> None:
    F, P = Ended.FINISHED, Ended.PRUNED
    assert companions(make_scores(golden(2, 3)), [(1, 0)]) == [None]
    assert companions(make_scores(golden(2, 3), measure=OVERLAP), [(1, 0)]) == [None]
    assert companions(make_scores(losses(), measure=F1), [(1, 0)]) == [None]
    same = losses(1, 3).repeat(2, axis=0)
    assert companions(make_scores(same, measure=LOSS), [(1, 0)]) == [None]
    assert companions(make_scores(losses(2, 3), measure=LOSS, ended=[[F] * 3, [F, P, F]]), [(1, 0)]) == [None]
    (bounded,) = companions(make_scores(losses() / 100, measure=OVERLAP), [(1, 0)])
    assert bounded is not None
    assert bounded.capped is None


@given(tables())
@settings(max_examples=100, deadline=None)
def test_every_table_has_an_answer(table: tuple[np.ndarray, Measure]) -> None:
    y, measure = table
    for found in companions(make_scores(y, measure=measure), [(1, 0), (0, 1)], Rule.GUARDED):
        assert found is None or finite(asdict(found))


KINDS = ("lognormal 1", "lognormal 1.5", "lognormal 2", "catastrophic")


def heavy(rng: np.random.Generator, kind: str, seeds: int, examples: int, factor: float = 1.0) -> np.ndarray:
    """Return losses of two settings alike in all but a factor: hard and easy examples, run noise, and a heavy tail."""
    shape = (2, seeds, examples)
    log = 0.8 * rng.standard_normal(examples) + 0.6 * rng.standard_normal(shape)
    y = np.exp(float(kind.split()[1]) * log) if kind.startswith("lognormal") else np.exp(0.5 * log)
    if kind == "catastrophic":
        y[rng.random(shape) < 0.004] += 40 * math.exp(0.125)
    y *= np.exp(0.02 * rng.standard_normal((2, seeds, 1)))
    y[1] *= factor
    return y


def covered(kind: str, seeds: int, examples: int, tables: int, factor: float = 1.0) -> dict[str, float]:
    """Return the share of tables that show no difference: by the mean, by wins, by capped means."""
    rng = np.random.default_rng([KINDS.index(kind), seeds, examples])
    held = {"mean": 0, "won": 0, "capped": 0}
    for _ in range(tables):
        scores = make_scores(heavy(rng, kind, seeds, examples, factor), measure=LOSS)
        (found,) = companions(scores, [(1, 0)])
        assert found is not None
        assert found.capped is not None
        for name, one in (("mean", difference(scores, 1, 0)), ("won", found.won), ("capped", found.capped)):
            held[name] += (one.p or 0) > 0.05
    return {name: count / tables for name, count in held.items()}


@pytest.mark.parametrize("kind", ["lognormal 1.5", "catastrophic"])
def test_differences_of_heavy_tails_are_covered(kind: str) -> None:
    seen = covered(kind, 3, 300, 150)
    assert min(seen.values()) >= 0.93 - 3 * math.sqrt(0.93 * 0.07 / 150)


def test_companions_find_what_the_mean_cannot() -> None:
    missed = covered("catastrophic", 5, 300, 40, factor=0.8)
    assert missed["mean"] > 0.4
    assert max(missed["won"], missed["capped"]) < 0.1


@pytest.mark.stress
def test_heavy_tails_in_full() -> None:
    for kind in KINDS:
        for seeds, examples in ((3, 100), (3, 1000), (10, 100), (10, 1000)):
            seen = covered(kind, seeds, examples, 500)
            print(f"{kind}, n {examples}, S {seeds}: " + ", ".join(f"{k} {100 * v:.1f}" for k, v in seen.items()))
            least = 0.85 if kind == "lognormal 2" else 0.92
            assert min(seen.values()) >= least - 3 * math.sqrt(least * (1 - least) / 500)
    found = covered("catastrophic", 3, 300, 500, factor=0.8)
    print("power for -20 %, catastrophic, n 300, S 3:", ", ".join(f"{k} {100 * (1 - v):.0f}" for k, v in found.items()))
