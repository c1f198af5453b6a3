"""Mean squares of tables of seeds x images, and the variance and degrees of freedom that they give a mean.

With d[s, i] a table, m its mean, r_s and c_i its row and column means:

    MS_S = n sum_s (r_s - m)^2 / (S - 1)                  between seeds
    MS_I = S sum_i (c_i - m)^2 / (n - 1)                  between images
    MS_R = sum_si (d_si - r_s - c_i + m)^2 / ((S-1)(n-1)) rest
    I = max(MS_I - MS_R, 0),    V = max((Q + I) / (n S),  2 g / (S (n+2)^2))
    df = clip((Q + I)^2 / (Q^2 / f),  f,  max(n - 1, f)),  f where Q = 0

Q is the noise of runs and f its degrees of freedom: `crossed` and `guarded` say how they are estimated. g is 1 for
right and wrong, else the mean of d^2 over d != 0: the least variance in the unit of the scores.

Sources: Obuchowski & Rockette (1995) for the two-way model, Hillis (2007) for the degrees of freedom. The lower bound
of V (of a table of ties, after Agresti & Min's two added pairs) is an addition, chosen by simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.statistics.scores import Floats

_ROUNDING = 1e-24
"""A sum of squares below this share of the squares it was formed from is rounding of exactly 0. Whether Q is 0 decides
about df, so it must not depend on the order of the summation; the smallest true share, about 1 / (n S)^2, lies far
above."""


@dataclass(frozen=True)
class Squares:
    """Mean squares of many tables at once; every array has the shape of the batch."""

    mean: Floats
    seeds: Floats
    images: Floats
    rest: Floats


def mean_squares(d: Floats) -> Squares:
    """Return mean and mean squares of tables of shape (..., seeds >= 2, images >= 2)."""
    seeds, images = d.shape[-2:]
    mean = d.mean(axis=(-2, -1))
    row = d.mean(axis=-1) - mean[..., None]
    column = d.mean(axis=-2) - mean[..., None]
    total = (d**2).sum(axis=(-2, -1))
    rest = d - mean[..., None, None] - row[..., :, None] - column[..., None, :]
    return Squares(
        mean,
        exact(images * (row**2).sum(axis=-1), total) / (seeds - 1),
        exact(seeds * (column**2).sum(axis=-1), total) / (images - 1),
        exact((rest**2).sum(axis=(-2, -1)), total) / ((seeds - 1) * (images - 1)),
    )


def image_noise(squares: Squares) -> Floats:
    """Return I = max(MS_I - MS_R, 0)."""
    return np.maximum(squares.images - squares.rest, 0.0)


def variance_of(
    q: float | Floats, i: float | Floats, seeds: float | Floats, images: float | Floats, g: float | Floats = 1.0
) -> Floats:
    """Return V, never below that of a table of ties; g as in the head of this file."""
    return np.maximum((q + i) / (images * seeds), 2.0 * g / (seeds * (images + 2.0) ** 2))


def mean_square(d: Floats) -> Floats:
    """Return g of tables of shape (..., seeds, images): the mean of d^2 over d != 0; 0 where there is none."""
    differ = (d != 0).sum(axis=(-2, -1))
    mean: Floats = (d**2).sum(axis=(-2, -1)) / np.maximum(differ, 1)
    return mean


def df_of(q: float | Floats, i: float | Floats, f: float | Floats, images: float | Floats) -> Floats:
    """Return Hillis' degrees of freedom, between f and the larger of n - 1 and f; f where Q is 0."""
    some = np.where(q > 0, q, 1.0)
    with np.errstate(over="ignore"):  # a rounding of Q beside a large I: the clip answers that
        df = np.clip(((some + i) / some) ** 2 * f, f, np.maximum(images - 1, f))
    return np.where(q > 0, df, f)


def exact(part: Floats, total: Floats) -> Floats:
    """Return a sum of squares, with what is only rounding made 0."""
    return np.where(part <= _ROUNDING * total, 0.0, part)
