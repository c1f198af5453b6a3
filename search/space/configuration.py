"""One configuration that a file names: the baseline of a confirm stage, or a starting point of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from search.core.values import Parameters, tidy
from search.space.model import Axis, Grid, Int
from search.space.nodes import Node, Problems, no_value, same, show, text_of, unknown
from search.space.numbers import meant


def read_configuration(node: Node, axes: Sequence[Axis], problems: Problems) -> Parameters:
    """Return a mapping of axis: value in the spelling of the axes; what is no axis, or no value of it, is a fault."""
    known = {axis.name: axis for axis in axes}
    parameters: dict[str, Any] = {}
    for name, value in node.entries.items():
        axis = known.get(name)
        if axis is None:
            problems.add(value, f"speaks of {name!r}, which is no axis of this file{unknown(name, known)}")
            continue
        meant_value, reason = _value(axis, value)
        if reason:
            problems.add(value, reason)
        else:
            parameters[name] = meant_value
    return parameters


def check_configuration(
    node: Node,
    given: Parameters,
    beside: Mapping[str, object],
    where: str,
    axes: Sequence[Axis],
    problems: Problems,
) -> None:
    """Report values between the steps of a prior, and of axes that do not exist beside the others.

    Args:
        node: the mapping in the file.
        given: what was read from it.
        beside: axis -> value of all axes that count as set.
        where: what the configuration is called.
        axes: all axes of the space.
    """
    for axis in axes:
        if axis.name not in given:
            continue
        if reason := _between(axis, given[axis.name]):
            problems.add(node.entries[axis.name], reason)
        if axis.when is not None and not axis.active(beside):
            needed = " or ".join(show(value) for value in axis.when.values)
            found = show(beside[axis.when.axis]) if axis.when.axis in beside else "not there"
            reason = f"exists only where {axis.when.axis} is {needed}, and in {where} it is {found}; remove it"
            problems.add(node.entries[axis.name], reason)


def value_of_axis(axis: Axis, value: object) -> tuple[Any, str]:
    """Return a value in the spelling of an axis, and ""; or None, and why the axis has no such value."""
    spelled, reason = _value(axis, Node("scalar", value))
    reason = reason or _between(axis, spelled)
    return (None, reason) if reason else (spelled, "")


def _value(axis: Axis, node: Node) -> tuple[Any, str]:
    """Return the value of an axis that is meant, in its one spelling, and ""; or None, and why it is none of the axis.

    A value in quotes is one of the list that reads so where there is no such text.
    """
    domain = axis.domain
    if isinstance(domain, Grid):
        found = [value for value in domain.values if same(node.value, value)]
        found += [value for value in domain.values if text_of(value) == node.text]
        reason = f"found {show(node)}, which is no value of {axis.name!r}{no_value(node, domain.values)}"
        return (found[0], "") if found else (None, reason)
    number = tidy(node.value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not domain.low <= number <= domain.high:
        reason = f"found {show(node)}, must be a number from {domain.low} to {domain.high}, the range of {axis.name!r}"
        kind = "integer" if isinstance(domain, Int) else "number"
        bounds = {"type": kind, "minimum": domain.low, "maximum": domain.high}
        return None, reason + (meant(node.value, bounds) if isinstance(node.value, str) else "")
    whole = isinstance(domain, Int) and number == int(number)
    return (int(number) if whole else float(number)), ""


def _between(axis: Axis, number: float) -> str:
    """Say which numbers a prior with steps can draw, where this is none of them, or return ""."""
    domain = axis.domain
    if isinstance(domain, Grid) or domain.step is None:
        return ""
    steps = (number - domain.low) / domain.step
    if math.isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-9):
        return ""
    few = f"{domain.low}, {tidy(domain.low + domain.step)} ... {domain.high}"
    return f"found {show(number)}, must be one of {few}, the values of {axis.name!r}"
