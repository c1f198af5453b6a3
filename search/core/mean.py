"""The arithmetic mean, also of numbers whose sum is none."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one number, exactly rounded unless the sum exceeds the largest double."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return math.fsum(value / len(values) for value in values)
