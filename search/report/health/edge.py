"""The best value at the edge of its axis: a better one may lie beyond, where nobody looked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from search.core.values import same
from search.report.health.ahead import lead, level, winners
from search.report.health.finding import Finding
from search.report.table.build import Comparison
from search.report.table.model import Line
from search.report.text import one_line, value_text
from search.space.model import Axis, Choice, Float, Grid, Int

MIN_LISTED = 3
"""Of fewer listed values the best one is always at an edge."""

TOP, TOP_AT_EDGE = 5, 4
"""Of the best settings of a search so many lie in the outer part of a range, the best one among them. Of values that do
not matter 4 of 5 lie in the outer quarter of a side, and the best one in its outer tenth, in 1 of 100 searches."""

EDGE_SHARE, OUTER_SHARE = 0.1, 0.25

MIN_SETTINGS = 20
"""Complete settings of a search of which the best are looked at."""

DIGITS = 4
"""Significant digits of a value in a sentence."""

WHY = (
    "A better value may lie beyond, where the study did not look: the best of these values is the best of those tried."
)


def edge(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding for each axis of numbers whose best value is its smallest or largest, by more than noise."""
    if compared.read.space.search.sampler == "grid":
        yield from _of_grid(compared)
    else:
        yield from _of_search(compared)


def _of_grid(compared: Comparison) -> Iterator[Finding]:
    read, table = compared
    objective, ahead_of_all = read.space.search.objective, winners(read, table)
    complete = sum(not line.partial and level(line, objective.metric) is not None for line in table.lines)
    for axis in read.space.axes if ahead_of_all else ():
        first = ahead_of_all[0]
        parameters = table.lines[first].parameters
        if len({value_text(table.lines[place].parameters.get(axis.name)) for place in ahead_of_all}) > 1:
            continue
        values = _numbers(axis)
        if (
            axis.name not in parameters
            or len(values) < MIN_LISTED
            or parameters[axis.name] not in (values[0], values[-1])
        ):
            continue
        highest = parameters[axis.name] == values[-1]
        if natural(values[0], values[-1], highest):
            continue
        inner = values[-2] if highest else values[1]
        place = _line(table.lines, {**parameters, axis.name: inner})
        if place is None or level(table.lines[place], objective.metric) is None:
            continue
        ahead = lead(read, table, (first, place), objective.metric, "val", complete - 1)
        if ahead is not None:
            best, next_one, low, high = (
                _text(value) for value in (parameters[axis.name], inner, values[0], values[-1])
            )
            seen = (
                f"{one_line(axis.name)}: the best setting has {best}, the {'largest' if highest else 'smallest'} of "
                f"the values listed ({low} to {high}), and is better than with {next_one} by {ahead}."
            )
            yield Finding("best-at-edge", "note", seen, WHY, _remedy(axis.name, best, highest))


def _of_search(compared: Comparison) -> Iterator[Finding]:
    table = compared.table
    objective = compared.read.space.search.objective.metric
    whole = [line for line in table.lines if not line.partial and level(line, objective) is not None]
    if len(whole) < MIN_SETTINGS:
        return
    for axis in compared.read.space.axes:
        domain = axis.domain
        if not isinstance(domain, Float | Int) or domain.high <= domain.low:
            continue
        top = [line.parameters[axis.name] for line in whole[:TOP] if axis.name in line.parameters]
        if len(top) < TOP:
            continue
        places = [share(domain, value) for value in top]
        for highest in (False, True):
            out = [1 - place if highest else place for place in places]
            outer = sum(place <= OUTER_SHARE for place in out)
            if out[0] > EDGE_SHARE or outer < TOP_AT_EDGE or natural(domain.low, domain.high, highest):
                continue
            best, low, high = (_text(value) for value in (top[0], domain.low, domain.high))
            quarter = f"{'upper' if highest else 'lower'} quarter"
            seen = (
                f"{one_line(axis.name)}: the best setting has {best}, and {outer} of the best {TOP} lie in the "
                f"{quarter} of its range, {low} to {high}{', in the logarithm' if domain.log else ''}."
            )
            yield Finding("best-at-edge", "note", seen, WHY, _remedy(axis.name, high if highest else low, highest))


def share(domain: Float | Int, value: float) -> float:
    """Return where in a range a value lies, 0 at its low end and 1 at its high one; of a logarithmic range in the
    logarithm."""
    if domain.log:
        return math.log(value / domain.low) / math.log(domain.high / domain.low)
    return (value - domain.low) / (domain.high - domain.low)


def natural(low: float, high: float, highest: bool) -> bool:
    """Whether an end of an axis is most likely where its setting ends: 0 of numbers from 0 on, 1 of shares."""
    return (low >= 0 and high == 1) if highest else low == 0


def _numbers(axis: Axis) -> list[Any]:
    """Return the listed values of an axis, ascending; none where they are no numbers, or stand for others."""
    domain = axis.domain
    if not isinstance(domain, Grid) or isinstance(domain, Choice) or domain.options or domain.plans:
        return []
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in domain.values):
        return []
    return sorted(domain.values)


def _line(lines: Sequence[Line], parameters: dict[str, Any]) -> int | None:
    return next((place for place, line in enumerate(lines) if same(dict(line.parameters), parameters)), None)


def _text(value: object) -> str:
    return value_text(value, DIGITS)


def _remedy(axis: str, end: str, highest: bool) -> str:
    side = "above" if highest else "below"
    return f"Add values of {one_line(axis)} {side} {end} and run again; what is on record is used."
