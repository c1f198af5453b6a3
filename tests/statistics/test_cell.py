"""Accuracy of one setting: the golden values, and a defined answer for every odd cell."""

from __future__ import annotations

import numpy as np
import pytest

from search.statistics.cell import cell
from search.statistics.results import Trust
from search.statistics.scores import Ended, make_scores
from tests.statistics.helpers import golden, loops_of_cell

F, D, P, M = Ended.FINISHED, Ended.DIVERGED, Ended.PRUNED, Ended.MISSING


def test_golden_values_of_three_seeds() -> None:
    found = cell(make_scores(golden(2, 3)), 0)
    assert (found.state, found.df, found.seeds, found.images) == (Trust.ESTIMATED, 2.0, 3, 40)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.508333, 0.205677, 0.805002), abs=5e-7)
    assert found.n_eff == pytest.approx(33.018349, abs=5e-7)


@pytest.mark.parametrize("seeds", [2, 3, 5, 12])
@pytest.mark.parametrize("images", [6, 40, 53])
@pytest.mark.parametrize("kind", ["golden", "seeds differ", "images differ", "images differ much"])
def test_the_formulas_written_as_loops_give_the_same(seeds: int, images: int, kind: str) -> None:
    rng = np.random.default_rng([seeds, images])
    share = {
        "golden": golden(1, seeds, images)[0] * 1.0,
        "seeds differ": rng.random((seeds, 1)),
        "images differ": rng.random((1, images)),
        "images differ much": np.arange(images) % 2 * 0.9 + 0.05,
    }[kind]
    y = rng.random((seeds, images)) < share
    y[0, :2] = [True, False]
    found, expected = cell(make_scores(y[None]), 0), loops_of_cell(y)
    assert (found.low, found.high, found.n_eff, found.df) == pytest.approx(
        tuple(expected[name] for name in ("low", "high", "n_eff", "df")), abs=1e-11
    )


def test_fractions_are_worth_no_more_than_all_seed_image_pairs() -> None:
    y = np.full((1, 3, 20), 0.5)
    y[0, :, 0] = 0.6
    assert cell(make_scores(y), 0).n_eff == 60.0


def test_golden_values_of_one_run() -> None:
    y = np.arange(137)[None, None] < 75
    found = cell(make_scores(y), 0)
    assert (found.state, found.correct, found.images, found.reason) == (Trust.ONE_RUN, 75, 137, "images only")
    assert (found.low, found.high) == pytest.approx((0.463938, 0.628365), abs=5e-7)
    assert (found.sd, found.n_eff) == (None, 137.0)


def test_the_sd_over_seeds_stands_beside() -> None:
    y = golden(2, 5)
    found = cell(make_scores(y), 1)
    assert found.per_seed == pytest.approx(y[1].mean(axis=1), abs=1e-15)
    assert found.sd == pytest.approx(float(np.std(y[1].mean(axis=1), ddof=1)), abs=1e-15)


@pytest.mark.parametrize("seeds", [1, 2, 3, 10])
@pytest.mark.parametrize("value", [False, True])
def test_none_and_all_right_are_ordinary(seeds: int, value: bool) -> None:
    found = cell(make_scores(np.full((1, seeds, 30), value)), 0)
    assert found.estimate == float(value)
    assert found.n_eff == 30.0
    assert found.low is not None
    assert found.high is not None
    assert (found.low, found.high)[value] == float(value)
    assert 0.1 < found.high - found.low < 0.9  # two seeds leave 1 df, and 84 %


def test_runs_that_agree_in_every_image_are_worth_one() -> None:
    """Seeds that tell nothing new do not narrow the interval."""
    row = np.arange(60) < 42
    one = cell(make_scores(row[None, None]), 0)
    three = cell(make_scores(np.repeat(row[None, None], 3, axis=1)), 0)
    assert one.low is not None
    assert three.low is not None
    assert three.low <= one.low
    assert three.n_eff == pytest.approx(60 * 59 / 60)


