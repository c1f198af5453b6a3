"""Figures of two sides that took turns, an epoch in turn."""

from __future__ import annotations

import statistics


def middle(epochs: list[dict[str, float | str]], figure: str) -> float:
    """Return the median of a figure over epochs."""
    return statistics.median(float(epoch[figure]) for epoch in epochs)
