"""What intervals of a calibration error cover: its mean over samples of as many examples, not the source's error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from search.core.influence import calibration
from search.statistics.cell import cell
from search.statistics.crossed import compare
from search.statistics.measure import Form, Measure
from search.statistics.scores import make_scores

MEASURE = Measure(0.0, 1.0, higher_is_better=False, form=Form.INFLUENCE, example="image", examples="images")
OVERCONFIDENT = (1.0, 1.6, 2.5)
"""By how much the logits of each setting are too large; 1 is calibrated."""


def table(rng: np.random.Generator, images: int, seeds: int) -> npt.NDArray[np.float64]:
    """Influence values [settings, seeds, images] of settings that share how hard each image is."""
    hard = rng.normal(size=images)
    values = np.empty((len(OVERCONFIDENT), seeds, images))
    for place, factor in enumerate(OVERCONFIDENT):
        for seed in range(seeds):
            margin = np.abs(1.0 + hard + 0.8 * rng.normal(size=images))
            right = rng.random(images) < 1 / (1 + np.exp(-margin))
            confidence = 1 / (1 + np.exp(-margin * factor * np.exp(0.08 * rng.normal())))
            values[place, seed] = calibration(right, confidence)
    return values


def covered(images: int, seeds: int, tables: int) -> tuple[list[float], list[float], float]:
    """Share of tables whose intervals cover the mean figure on as many images, of levels and of differences; and whose
    interval of the calibrated setting covers its error over 100 times as many."""
    rng = np.random.default_rng(images * seeds)
    drawn = [table(rng, images, seeds) for _ in range(tables)]
    means = np.mean([one.mean(axis=(1, 2)) for one in drawn], axis=0)
    source = table(rng, 100 * images, 1).mean(axis=(1, 2))[0]
    levels, differences, of_source = np.zeros(3), np.zeros(2), 0.0
    for one in drawn:
        scores = make_scores(one, measure=MEASURE)
        for place in range(3):
            found = cell(scores, place)
            assert found.low is not None
            assert found.high is not None
            levels[place] += found.low <= means[place] <= found.high
            of_source += place == 0 and found.low <= source <= found.high
        for place in (1, 2):
            (difference,) = compare(scores, [(place, 0)])
            assert difference.low is not None
            assert difference.high is not None
            differences[place - 1] += difference.low <= means[place] - means[0] <= difference.high
    return (levels / tables).tolist(), (differences / tables).tolist(), of_source / tables


def check(images: int, seeds: int, tables: int) -> None:
    levels, differences, of_source = covered(images, seeds, tables)
    assert min(levels) >= 0.95
    assert min(differences) >= 0.95
    assert of_source < 0.5, "why the table says of what its interval speaks"


@pytest.mark.slow
def test_intervals_cover_the_mean_figure_on_as_many_images() -> None:
    check(100, 3, 60)


@pytest.mark.stress
@pytest.mark.parametrize("images", [100, 300, 1000])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_intervals_cover_the_mean_figure_in_every_world(images: int, seeds: int) -> None:
    check(images, seeds, 250)
