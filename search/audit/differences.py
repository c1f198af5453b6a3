"""What a printed difference can show without per-image data: the exact McNemar test over all possible overlaps.

Two settings judged on the same n images, k1 and k2 of them right, have a >= max(0, k1 + k2 - n) and a <= min(k1, k2)
images right in common. The discordant counts are b = k1 - a and c = k2 - a; under the null hypothesis b is binomial
with probability 1/2 out of b + c, and p is two-sided (McNemar 1947, exact form). With a difference given, p grows with
the number of discordant images, so the largest overlap gives the smallest p. A figure that stands for several counts
widens the range: the nearest counts with the least overlap give the largest p, the farthest with the most the smallest.

It is a statement on these two runs; what another run would give is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from search.statistics.results import ALPHA
from search.statistics.single import mcnemar


@dataclass(frozen=True)
class Overlap:
    """The range of p, and of the images two settings are apart."""

    smallest: float
    largest: float
    apart: range

    @property
    def inseparable(self) -> bool:
        """No overlap makes the two differ."""
        return self.smallest > ALPHA

    @property
    def separate(self) -> bool:
        """Every overlap makes the two differ."""
        return self.largest <= ALPHA


def overlap(first: range, second: range, n: int) -> Overlap:
    """Return the range of the exact McNemar p of two figures.

    Args:
        first: counts the first figure may stand for, not empty.
        second: counts the second may stand for, not empty.
        n: images both were judged on.
    """
    if first[0] + first[-1] < second[0] + second[-1]:
        first, second = second, first
    near, far = first[0] - second[-1], first[-1] - second[0]
    if near <= 0:
        largest = 1.0
    else:
        shared = max(0, first[0] + second[-1] - n)
        largest = mcnemar(first[0] - shared, second[-1] - shared)
    return Overlap(mcnemar(far, 0), largest, range(max(near, 0), far + 1))
