"""What changes nothing: axes whose values train the same, and settings that never act in trials of this length.

A space that is run for a look (`--set epochs=3`) has many of them, so that they are notes, which `check` and `plan`
print. An axis is a fault where its values train the same at any length: its rows would be equal, and called different.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.errors import Fault
from search.space.extends import section
from search.space.model import SERVICE_SETTINGS, Axis, Grid, Space
from search.space.nodes import Node, Problems, printable, text_of
from search.workload import Idling, Measuring, Workload

MOST_EPOCHS_LOOKED_AT = 20_000
"""Schedules that are longer are not compared: making a file sound must take no time."""

MOST_NAMED = 6
"""Values of an axis that one note names."""

Where = Callable[[str, Mapping[str, Any]], Node | None]
"""Returns what sets a setting in a configuration."""


@dataclass(frozen=True)
class Sample:
    """One configuration that the workload takes.

    Attributes:
        parameters: axis -> value.
        given: settings as the file has them.
        settings: canonical, of the workload.
        service: complete, of the service.
    """

    parameters: Mapping[str, Any]
    given: Mapping[str, Any]
    settings: Mapping[str, Any]
    service: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """Length of the trial."""
        return int(self.service["epochs"])


def effects(
    space: Space, root: Node, workload: Workload, found: Sequence[Sample], where: Where, problems: Problems
) -> list[Fault]:
    """Report axes that change nothing as faults, and return notes on what never acts in trials of this length."""
    notes = list(_idle(workload, found, where))
    epochs = max(sample.epochs for sample in found)
    length = f"trials of {epochs} epoch{'s' * (epochs > 1)}"
    for axis in space.axes:
        node = section(root, "space").entries[axis.name]
        for first in _alike(axis, space, found, lambda sample: _begin(sample, workload)):
            for values in _alike(axis, space, _with(first, axis, found), lambda sample: _whole(sample, workload)):
                if _fault(axis, values, space, found, workload):
                    reason = "every value trains and stops the same, whatever else is set, so that all rows would be"
                    problems.add(node, f"{reason} equal; remove the axis, or mend what switches it off")
                else:
                    reason = f"{_listed(values)} train and stop the same in {length}"
                    notes.append(_note(node, f"{reason}, so that their rows will be equal"))
    return notes


def _fault(axis: Axis, values: Sequence[Any], space: Space, found: Sequence[Sample], workload: Workload) -> bool:
    """Whether these values are all of an axis, and train the same at any length.

    Rows that a paper prints figures for are left to the audit, which has a finding for such rows.
    """
    if isinstance(axis.domain, Grid) and len(values) < len(axis.domain.values):
        return False
    if space.report.published is not None and space.report.rows == axis.name:
        return False
    return _alike(axis, space, found, lambda sample: _long(sample, workload)) == [values]


def _listed(values: Sequence[Any]) -> str:
    names = [text_of(value) for value in values]
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} others"]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _note(node: Node, sentence: str) -> Fault:
    return Fault(node.file, node.line, printable(node.key), sentence)


def _idle(workload: Workload, found: Sequence[Sample], where: Where) -> Iterator[Fault]:
    """Yield what never acts in any configuration that has it."""
    said: dict[tuple[str, str], tuple[Node, str, int, int]] = {}  # setting, place -> node, sentence, epochs, samples
    for sample in found:
        for setting, sentence in _never(workload, sample, where):
            node = _node(setting, sample, workload, where)
            if node is not None:
                _, known, longest, count = said.get((setting, node.key), (node, "", 0, 0))
                sentence = sentence if sample.epochs > longest else known
                said[setting, node.key] = (node, sentence, max(sample.epochs, longest), count + 1)
    for (setting, key), (node, sentence, _, count) in said.items():
        nodes = (_node(setting, sample, workload, where) for sample in found)
        if sum(one is not None and one.key == key for one in nodes) == count:
            yield _note(node, sentence)


def _node(setting: str, sample: Sample, workload: Workload, where: Where) -> Node | None:
    """Return what sets a setting, or what it belongs to where it has its default."""
    rule = {**workload.settings, **SERVICE_SETTINGS}.get(setting, {})
    for name in (setting, *rule.get("when", {})):
        if (node := where(name, sample.parameters)) is not None:
            return node
    return None


def _never(workload: Workload, sample: Sample, where: Where) -> Iterator[tuple[str, str]]:
    yield from (reason for reason in _without_stop(sample) if reason[0] != "stop.alpha")  # null is meant to
    if isinstance(workload, Measuring) and sample.service["stop.rule"] != "none":
        watched = sample.service.get("stop.metric", "val_loss")
        if watched not in workload.metrics:
            yield "stop.rule", f"never acts: it looks at {watched}, which no row holds"
    for setting in sample.given:
        if setting not in {**sample.settings, **sample.service} and where(setting, sample.parameters) is not None:
            yield setting, "never acts: it has no effect beside the other settings"
    if isinstance(workload, Idling):
        yield from workload.idle(sample.settings, sample.epochs)


def _without_stop(sample: Sample) -> Iterator[tuple[str, str]]:
    """Say why the stop rule ends no trial before its last epoch, where it is known beforehand."""
    rule, epochs = sample.service["stop.rule"], sample.epochs
    last = f"the last epoch is {epochs}"
    if rule == "patience" and sample.service["stop.patience"] >= epochs - 1:
        yield (
            "stop.patience",
            f"never acts: {sample.service['stop.patience']} epochs without gain end no trial early, for {last}",
        )
    elif rule == "generalisation_loss" and sample.service["stop.alpha"] is None:
        yield "stop.alpha", "never acts: null never stops"
    elif rule == "generalisation_loss" and epochs < 3:
        yield "stop.rule", f"never acts: no trial ends early by comparing an epoch with one before, for {last}"


def _alike(axis: Axis, space: Space, found: Sequence[Sample], signature: Callable[[Sample], str]) -> list[list[Any]]:
    """Return groups of values that have the same signatures in every configuration; single ones are left out."""
    hanging = {axis.name}
    for other in space.axes:
        if other.when is not None and other.when.axis in hanging:
            hanging.add(other.name)
    groups: dict[str, dict[str, set[str]]] = {}  # other parameters -> value -> signatures
    values: dict[str, Any] = {}
    for sample in found:
        if axis.name in sample.parameters:
            name = text_of(sample.parameters[axis.name])
            values[name] = sample.parameters[axis.name]
            others = {other: value for other, value in sample.parameters.items() if other not in hanging}
            groups.setdefault(json.dumps(others, sort_keys=True), {}).setdefault(name, set()).add(signature(sample))
    compared = [group for group in groups.values() if len(group) > 1]
    classes: dict[str, list[Any]] = {}
    for name, value in values.items() if compared else ():
        each = [sorted(group.get(name, ())) for group in compared]
        classes.setdefault(repr(each), []).append(value)
    return [alike for alike in classes.values() if len(alike) > 1]


def _with(values: Sequence[Any], axis: Axis, found: Sequence[Sample]) -> list[Sample]:
    names = {text_of(value) for value in values}
    return [one for one in found if axis.name in one.parameters and text_of(one.parameters[axis.name]) in names]


def _begin(sample: Sample, workload: Workload) -> str:
    """Return what is equal for two samples that train the same first epoch and stop alike."""
    return _spelt((workload.schedule(sample.settings, 1), sample.epochs, _stops(sample)))


def _whole(sample: Sample, workload: Workload) -> str:
    """Return what is equal for two samples that train the same epochs and stop alike."""
    return _spelt((_schedule(sample, workload, sample.epochs), sample.epochs, _stops(sample)))


def _long(sample: Sample, workload: Workload) -> str:
    """Return what is equal for two samples that would train and stop alike in trials of any length.

    Tried is a length beyond every number among the settings.
    """
    numbers = [value for value in _numbers(sample.settings) if value <= MOST_EPOCHS_LOOKED_AT / 2]
    length = 2 * int(max([*numbers, 50])) + 2
    return _spelt((_schedule(sample, workload, length), sorted(sample.service.items(), key=repr)))


def _schedule(sample: Sample, workload: Workload, epochs: int) -> Any:
    """Return the schedule without what repeats; of one that is too long, the settings it is made of."""
    if epochs > MOST_EPOCHS_LOOKED_AT:
        return sample.settings
    fixed, each = workload.schedule(sample.settings, epochs)
    changes = [(epoch, now) for epoch, now in enumerate(each) if not epoch or now != each[epoch - 1]]
    return fixed, changes


def _spelt(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def _stops(sample: Sample) -> Any:
    """Return the stop rule; that of `none` where it ends no trial before its last epoch."""
    if any(setting.startswith("stop.") for setting, _ in _without_stop(sample)):
        return ()
    return sorted((name, repr(value)) for name, value in sample.service.items() if name.startswith("stop."))
