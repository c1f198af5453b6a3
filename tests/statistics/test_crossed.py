"""Differences: the golden values, and a defined answer for every odd table."""

from __future__ import annotations

import numpy as np
import pytest

from search.statistics.crossed import alike
from search.statistics.results import Trust
from search.statistics.scores import Ended, make_scores
from tests.statistics.helpers import difference, differences, golden, loops

F, D, P, M = Ended.FINISHED, Ended.DIVERGED, Ended.PRUNED, Ended.MISSING


def test_golden_values_of_two_settings() -> None:
    found = difference(make_scores(golden(2, 3)), 1, 0)
    assert found.state is Trust.ESTIMATED
    assert found.squares is not None
    figures = (found.estimate, found.squares.seeds, found.squares.images, found.squares.rest)
    assert figures == pytest.approx((0.166667, 0.658333, 0.256410, 0.478846), abs=5e-7)
    assert (found.low, found.high, found.p) == pytest.approx((-0.152023, 0.485357, 0.153332), abs=5e-7)
    assert found.squares.pooled is None
    assert found.noise == "seed noise estimated from 2 settings, 2 df"


def test_golden_values_of_three_settings_pool_the_seed_noise() -> None:
    scores = make_scores(golden(3, 3))
    one, two = difference(scores, 1, 0), difference(scores, 2, 0)
    assert (one.low, one.high, one.p) == pytest.approx((-0.041138, 0.374471, 0.089929), abs=5e-7)
    assert (two.estimate, two.low, two.high, two.p) == pytest.approx(
        (0.141667, -0.061382, 0.344715, 0.134338), abs=5e-7
    )
    assert one.noise == "seed noise estimated from 3 settings, 4 df"


def test_golden_values_of_ten_seeds_do_not_pool() -> None:
    found = difference(make_scores(golden(3, 10)), 2, 0)
    assert (found.estimate, found.low, found.high, found.p) == pytest.approx(
        (0.18, 0.014838, 0.345162, 0.035840), abs=5e-7
    )
    assert found.noise == "seed noise estimated from 2 settings, 9 df"


@pytest.mark.parametrize(("settings", "seeds"), [(2, 2), (2, 5), (3, 2), (5, 4), (4, 7), (4, 8), (6, 12)])
def test_the_formulas_written_as_loops_give_the_same(settings: int, seeds: int) -> None:
    y = golden(settings, seeds, 53)
    for a in range(1, settings):
        found, expected = difference(make_scores(y), a, 0), loops(y, a, 0)
        assert found.squares is not None
        assert (found.estimate, found.low, found.high, found.p, found.df) == pytest.approx(
            tuple(expected[name] for name in ("m", "low", "high", "p", "df")), abs=1e-12
        )


def test_df_are_no_more_than_the_images_allow() -> None:
    """Image effects far above the seed noise: Hillis' df would be hundreds of thousands."""
    y = np.zeros((2, 5, 40), dtype=bool)
    y[1, :, :20] = True
    y[1, 0, 0] = False
    found, expected = difference(make_scores(y), 1, 0), loops(y, 1, 0)
    assert (found.df, found.p) == pytest.approx((39.0, expected["p"]), abs=1e-12)


def test_the_estimate_is_the_difference_of_the_accuracies() -> None:
    y = golden(3, 4)
    found = difference(make_scores(y), 2, 1)
    assert found.estimate == pytest.approx(float(y[2].mean()) - float(y[1].mean()), abs=1e-15)


def test_a_table_of_ties_is_not_of_zero_width() -> None:
    y = np.repeat(golden(1, 3), 2, axis=0)
    found = difference(make_scores(y), 1, 0)
    assert (found.state, found.estimate, found.p) == (Trust.ESTIMATED, 0.0, 1.0)
    assert found.low is not None
    assert found.low < -0.05 < 0.05 < (found.high or 0)
    assert found.low == -(found.high or 0)


def test_a_constant_difference_is_answered_and_clipped() -> None:
    y = np.zeros((2, 3, 20), dtype=bool)
    y[1] = True
    found = difference(make_scores(y), 1, 0)
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert found.low is not None
    assert 0.5 < found.low < 1
    assert difference(make_scores(y), 0, 1).low == -1.0


