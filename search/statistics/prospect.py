"""Power before a run: what so many seeds and examples will be able to show.

Known before anything is trained is only how noisy similar studies were (`noise`). Probabilities are given as expected,
with the range from the loudest to the quietest noise that it may be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from search.statistics.measure import ACCURACY, Measure
from search.statistics.noise import Noise
from search.statistics.results import ALPHA, VERDICT_SEEDS


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
        delta: the true difference that is to be found; None where none is stated, and none may be assumed.
        margin: the margin within which equality is to be shown; None where none is stated.
        found: probability of finding it; None without `delta`.
        equal: probability of showing equality where there is none; None without a margin.
        found_more: `found` with one more seed.
        equal_more: `equal` with one more seed.
        detectable: the smallest difference found with a probability of 80 %; None where there is none.
        detectable_more: the same with one more seed.
        source: where the noise is from.
        measure: what is judged.
    """

    seeds: int
    images: int
    delta: float | None
    margin: float | None
    found: Chance | None
    equal: Chance | None
    found_more: Chance | None
    equal_more: Chance | None
    detectable: float | None
    detectable_more: float | None
    source: str
    measure: Measure = ACCURACY

    @property
    def sentence(self) -> str:
        """The same for a reader, as a sentence without full stop."""
        seeds, size = f"{self.seeds} seed{'s' * (self.seeds != 1)}", self.measure.amount
        chances = [f"{_percent(one.expected)} %" for one in (self.found_more, self.equal_more) if one is not None]
        more = " and ".join(chances) or self._from(self.detectable_more)
        if self.seeds < VERDICT_SEEDS:
            start = f"{seeds} decide{'s' * (self.seeds == 1)} nothing, a verdict needs {VERDICT_SEEDS}"
            return f"{start}; one more seed: {more}" if self.seeds + 1 >= VERDICT_SEEDS else start
        start = f"{seeds} and {self.images:,} {self.measure.sampled}"
        if self.found is None or self.delta is None:
            text = f"{start} find a true difference with a probability of 80 % {self._from(self.detectable)}"
            return f"{text}; one more seed: {more}; {self.source}"
        text = f"{start} find a true difference of {size(self.delta)} with a probability of {self.found}"
        if self.equal is not None and self.margin is not None:
            text += f", and show equality within {size(self.margin)} with {self.equal}"
        text += f"; one more seed: {more}"
        if self.detectable is not None:
            text += f"; 80 % are reached {self._from(self.detectable)}"
        return f"{text}; {self.source}"

    def _from(self, detectable: float | None) -> str:
        """Return "from 3.7 pt on"."""
        if detectable is None:
            return "for none that there can be"
        return f"from {self.measure.amount(float(f'{detectable:.2g}'))} on"


def prospect(
    noise: Noise,
    seeds: int,
    images: int,
    delta: float | None,
    margin: float | None = None,
    alpha: float = ALPHA,
    strict: bool = False,
) -> Prospect:
    """Return what a study of so many seeds and examples will be able to show.

    Args:
        noise: as it is expected, with what is judged.
        seeds: seeds per setting, at least 1; fewer than 3 decide nothing.
        images: examples, at least 2.
        delta: the true difference to find, > 0; None where there is none to ask for.
        margin: margin of equality, > 0.
        alpha: level of a test.
        strict: by the strict rule.
    """
    images, measure = max(images, 2), noise.measure

    def chance(count: int, size: float | None, equality: bool) -> Chance | None:
        if size is None:
            return None
        if count < VERDICT_SEEDS:
            return Chance(0.0, 0.0, 0.0)
        levels = [
            one.power(count, images, size, alpha, equality, strict) for one in (noise.expected, noise.loud, noise.quiet)
        ]
        return Chance(levels[0], min(levels), max(levels))

    def detectable(count: int) -> float | None:
        if count < VERDICT_SEEDS:
            return None
        least = noise.expected.detectable(count, images, alpha, strict=strict)
        return None if least is None or least > measure.span else least

    difference, more = (chance(count, delta, False) for count in (seeds, seeds + 1))
    equal, equal_more = (chance(count, margin, True) for count in (seeds, seeds + 1))
    return Prospect(
        seeds,
        images,
        delta,
        margin,
        difference,
        equal,
        more,
        equal_more,
        detectable(seeds),
        detectable(seeds + 1),
        noise.source,
        measure,
    )


def _percent(share: float) -> str:
    """Return a probability in per cent; neither 0 nor 100 unless it is."""
    if 0 < share < 0.005:
        return "under 1"
    if 0.995 <= share < 1:
        return "over 99"
    return f"{math.floor(100 * share + 0.5)}"
