"""What a run said of its GPU, checked, and whether its rows can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

from search.workload import Occupying


@dataclass(frozen=True)
class Usage:
    """What a run said of its GPU: see `search.workload.Occupying`."""

    memory: float
    busy: float | None = None
    refused: int = 0


def usage_of(answer: object) -> Usage | None:
    """Check what `usage` returned.

    Raises:
        TypeError: it is neither None nor a mapping with a fraction of memory.
    """
    if answer is None:
        return None
    told = dict(answer) if isinstance(answer, Mapping) else {}
    fractions = [told[name] for name in ("memory", "busy") if name in told]
    sound = all(isinstance(one, Real) and 0 <= float(one) <= 1 for one in fractions)
    if not sound or not told.get("memory"):
        raise TypeError(
            f"usage() returned {answer!r}; it must return None, or a mapping with memory, a fraction above 0"
        )
    busy = told.get("busy")
    return Usage(float(told["memory"]), None if busy is None else float(busy), int(told.get("refused", 0)))


class Refused(MemoryError):
    """A run got less memory on its GPU than it asked for: what it computed may have other bits than with all of it."""


def taken(run: object, crowded: bool, again: bool = False) -> Usage | str | None:
    """Return what a run takes of its GPU, None where it is not known, or as text why it cannot be told.

    Args:
        run: any run, on a GPU.
        crowded: whether others were put beside it.
        again: whether it was begun once more for want of memory.

    Raises:
        Refused: it was refused memory.
    """
    if not isinstance(run, Occupying):
        return None
    try:
        usage = usage_of(run.usage())
    except Exception as error:  # nothing of the training
        return f"{type(error).__name__}: {error}"
    if usage is not None and usage.refused:
        beside, twice = ("beside other trials " if crowded else ""), ("for the second time " if again else "")
        raise Refused(
            f"{twice}{beside}it got less memory on its GPU than it asked for, and what is computed with less may have "
            "other bits"
        )
    return usage
