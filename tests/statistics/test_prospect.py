"""Power before a run: the figures without a record, those of a record, and the sentences."""

from __future__ import annotations

import numpy as np
import pytest

from search.statistics.components import Components
from search.statistics.measure import ACCURACY, Measure
from search.statistics.noise import Noise, PooledSquares, from_record, pooled_squares, without_record
from search.statistics.pooled import pooled_noise
from search.statistics.power import fewest_seeds
from search.statistics.prospect import Chance, prospect
from search.statistics.results import MeanSquares
from search.statistics.scores import make_scores
from search.statistics.squares import mean_squares
from tests.statistics.generator import Scenario, draw
from tests.statistics.worlds import World, judged


@pytest.mark.parametrize(
    ("seeds", "found", "equal"), [(3, (84, 26, 100), 12), (5, (99, 52, 100), 53), (10, (100, 81, 100), 92)]
)
def test_figures_of_a_study_without_a_record(seeds: int, found: tuple[int, int, int], equal: int) -> None:
    """Accuracy .8, 1,000 images, 5 settings, 4 points; equality within 2: as they were simulated, to a point."""
    one = prospect(without_record(0.8, 5), seeds, 1000, 0.04, 0.02)
    assert [100 * one.found.expected, 100 * one.found.least, 100 * one.found.most] == pytest.approx(found, abs=1.1)
    assert one.equal is not None
    assert 100 * one.equal.expected == pytest.approx(equal, abs=1.1)


def test_sentences() -> None:
    three = prospect(without_record(0.8, 5), 3, 1000, 0.04, 0.02)
    assert three.sentence == (
        "3 seeds and 1,000 images find a true difference of 4 pt with a probability of 84 % (27 to over 99 %), and "
        "show equality within 2 pt with 13 % (0 to 88 %); one more seed: 96 % and 34 %; 80 % are reached from 3.7 pt "
        "on; "
        "noise as seen elsewhere, of accuracies about 80 %"
    )
    assert prospect(without_record(0.8, 5), 2, 1000, 0.04).sentence == (
        "2 seeds decide nothing, a verdict needs 3; one more seed: 84 %"
    )
    assert prospect(without_record(0.8, 5), 1, 1000, 0.04).sentence == "1 seed decides nothing, a verdict needs 3"
    angle = Measure(unit="degrees", higher_is_better=False, example="scan", examples="scans")
    silent = Components(0.01, 0.0, 1.0, 3)
    noise = Noise(silent, silent, silent, "noise of another study", angle)
    of_angles = prospect(noise, 5, 200, 0.5)
    assert of_angles.sentence.startswith("5 seeds and 200 scans find a true difference of 0.5 degrees with")
    assert " to " not in of_angles.sentence.split(";")[0]
    # Of angles there is no difference that everybody would assume: what is found is said instead.
    least = [silent.detectable(seeds, 200) for seeds in (5, 6)]
    assert prospect(noise, 5, 200, None).sentence == (
        f"5 seeds and 200 scans find a true difference with a probability of 80 % from {least[0]:.2g} degrees on; one "
        f"more seed: from {least[1]:.2g} degrees on; noise of another study"
    )


@pytest.mark.parametrize(
    ("chance", "text"),
    [
        (Chance(0.5, 0.001, 1.0), "50 % (under 1 to 100 %)"),
        (Chance(0.9, 0.0, 0.998), "90 % (0 to over 99 %)"),
        (Chance(0.7, 0.7, 0.7), "70 %"),
    ],
)
def test_probabilities_are_neither_none_nor_certain_unless_they_are(chance: Chance, text: str) -> None:
    assert str(chance) == text


def recorded(noise: float, settings: int = 4, seeds: int = 3, images: int = 1000) -> PooledSquares:
    """MS_R .1, vI .02, and this noise of runs."""
    return PooledSquares(MeanSquares(noise, 0.1 + seeds * 0.02, 0.1, noise), settings, seeds, images)


def test_components_of_a_study_on_record() -> None:
    found = from_record(recorded(0.4), 5, "study a")
    one = found.quiet
    assert (one.seeds, one.images, one.rest, one.settings) == pytest.approx((0.3 / 1000, 0.02, 0.1, 5))
    # 6 / chi2_{.2, 6} = 6 / 3.0701
    assert found.expected.seeds == pytest.approx((0.4 * 6 / 3.0701 - 0.1) / 1000, rel=1e-3)
    assert found.source == "noise of study a (4 settings, 3 seeds: 6 df), at its 80 % upper limit"
    assert (found.images, found.measure, found.quiet.tie) == (1000, ACCURACY, 1.0)


