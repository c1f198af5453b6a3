"""Power before a run: what so many seeds and examples will be able to show.

Known before anything is trained is only how noisy similar studies were. Where one is on record, its variance
components stand for the coming ones, their seed noise at its 80 % upper limit, because a plan by the estimate itself is
too hopeful half of the time. Where none is, the range of what was seen elsewhere is stated, as usual (noisy to quiet).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.statistics.components import Components, chi2_quantile
from search.statistics.measure import ACCURACY, Measure
from search.statistics.results import ALPHA, VERDICT_SEEDS, Difference, Trust

UPPER_LIMIT = 0.8
"""Confidence of the upper limit of the noise on record."""

_SEEN = {"quiet": (0.005, 0.2, 0.005), "usual": (0.014, 0.4, 0.03), "noisy": (0.035, 0.85, 0.18)}
"""sqrt vS, and vR and vI as multiples of p (1 - p), of accuracies p: one data set, really trained, and a range."""


@dataclass(frozen=True)
class Noise:
    """What is taken for the noise of a study that is not run yet.

    Attributes:
        expected: what is planned by.
        quiet: the least it may be.
        loud: the most.
        source: where it is from, a phrase.
    """

    expected: Components
    quiet: Components
    loud: Components
    source: str


def without_record(accuracy: float, settings: int) -> Noise:
    """Return the noise of a study of which nothing similar is on record, of accuracies about this one.

    Args:
        accuracy: a fraction.
        settings: settings of the table.
    """
    share = accuracy * (1 - accuracy)
    quiet, usual, noisy = (
        Components(sd**2, images * share, rest * share, settings) for sd, rest, images in _SEEN.values()
    )
    about = f"noise as seen elsewhere, of accuracies about {100 * accuracy:.0f} %"
    return Noise(usual, quiet, noisy, about)


def from_record(differences: Sequence[Difference], settings: int, study: str) -> Noise | None:
    """Return the noise of a study of which a similar one is on record; None where it tells nothing.

    Args:
        differences: of the similar study, to its baseline.
        settings: settings of the coming table.
        study: what the similar study is called.

    The components are pooled: MS_P where it was formed, else the mean of MS_S; the means of MS_R and of vI.
    """
    usable = [one for one in differences if one.state is Trust.ESTIMATED and one.squares is not None]
    if not usable:
        return None
    squares = [one.squares for one in usable if one.squares is not None]
    rest = float(np.mean([one.rest for one in squares]))
    effects = float(np.mean([max(s.images - s.rest, 0.0) / d.seeds for s, d in zip(squares, usable, strict=True)]))
    # Differences to one baseline share its runs: of several with noise of their own, one's degrees of freedom count.
    df = max(one.noise_df for one in usable)
    pooled = [s.pooled for s in squares if s.pooled is not None]
    noise = float(np.mean(pooled or [one.seeds for one in squares]))
    images = usable[0].images

    def with_noise(factor: float) -> Components:
        return Components(max(noise * factor - rest, 0.0) / images, effects, rest, settings)

    upper = with_noise(df / float(chi2_quantile(1 - UPPER_LIMIT, df)))
    return Noise(upper, with_noise(1.0), upper, f"noise of {study}, at its 80 % upper limit")


@dataclass(frozen=True)
class Chance:
    """A probability, as expected and from the loudest to the quietest noise."""

    expected: float
    least: float
    most: float

    def __str__(self) -> str:
        low, middle, high = (_percent(value) for value in (self.least, self.expected, self.most))
        return f"{middle} %" if low == high else f"{middle} % ({low} to {high} %)"


@dataclass(frozen=True)
class Prospect:
    """What a study will be able to show.

    Attributes:
        seeds: seeds per setting.
        images: examples of the judged split.
        delta: the true difference that is to be found.
        margin: the margin within which equality is to be shown; None where none is stated.
        found: probability of finding it.
        equal: probability of showing equality where there is none; None without a margin.
        found_more: `found` with one more seed.
        equal_more: `equal` with one more seed.
        detectable: the smallest difference found with a probability of 80 %; None where there is none.
        source: where the noise is from.
        measure: what is judged.
    """

    seeds: int
    images: int
    delta: float
    margin: float | None
    found: Chance
    equal: Chance | None
    found_more: Chance
    equal_more: Chance | None
    detectable: float | None
    source: str
    measure: Measure = ACCURACY

    @property
    def sentence(self) -> str:
        """The same for a reader, as a sentence without full stop."""
        seeds, size = f"{self.seeds} seed{'s' * (self.seeds != 1)}", self.measure.amount
        more = f"one more seed: {_percent(self.found_more.expected)} %"
        if self.equal_more is not None:
            more += f" and {_percent(self.equal_more.expected)} %"
        if self.seeds < VERDICT_SEEDS:
            return f"{seeds} decide{'s' * (self.seeds == 1)} nothing, a verdict needs {VERDICT_SEEDS}; {more}"
        start = f"{seeds} and {self.images:,} {self.measure.examples} find a true difference of {size(self.delta)}"
        text = f"{start} with a probability of {self.found}"
        if self.equal is not None and self.margin is not None:
            text += f", and show equality within {size(self.margin)} with {self.equal}"
        text += f"; {more}"
        if self.detectable is not None:
            text += f"; 80 % are reached from {size(float(f'{self.detectable:.2g}'))} on"
        return f"{text}; {self.source}"


def prospect(
    noise: Noise,
    seeds: int,
    images: int,
    delta: float,
    margin: float | None = None,
    alpha: float = ALPHA,
    strict: bool = False,
    measure: Measure = ACCURACY,
) -> Prospect:
    """Return what a study of so many seeds and examples will be able to show.

    Args:
        noise: as it is expected.
        seeds: seeds per setting, at least 1; fewer than 3 decide nothing.
        images: examples, at least 2.
        delta: the true difference to find, > 0.
        margin: margin of equality, > 0.
        alpha: level of a test.
        strict: by the strict rule.
        measure: what is judged.
    """
    images = max(images, 2)

    def chance(count: int, size: float, equality: bool) -> Chance:
        if count < VERDICT_SEEDS:
            return Chance(0.0, 0.0, 0.0)
        levels = [
            one.power(count, images, size, alpha, equality, strict) for one in (noise.expected, noise.loud, noise.quiet)
        ]
        return Chance(levels[0], min(levels), max(levels))

    difference, more = (chance(count, delta, False) for count in (seeds, seeds + 1))
    equal = equal_more = None
    if margin is not None:
        equal, equal_more = (chance(count, margin, True) for count in (seeds, seeds + 1))
    detectable = noise.expected.detectable(seeds, images, alpha) if seeds >= VERDICT_SEEDS else None
    if detectable is not None and detectable > measure.span:
        detectable = None
    return Prospect(
        seeds, images, delta, margin, difference, equal, more, equal_more, detectable, noise.source, measure
    )


def _percent(share: float) -> str:
    """Return a probability in per cent; neither 0 nor 100 unless it is."""
    if 0 < share < 0.005:
        return "under 1"
    if 0.995 <= share < 1:
        return "over 99"
    return f"{math.floor(100 * share + 0.5)}"
