"""Variance components of a difference, and the power that they give the crossed analysis with other seeds and images.

The components of a difference are taken from its mean squares: vR = MS_R, vS = max(MS_S - MS_R, 0) / n (MS_P for MS_S
where seed noise is pooled), vI = I / S. For S' seeds and n' images a run's noise is Q = n' vS + vR and I = S' vI; the
estimate has the variance (Q + I) / (n' S'), while the half-width h that an interval has then is itself random, because
`crossed` takes the larger of mean squares that few seeds give. So power is a mean over them, not a value at their
expectation, which with three seeds would be up to .27 too high:

    MS_S = Q X,  X ~ chi2_{S'-1} / (S'-1);     MS_P = Q (X + (A-2) Y) / (A-1),  Y ~ chi2_{(A-2)(S'-1)} / ((A-2)(S'-1))
    of a difference d:    mean P(m > h) = mean Phi((d - h) / se),       h that of level 1 - alpha
    of equality within M: mean max(2 Phi((M - h) / se) - 1, 0) at d = 0,  h that of level 1 - 2 alpha (Schuirmann 1987)

MS_I and MS_R stand at their expectation: they have as many degrees of freedom as there are images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from search.statistics.pooled import noise_df, pools
from search.statistics.results import ALPHA, Difference, Trust
from search.statistics.scores import Floats
from search.statistics.squares import df_of, variance_of
from search.statistics.student import t_quantile

POWER = 0.8
"""Power that is asked for."""

MAX_IMAGES = 10_000_000

_OWN = (np.arange(64) + 0.5) / 64
"""Probabilities whose quantiles stand for the noise of a pair's own seeds ..."""

_OTHERS = (np.arange(16) + 0.5) / 16
"""... and for that of the other settings, which varies less."""


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

    def power(self, s: float, n: float, delta: float, alpha: float = ALPHA, equality: bool = False) -> float:
        """Return the power for s seeds and n images, both >= 2. Within .05 of simulated power.

        Args:
            s, n: how many seeds and images.
            delta: the difference that is there; or the margin within which equality is to be shown.
            alpha: level of the test.
            equality: the power to show equality where there is no difference, instead of that to find one.
        """
        noise, i = n * self.seeds + self.rest, s * self.images
        own = chi2_quantile(_OWN, s - 1)[:, None] / (s - 1)
        if pools(self.settings, int(s)):
            others = self.settings - 2
            pooled = (own + chi2_quantile(_OTHERS, others * (s - 1)) / (s - 1)) / (self.settings - 1)
            q = np.maximum(np.maximum(noise * pooled, noise * own), self.rest / 2)
        else:
            q = np.maximum(noise * own, self.rest)
        df = df_of(q, i, noise_df(self.settings, int(s)), n)
        return _reached(variance_of(q, i, s, n), df, (noise + i) / (n * s), delta, alpha, equality)

    def with_endless_seeds(self, images: float, delta: float, alpha: float = ALPHA, equality: bool = False) -> float:
        """Return the power that no number of seeds exceeds: what the images alone leave uncertain."""
        variance = self.images / images
        return _reached(variance, max(images - 1, 1.0), variance, delta, alpha, equality)


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


def _reached(
    variance: float | Floats, df: float | Floats, true: float, delta: float, alpha: float, equality: bool
) -> float:
    """Return the share of estimates, normal around 0 or `delta` with variance `true`, whose interval decides."""
    half = t_quantile(1 - (alpha if equality else alpha / 2), df) * np.sqrt(variance)
    room = delta - half
    error = np.sqrt(true)
    share = special.ndtr(room / error) if error > 0 else np.where(room > 0, 1.0, 0.0)
    return float(np.mean(np.maximum(2 * share - 1, 0.0) if equality else share))
