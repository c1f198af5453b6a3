"""What a printed difference can show without per-image data: the exact McNemar test over all possible overlaps.

Two settings judged on the same n images, k1 and k2 of them right, have a >= max(0, k1 + k2 - n) and a <= min(k1, k2)
images right in common. The discordant counts are b = k1 - a and c = k2 - a; under the null hypothesis b is binomial
with probability 1/2 out of b + c, and p is two-sided (McNemar 1947, exact form). With a difference given, p grows with
the number of discordant images, so the largest overlap gives the smallest p. A figure that stands for several counts
widens the range: the nearest counts with the least overlap give the largest p, the farthest with the most the smallest.

It is a statement on these two runs; what another run would give is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.05
"""The usual level, that of the report's tests."""

LEAST = 1e-12
"""A p below this is told as this; where it is the lower end of a range, as below this."""


@dataclass(frozen=True)
class Overlap:
    """The range of p, and of the images two settings are apart."""

    smallest: float
    largest: float
    apart: range

    @property
    def inseparable(self) -> bool:
        """No overlap makes the two differ."""
        return self.smallest > LEVEL

    @property
    def separate(self) -> bool:
        """Every overlap makes the two differ."""
        return self.largest <= LEVEL


def overlap(one: range, other: range, n: int) -> Overlap:
    """Return the range of the exact McNemar p of two figures.

    Args:
        one: counts the first figure may stand for, not empty.
        other: counts the second may stand for, not empty.
        n: images both were judged on.
    """
    if one[0] + one[-1] < other[0] + other[-1]:
        one, other = other, one
    near, far = one[0] - other[-1], one[-1] - other[0]
    if near <= 0:
        largest = 1.0
    else:
        shared = max(0, one[0] + other[-1] - n)
        largest = mcnemar(one[0] - shared, other[-1] - shared)
    return Overlap(mcnemar(far, 0), largest, range(max(near, 0), far + 1))


def mcnemar(b: int, c: int) -> float:
    """Return the two-sided exact p of b images that one setting alone has right, and c that the other has."""
    from scipy.stats import binomtest  # takes a second to import

    return float(binomtest(b, b + c).pvalue) if b + c else 1.0


def holm(p: Sequence[float]) -> list[float]:
    """Return p values adjusted for being several (Holm 1979); of upper bounds, upper bounds."""
    adjusted, highest = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        highest = max(highest, min((len(p) - rank) * p[place], 1.0))
        adjusted[place] = highest
    return adjusted


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of k out of n (Wilson 1927), as per cent."""
    z = 1.959963984540054
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * ((k * (n - k)) / n + z * z / 4) ** 0.5
    return 100 * max(centre - half, 0.0), 100 * min(centre + half, 1.0)


def p_text(p: float) -> str:
    """Return an upper bound of p to two significant digits; what is below `LEAST` as that."""
    return f"{max(p, LEAST):.2g}".replace("e-0", "e-")
