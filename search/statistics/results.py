"""What an estimate says: a frozen result with its state, never a NaN.

What does not exist is None and the state says why: a figure is either a finite number or not there. Accuracies and
their differences are fractions, in [0, 1] and [-1, 1]; other scores stand on their own scale (`measure`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from search.statistics.measure import ACCURACY, Form, Measure
from search.statistics.student import t_quantile

LEVEL = 0.95
"""Level of every interval that is printed."""

ALPHA = 0.05
"""Level of every test."""

VERDICT_SEEDS = 3
"""Fewer common seeds than this decide nothing."""


class Trust(StrEnum):
    """How far a figure can be trusted."""

    ESTIMATED = "estimated"
    """For a new run of the setting judged on new images of the same kind."""
    ONE_RUN = "this run, new images"
    """One seed: for this very run judged on new images; a rerun may reverse it."""
    SAME_RUN = "same run"
    """Both settings were settled from the same training; the difference is 0 by construction."""
    PRUNED = "pruned"
    """A seed was pruned: nothing may be compared at full length."""
    NOT_ESTIMABLE = "not estimable"
    """Too few seeds, images or finished runs."""


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of a seeds x images table of differences or scores.

    Attributes:
        seeds: MS_S, between seeds.
        images: MS_I, between images.
        rest: MS_R, seed x image.
        pooled: MS_P, setting x seed, from all settings; None where nothing could be pooled.
    """

    seeds: float
    images: float
    rest: float
    pooled: float | None = None


@dataclass(frozen=True)
class Difference:
    """Setting minus baseline in the judged metric.

    Attributes:
        state: what kind of answer this is.
        estimate: mean over the common seeds and the images; exactly 0 for the same run; None where there is none.
        low: lower end of the 95 % interval, clipped to the declared range (accuracy: [-1, 1]).
        high: upper end.
        p: two-sided p value, not adjusted.
        variance: squared standard error of the estimate.
        df: degrees of freedom of the interval; None for one run, whose interval is no t interval.
        seeds: seeds that both finished.
        images: images (groups, where duplicates were folded).
        settings: settings whose runs tell the seed noise: 2 where only this pair does.
        noise_df: degrees of freedom of the seed noise.
        squares: mean squares; None where none could be formed.
        discordant: for one run without weights: images that only the setting, only the baseline has right.
        reason: why it is not estimable; "" where it is.
        measure: what was compared.
        noisy: the setting's and the baseline's p of having runs that scatter no more than the other settings', where
            its own spread was used for that; else None.
    """

    state: Trust
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    variance: float | None = None
    df: float | None = None
    seeds: int = 0
    images: int = 0
    settings: int = 2
    noise_df: int = 0
    squares: MeanSquares | None = None
    discordant: tuple[int, int] | None = None
    reason: str = ""
    measure: Measure = ACCURACY
    noisy: tuple[float | None, float | None] = (None, None)

    @property
    def answer(self) -> str:
        """What kind of answer this is, in words: `state`, which speaks of images, as it is said of other examples."""
        return f"this run, new {self.measure.sampled}" if self.state is Trust.ONE_RUN else self.state.value

    @property
    def noise(self) -> str:
        """ "seed noise estimated from 5 settings, 8 df", "" where it was not estimated."""
        if self.state is not Trust.ESTIMATED:
            return ""
        return f"seed noise estimated from {self.settings} settings, {self.noise_df} df"

    @property
    def decidable(self) -> bool:
        """Whether a verdict may rest on it."""
        return self.state is Trust.ESTIMATED and self.seeds >= VERDICT_SEEDS

    @property
    def gain(self) -> float | None:
        """How much better the setting is than the baseline: the estimate, turned where lower is better."""
        if self.estimate is None or self.measure.higher_is_better:
            return self.estimate
        return -self.estimate

    @property
    def ratio(self) -> tuple[float, float, float] | None:
        """For a perplexity: the setting's over the baseline's with the ends of its interval, exactly; else None."""
        if self.measure.form is not Form.EXP_MEAN or self.estimate is None or self.low is None or self.high is None:
            return None
        return self.measure.printed(self.estimate), self.measure.printed(self.low), self.measure.printed(self.high)

    def interval(self, level: float) -> tuple[float, float] | None:
        """Return the t interval of another level, clipped as the 95 % one; None where there is no variance or no df."""
        if self.estimate is None or self.variance is None or self.df is None:
            return None
        half = float(t_quantile(0.5 + level / 2, self.df)) * math.sqrt(self.variance)
        span = self.measure.span
        return max(self.estimate - half, -span), min(self.estimate + half, span)


@dataclass(frozen=True)
class CellEstimate:
    """The metric of one setting.

    Attributes:
        state: what kind of answer this is.
        estimate: mean over the finished seeds and the images; None where there is none.
        low: lower end of the 95 % interval, within the declared range (accuracy: [0, 1]).
        high: upper end.
        n_eff: images that a single sample of the same variance would have; None for intervals that are not Wilson's.
        df: degrees of freedom; None for one run.
        seeds: finished seeds.
        of: seeds that were asked for.
        diverged: of those, how many diverged.
        images: images (groups, where duplicates were folded).
        correct: for one run without weights: images it has right.
        per_seed: metric of each finished seed, in the order of the seeds.
        sd: standard deviation of `per_seed` (n - 1); None below two. No interval.
        reason: why it is not estimable; "" where it is.
        measure: what was measured.
    """

    state: Trust
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n_eff: float | None = None
    df: float | None = None
    seeds: int = 0
    of: int = 0
    diverged: int = 0
    images: int = 0
    correct: int | None = None
    per_seed: tuple[float, ...] = field(default=())
    sd: float | None = None
    reason: str = ""
    measure: Measure = ACCURACY
