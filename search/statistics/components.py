"""Variance components of a difference, and the power that they give the crossed analysis with other seeds and images.

The components of a difference are taken from its mean squares: vR = MS_R, vS = max(MS_S - MS_R, 0) / n (MS_P for MS_S
where seed noise is pooled), vI = I / S. For S' seeds and n' images a run's noise is Q = n' vS + vR and I = S' vI; the
estimate has the variance se^2 = (Q + I) / (n' S'), while the half-width h that an interval has then is itself random:
few seeds tell little of the noise. So power is a mean over what they may tell, not a value at its expectation, which
with three seeds would be up to .27 too high:

    X = chi2_{S'-1} / (S'-1);  Q1 = Q, Q2 = max(Q X, vR);  h(X) and SE = h / t_{.975, df} by the rules of `guarded`,
    noisy where X lies above the 95 % point of F(S'-1, (A-2)(S'-1))
    own noise (A = 2, or S' >= 8):  P(d) = mean Phi((d - t SE) / se)
    pooled:                         P(d) = mean P(T' > t SE / se),  T' noncentral t with df1 and d / se
    a difference d is found:        P(d), t that of level 1 - alpha
    equality within M is shown:     max(P(M - d) + P(M + d) - 1, 0), t that of level 1 - 2 alpha (Schuirmann 1987)

MS_I and MS_R stand at their expectation: they have as many degrees of freedom as there are images. With two seeds,
where nothing is decided, X of the pair and Q of the pool are compared as `pooled` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from search.statistics.guarded import NOISY, UPPER, discount
from search.statistics.measure import LARGEST
from search.statistics.pooled import pools
from search.statistics.results import ALPHA, Difference, Trust
from search.statistics.scores import Floats
from search.statistics.squares import df_of, variance_of
from search.statistics.student import t_quantile

POWER = 0.8
"""Power that is asked for."""

MAX_IMAGES = 10_000_000

_MIDDLES = (np.arange(400) + 0.5) / 400
"""Probabilities whose quantiles stand for the noise of a pair's own seeds."""


@dataclass(frozen=True)
class Components:
    """Variance components of a difference.

    Attributes:
        seeds: vS, variance of a run's true difference.
        images: vI, variance of an image's expected difference.
        rest: vR, variance of what is left.
        settings: settings over which seed noise is pooled; 2 for none.
        tie: g of `squares`, what a table of ties is taken to vary by: 1 for right and wrong; 0 for other scores, whose
            tables are none.
    """

    seeds: float
    images: float
    rest: float
    settings: int = 2
    tie: float = 1.0

    def power(
        self, s: float, n: float, delta: float, alpha: float = ALPHA, equality: bool = False, strict: bool = False
    ) -> float:
        """Return the power for s seeds and n images, both >= 2. Within .05 of simulated power.

        Args:
            s, n: how many seeds and images.
            delta: the difference that is there; or the margin within which equality is to be shown.
            alpha: level of the test.
            equality: the power to show equality where there is no difference, instead of that to find one.
            strict: a pair's own noise is never discounted.
        """
        noise, i = n * self.seeds + self.rest, s * self.images
        true = math.sqrt((noise + i) / (n * s))
        own = _own(s)
        q2 = np.maximum(noise * own, self.rest)
        v2, df2 = variance_of(q2, i, s, n, self.tie), df_of(q2, i, s - 1, n)
        level = 1 - (alpha if equality else alpha / 2)
        if not pools(self.settings, int(s)):
            half = t_quantile(level, df2) * np.sqrt(v2)
            return _decided(_normal(delta - half, true), equality)
        f = (self.settings - 1) * (s - 1)
        v1, df1 = variance_of(noise, i, s, n, self.tie), df_of(noise, i, f, n)
        noisy = own > special.fdtri(s - 1, (self.settings - 2) * (s - 1), 1 - NOISY)
        k = np.where(noisy | strict, 1.0, discount(self.settings))
        df = np.where(noisy, np.minimum(df1, df2), df1)
        half = np.maximum(t_quantile(UPPER, df1) * np.sqrt(v1), t_quantile(1 - (1 - UPPER) * k, df2) * np.sqrt(v2))
        half = half / t_quantile(UPPER, df) * t_quantile(level, df)
        if true <= 0:
            return _decided(_normal(delta - half, true), equality)
        return _decided(1 - special.nctdtr(df1, delta / true, half / true), equality)

    def with_endless_seeds(self, images: float, delta: float, alpha: float = ALPHA, equality: bool = False) -> float:
        """Return the power that no number of seeds exceeds: what the images alone leave uncertain."""
        variance = self.images / images
        half = t_quantile(1 - (alpha if equality else alpha / 2), max(images - 1, 1.0)) * math.sqrt(variance)
        return _decided(_normal(delta - half, math.sqrt(variance)), equality)

    def detectable(
        self, s: float, n: float, alpha: float = ALPHA, equality: bool = False, strict: bool = False
    ) -> float | None:
        """Return the smallest difference that is found with power .8, or margin within which equality is shown.

        None where no score is so large.
        """
        low, high = 0.0, 1e-6
        while self.power(s, n, high, alpha, equality, strict) < POWER:
            low, high = high, 2 * high
            if high > LARGEST:
                return None
        while high - low > 1e-4 * high:
            middle = (low + high) / 2
            if self.power(s, n, middle, alpha, equality, strict) < POWER:
                low = middle
            else:
                high = middle
        return high


def components(difference: Difference, factor: float = 1.0) -> Components | None:
    """Return the variance components of an estimated difference, its seed noise times `factor`; None without any."""
    squares = difference.squares
    if difference.state is not Trust.ESTIMATED or squares is None:
        return None
    noise = factor * (squares.seeds if squares.pooled is None else squares.pooled)
    return Components(
        max(noise - squares.rest, 0.0) / difference.images,
        max(squares.images - squares.rest, 0.0) / difference.seeds,
        squares.rest,
        difference.settings,
        float(difference.measure.correctness),
    )


def components_high(difference: Difference) -> Components | None:
    """Return them with the seed noise at its 80 % upper limit, MS f / chi2_{.2, f}."""
    if difference.noise_df < 1:
        return None
    return components(difference, difference.noise_df / float(chi2_quantile(1 - POWER, difference.noise_df)))


def chi2_quantile(p: float | Floats, df: float) -> Floats:
    """Return x with P(X <= x) = p for X chi-squared with df degrees of freedom, any shape."""
    half: Floats = special.gammaincinv(df / 2, p)
    return 2 * half


@lru_cache(256)  # whoever seeks a number of seeds asks for those of each, for one difference after the other
def _own(seeds: float) -> Floats:
    """Return X at `_MIDDLES`; nobody may change it."""
    own = chi2_quantile(_MIDDLES, seeds - 1) / (seeds - 1)
    own.flags.writeable = False
    return own


def _normal(room: Floats | float, error: float) -> Floats:
    """Return P(estimate is at least `room` short of what is there), an estimate normal with this standard error."""
    share: Floats = special.ndtr(room / error) if error > 0 else np.where(np.asarray(room) > 0, 1.0, 0.0)
    return share


def _decided(share: Floats, equality: bool) -> float:
    """Return the mean of what each noise gives; equality needs both of its one-sided tests."""
    return float(np.mean(np.clip(2 * share - 1 if equality else share, 0.0, 1.0)))