@pytest.mark.parametrize("balanced", [False, True])
def test_equal_rows_have_exactly_no_seed_noise(balanced: bool) -> None:
    """Whether Q is 0 decides about df, which must not hang on the rounding of a sum."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        seeds, images = int(rng.integers(2, 12)), int(rng.integers(5, 60))
        y = np.repeat(rng.random((2, 1, images)) < 0.5, seeds, axis=1)
        classes = rng.integers(0, 3, images) if balanced else None
        assert difference(make_scores(y, classes=classes), 1, 0).df == seeds - 1


def test_the_same_run_is_said_and_not_tested() -> None:
    y = golden(3, 3)
    y[1] = y[0]
    keys = [["p", "q", "r"], ["p", "q", "r"], ["x", "y", "z"]]
    found = difference(make_scores(y, identities=keys), 1, 0)
    assert (found.state, found.estimate, found.low, found.high, found.p) == (Trust.SAME_RUN, 0.0, None, None, None)
    assert found.noise == ""


def test_one_training_counts_once_in_the_pooled_noise() -> None:
    y = np.concatenate([golden(3, 3), golden(3, 3)[:1]])
    keys = [[(min(a % 3, a), s) for s in range(3)] for a in range(4)]
    twice, once = make_scores(y, identities=keys), make_scores(y[:3])
    assert difference(twice, 1, 0) == difference(once, 1, 0)
    of_twin, expected = difference(twice, 1, 3), difference(once, 1, 0)
    assert of_twin.settings == 3
    assert (of_twin.low, of_twin.high, of_twin.p) == pytest.approx((expected.low, expected.high, expected.p), abs=1e-12)
    assert difference(make_scores(y), 1, 0).settings == 4


def test_equal_rows_count_once_in_the_pooled_noise_and_name_one_comparison() -> None:
    """Two trainings that nothing tells apart are one training twice, whatever their keys are."""
    y = np.concatenate([golden(3, 3), golden(3, 3)[1:2]])
    rows = [[(a % 3 + (a == 3), s) for s in range(3)] for a in range(4)]
    twice, once = make_scores(y, contents=rows), make_scores(y[:3])
    assert difference(twice, 1, 0) == difference(twice, 3, 0) == difference(once, 1, 0)
    one, other, back, none, third = alike(twice, [(1, 0), (3, 0), (0, 3), (3, 1), (2, 0)])
    assert one == other == back is not None
    assert none is None
    assert third not in (one, None)
    assert difference(twice, 3, 1).p == 1.0


def test_runs_that_share_one_seed_only_are_compared() -> None:
    keys = [["p", "q", "r"], ["p", "s", "t"]]
    assert difference(make_scores(golden(2, 3), identities=keys), 1, 0).state is Trust.ESTIMATED


def test_differences_are_on_common_seeds_and_pool_what_is_complete_on_them() -> None:
    y = golden(4, 4)
    ended = [[F, F, F, M], [F, F, F, F], [F, M, F, F], [F, F, F, F]]
    scores = make_scores(y, ended=ended)
    common = difference(scores, 1, 0)
    assert (common.seeds, common.settings) == (3, 3)
    assert common == difference(make_scores(y[[0, 1, 3]][:, :3]), 1, 0)
    fewer = difference(scores, 2, 0)
    assert (fewer.seeds, fewer.settings) == (2, 4)
    assert fewer == difference(make_scores(y[:, [0, 2]]), 2, 0)


def test_what_stands_in_a_run_that_did_not_finish_is_not_read() -> None:
    y = golden(2, 4).astype(float)
    y[0, 3] = np.nan
    scores = make_scores(y, ended=[[F, F, F, D], [F] * 4])
    assert difference(scores, 1, 0) == difference(make_scores(golden(2, 3)), 1, 0)


def test_a_diverged_seed_counts_at_chance_on_request() -> None:
    y = golden(2, 3).astype(float)
    scores = make_scores(y, ended=[[F, F, F], [F, D, F]])
    y[1, 1] = 0.1
    found = difference(scores.at_chance(10), 1, 0)
    assert found == difference(make_scores(y), 1, 0)
    assert found.seeds == 3


def test_a_pruned_seed_forbids_the_difference() -> None:
    scores = make_scores(golden(3, 3), ended=[[F, F, F], [F, P, F], [F, F, F]])
    found = difference(scores, 1, 0)
    assert (found.state, found.estimate, found.p) == (Trust.PRUNED, None, None)
    assert found.reason == "a seed was pruned; a pruned setting can only be described, at an epoch all runs reached"
    assert difference(scores, 2, 0).state is Trust.ESTIMATED


@pytest.mark.parametrize(
    ("shape", "estimate", "reason"),
    [
        ((2, 3, 0), None, "no image"),
        ((2, 0, 5), None, "no seed that both settings finished"),
        ((2, 3, 1), 0.0, "a single image"),
        ((2, 1, 1), 0.0, "a single image"),
    ],
)
def test_too_little_is_not_estimable(shape: tuple[int, ...], estimate: float | None, reason: str) -> None:
    found = difference(make_scores(np.ones(shape, dtype=bool)), 1, 0)
    assert (found.state, found.estimate, found.reason) == (Trust.NOT_ESTIMABLE, estimate, reason)
    assert (found.low, found.high, found.p) == (None, None, None)


def test_one_setting_has_no_difference() -> None:
    assert differences(make_scores(golden(1, 3)), 0) == [None]


def test_every_setting_but_the_baseline_has_one() -> None:
    scores = make_scores(golden(3, 3))
    assert differences(scores, 1) == [difference(scores, 0, 1), None, difference(scores, 2, 1)]


def test_balanced_accuracy_is_the_mean_of_the_classes() -> None:
    y, classes = golden(3, 3), np.array([0] * 25 + [1] * 10 + [2] * 5)
    found = difference(make_scores(y, classes=classes), 1, 0)
    share = [[y[a][:, classes == k].mean() for k in range(3)] for a in (0, 1)]
    assert found.estimate == pytest.approx(np.mean(share[1]) - np.mean(share[0]), abs=1e-14)
    weight = 40 / (3 * np.bincount(classes)[classes])
    expected = loops(y * weight, 1, 0)
    assert (found.low, found.high, found.p) == pytest.approx(
        (expected["low"], expected["high"], expected["p"]), abs=1e-12
    )


def test_duplicates_are_one_image_whose_size_is_part_of_its_spread() -> None:
    y = golden(3, 3)
    groups = np.arange(40) // 2 * 2
    groups[30:] = np.arange(30, 40)  # 15 pairs, 10 single images
    found = difference(make_scores(y, groups=groups), 1, 0)
    assert found.images == 25
    assert found.estimate == pytest.approx(float(y[1].mean()) - float(y[0].mean()), abs=1e-14)
    mean = y.mean(axis=-1, keepdims=True)
    sums = [(y[..., groups == group] - mean).sum(axis=-1) for group in dict.fromkeys(groups.tolist())]
    expected = loops(mean + 25 / 40 * np.stack(sums, axis=-1), 1, 0)
    assert (found.low, found.p) == pytest.approx((expected["low"], expected["p"]), abs=1e-12)


def test_golden_values_of_groups() -> None:
    scores = make_scores(np.array([[[1, 0, 1, 1, 0, 1, 1]]]), groups=[0, 0, 0, 1, 1, 2, 3])
    assert scores.analysed(0, np.array([0]))[0] == pytest.approx([0.632653, 0.469388, 0.877551, 0.877551], abs=5e-7)
    assert scores.images**2 / (scores.weights**2).sum() == pytest.approx(3.266667, abs=5e-7)


def test_an_image_listed_ten_times_is_no_ten_images() -> None:
    y = golden(2, 3)
    many, groups = np.repeat(y, 10, axis=-1), np.repeat(np.arange(40), 10)
    honest = difference(make_scores(many, groups=groups), 1, 0)
    once, fooled = difference(make_scores(y), 1, 0), difference(make_scores(many), 1, 0)
    assert (honest.images, honest.low, honest.p) == pytest.approx((40, once.low, once.p), abs=1e-12)
    assert fooled.images == 400


def test_another_level() -> None:
    found = difference(make_scores(golden(2, 3)), 1, 0)
    assert found.interval(0.95) == pytest.approx((found.low, found.high), abs=1e-15)
    narrow = found.interval(0.90)
    assert narrow is not None
    assert found.low is not None
    assert found.low < narrow[0] < narrow[1] < (found.high or 0)
