"""Scores of any kind: intervals of one setting, differences, and a defined answer for every odd table."""

from __future__ import annotations

import math
import tracemalloc
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from search.core.errors import InternalError
from search.statistics.cell import cell
from search.statistics.crossed import compare
from search.statistics.families import family
from search.statistics.measure import ACCURACY, Form, Measure
from search.statistics.results import Trust
from search.statistics.scores import Ended, make_scores
from tests.statistics.helpers import difference, golden, loops
from tests.statistics.test_properties import finite

F, D = Ended.FINISHED, Ended.DIVERGED

LOSS = Measure(low=0.0, higher_is_better=False, untrained=math.log(10))
ANGLE = Measure(unit="degrees", higher_is_better=False)
OVERLAP = Measure(0.0, 1.0, unit="pt", example="mask", examples="masks")
RMSE = Measure(low=0.0, higher_is_better=False, untrained=4.0, form=Form.ROOT_MEAN)
PERPLEXITY = Measure(low=0.0, higher_is_better=False, form=Form.EXP_MEAN, example="document", examples="documents")
F1 = Measure(0.0, 1.0, form=Form.INFLUENCE)
MEASURES = {"loss": LOSS, "angle": ANGLE, "overlap": OVERLAP, "rmse": RMSE, "perplexity": PERPLEXITY, "f1": F1}


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def losses(settings: int = 2, seeds: int = 4, examples: int = 50, sd: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng([settings, seeds, examples])
    hard = rng.gamma(2.0, 1.0, examples)
    return hard * np.exp(sd * rng.standard_normal((settings, seeds, examples)))


@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_the_difference_of_losses_is_that_of_the_formulas_in_loops(seeds: int) -> None:
    y = losses(2, seeds)
    one, expected = difference(make_scores(y, measure=ANGLE), 1, 0), loops(y, 1, 0)
    assert (one.estimate, one.p, one.df) == pytest.approx((expected["m"], expected["p"], expected["df"]), abs=1e-12)
    assert (one.state, one.measure) == (Trust.ESTIMATED, ANGLE)


def test_right_and_wrong_under_any_name_have_the_figures_of_accuracies() -> None:
    y = golden(3, 4)
    for a, measure in ((1, OVERLAP), (2, replace(ANGLE, low=0.0, high=1.0))):
        one, other = (difference(make_scores(y, measure=m), a, 0) for m in (measure, ACCURACY))
        assert replace(one, measure=ACCURACY) == other
        mine, theirs = (cell(make_scores(y, measure=m), a) for m in (measure, ACCURACY))
        assert replace(mine, measure=ACCURACY) == theirs


def test_the_bound_of_the_variance_has_the_unit_of_the_scores() -> None:
    """One example differs, the same in all seeds: V is its bound, 2 d^2 / (S (n+2)^2)."""
    y = np.repeat(losses(1, 1, 30), 3, axis=1).repeat(2, axis=0)
    y[1, :, 7] += 6.0
    found = difference(make_scores(y, measure=LOSS), 1, 0)
    image_noise = float(((y[1, 0] - y[0, 0]).var(ddof=1)) / 30)
    assert found.variance == pytest.approx(max(image_noise, 2 * 36 / (3 * 32**2)))
    # d is constant: no mean square is left, the bound alone is.
    constant = difference(make_scores(np.stack([y[0], y[0] + 0.5]), measure=LOSS), 1, 0)
    assert constant.variance == pytest.approx(2 * 0.25 / (3 * 32**2))
    assert constant.df == 2


@pytest.mark.parametrize("seeds", [1, 3])
def test_identical_scores_have_no_interval(seeds: int) -> None:
    y = losses(1, seeds).repeat(2, axis=0)
    found = difference(make_scores(y, measure=LOSS), 1, 0)
    assert (found.state, found.estimate, found.p, found.reason) == (Trust.NOT_ESTIMABLE, 0.0, None, "identical scores")
    same = cell(make_scores(np.full((1, seeds, 9), 0.7), measure=LOSS), 0)
    assert (same.state, same.estimate, same.low, same.reason) == (Trust.NOT_ESTIMABLE, 0.7, None, "identical scores")
    assert cell(make_scores(np.zeros((1, seeds, 9)), measure=LOSS), 0).reason == "identical scores"
    ties = difference(make_scores(golden(1, 3).repeat(2, axis=0), measure=OVERLAP), 1, 0)
    assert (ties.state, ties.p) == (Trust.ESTIMATED, 1.0)


def test_one_run_of_losses_is_the_paired_t_over_examples() -> None:
    y = losses(2, 1)
    found, expected = difference(make_scores(y, measure=LOSS), 1, 0), stats.ttest_rel(y[1, 0], y[0, 0])
    assert (found.state, found.discordant) == (Trust.ONE_RUN, None)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))
    alone = cell(make_scores(y, measure=ANGLE), 1)
    assert (alone.low, alone.high) == pytest.approx(tuple(stats.ttest_1samp(y[1, 0], 0).confidence_interval()))
    assert alone.reason == "examples only"
    assert cell(make_scores(y, measure=PERPLEXITY), 1).reason == "documents only"


