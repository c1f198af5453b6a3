"""What would decide: how many seeds, or images, a difference needs to be found, or equality to be shown.

The difference that is assumed is never the observed one: power at the observed difference only restates its p value
(Hoenig & Heisey 2001). It is always named, and the number of seeds is a range: from the noise as estimated to the noise
at its 80 % upper limit, because a pilot of three seeds underestimates it half of the time. For the same reason a
probability is said to be about what was asked for. Power itself is computed in `components`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from search.statistics.components import MAX_IMAGES, POWER, Components, components, components_high
from search.statistics.measure import Measure
from search.statistics.results import ALPHA, VERDICT_SEEDS, Difference, Trust

MAX_SEEDS = 100
"""Seeds that are searched through; more is no plan."""

DEFAULT_MARGIN = 0.02

PROBABLY = f"with a probability of about {100 * POWER:.0f} %"


@dataclass(frozen=True)
class Assumed:
    """The difference that power is computed for.

    Attributes:
        value: a fraction > 0.
        source: whose difference it is, as a phrase.
    """

    value: float
    source: str

    def told(self, measure: Measure) -> str:
        """Return it in the metric's unit, with its source."""
        return f"{measure.amount(self.value)} ({self.source})"


def assumed(claim: float | None = None, published: float | None = None, margin: float | None = None) -> Assumed:
    """Return the difference to assume: the claim's, else the published one, else the table's margin, else 2 pt.

    One of 0 says nothing and is passed over; signs do not matter.
    """
    candidates = ((claim, "the claim's margin"), (published, "the published difference"), (margin, "report.margin"))
    for value, source in candidates:
        if value:
            return Assumed(abs(value), source)
    return Assumed(DEFAULT_MARGIN, "assumed, as no margin is stated")


class Remedy(StrEnum):
    """What would decide."""

    NONE = "none"
    """The seeds there are would have found the assumed difference."""
    SEEDS = "seeds"
    IMAGES = "images"
    BOTH = "both"
    """More than `MAX_SEEDS` seeds, or than `MAX_IMAGES` images."""
    UNKNOWN = "unknown"
    """The noise was not estimated."""


@dataclass(frozen=True)
class Need:
    """What it would take to find the assumed difference, or to show equality.

    Attributes:
        remedy: seeds, images, or neither.
        sentence: the same for the reader, with the difference that is assumed, or the margin.
        seeds: seeds in all, by the noise as estimated; None where no number up to `MAX_SEEDS` is enough.
        seeds_high: by the noise at its upper limit.
        images: images in all, where seeds cannot decide; at `seeds_with_images` seeds.
        seeds_with_images: seeds that go with `images`.
    """

    remedy: Remedy
    sentence: str
    seeds: int | None = None
    seeds_high: int | None = None
    images: int | None = None
    seeds_with_images: int | None = None


_Test = tuple[float, float, bool, bool]
"""What is to be decided: the difference to find, or the margin within which equality is to be shown; the level of the
test; whether it is equality; and whether a pair's own noise is never discounted."""


def need(
    difference: Difference, delta: Assumed, comparisons: int = 1, alpha: float = ALPHA, strict: bool = False
) -> Need:
    """Return what would find a difference of `delta` with power .8.

    Args:
        difference: what was estimated so far.
        delta: the difference to find; never the observed one.
        comparisons: comparisons that Holm adjusts together; the level is divided by them.
        alpha: level of the test, before that.
        strict: by the strict rule.
    """
    alpha /= max(comparisons, 1)
    start = f"to find a difference of {delta.told(difference.measure)} {PROBABLY}"
    return _need(difference, (delta.value, alpha, False, strict), start)


def need_equal(difference: Difference, within: float, alpha: float = ALPHA, strict: bool = False) -> Need:
    """Return what would show equality within a margin, where there is no difference, with power .8.

    It has a power of its own: the whole interval has to lie inside the margin, not only to be clear of 0.
    """
    start = f"to show equality within {difference.measure.amount(within)} {PROBABLY} if there is no difference"
    return _need(difference, (within, alpha, True, strict), start)


