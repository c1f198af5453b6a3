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


def undecided(costs: Sequence[Sequence[float]], maximize: Sequence[bool]) -> list[Placed]:
    """Return where each setting stands while nothing is decided of the objectives with noise, of which there is one.

    No setting dominates another one then; one is on the front where each other one costs more in something.

    Args:
        costs: settings x objectives without noise.
        maximize: per objective whether more is better.
    """
    signed = _turned(costs, maximize)
    cheap_first = sorted(range(len(signed)), key=lambda one: signed[one], reverse=True)

    def sure(a: int) -> bool:
        return all(not _as_good(signed[b], signed[a]) for b in cheap_first if b != a)

    return [Placed(Place.ON if sure(a) else Place.OPEN) for a in range(len(signed))]


def undominated(values: Sequence[Sequence[float]], maximize: Sequence[bool]) -> list[int]:
    """Return the settings that none dominates by these values, as if they had no noise.

    Args:
        values: settings x objectives, finite.
        maximize: per objective whether more is better.
    """
    signed = _turned(values, maximize)
    kept: list[int] = []
    for a in sorted(range(len(signed)), key=lambda one: signed[one], reverse=True):  # what dominates stands before
        if not any(_as_good(signed[b], signed[a]) and signed[b] != signed[a] for b in kept):
            kept.append(a)
    return sorted(kept)


def _turned(values: Sequence[Sequence[float]], maximize: Sequence[bool]) -> list[list[float]]:
    return [[value if up else -value for value, up in zip(row, maximize, strict=True)] for row in values]


def _as_good(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))


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