def spread(y: np.ndarray) -> tuple[float, float, float]:
    """Return mean, standard error and t quantile of a seeds x examples table, written out."""
    seeds, n = y.shape
    m, r, c = y.mean(), y.mean(axis=1), y.mean(axis=0)
    ms_s, ms_i = n * r.var(ddof=1), seeds * c.var(ddof=1)
    ms_r = ((y - r[:, None] - c + m) ** 2).sum() / ((seeds - 1) * (n - 1))
    q, i = max(ms_s, ms_r), max(ms_i - ms_r, 0.0)
    df = min(max((q + i) ** 2 / (q**2 / (seeds - 1)), seeds - 1), n - 1)
    return float(m), math.sqrt((q + i) / (n * seeds)), float(stats.t.ppf(0.975, df))


def test_cells_by_their_range() -> None:
    y = losses(1, 4)
    m, error, t = spread(y[0])
    plain, positive = (cell(make_scores(y, measure=measure), 0) for measure in (ANGLE, LOSS))
    assert (plain.low, plain.high) == pytest.approx((m - t * error, m + t * error))
    factor = math.exp(t * error / m)
    assert (positive.low, positive.high) == pytest.approx((m / factor, m * factor))
    assert (plain.n_eff, positive.n_eff) == (None, None)
    # from 0 downward, the same mirrored
    under = cell(make_scores(-y, measure=Measure(high=0.0)), 0)
    assert (under.low, under.high) == pytest.approx((-m * factor, -m / factor))
    # a range is rescaled: marks from 1 to 6 are those from 0 to 1
    marks, shares = 1 + 5 * (y / (1 + y)), y / (1 + y)
    one = cell(make_scores(marks, measure=Measure(1.0, 6.0)), 0)
    other = cell(make_scores(shares, measure=OVERLAP), 0)
    assert (one.low, one.high) == pytest.approx((1 + 5 * (other.low or 0), 1 + 5 * (other.high or 0)))
    assert one.n_eff == pytest.approx(other.n_eff)


def test_rmse() -> None:
    y = losses(2, 3)
    scores = make_scores(y, measure=RMSE)
    found = cell(scores, 0)
    per_seed = np.sqrt(y[0].mean(axis=1))
    assert found.per_seed == pytest.approx(per_seed)
    assert found.estimate == pytest.approx(per_seed.mean())
    assert difference(scores, 1, 0).estimate == pytest.approx(np.sqrt(y.mean(axis=2)).mean(axis=1) @ [-1, 1])
    phi = np.sqrt(y.mean(axis=2, keepdims=True)) / 2 * (1 + y / y.mean(axis=2, keepdims=True))
    m, error, t = spread(phi[0])
    assert (found.low, found.high) == pytest.approx((m * math.exp(-t * error / m), m * math.exp(t * error / m)))
    assert cell(scores.as_untrained() or scores, 0) == found
    gone = make_scores(y, measure=RMSE, ended=[[F, D, F], [F, F, F]])
    assert cell(gone.as_untrained() or gone, 0).per_seed == pytest.approx([per_seed[0], 2.0, per_seed[2]])


