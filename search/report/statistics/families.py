"""Families of tests: Holm's adjustment, and how often the family was looked at.

A family is what one table compares with its baseline in one metric (two axes: all printed differences), or the claims
of one space file. What has no p value (same run, pruned, not estimable) does not count in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.report.statistics.results import ALPHA, Difference


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Return p values adjusted by Holm's step-down method (Holm 1979); None stays None and is not counted.

    The k-th smallest of m is multiplied by m - k + 1, no adjusted value lies below that of a smaller one, none above 1.
    """
    order = sorted((p, place) for place, p in enumerate(values) if p is not None)
    adjusted: list[float | None] = [None] * len(values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min((len(order) - rank) * p, 1.0))
        adjusted[place] = largest
    return adjusted


@dataclass(frozen=True)
class Family:
    """The comparisons of one table, adjusted together.

    Attributes:
        adjusted: Holm-adjusted p value per difference; None where there is none.
        comparisons: how many were tested.
        looks: how often the family may be, or was, looked at.
        planned: the number of looks was fixed beforehand, and the level divided by it.
    """

    adjusted: tuple[float | None, ...]
    comparisons: int
    looks: int = 1
    planned: bool = True

    @property
    def alpha(self) -> float:
        """Level of each look."""
        return ALPHA / self.looks if self.planned else ALPHA

    def better(self, differences: Sequence[Difference | None]) -> tuple[bool, ...]:
        """Return which settings may be called better than the baseline (bold): enough seeds, p and sign."""
        return tuple(
            d is not None and d.decidable and p is not None and p <= self.alpha and (d.estimate or 0.0) > 0
            for d, p in zip(differences, self.adjusted, strict=True)
        )

    @property
    def sentence(self) -> str:
        """How many comparisons, how many looks, and what that did to the p values."""
        word = "comparison" if self.comparisons == 1 else "comparisons"
        text = f"p values adjusted by Holm over {self.comparisons} {word}"
        return f"{text}; {self.looked}" if self.looked else text

    @property
    def looked(self) -> str:
        """How many looks, and what that did to the p values; "" for one."""
        if self.looks <= 1:
            return ""
        if self.planned:
            return f"{self.looks} looks were planned, each at {self.alpha:.3g}"
        return f"{self.looks} looks; seeds added after a look: p values are too small"


def family(differences: Sequence[Difference | None], looks: int = 1, planned: bool = True) -> Family:
    """Adjust the differences of one table together.

    Args:
        differences: as `crossed.differences` gives them; a baseline's None does not count.
        looks: how often seeds were, or will be, added after a look, plus one.
        planned: whether that number was fixed before the first look.
    """
    values = [d.p if d is not None else None for d in differences]
    return Family(tuple(holm(values)), sum(p is not None for p in values), max(looks, 1), planned)