@pytest.mark.parametrize(("settings", "seeds"), [(2, 3), (4, 3), (5, 9)])
def test_pooled_squares_are_the_means_over_all_pairs(settings: int, seeds: int) -> None:
    y = np.random.default_rng(0).normal(1.0, 0.2, (settings, seeds, 30))
    found = pooled_squares(make_scores(y, measure=Measure()))
    assert found is not None
    pairs = [mean_squares(y[a] - y[b]) for a in range(settings) for b in range(a)]
    means = [float(np.mean([getattr(one, name) for one in pairs])) for name in ("seeds", "images", "rest")]
    squares = found.squares
    assert [squares.seeds, squares.images, squares.rest] == pytest.approx(means)
    assert squares.pooled == pytest.approx(float(pooled_noise(y.mean(axis=-1), 30)))
    assert (found.df, found.images) == ((settings - 1) * (seeds - 1), 30)


def test_one_training_counts_once_and_a_stuck_run_not_at_all() -> None:
    y = np.random.default_rng(2).random((4, 4, 300)) < 0.8
    y[3, 1] = np.random.default_rng(3).random(300) < 0.1
    names = [[(min(a, 1), s) for s in range(4)] if a < 3 else [(3, s) for s in range(4)] for a in range(4)]
    y[2] = y[1]
    found = pooled_squares(make_scores(y, identities=names), chance=0.1)
    assert found is not None
    assert (found.settings, found.squares) == (2, pooled_squares(make_scores(y[:2])).squares)


@pytest.mark.parametrize(
    "y",
    [np.ones((1, 3, 10)), np.ones((3, 1, 10)), np.ones((3, 3, 1)), np.ones((3, 3, 10))],
    ids=["one setting", "one seed", "one example", "constant scores"],
)
def test_a_table_that_tells_nothing(y: np.ndarray) -> None:
    assert pooled_squares(make_scores(y)) is None


def test_scores_as_small_as_they_may_be_are_planned_like_any_others() -> None:
    """A table of ties varies by 1 / n where scores are right or wrong; a loss in another unit is the same loss."""
    y = np.random.default_rng(1).normal(1.0, 0.2, (3, 4, 50))
    chances = []
    for unit in (1.0, 1e-6):
        found = pooled_squares(make_scores(unit * y, measure=Measure()))
        assert found is not None
        chances.append(prospect(from_record(found, 3, "a", Measure()), 4, 50, unit * 0.1).found)
    assert chances[0] is not None
    assert chances[1] is not None
    assert vars(chances[0]) == pytest.approx(vars(chances[1]), rel=1e-6)


def enough(pilots: int, pilot_settings: int, seeds: int) -> tuple[float, float, float]:
    """Return how often a plan by a pilot has a power of .75: by the upper limit, by the estimate; and the median number
    of seeds by the limit."""
    truth = Components(2e-4, 0.029, 0.134, 5)
    rng = np.random.default_rng([pilot_settings, seeds])
    df, good, plain, wanted = (pilot_settings - 1) * (seeds - 1), 0, 0, []
    really = [truth.power(count, 1000, 0.03) if count > 2 else 0.0 for count in range(101)]
    for _ in range(pilots):
        noise = (1000 * truth.seeds + truth.rest) * rng.chisquare(df) / df
        squares = MeanSquares(noise, truth.rest + seeds * truth.images, truth.rest, noise)
        found = from_record(PooledSquares(squares, pilot_settings, seeds, 1000), 5, "pilot")
        upper, least = (fewest_seeds(one, 1000, 0.03) or 100 for one in (found.expected, found.quiet))
        good += really[upper] >= 0.75
        plain += really[least] >= 0.75
        wanted.append(upper)
    return good / pilots, plain / pilots, float(np.median(wanted))


def test_plans_by_the_upper_limit_are_enough_more_often() -> None:
    upper, plain, _ = enough(40, 5, 3)
    assert upper >= 0.75
    assert upper > plain


@pytest.mark.stress
@pytest.mark.parametrize(("settings", "seeds", "promised"), [(2, 3, 0.83), (5, 3, 0.88), (7, 5, 0.95)])
def test_plans_in_full(settings: int, seeds: int, promised: float) -> None:
    upper, plain, wanted = enough(600, settings, seeds)
    shares = f"in {100 * upper:.0f} % of plans, by the estimate in {100 * plain:.0f} %; median S {wanted:g}"
    print(f"f {(settings - 1) * (seeds - 1)}: power >= .75 {shares}")
    assert upper >= promised - 3 * np.sqrt(promised * (1 - promised) / 600)
    assert plain < upper


def test_a_record_of_a_real_table_plans_the_next_one() -> None:
    """From scores to the sentence: what a simulated study says of another one like it, against simulation."""
    y = draw(np.random.default_rng(1), Scenario("1 pt, mixed", 1, 0.7), 1, 5, 5, 1000, 0.8)[0]
    found = pooled_squares(make_scores(y))
    assert found is not None
    noise = from_record(found, 5, "a")
    one = prospect(noise, 5, 1000, 0.04)
    assert one.found is not None
    world = World([np.sqrt(noise.quiet.seeds / 2)] * 5, noise.quiet.rest, noise.quiet.images, 1000, 0.04)
    assert one.found.most == pytest.approx(judged(world, 5, 2000, "guarded").power, abs=0.05)
    assert 0.5 < one.found.least <= one.found.most