def test_perplexity_is_the_exponential_of_the_mean() -> None:
    y = losses(2, 3)
    scores = make_scores(y, measure=PERPLEXITY)
    nll, found = difference(make_scores(y, measure=LOSS), 1, 0), difference(scores, 1, 0)
    assert found.ratio == pytest.approx(tuple(math.exp(value or 0) for value in (nll.estimate, nll.low, nll.high)))
    assert nll.ratio is None
    plain, exp = cell(make_scores(y, measure=LOSS), 0), cell(scores, 0)
    assert (exp.estimate, exp.low, exp.high) == pytest.approx(
        tuple(math.exp(value or 0) for value in (plain.estimate, plain.low, plain.high))
    )
    assert exp.per_seed == pytest.approx(np.exp(y[0].mean(axis=1)))
    huge = cell(make_scores(y * 1e6, measure=PERPLEXITY), 0)
    assert finite(asdict(huge))


def test_the_good_direction_is_that_of_the_metric() -> None:
    y = losses(2, 5)
    y[1] *= 0.5
    scores = make_scores(y, measure=LOSS)
    found = difference(scores, 1, 0)
    assert (found.estimate or 0) < 0 < (found.gain or 0)
    assert family([found]).clear([found], 1) == (True,)
    assert family([found]).clear([found], -1) == (False,)
    up = difference(make_scores(y, measure=replace(LOSS, higher_is_better=True)), 1, 0)
    assert family([up]).clear([up], 1) == (False,)


def test_a_diverged_run_counts_at_the_untrained_score_where_one_is_declared() -> None:
    scores = make_scores(losses(2, 3), measure=LOSS, ended=[[F, D, F], [F, F, F]])
    counted = scores.as_untrained()
    assert counted is not None
    assert cell(counted, 0).per_seed[1] == pytest.approx(math.log(10))
    assert make_scores(losses(), measure=ANGLE).as_untrained() is None


def test_influence_values_may_leave_the_range_of_their_metric() -> None:
    y = np.array([[[1.4, -0.3, 0.9, 1.2]] * 3])
    y[0, 1] += [0.1, -0.1, 0.05, -0.05]
    found = cell(make_scores(y, measure=F1), 0)
    assert found.estimate == pytest.approx(0.8)
    assert 0 <= (found.low or 0) < 0.8 < (found.high or 0) <= 1


@pytest.mark.parametrize(
    ("score", "measure", "message"),
    [
        (math.nan, LOSS, "scores of a finished run are not finite"),
        (math.inf, ANGLE, "are not finite"),
        (-1e101, ANGLE, r"are larger than 1e\+100"),
        (-0.5, LOSS, "scores of a finished run hold -0.5, below the declared 0"),
        (1.5, OVERLAP, "scores of a finished run hold 1.5, above the declared 1"),
        (1.0, replace(ANGLE, form=Form.ROOT_MEAN), "a root of a mean: its scores must be declared to be 0 or more"),
    ],
)
def test_scores_that_are_not_as_declared_are_refused(score: float, measure: Measure, message: str) -> None:
    y = np.full((2, 3, 4), 0.5)
    y[1, 2, 3] = score
    with pytest.raises(InternalError, match=message):
        make_scores(y, measure=measure)
    assert make_scores(y, measure=replace(measure, low=0.0), ended=[[F] * 3, [F, F, D]]).images == 4


@pytest.mark.parametrize(
    ("measure", "value", "signed", "text"),
    [
        (ACCURACY, 0.0151, True, "+1.5 pt"),
        (ACCURACY, 0.02, False, "2 pt"),
        (LOSS, -0.0341, True, "-0.0341"),
        (ANGLE, 0.31, True, "+0.31 degrees"),
        (ANGLE, 12.0, False, "12 degrees"),
    ],
)
def test_sizes_are_written_in_the_unit_of_the_metric(measure: Measure, value: float, signed: bool, text: str) -> None:
    assert measure.amount(value, signed) == text


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, Measure]:
    """Settings x seeds x examples of real scores: often constant, equal, far from 0, or with huge values in them."""
    shape = draw(st.integers(2, 4)), draw(st.integers(0, 5)), draw(st.integers(0, 9))
    measure = MEASURES[draw(st.sampled_from(sorted(MEASURES)))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["random", "tail", "constant", "same settings", "same seeds"]))
    scale = 1.0 if measure.high is not None else 10.0 ** draw(st.integers(-60, 60))
    y = rng.beta(2, 1, shape) if measure.high is not None else rng.exponential(size=shape)
    if kind == "tail":
        y = y**8
    if kind == "constant":
        y[:] = 0.5
    if kind == "same settings":
        y[:] = y[:1]
    if kind == "same seeds" and shape[1]:
        y[:] = y[:, :1]
    return y * scale, measure


