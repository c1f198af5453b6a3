"""What passes between a run and a sampler: configurations that were asked for, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from search.core.mean import mean
from search.core.values import Parameters

STARTED = "started"
"""In a record of what was asked: names of the starting points tried since the last new configuration, and theirs."""


@dataclass(frozen=True)
class Asked:
    """A configuration and what must be kept so that a restart knows it was asked.

    Attributes:
        configuration: 0-based number.
        parameters: axis name -> value.
        record: plain data for the order log.
    """

    configuration: int
    parameters: Mapping[str, Any]
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StartingPoint:
    """What is tried before a sampler chooses.

    Attributes:
        name: the point as it is written in the file, by which a restart knows that it was tried.
        parameters: axis name -> value; the sampler draws what is left out.
    """

    name: str
    parameters: Parameters


@dataclass(frozen=True)
class Told:
    """What a sampler is told of a configuration: means over its seeds.

    Attributes:
        state: complete, pruned or fail.
        value: objective at the end; None unless complete.
        intermediate: epoch -> objective. Empty for a diverged configuration, which ranks worst that way.
        further: what the objectives behind the first one came to at the end, in their order.
    """

    state: str
    value: float | None = None
    intermediate: Mapping[int, float] = field(default_factory=dict)
    further: Sequence[float] = ()


def started(asked: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return name of each starting point that was tried -> its configuration, by the records of what was asked."""
    return {name: configuration for record in asked for name, configuration in record.get(STARTED, {}).items()}


class Sampler(Protocol):
    """Gives configurations one by one. Used by one thread at a time."""

    adaptive: bool
    """Whether an answer depends on what was told: then no more is asked than can be worked on."""

    def ask(self) -> Asked | None:
        """Return the next configuration, or None where there is none (left)."""

    def tell(self, configuration: int, outcome: Told) -> None:
        """Take what became of a configuration."""


def mean_outcome(
    states: Sequence[str], curves: Sequence[Sequence[float]], further: Sequence[Sequence[float]] = ()
) -> Told:
    """Return what a sampler is told of a configuration whose seeds ended so, with these objectives per epoch.

    One failed seed makes it a failure, one that diverged, was pruned or cut off makes it pruned; values are means over
    the seeds, epoch by epoch as far as all of them got.

    Args:
        states, curves: of each seed.
        further: of each seed what the objectives behind the first one came to; () for none.
    """
    if "failed" in states:
        return Told("fail")
    if "diverged" in states:
        return Told("pruned")
    common = min(len(curve) for curve in curves)
    means = {t + 1: mean([curve[t] for curve in curves]) for t in range(common)}
    if "pruned" in states or "cut off" in states:
        return Told("pruned", None, means)
    others = tuple(mean(list(values)) for values in zip(*further, strict=True))
    return Told("complete", mean([curve[-1] for curve in curves]), means, others)
