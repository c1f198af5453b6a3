"""The axes of a space: what their values are, and when they exist beside others.

Everything here is immutable and plain.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Grid:
    """Listed values, all of which are tried.

    Attributes:
        values: scalars, or the names of `options`.
        options: name -> settings it stands for; empty where the values are the setting's own.
        plans: name -> values by epoch that it stands for; see `search.workload.plans`.
    """

    values: Sequence[Any]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plans: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice(Grid):
    """A prior that draws one of the values, each equally likely."""


@dataclass(frozen=True)
class Float:
    """A prior over [low, high], uniform in the value, or in its logarithm; `step` makes it discrete."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass(frozen=True)
class Int:
    """A prior over the whole numbers low, low + step ... high, uniform in the value or in its logarithm."""

    low: int
    high: int
    log: bool = False
    step: int = 1


Domain = Grid | Choice | Float | Int


@dataclass(frozen=True)
class Condition:
    """The axis is active only where another axis, listed before it, has one of these values."""

    axis: str
    values: Sequence[Any]

    def holds(self, value: object) -> bool:
        """Whether the other axis has one of the values: 1 and 1.0 are one, 1 and true are not."""
        return (isinstance(value, bool), value) in self._known

    @cached_property
    def _known(self) -> frozenset[tuple[bool, object]]:
        return frozenset((isinstance(value, bool), value) for value in self.values)


@dataclass(frozen=True)
class Axis:
    """One dimension of the space. Its name is a setting, unless its domain has named options."""

    name: str
    domain: Domain
    when: Condition | None = None

    def settings(self, value: Any) -> Mapping[str, Any]:
        """Return the settings that `value` of this axis stands for."""
        if not isinstance(self.domain, Grid):
            return {self.name: value}
        if self.domain.options:
            return self.domain.options[value]
        return {self.name: self.domain.plans.get(value, value)}

    def active(self, parameters: Mapping[str, object]) -> bool:
        """Whether the axis exists beside these values of earlier axes."""
        when = self.when
        return when is None or (when.axis in parameters and when.holds(parameters[when.axis]))


SHARE_OF_ENDS = 0.2
"""Of the values that are drawn from a range: conditions often leave just an end."""


def drawn(axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """Yield values of all axes together without end, each drawn from its domain, its ends more often; the same
    ones every time."""
    generator = random.Random(0)
    while True:
        yield {axis.name: _draw(axis.domain, generator) for axis in axes}


def _draw(domain: Domain, generator: random.Random) -> Any:
    if isinstance(domain, Grid):
        return generator.choice(domain.values)
    if generator.random() < SHARE_OF_ENDS:
        return generator.choice((domain.low, domain.high))
    if domain.step is not None and not domain.log:
        return domain.low + generator.randrange(int((domain.high - domain.low) / domain.step) + 1) * domain.step
    if not domain.log:
        return generator.uniform(domain.low, domain.high)
    value = math.exp(generator.uniform(math.log(domain.low), math.log(domain.high)))
    return round(value) if isinstance(domain, Int) else value


def with_values(axis: Axis, configurations: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Yield values configuration with every value of an axis, or as it is where the axis does not exist beside it."""
    assert isinstance(axis.domain, Grid)
    for chosen in configurations:
        for value in axis.domain.values if axis.active(chosen) else ():
            yield {**chosen, axis.name: value}
        if not axis.active(chosen):
            yield chosen
