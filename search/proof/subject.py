"""What is trained to try a workload: configurations of a space file, as a run is given them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.core.prefix import fingerprint
from search.core.values import same
from search.space.model import Axis, Grid, Space
from search.study.leaf import canonical
from search.workload import Workload

MAX_EPOCHS_TRIED = 5
"""Epochs of a configuration that are trained, where its trials are as long."""


@dataclass(frozen=True)
class Subject:
    """A configuration under one seed.

    Attributes:
        name: for people.
        fixed: canonical fixed settings with the seed.
        schedule: settings of each epoch that is tried.
    """

    name: str
    fixed: Mapping[str, Any]
    schedule: Sequence[Mapping[str, Any]]

    @property
    def epochs(self) -> int:
        """How many epochs are tried."""
        return len(self.schedule)

    @property
    def key(self) -> str:
        """Equal where the same is trained."""
        return fingerprint([dict(self.fixed), [dict(each) for each in self.schedule]])

    def parting(self, other: Subject) -> int | None:
        """Return the first epoch, from 1, whose settings differ from another subject's; None where none does."""
        if not same(self.fixed, other.fixed):
            return 1
        pairs = enumerate(zip(self.schedule, other.schedule, strict=False), start=1)
        return next((epoch for epoch, (one, two) in pairs if not same(one, two)), None)

    def turning(self, other: Subject, epoch: int) -> Subject:
        """Return this subject, which follows another one's schedule from an epoch on."""
        schedule = [*self.schedule[: epoch - 1], *other.schedule[epoch - 1 :]]
        return Subject(f"{self.name}, from epoch {epoch} on as {other.name}", self.fixed, schedule)


def subject(space: Space, workload: Workload, parameters: Mapping[str, object], seed: int) -> Subject:
    """Return a configuration under a seed, with as many epochs as are tried.

    Raises:
        UserError: its settings cannot be trained together.
    """
    settings, service = canonical(space, workload, parameters, seed)
    fixed, schedule = workload.schedule(settings, service["epochs"])
    shown = [f"{name}={value}" for name, value in parameters.items()]
    return Subject(", ".join([*shown, f"seed={seed}"]), fixed, list(schedule[:MAX_EPOCHS_TRIED]))


def another_seed(space: Space) -> int:
    """Return a seed that is not the first one: the file's second, or the next number."""
    return space.seeds[1] if len(space.seeds) > 1 else space.seeds[0] + 1


def far(space: Space) -> dict[str, Any]:
    """Return a configuration that differs from the first one in as many axes as can be: the last value of each."""
    wanted: dict[str, Any] = {}
    for axis in space.axes:
        wanted[axis.name] = _values(axis)[-1]
    farthest = space.completed(wanted)
    return farthest if space.allows(farthest) else space.example()


def with_axis(space: Space, axis: Axis) -> dict[str, object]:
    """Return the first configuration in which an axis is active."""
    wanted: dict[str, Any] = {}
    conditions = axis.when
    by_name = {each.name: each for each in space.axes}
    while conditions is not None:
        wanted[conditions.axis] = conditions.values[0]
        conditions = by_name[conditions.axis].when
    return space.completed(wanted)


def others(axis: Axis, value: object) -> Iterator[Any]:
    """Yield the other values of an axis, the one that is listed last before the rest."""
    yield from (each for each in reversed(_values(axis)) if not same(each, value))


def _values(axis: Axis) -> Sequence[Any]:
    domain = axis.domain
    return list(domain.values) if isinstance(domain, Grid) else [domain.low, domain.high]
