"""How many seeds would decide it: power of the crossed analysis for an assumed difference.

The components of a difference are taken from its mean squares: vR = MS_R, vS = max(MS_S - MS_R, 0) / n (MS_P for MS_S
where seed noise is pooled), vI = I / S. For S' seeds and n' images Q = n' vS + vR, I = S' vI, and V, df and f follow as
in `crossed`; power = P(T > t_{1 - alpha/2, df}), T noncentral t with df and delta / sqrt(V).

The difference that is assumed is never the observed one: power at the observed difference only restates its p value
(Hoenig & Heisey 2001). It is always named, and the number of seeds is a range: from the noise as estimated to the noise
at its 80 % upper limit, because a pilot of three seeds underestimates it half of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from search.report.statistics.crossed import POOL_SEEDS, POOL_SETTINGS, df_of, variance_of
from search.report.statistics.results import ALPHA, VERDICT_SEEDS, Difference, State
from search.report.statistics.scores import Floats
from search.report.statistics.student import t_quantile

POWER = 0.8
"""Power that is asked for."""

MOST_SEEDS = 100
"""Seeds that are searched through; more is no plan."""

MOST_IMAGES = 10_000_000

DEFAULT_MARGIN = 0.02

_FAR = 40.0
"""A noncentrality so far above the quantile that the power is 1, where the noncentral t may lose its digits."""


@dataclass(frozen=True)
class Assumed:
    """The difference that power is computed for.

    Attributes:
        value: a fraction > 0.
        source: whose difference it is, as a phrase.
    """

    value: float
    source: str

    def __str__(self) -> str:
        return f"{100 * self.value:.3g} pt ({self.source})"


def assumed(claim: float | None = None, published: float | None = None, margin: float | None = None) -> Assumed:
    """Return the difference to assume: the claim's, else the published one, else the table's margin, else 2 pt.

    One of 0 says nothing and is passed over; signs do not matter.
    """
    candidates = ((claim, "the claim's margin"), (published, "the published difference"), (margin, "report.margin"))
    for value, source in candidates:
        if value:
            return Assumed(abs(value), source)
    return Assumed(DEFAULT_MARGIN, "assumed, as no margin is stated")


@dataclass(frozen=True)
class Components:
    """Variance components of a difference.

    Attributes:
        seeds: vS, variance of a run's true difference.
        images: vI, variance of an image's expected difference.
        rest: vR, variance of what is left.
        settings: settings over which seed noise is pooled; 2 for none.
    """

    seeds: float
    images: float
    rest: float
    settings: int = 2

    def power(self, seeds: npt.ArrayLike, images: npt.ArrayLike, delta: float, alpha: float = ALPHA) -> Floats:
        """Return the power at `delta` for numbers of seeds >= 2 and images >= 2, broadcast.

        Within .05 of simulated power from 6 seeds on, and from 4 where run noise shows among the rest; with 4 seeds and
        next to no run noise up to .13 high, with 3 seeds up to .27: `crossed` takes the larger of two mean squares,
        the formula their expectation. Two seeds: not to be used.
        """
        s, n = np.broadcast_arrays(np.asarray(seeds, dtype=float), np.asarray(images, dtype=float))
        q, i = n * self.seeds + self.rest, s * self.images
        pooled = (self.settings >= POOL_SETTINGS) & (s < POOL_SEEDS)
        f = np.where(pooled, (self.settings - 1) * (s - 1), s - 1)
        return _tail(variance_of(q, i, s, n), df_of(q, i, f, n), delta, alpha)

    def with_endless_seeds(self, images: float, delta: float, alpha: float = ALPHA) -> float:
        """Return the power that no number of seeds exceeds: what the images alone leave uncertain."""
        variance, df = self.images / images, max(images - 1, 1.0)
        return float(_tail(np.asarray(variance), np.asarray(df), delta, alpha)) if variance else 1.0

    def with_endless_images(self, seeds: float, delta: float, alpha: float = ALPHA) -> float:
        """Return the power that no number of images exceeds with so many seeds."""
        return float(self.power(seeds, MOST_IMAGES, delta, alpha))


def components(difference: Difference) -> Components | None:
    """Return the variance components of an estimated difference; None where it has none."""
    return _components(difference, 1.0)


def components_high(difference: Difference) -> Components | None:
    """Return them with the seed noise at its 80 % upper limit, MS f / chi2_{.2, f}."""
    if difference.noise_df < 1:
        return None
    return _components(difference, difference.noise_df / _chi2_quantile(1 - POWER, difference.noise_df))


def _components(difference: Difference, factor: float) -> Components | None:
    squares = difference.squares
    if difference.state is not State.ESTIMATED or squares is None:
        return None
    noise = factor * (squares.seeds if squares.pooled is None else squares.pooled)
    return Components(
        max(noise - squares.rest, 0.0) / difference.images,
        max(squares.images - squares.rest, 0.0) / difference.seeds,
        squares.rest,
        difference.settings,
    )


class Remedy(StrEnum):
    """What would decide."""

    NONE = "none"
    """The seeds there are would have found the assumed difference."""
    SEEDS = "seeds"
    IMAGES = "images"
    BOTH = "both"
    """More than `MOST_SEEDS` seeds, or than `MOST_IMAGES` images."""
    UNKNOWN = "unknown"
    """The noise was not estimated."""


@dataclass(frozen=True)
class Need:
    """What it would take to find the assumed difference.

    Attributes:
        remedy: seeds, images, or neither.
        sentence: the same for the reader, with the difference that is assumed.
        seeds: seeds in all, by the noise as estimated; None where no number up to `MOST_SEEDS` is enough.
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


