"""The scale of a searched axis: where a value stands between its ends, and which values are named beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.report.figures.style import text
from search.report.table.groups import Group
from search.report.table.labels import DRAWN_DIGITS
from search.report.text import value_text
from search.space.model import Axis, Float, Int

LOGARITHMIC_RATIO = 50.0
"""Ratio of largest to smallest listed value from which an axis of positive numbers is logarithmic."""

MAX_TICKS = 6


@dataclass(frozen=True)
class Scale:
    """One axis.

    Attributes:
        name: of the axis, as plotly may show it.
        words: names of its values from bottom to top, as plotly may show them; () for an axis of numbers.
        keys: what the values are spelt as in a space file, like `words`.
        low, high: smallest and largest number; of an axis of names 0 and the last place.
        logarithmic: whether numbers stand by their logarithm.
    """

    name: str
    words: Sequence[str]
    keys: Sequence[str]
    low: float
    high: float
    logarithmic: bool

    def at(self, value: Any) -> float:
        """Return a value as a number of this scale: itself, or the place of its name."""
        return float(self.keys.index(value_text(value))) if self.words else float(value)

    def share(self, value: Any) -> float:
        """Return where a value stands, from 0 at the bottom to 1 at the top; the middle where there is one value."""
        low, high, number = (self._turned(one) for one in (self.low, self.high, self.at(value)))
        return 0.5 if low == high else (number - low) / (high - low)

    def ticks(self, most: int = MAX_TICKS) -> list[tuple[float, str]]:
        """Return values that are named, with their names, as numbers of this scale: all names, `most` numbers."""
        if self.words:
            return [(float(place), word) for place, word in enumerate(self.words)]
        if math.isclose(self.low, self.high, rel_tol=1e-9):  # closer ones are one to whoever reads them
            return [(self.low, value_text(self.low, DRAWN_DIGITS))]
        return [(value, value_text(value, 3)) for value in (self._decades(most) or self._round(most))]

    def _turned(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def _decades(self, most: int) -> list[float]:
        if not self.logarithmic:
            return []
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        powers = [10.0**power for power in range(first, last + 1)]
        if len(powers) >= 2:
            return powers[:: -(-len(powers) // most)]
        return [self.low, self.high]

    def _round(self, most: int) -> list[float]:
        """Return round numbers inside, at steps of 1, 2 or 5 times a power of ten."""
        span = self.high - self.low
        power = 10.0 ** math.floor(math.log10(span / 2))
        step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if span / step <= most - 1)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{place * step:.12g}") for place in range(first, last + 1)] or [self.low, self.high]


def scale_of(axis: Axis, groups: Sequence[Group]) -> Scale:
    """Return the scale of an axis over the values that these settings have."""
    values = [group.parameters[axis.name] for group in groups if axis.name in group.parameters]
    name, domain = text(axis.name, 28), axis.domain
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = float(min(values)), float(max(values))
        spread = low > 0 and high > LOGARITHMIC_RATIO * low
        logarithmic = low > 0 and (domain.log if isinstance(domain, Float | Int) else spread)
        return Scale(name, (), (), low, high, logarithmic)
    listed = [] if isinstance(domain, Float | Int) else list(domain.values)
    seen = {value_text(value) for value in values}
    keys = [key for key in dict.fromkeys(value_text(value) for value in [*listed, *values]) if key in seen]
    return Scale(name, [text(key, 24) for key in keys], keys, 0.0, len(keys) - 1.0, False)
