"""What the workload refuses, and what changes nothing: axes whose values train the same, settings that never act.

A short run (`--set epochs=3`) has many settings that never act in so few epochs, so they are notes, which `check` and
`plan` print. An axis is a fault where its values train the same at any length: its rows would be equal under different
names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from search.core.errors import Fault
from search.core.grouped import grouped
from search.core.shown import called, listed
from search.space.extends import section
from search.space.idle import Sample, Unanswered, idle, note, refused
from search.space.model import Axis, Grid, Space
from search.space.nodes import Node, Problems, text_of
from search.space.sampling import Asking, accepted_samples
from search.space.trained import Trained
from search.workload import Workload
from search.workload.foreign import reason_of, watched

MAX_NAMED_VALUES = 6
"""Values of an axis that one note names."""


def check_samples(space: Space, root: Node, workload: Workload, problems: Problems) -> list[Fault]:
    """Report what the workload refuses, each fault at the line that set the value, and axes that change nothing.

    Returns:
        notes on what never acts.
    """
    with watched(f"workload {called(space.workload)!r}: making settings canonical"):
        before = len(problems)
        found = accepted_samples(space, root, workload, problems)
        if len(problems) > before:
            return []
        try:
            return _effects(Asking(space, root, workload), found, problems)
        except Unanswered as unanswered:
            reason = f"the workload could not {unanswered.question}: {reason_of(unanswered.error)}"
            problems.add(root.entries["workload"], reason)
            return []


def _effects(asking: Asking, found: Sequence[Sample], problems: Problems) -> list[Fault]:
    """Report axes that change nothing as faults, and return notes on what never acts in trials of this length."""
    space, root, workload = asking.space, asking.root, asking.workload
    faults = {(node.key, reason): node for one in found for node, reason in refused(workload, one, asking.where)}
    for (_, reason), node in faults.items():
        problems.add(node, reason)
    notes = list(idle(workload, found, asking.where))
    trained = Trained(workload)
    if reason := trained.wrong(found[0]):
        problems.add(root.entries["workload"], reason)
    epochs = max(sample.epochs for sample in found)
    length = f"trials of {epochs} epoch{'s' * (epochs > 1)}"
    for axis in space.axes:
        node = section(root, "space").entries[axis.name]
        seen = found
        if _alike(axis, space, found, trained.begin):
            seen = [*found, *asking.beside(axis)]
        for first in _alike(axis, space, seen, trained.begin):
            for values in _alike(axis, space, _with(first, axis, seen), trained.whole):
                if asking.complete and _fault(axis, values, space, found, trained):
                    reason = "every value trains and stops the same, whatever else is set, so that all rows would be"
                    problems.add(node, f"{reason} equal; remove the axis, or mend what switches it off")
                else:
                    reason = f"{_listed(values)} train and stop the same in {length}"
                    notes.append(note(node, f"{reason}, so that their rows will be equal"))
        if quiet := _quiet(axis, space, seen, trained):
            notes.append(note(node, quiet))
    return notes


def _quiet(axis: Axis, space: Space, found: Sequence[Sample], trained: Trained) -> str:
    """Say beside which values of another axis this one changes nothing, though it does beside others; or return ""."""
    silent: list[Mapping[str, Any]] = []
    loud: list[Mapping[str, Any]] = []
    for group in _groups(axis, space, found).values():
        if len(group) > 1:
            one = next(iter(group.values()))[0].parameters
            alike = len({_signatures(samples, trained.begin) for samples in group.values()}) == 1
            alike = alike and len({_signatures(samples, trained.whole) for samples in group.values()}) == 1
            (silent if alike else loud).append(one)
    for other in space.axes if silent and loud else ():
        if other.name == axis.name or not isinstance(other.domain, Grid):
            continue
        without, beside = ({text_of(one[other.name]) for one in ones if other.name in one} for ones in (silent, loud))
        if beside and without and not beside & without:
            texts = [text_of(value) for value in other.domain.values]
            nothing = " or ".join(text for text in texts if text in without)
            acting = ", ".join(text for text in texts if text in beside)
            reason = f"changes nothing where {other.name} is {nothing}, so that rows will be equal"
            return f"{reason}; write `when: {{{other.name}: [{acting}]}}`, with {other.name} listed above it"
    return ""


def _signatures(samples: Sequence[Sample], signature: Callable[[Sample], str]) -> str:
    return repr(sorted({signature(sample) for sample in samples}))


def _fault(axis: Axis, values: Sequence[object], space: Space, found: Sequence[Sample], trained: Trained) -> bool:
    """Whether these values are all of an axis, and train the same at any length.

    Rows that a paper prints figures for are left to the audit, which has a finding for such rows.
    """
    if isinstance(axis.domain, Grid) and len(values) < len(axis.domain.values):
        return False
    if space.report.published is not None and axis.name in space.report.row_axes:
        return False
    return _alike(axis, space, found, trained.long) == [values]


def _listed(values: Sequence[object]) -> str:
    names = [text_of(value) for value in values]
    if len(names) > MAX_NAMED_VALUES:
        names = [*names[: MAX_NAMED_VALUES - 1], f"{len(names) - MAX_NAMED_VALUES + 1} others"]
    return listed(names, MAX_NAMED_VALUES)


def _groups(axis: Axis, space: Space, found: Sequence[Sample]) -> dict[str, dict[str, list[Sample]]]:
    """Return other parameters -> value of the axis, as text -> configurations; without axes that depend on this one."""
    hanging = {axis.name}
    for other in space.axes:
        if other.when is not None and other.when.axis in hanging:
            hanging.add(other.name)
    groups: dict[str, dict[str, list[Sample]]] = {}
    for sample in found:
        if axis.name in sample.parameters:
            name = text_of(sample.parameters[axis.name])
            others = {other: value for other, value in sample.parameters.items() if other not in hanging}
            groups.setdefault(json.dumps(others, sort_keys=True), {}).setdefault(name, []).append(sample)
    return groups


def _alike(axis: Axis, space: Space, found: Sequence[Sample], signature: Callable[[Sample], str]) -> list[list[object]]:
    """Return groups of values that have the same signatures in every configuration; single ones are left out."""
    groups = [group for group in _groups(axis, space, found).values() if len(group) > 1]
    values = {name: samples[0].parameters[axis.name] for group in groups for name, samples in group.items()}
    each = [{name: sorted({signature(one) for one in samples}) for name, samples in group.items()} for group in groups]
    classes = grouped(values, lambda name: repr([signatures.get(name) for signatures in each])).values()
    return [[values[name] for name in names] for names in classes if len(names) > 1]


def _with(values: Sequence[object], axis: Axis, found: Sequence[Sample]) -> list[Sample]:
    names = {text_of(value) for value in values}
    return [one for one in found if axis.name in one.parameters and text_of(one.parameters[axis.name]) in names]
