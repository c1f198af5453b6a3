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
    found = dict(answer) if isinstance(answer, Mapping) else {}
    fractions = [found[name] for name in ("memory", "busy") if name in found]
    sound = all(isinstance(one, Real) and 0 <= float(one) <= 1 for one in fractions)
    if not sound or not found.get("memory"):
        raise TypeError(
            f"usage() returned {answer!r}; it must return None, or a mapping with memory, a fraction above 0"
        )
    busy = found.get("busy")
    return Usage(float(found["memory"]), None if busy is None else float(busy), int(found.get("refused", 0)))