@given(tables(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_every_table_has_an_answer(table: tuple[np.ndarray, Measure], grouped: bool) -> None:
    y, measure = table
    groups = np.arange(y.shape[2]) // 2 if grouped else None
    scores = make_scores(y, measure=measure, groups=groups)
    one = difference(scores, 1, 0)
    assert finite(asdict(one))
    estimated = one.state in (Trust.ESTIMATED, Trust.ONE_RUN)
    assert estimated == (one.low is not None) == (one.high is not None) == (one.p is not None)
    assert estimated or one.reason
    assert one.ratio is None or finite(one.ratio)
    for a in range(len(y)):
        found = cell(scores, a)
        assert finite(asdict(found))
        assert (found.low is None) == (found.high is None)
        assert found.low is not None or found.reason
        if found.low is not None and found.high is not None and found.estimate is not None:
            tiny = 1e-9 * abs(found.estimate)
            assert found.low - tiny <= found.estimate <= found.high + tiny


@given(st.integers(0, 2**32), st.floats(0.01, 100), st.floats(-50, 50), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_another_unit_changes_the_unit_alone(seed: int, scale: float, shift: float, seeds: int) -> None:
    y = np.random.default_rng(seed).standard_normal((3, seeds, 8))
    one = difference(make_scores(y, measure=ANGLE), 1, 0)
    other = difference(make_scores(scale * y + shift, measure=ANGLE), 1, 0)
    assert one.p == pytest.approx(other.p, rel=1e-6)
    figures = [getattr(one, name) * scale for name in ("estimate", "low", "high")]
    assert figures == pytest.approx([other.estimate, other.low, other.high], rel=1e-6, abs=1e-9 * scale)
    mine, theirs = (cell(make_scores(table, measure=ANGLE), 0) for table in (y, scale * y + shift))
    assert [scale * (mine.low or 0) + shift, scale * (mine.high or 0) + shift] == pytest.approx(
        [theirs.low, theirs.high], rel=1e-6, abs=1e-6
    )
    turned = difference(make_scores(-y, measure=ANGLE), 0, 1)
    assert (turned.estimate, turned.low, turned.high) == pytest.approx((one.estimate, one.low, one.high), abs=1e-12)


@given(st.integers(0, 2**32), st.sampled_from(sorted(MEASURES)), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_seeds_and_examples_is_nothing(seed: int, name: str, random: Any) -> None:
    y = np.random.default_rng(seed).beta(2, 1, (3, 4, 9))
    seeds, examples = list(range(4)), list(range(9))
    random.shuffle(seeds)
    random.shuffle(examples)
    one, other = (make_scores(t, measure=MEASURES[name]) for t in (y, y[:, seeds][:, :, examples]))
    names = ("estimate", "low", "high")
    for found, moved in ((difference(one, 1, 0), difference(other, 1, 0)), (cell(one, 2), cell(other, 2))):
        assert [getattr(found, n) for n in names] == pytest.approx([getattr(moved, n) for n in names], rel=1e-9)


@pytest.mark.slow
def test_a_million_examples_take_bounded_memory() -> None:
    """A few times one setting's scores are held at once, however many settings there are."""
    y = np.random.default_rng(0).random((3, 3, 1_000_000))
    scores = make_scores(y, measure=OVERLAP)
    tracemalloc.start()
    found = compare(scores, [(1, 0), (2, 0)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * y[0].nbytes
    assert all(abs(one.estimate or 1) < 0.01 for one in found)
