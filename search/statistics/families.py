"""Families of tests: Holm's adjustment, and how often the family was looked at.

A family is what one table compares with its baseline in one metric (two axes: all printed differences), or the claims
of one space file. What has no p value (same run, pruned, not estimable) does not count in it, and comparisons of the
same rows count once: they are one comparison under several names. Rows that are compared with equal rows are none.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from search.statistics.results import ALPHA, Difference

P = TypeVar("P", float, float | None)


def holm(values: Sequence[P]) -> list[P]:
    """Return p values adjusted by Holm's step-down method (Holm 1979); None stays None and is not counted.

    The k-th smallest of m is multiplied by m - k + 1, no adjusted value lies below that of a smaller one, none above 1.
    """
    order = sorted((p, place) for place, p in enumerate(values) if p is not None)
    adjusted, largest = list(values), 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min((len(order) - rank) * p, 1.0))
        adjusted[place] = largest
    return adjusted


def holm_once(values: Sequence[float | None], alike: Sequence[Hashable]) -> tuple[list[float | None], int]:
    """Return p values adjusted by `holm`, those of one comparison counted once, and the number of comparisons.

    Args:
        values: p values.
        alike: per value what names the comparison, as `crossed.alike` gives it: equal ones have equal p values. None
            is no comparison: its p value, 1, stays as it is and is not counted.
    """
    distinct: dict[Hashable, float] = {}
    for p, name in zip(values, alike, strict=True):
        if p is not None and name is not None:
            distinct.setdefault(name, p)
    adjusted = dict(zip(distinct, holm(list(distinct.values())), strict=True))
    return [adjusted.get(name, p) for p, name in zip(values, alike, strict=True)], len(distinct)


@dataclass(frozen=True)
class Family:
    """The comparisons of one table, adjusted together.

    Attributes:
        adjusted: Holm-adjusted p value per difference; None where there is none.
        comparisons: how many were tested, those of the same rows counted once.
        looks: how often the family may be, or was, looked at.
        planned: the number of looks was fixed beforehand, and the level divided by it.
        repeated: p values that are not counted: of rows that another comparison has, or that equal the baseline's.
    """

    adjusted: tuple[float | None, ...]
    comparisons: int
    looks: int = 1
    planned: bool = True
    repeated: int = 0

    @property
    def alpha(self) -> float:
        """Level of each look."""
        return ALPHA / self.looks if self.planned else ALPHA

    def clear(self, differences: Sequence[Difference | None], sign: int) -> tuple[bool, ...]:
        """Return which settings may be called better than the baseline (bold), or with sign -1 worse: enough seeds, p
        and sign."""
        return tuple(
            d is not None and d.decidable and p is not None and p <= self.alpha and sign * (d.gain or 0.0) > 0
            for d, p in zip(differences, self.adjusted, strict=True)
        )

    @property
    def sentence(self) -> str:
        """How many comparisons, how many looks, and what that did to the p values."""
        word = "comparison" if self.comparisons == 1 else "comparisons"
        text = f"p values adjusted by Holm over {self.comparisons} {word}"
        text += " (comparisons of equal rows count once)" if self.repeated else ""
        return f"{text}; {self.looked}" if self.looked else text

    @property
    def looked(self) -> str:
        """How many looks, and what that did to the p values; "" for one."""
        if self.looks <= 1:
            return ""
        if self.planned:
            return f"{self.looks} looks were planned, each at {self.alpha:.3g}"
        return f"{self.looks} looks; seeds added after a look: p values are too small"


def family(
    differences: Sequence[Difference | None],
    looks: int = 1,
    planned: bool = True,
    alike: Sequence[Hashable] | None = None,
) -> Family:
    """Adjust the differences of one table together.

    Args:
        differences: of each setting to the baseline; a baseline's None does not count.
        looks: how often seeds were, or will be, added after a look, plus one.
        planned: whether that number was fixed before the first look.
        alike: as in `holm_once`; None: all comparisons differ.
    """
    values = [d.p if d is not None else None for d in differences]
    adjusted, comparisons = holm_once(values, range(len(values)) if alike is None else alike)
    repeated = sum(p is not None for p in values) - comparisons
    return Family(tuple(adjusted), comparisons, max(looks, 1), planned, repeated)
