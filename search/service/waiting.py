"""When entries that wait will start, and what they cost: a pure function of their plans and of what runs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.core.queue import Entry


@dataclass(frozen=True)
class Price:
    """What an entry costs: seconds by the clock, epochs to train, and in how many seconds it starts; None: unknown."""

    seconds: float | None
    epochs: int | None
    starts: float | None


def prices(waiting: Sequence[Entry], lives: Sequence[Mapping[str, object]], slots: int) -> list[tuple[Entry, Price]]:
    """Return entries that wait with their prices.

    Args:
        waiting: in the order of the queue.
        lives: what commands that run say of themselves.
        slots: commands that run at once.
    """
    left = [_number(found.get("seconds_left")) for found in lives]
    free = [0.0] * max(0, slots - len(left)) + [seconds for seconds in left if seconds is not None]
    foreseen = len(free) >= min(slots, max(1, len(left)))
    heapq.heapify(free)
    result = []
    for entry in waiting:
        price = entry.price or {}
        seconds, epochs = _inner(price, "seconds", "wall_expected"), _inner(price, "epochs", "to_train")
        starts = free[0] if foreseen and free else None
        result.append((entry, Price(seconds, None if epochs is None else int(epochs), starts)))
        if seconds is None:
            foreseen = False  # nobody knows when the next one starts
        elif free:
            heapq.heapreplace(free, free[0] + seconds)
    return result


def _inner(price: Mapping[str, object], group: str, name: str) -> float | None:
    figures = price.get(group)
    return _number(figures.get(name)) if isinstance(figures, Mapping) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
