"""Sample configurations: the workload makes some canonical, so that `check` finds settings that clash."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search.core.values import Parameters, Settings
from search.space.extends import options, section
from search.space.idle import Sample
from search.space.model import Axis, Grid, Space
from search.space.nodes import Node, Problems, show, told_apart
from search.space.service import SERVICE_SETTINGS
from search.workload import Workload
from search.workload.foreign import reason_of
from search.workload.settings import complete

MAX_SAMPLES = 300
"""Configurations tried: the whole grid where it is small, else one axis at a time."""


def samples(space: Space, most: int = MAX_SAMPLES) -> Iterator[dict[str, object]]:
    """Yield configurations that show every value of a small space, and spread values of a large one."""
    if _listed(space, most):
        yield from space.grid()
        return
    few = itertools.islice(_one_at_a_time(space, max(2, most // max(1, len(space.axes)))), most)
    if not space.search.where:
        yield from few
    else:
        yield from itertools.chain([space.example()], filter(space.allows, few))


def _listed(space: Space, most: int = MAX_SAMPLES) -> bool:
    """Whether every configuration of a space is tried."""
    return all(isinstance(axis.domain, Grid) for axis in space.axes) and space.combinations() <= most


def _one_at_a_time(space: Space, each: int) -> Iterator[dict[str, object]]:
    for axis in space.axes:
        for value in _spread(axis, each):
            yield _configuration(space, {axis.name: value})


def _beside(space: Space, axis: Axis) -> Iterator[dict[str, object]]:
    """Yield configurations that show values of an axis beside values of each other one."""
    for other in space.axes:
        if other.name != axis.name:
            for value, mine in itertools.product(_spread(other, 5), _spread(axis, 20)):
                yield _configuration(space, {other.name: value, axis.name: mine})


def _configuration(space: Space, wanted: Parameters) -> dict[str, object]:
    """Return the first configuration that has these values, where their axes can exist together."""
    axes = {axis.name: axis for axis in space.axes}
    forced = dict(wanted)
    for name in wanted:
        above = axes[name]
        while above.when is not None:
            forced.setdefault(above.when.axis, above.when.values[0])
            above = axes[above.when.axis]
    chosen: dict[str, Any] = {}
    for axis in space.axes:
        if axis.active(chosen):
            chosen[axis.name] = forced[axis.name] if axis.name in forced else _spread(axis, 2)[0]
    return chosen


def _spread(axis: Axis, most: int) -> list[object]:
    """Return at most so many values of an axis, its ends among them."""
    if not isinstance(axis.domain, Grid):
        return [axis.domain.low, axis.domain.high]
    values = list(axis.domain.values)
    if len(values) <= most:
        return values
    return [values[round(index * (len(values) - 1) / (most - 1))] for index in range(most)]


@dataclass(frozen=True)
class Asking:
    """What can be asked of the configurations of a space."""

    space: Space
    root: Node
    workload: Workload

    @property
    def complete(self) -> bool:
        """Whether all of them are tried, so that what holds for these holds for every one."""
        return _listed(self.space) or len(self.space.axes) == 1

    def where(self, setting: str, parameters: Parameters) -> Node | None:
        """Return what sets a setting in a configuration."""
        return _where(setting, parameters, self.root)

    def beside(self, axis: Axis) -> list[Sample]:
        """Return configurations that show the axis beside values of each other one; none where all were tried."""
        if _listed(self.space):
            return []
        each = [
            _asked(one, self.space.settings(one), self.workload)[0]
            for one in _beside(self.space, axis)
            if self.space.allows(one)
        ]
        return [sample for sample in each if sample is not None]


def accepted_samples(space: Space, root: Node, workload: Workload, problems: Problems) -> list[Sample]:
    """Return the configurations that the workload takes; what it refuses is reported at the line that set the value."""
    seen: set[tuple[str, str]] = set()
    accepted: list[Sample] = []
    confirm = space.search.confirm
    baseline = [] if confirm is None or confirm.baseline is None else [space.completed(confirm.baseline)]
    for parameters in itertools.chain(samples(space), baseline):
        settings = space.settings(parameters)
        sample, refused = _asked(parameters, settings, workload)
        accepted += [sample] if sample is not None else []
        for setting, reason in refused:
            node = _where(setting, parameters, root)
            key = f"fixed.{setting}" if node is None else node.key
            at = node or root.entries.get("fixed", root)
            if (key, reason) in seen:
                continue
            seen.add((key, reason))
            others = {name: value for name, value in parameters.items() if at.key != f"space.{name}"}
            inside = len(parameters) > 1 and ", ".join(f"{name} {show(value)}" for name, value in others.items())
            problems.add(at, f"{reason} (in the configuration {inside})" if inside else reason, key=key)
            if len(seen) >= 50:  # the same mistake over and over: fifty addresses are enough
                return accepted
    return accepted


def _asked(
    parameters: Mapping[str, object], settings: Settings, workload: Workload
) -> tuple[Sample | None, list[tuple[str, str]]]:
    """Return a configuration as the workload takes it, or None and why it does not."""
    own = {name: value for name, value in settings.items() if name in SERVICE_SETTINGS}
    theirs = {name: value for name, value in settings.items() if name not in SERVICE_SETTINGS}
    faults: list[tuple[str, str]] = []
    checked: list[Mapping[str, Any]] = []
    for canonical, chosen in ((functools.partial(complete, SERVICE_SETTINGS), own), (workload.canonical, theirs)):
        try:
            checked.append(canonical(chosen))
        except ValueError as error:
            faults += getattr(error, "faults", [("", str(error))])
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a stranger's code: whatever it raises, the person reads where it came from
            faults.append(("", f"the workload could not make these settings canonical: {reason_of(error)}"))
    return (Sample(parameters, theirs, checked[1], checked[0]) if len(checked) > 1 else None), faults


def _where(setting: str, parameters: Parameters, root: Node) -> Node | None:
    """Return the node that sets a setting in one configuration."""
    for name, value in parameters.items():
        axis = section(root, "space").entries[name]
        named = options(axis)
        if named and setting in named[value].entries:
            return named[value].entries[setting]
        if not named and name == setting:
            return _by_value(axis).get(told_apart(value), axis)
    if not setting:
        return root.entries.get("workload")
    return section(root, "fixed").entries.get(setting)


@functools.lru_cache(maxsize=64)
def _by_value(axis: Node) -> dict[tuple[bool, object], Node]:
    """Return the nodes of the values that an axis lists, to be looked up by value; of equal ones the first."""
    listed = [node for kind in ("grid", "choice") if kind in axis.entries for node in axis.entries[kind].items]
    return {told_apart(node.value): node for node in reversed(listed) if node.kind == "scalar"}