@pytest.mark.parametrize(
    ("shape", "estimate", "reason"),
    [((1, 3, 0), None, "no image"), ((1, 0, 5), None, "no seed finished"), ((1, 1, 1), 1.0, "a single image")],
)
def test_too_little_is_not_estimable(shape: tuple[int, ...], estimate: float | None, reason: str) -> None:
    found = cell(make_scores(np.ones(shape, dtype=bool)), 0)
    assert (found.state, found.estimate, found.reason) == (Trust.NOT_ESTIMABLE, estimate, reason)
    assert (found.low, found.high) == (None, None)


def test_missing_and_diverged_seeds_are_said() -> None:
    scores = make_scores(golden(2, 3), ended=[[F, D, F], [F, F, F]])
    found = cell(scores, 0)
    assert (found.seeds, found.of, found.diverged) == (2, 3, 1)
    assert (cell(scores, 1).seeds, cell(scores, 1).of) == (3, 3)
    at_chance = cell(scores.at_chance(4), 0)
    assert at_chance.estimate == pytest.approx((2 * (found.estimate or 0) + 0.25) / 3)


def test_a_pruned_seed_leaves_no_interval() -> None:
    found = cell(make_scores(golden(1, 3), ended=[[F, P, F]]), 0)
    assert (found.state, found.low, found.high, found.reason) == (Trust.PRUNED, None, None, "a seed was pruned")
    assert found.estimate is not None


def test_all_seeds_diverged() -> None:
    found = cell(make_scores(golden(1, 2), ended=[[D, D]]), 0)
    assert (found.state, found.estimate, found.diverged, found.of) == (Trust.NOT_ESTIMABLE, None, 2, 2)


@pytest.mark.parametrize("seeds", [1, 3])
def test_balanced_accuracy_has_the_t_interval(seeds: int) -> None:
    y, classes = golden(1, seeds), np.array([0] * 30 + [1] * 10)
    found = cell(make_scores(y, classes=classes), 0)
    shares = [y[0][:, classes == k].mean() for k in (0, 1)]
    assert found.estimate == pytest.approx(np.mean(shares))
    assert (found.n_eff, found.correct) == (None, None)
    assert found.low is not None
    assert found.estimate is not None
    assert found.high is not None
    assert found.estimate - found.low == pytest.approx(found.high - found.estimate)


def test_duplicates_do_not_narrow_a_single_run() -> None:
    row = np.arange(50) % 3 > 0
    once = cell(make_scores(row[None, None]), 0)
    twice = cell(make_scores(np.repeat(row, 2)[None, None], groups=np.repeat(np.arange(50), 2)), 0)
    assert (twice.low, twice.high, twice.images) == pytest.approx((once.low, once.high, 50))


def test_one_diverged_seed_at_chance_has_an_interval() -> None:
    scores = make_scores(golden(1, 3), ended=[[D, D, D]]).at_chance(10)
    found = cell(scores, 0)
    assert found.estimate == pytest.approx(0.1)
    assert found.low is not None
    assert found.low < 0.1 < (found.high or 0)


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("pairs", [0, 1, 20, 22, 60])
def test_errors_have_the_interval_of_accuracies_mirrored(seeds: int, pairs: int) -> None:
    """With weights, too: what spreads is the distance from the mean, not the weight."""
    rng = np.random.default_rng([seeds, pairs])
    y, groups, classes = rng.random((seeds, 180)) < 0.97, np.arange(180), np.repeat([0, 1, 2], [20, 60, 100])
    groups[180 - pairs :] = np.arange(pairs)
    y[:, 180 - pairs :] = y[:, :pairs]
    for kind in ({"groups": groups}, {"classes": classes}):
        right, wrong = (cell(make_scores(table[None] * 1.0, **kind), 0) for table in (y, ~y))
        assert right.low is not None
        assert right.high is not None
        assert (wrong.high, wrong.low) == pytest.approx((1 - right.low, 1 - right.high), abs=1e-9), kind


@pytest.mark.parametrize("pairs", range(0, 40))
def test_all_right_is_all_right_whatever_images_weigh(pairs: int) -> None:
    groups = np.arange(360)
    groups[360 - pairs :] = np.arange(pairs)
    found = cell(make_scores(np.ones((1, 5, 360)), groups=groups), 0)
    assert (found.estimate, found.high, found.n_eff) == (1.0, 1.0, 360 - pairs)
    assert found.low is not None
    assert found.low > 0.975