def need(difference: Difference, delta: Assumed, comparisons: int = 1, looks: int = 1) -> Need:
    """Return what would find a difference of `delta` with power .8.

    Args:
        difference: what was estimated so far.
        delta: the difference to find; never the observed one.
        comparisons: comparisons that Holm adjusts together; the level is divided by them.
        looks: looks that were planned; likewise.
    """
    known, high = components(difference), components_high(difference)
    start = f"to find a difference of {delta} with probability {100 * POWER:.0f} %"
    if known is None or high is None:
        enough = difference.seeds >= VERDICT_SEEDS or difference.state is State.PRUNED
        why = (enough and difference.reason) or f"at least {VERDICT_SEEDS} seeds per setting come first"
        return Need(Remedy.UNKNOWN, f"what it takes {start} is unknown: the noise of new runs was not estimated; {why}")
    alpha = ALPHA / max(comparisons * looks, 1)
    n = difference.images
    least, most = (fewest_seeds(one, n, delta.value, alpha) for one in (known, high))
    if least is not None:
        return _by_seeds(difference, known, least, most, start, delta.value, alpha)
    if known.with_endless_seeds(n, delta.value, alpha) < POWER:
        return _by_images(difference, known, start, delta.value, alpha)
    sentence = f"more than {MOST_SEEDS} seeds would be needed {start}"
    return Need(Remedy.BOTH, f"{sentence}{_images_cannot(difference, known, delta.value, alpha)}")


def fewest_seeds(known: Components, images: int, delta: float, alpha: float = ALPHA) -> int | None:
    """Return the smallest number of seeds, 3 to `MOST_SEEDS`, with power .8; None where there is none."""
    seeds = np.arange(VERDICT_SEEDS, MOST_SEEDS + 1)
    enough = np.flatnonzero(known.power(seeds, images, delta, alpha) >= POWER)
    return int(seeds[enough[0]]) if len(enough) else None


def fewest_images(known: Components, seeds: int, delta: float, alpha: float = ALPHA) -> int | None:
    """Return the smallest number of images with power .8 at so many seeds; None where there is none."""
    low, high = 2, 2
    while float(known.power(seeds, high, delta, alpha)) < POWER:
        if high >= MOST_IMAGES:
            return None
        low, high = high, min(2 * high, MOST_IMAGES)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if float(known.power(seeds, middle, delta, alpha)) >= POWER else (middle, high)
    return high


def _by_seeds(
    difference: Difference, known: Components, least: int, most: int | None, start: str, delta: float, alpha: float
) -> Need:
    now = f"there are {difference.seeds}"
    if most is not None and most <= difference.seeds:
        return Need(Remedy.NONE, f"{now} seeds, which are enough {start}", least, most)
    more = f"more than {MOST_SEEDS}" if most is None else str(most)
    count = f"{least}" if most == least else f"{least} to {more}"
    sentence = f"{count} seeds per setting would be needed {start} ({now})"
    return Need(Remedy.SEEDS, f"{sentence}{_images_cannot(difference, known, delta, alpha)}", least, most)


def _by_images(difference: Difference, known: Components, start: str, delta: float, alpha: float) -> Need:
    """Say how many images are needed: with the seeds there are, or with the fewest that any images suffice for."""
    present = max(difference.seeds, VERDICT_SEEDS)
    for seeds in range(present, MOST_SEEDS + 1):
        if known.with_endless_images(seeds, delta, alpha) < POWER:
            continue
        images = fewest_images(known, seeds, delta, alpha)
        if images is not None:
            many = f"about {_rounded(images)} images (there are {difference.images})"
            extra = "" if seeds == difference.seeds else f" and {seeds} seeds (there are {difference.seeds})"
            sentence = f"seeds cannot decide this; it needs {many}{extra} {start}"
            return Need(Remedy.IMAGES, sentence, images=images, seeds_with_images=seeds)
    return Need(Remedy.BOTH, f"neither {MOST_SEEDS} seeds nor {MOST_IMAGES:,} images would be enough {start}")


def _images_cannot(difference: Difference, known: Components, delta: float, alpha: float) -> str:
    """Say that more images alone would not do."""
    enough = known.with_endless_images(max(difference.seeds, 2), delta, alpha) >= POWER
    return "" if enough else "; images cannot decide this, it needs seeds"


def _rounded(images: int) -> str:
    """Return a number of images to two digits, upward: an estimate shows no more."""
    step = 10 ** max(math.floor(math.log10(images)) - 1, 0)
    return f"{math.ceil(images / step) * step:,}"


def _chi2_quantile(p: float, df: float) -> float:
    return 2 * float(special.gammaincinv(df / 2, p))


def _tail(variance: Any, df: Any, delta: float, alpha: float) -> Floats:
    """Return P(T > t_{1 - alpha/2, df}) for T noncentral t with df and delta / sqrt(variance)."""
    from scipy import stats  # takes a second to import

    shift = delta / np.sqrt(variance)
    quantile = t_quantile(1 - alpha / 2, df)
    far = shift > _FAR * np.maximum(quantile, 1.0)
    tail = stats.nct.sf(quantile, df, np.where(far, 0.0, shift))
    # Numerical integration may leave [0, 1] by a rounding error.
    return np.where(far, 1.0, np.clip(tail, 0.0, 1.0))
