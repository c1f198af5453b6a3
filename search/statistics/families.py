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
from search.statistics.sequential import looks

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
class Level:
    """At which level a table decides.

    Attributes:
        alpha: level of its tests, 0 where it decides nothing.
        equal_alpha: level of each of the two one-sided tests of equality.
        last_alpha, last_equal_alpha: those of the last look that is planned, by which more seeds are reckoned.
        told: which look the table is, and what that does to its p values; "" for a table that is looked at once.
        planned: whether the looks were fixed beforehand.
    """

    alpha: float = ALPHA
    equal_alpha: float = ALPHA
    last_alpha: float = ALPHA
    last_equal_alpha: float = ALPHA
    told: str = ""
    planned: bool = True

    @property
    def decides(self) -> bool:
        """Whether a table may call anything decided."""
        return self.alpha > 0


ONE_LOOK = Level()


def level_of(planned: int | Sequence[int] | None, count: int, seeds: int) -> Level:
    """Return the level of a table.

    Args:
        planned: how many looks a file plans, or the seeds of each; None where it says nothing.
        count: looks so far with this one, those counted behind which seeds were added; of looks that are planned at
            certain seeds, others decide nothing and so cost nothing.
        seeds: that a setting has finished.
    """
    if isinstance(planned, Sequence):
        every = looks(tuple(planned))
        last = every[-1].alpha, every[-1].equal_alpha
        for look in every:
            if look.seeds == seeds:
                return Level(look.alpha, look.equal_alpha, *last, look.sentence)
        listed = ", ".join(map(str, planned))
        return Level(0.0, 0.0, *last, f"looks were planned at {listed} seeds; this one, at {seeds}, decides nothing")
    most = max(planned or 1, 1)
    if count > most:
        return Level(told=f"{count} looks; seeds added after a look: p values are too small", planned=False)
    alpha = ALPHA / most
    told = f"{most} looks were planned, each at {alpha:.3g}" if most > 1 else ""
    return Level(alpha, alpha, alpha, alpha, told)


@dataclass(frozen=True)
class Family:
    """The comparisons of one table, adjusted together.

    Attributes:
        adjusted: Holm-adjusted p value per difference; None where there is none.
        comparisons: how many were tested, those of the same rows counted once.
        level: at which the table decides.
        repeated: p values that are not counted: of rows that another comparison has, or that equal the baseline's.
    """

    adjusted: tuple[float | None, ...]
    comparisons: int
    level: Level = ONE_LOOK
    repeated: int = 0

    @property
    def alpha(self) -> float:
        """Level of this look."""
        return self.level.alpha

    def clear(self, differences: Sequence[Difference | None], sign: int) -> tuple[bool, ...]:
        """Return which settings may be called better than the baseline (bold), or with sign -1 worse: enough seeds, p
        and sign."""
        return tuple(
            self.level.decides
            and d is not None
            and d.decidable
            and p is not None
            and p <= self.alpha
            and sign * (d.gain or 0.0) > 0
            for d, p in zip(differences, self.adjusted, strict=True)
        )

    @property
    def sentence(self) -> str:
        """How many comparisons, how many looks, and what that did to the p values."""
        word = "comparison" if self.comparisons == 1 else "comparisons"
        text = f"p values adjusted by Holm over {self.comparisons} {word}"
        text += " (comparisons of equal rows count once)" if self.repeated else ""
        return f"{text}; {self.level.told}" if self.level.told else text


def family(
    differences: Sequence[Difference | None],
    level: Level = ONE_LOOK,
    alike: Sequence[Hashable] | None = None,
) -> Family:
    """Adjust the differences of one table together.

    Args:
        differences: of each setting to the baseline; a baseline's None does not count.
        level: at which the table decides.
        alike: as in `holm_once`; None: all comparisons differ.
    """
    values = [d.p if d is not None else None for d in differences]
    adjusted, comparisons = holm_once(values, range(len(values)) if alike is None else alike)
    repeated = sum(p is not None for p in values) - comparisons
    return Family(tuple(adjusted), comparisons, level, repeated)
