"""The front of settings under several objectives: those that no other one dominates (Pareto).

A setting dominates another one that it is as good as in every objective, and better than in one. Of figures with noise
that is claimed only where it is decided: what is not known of a pair may turn out either way, and a setting is said to
be on the front, or dominated, only where it is so whichever way that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

Order = Sequence[Sequence[int | None]]
"""Of one objective: ``order[a][b]`` is 1 where a is better than b, -1 where it is worse, 0 where both are equal, and
None where it is not decided."""


class Place(StrEnum):
    """What is said of a setting."""

    ON = "on"
    OFF = "dominated"
    OPEN = "not decided"


class Placed(NamedTuple):
    """Where a setting stands, and the settings that dominate it."""

    place: Place
    dominated_by: tuple[int, ...] = ()


def front(orders: Sequence[Order]) -> list[Placed]:
    """Return where each setting stands.

    Args:
        orders: one per objective, of the same settings.
    """
    settings = range(len(orders[0]))
    return [_placed(orders, a, [b for b in settings if b != a]) for a in settings]


def undominated(values: Sequence[Sequence[float]], maximize: Sequence[bool]) -> list[int]:
    """Return the settings that none dominates by these values, as if they had no noise.

    Args:
        values: settings x objectives, finite.
        maximize: per objective whether more is better.
    """
    if not values:
        return []
    signed = [[value if up else -value for value, up in zip(row, maximize, strict=True)] for row in values]
    orders = [[[(a > b) - (a < b) for b in column] for a in column] for column in zip(*signed, strict=True)]
    return [a for a, placed in enumerate(front(orders)) if placed.place is Place.ON]


def _placed(orders: Sequence[Order], a: int, others: Sequence[int]) -> Placed:
    by = tuple(b for b in others if _dominates(orders, b, a))
    if by:
        return Placed(Place.OFF, by)
    return Placed(Place.ON if all(_never(orders, b, a) for b in others) else Place.OPEN)


def _dominates(orders: Sequence[Order], b: int, a: int) -> bool:
    known = [order[b][a] for order in orders]
    return all(one in (0, 1) for one in known) and 1 in known


def _never(orders: Sequence[Order], b: int, a: int) -> bool:
    """Whether b does not dominate a, however the open comparisons come out."""
    known = [order[b][a] for order in orders]
    return -1 in known or all(one == 0 for one in known)