def _need(difference: Difference, test: _Test, start: str) -> Need:
    estimated, high = components(difference), components_high(difference)
    if estimated is None or high is None:
        enough = difference.seeds >= VERDICT_SEEDS or difference.state is Trust.PRUNED
        why = (enough and difference.reason) or f"at least {VERDICT_SEEDS} seeds per setting come first"
        sentence = f"what it takes {start} is unknown: the noise of new runs was not estimated; {why}"
        return Need(Remedy.UNKNOWN, sentence)
    least, most = (fewest_seeds(one, difference.images, *test) for one in (estimated, high))
    if least is not None:
        return _by_seeds(difference, estimated, least, most, test, start)
    if estimated.with_endless_seeds(difference.images, *test[:3]) < POWER:
        return _by_images(difference, estimated, test, start)
    sentence = f"more than {MAX_SEEDS} seeds would be needed {start}"
    return Need(Remedy.BOTH, f"{sentence}{_images_cannot(difference, estimated, test)}")


@lru_cache(4096)  # a table is built anew for each format and page that shows it, and most of its time was this search
def fewest_seeds(
    known: Components, images: int, delta: float, alpha: float = ALPHA, equality: bool = False, strict: bool = False
) -> int | None:
    """Return the smallest number of seeds, 3 to `MAX_SEEDS`, with power .8; None where there is none."""
    seeds = range(VERDICT_SEEDS, MAX_SEEDS + 1)
    return next((s for s in seeds if known.power(s, images, delta, alpha, equality, strict) >= POWER), None)


def fewest_images(
    known: Components, seeds: int, delta: float, alpha: float = ALPHA, equality: bool = False, strict: bool = False
) -> int | None:
    """Return the smallest number of images with power .8 at so many seeds; None where there is none."""

    def enough(images: int) -> bool:
        return known.power(seeds, images, delta, alpha, equality, strict) >= POWER

    fewest = bisect_left(range(MAX_IMAGES + 1), True, lo=2, key=enough)
    return fewest if fewest <= MAX_IMAGES else None


def _by_seeds(difference: Difference, known: Components, least: int, most: int | None, test: _Test, start: str) -> Need:
    now = f"there are {difference.seeds}"
    if most is not None and most <= difference.seeds:
        return Need(Remedy.NONE, f"{now} seeds, which by an estimate are enough {start}", least, most)
    more = f"more than {MAX_SEEDS}" if most is None else str(most)
    count = f"{least}" if most == least else f"{least} to {more}"
    sentence = f"{count} seeds per setting would be needed {start} ({now})"
    return Need(Remedy.SEEDS, f"{sentence}{_images_cannot(difference, known, test)}", least, most)


def _by_images(difference: Difference, known: Components, test: _Test, start: str) -> Need:
    """Say how many images are needed: with the seeds there are, or with the fewest that any images suffice for."""
    present = max(difference.seeds, VERDICT_SEEDS)
    for seeds in range(present, MAX_SEEDS + 1):
        if known.power(seeds, MAX_IMAGES, *test) < POWER:
            continue
        images = fewest_images(known, seeds, *test)
        if images is not None:
            many = f"about {_rounded(images)} {difference.measure.sampled} (there are {difference.images})"
            extra = "" if seeds == difference.seeds else f" and {seeds} seeds (there are {difference.seeds})"
            sentence = f"seeds cannot decide this; it needs {many}{extra} {start}"
            return Need(Remedy.IMAGES, sentence, images=images, seeds_with_images=seeds)
    return Need(
        Remedy.BOTH,
        f"neither {MAX_SEEDS} seeds nor {MAX_IMAGES:,} {difference.measure.sampled} would be enough {start}",
    )


def _images_cannot(difference: Difference, known: Components, test: _Test) -> str:
    """Say that more images alone would not do."""
    enough = known.power(max(difference.seeds, 2), MAX_IMAGES, *test) >= POWER
    return "" if enough else f"; {difference.measure.sampled} cannot decide this, it needs seeds"


def _rounded(images: int) -> str:
    """Return a number of images to two digits, upward: an estimate shows no more."""
    step = 10 ** max(math.floor(math.log10(images)) - 1, 0)
    return f"{math.ceil(images / step) * step:,}"
