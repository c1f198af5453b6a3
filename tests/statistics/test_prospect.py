"""Power before a run: the figures without a record, those of a record, and the sentences."""

from __future__ import annotations

import numpy as np
import pytest

from search.statistics.components import Components
from search.statistics.crossed import Rule, compare
from search.statistics.measure import Measure
from search.statistics.power import fewest_seeds
from search.statistics.prospect import Chance, Noise, from_record, prospect, without_record
from search.statistics.results import Difference, MeanSquares, Trust
from search.statistics.scores import make_scores
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
    assert prospect(without_record(0.8, 5), 1, 1000, 0.04).sentence.startswith("1 seed decides nothing")
    angle = Measure(unit="degrees", higher_is_better=False, example="scan", examples="scans")
    silent = Components(0.01, 0.0, 1.0, 3)
    of_angles = prospect(Noise(silent, silent, silent, "noise of another study"), 5, 200, 0.5, measure=angle)
    assert of_angles.sentence.startswith("5 seeds and 200 scans find a true difference of 0.5 degrees with")
    assert " to " not in of_angles.sentence.split(";")[0]


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


def recorded(noise: float, df: int, count: int = 3) -> list[Difference]:
    squares = MeanSquares(0.2, 0.1 + 3 * 0.02, 0.1, noise)
    return [Difference(Trust.ESTIMATED, seeds=3, images=1000, settings=4, noise_df=df, squares=squares)] * count


def test_components_of_a_study_on_record() -> None:
    found = from_record(recorded(0.4, 6), 5, "study a")
    assert found is not None
    one = found.quiet
    assert (one.seeds, one.images, one.rest, one.settings) == pytest.approx((0.3 / 1000, 0.02, 0.1, 5))
    # 6 / chi2_{.2, 6} = 6 / 3.0701
    assert found.expected.seeds == pytest.approx((0.4 * 6 / 3.0701 - 0.1) / 1000, rel=1e-3)
    assert found.source == "noise of study a, at its 80 % upper limit"
    assert from_record([Difference(Trust.ONE_RUN), Difference(Trust.SAME_RUN)], 5, "study a") is None


def enough(pilots: int, pilot_settings: int, seeds: int) -> tuple[float, float]:
    """Return how often a plan by a pilot has a power of .75: by the upper limit, by the estimate."""
    truth = Components(2e-4, 0.029, 0.134, 5)
    rng = np.random.default_rng([pilot_settings, seeds])
    df, good, plain = (pilot_settings - 1) * (seeds - 1), 0, 0
    for _ in range(pilots):
        noise = (1000 * truth.seeds + truth.rest) * rng.chisquare(df) / df
        squares = MeanSquares(noise, truth.rest + seeds * truth.images, truth.rest, noise)
        record = [Difference(Trust.ESTIMATED, seeds=seeds, images=1000, noise_df=df, squares=squares)]
        found = from_record(record, 5, "pilot")
        assert found is not None
        upper, least = (fewest_seeds(one, 1000, 0.03) or 100 for one in (found.expected, found.quiet))
        good += truth.power(upper, 1000, 0.03) >= 0.75
        plain += truth.power(least, 1000, 0.03) >= 0.75
    return good / pilots, plain / pilots


def test_plans_by_the_upper_limit_are_enough_more_often() -> None:
    upper, plain = enough(40, 5, 3)
    assert upper >= 0.75
    assert upper > plain


@pytest.mark.stress
def test_plans_in_full() -> None:
    for settings, seeds in ((2, 3), (5, 3), (7, 5)):
        upper, plain = enough(400, settings, seeds)
        shares = f"in {100 * upper:.0f} % of plans, by the estimate in {100 * plain:.0f} %"
        print(f"f {(settings - 1) * (seeds - 1)}: power >= .75 {shares}")
        assert upper >= 0.8


def test_a_record_of_a_real_table_plans_the_next_one() -> None:
    """From scores to the sentence: what a simulated study says of another one like it, against simulation."""
    y = draw(np.random.default_rng(1), Scenario("1 pt, mixed", 1, 0.7), 1, 5, 5, 1000, 0.8)[0]
    differences = compare(make_scores(y), [(a, 0) for a in range(1, 5)], Rule.GUARDED)
    noise = from_record(differences, 5, "a")
    assert noise is not None
    one = prospect(noise, 5, 1000, 0.04)
    world = World([np.sqrt(noise.quiet.seeds / 2)] * 5, noise.quiet.rest, noise.quiet.images, 1000, 0.04)
    assert one.found.most == pytest.approx(judged(world, 5, 2000, "guarded").power, abs=0.05)
    assert 0.5 < one.found.least <= one.found.most
