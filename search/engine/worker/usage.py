"""What a run said of its GPU, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real


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
