"""What a line of the comparison table is called, where it stands, and which published figure belongs to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from search.core.values import same
from search.report.table.model import Line, Table
from search.report.text import lookup, value_text
from search.space.model import Axis, Float, Grid, Space
from search.study.confirm import AXIS

DRAWN_DIGITS = 4
"""Significant digits of a drawn value in a label; the axis columns hold all of them."""

MAX_LABEL_LETTERS = 48
"""Letters of a label that a sentence can hold."""


def setting_label(space: Space, parameters: Mapping[str, object]) -> str:
    """Return what a configuration is called: the row axis first, then the other axes that vary.

    The report's labels replace ``axis=value`` of the row axis, or the whole text where they name it.
    """
    parts = [row_text(space, parameters[space.report.rows])] if space.report.rows in parameters else []
    for axis in space.axes:
        if axis.name in parameters and axis.name != space.report.rows and (varies(axis) or not space.report.rows):
            parts.append(_pair(axis, parameters[axis.name]))
    text = ", ".join(parts) or "all settings fixed"
    return space.report.labels.get(text, text)


def row_position(space: Space, parameters: Mapping[str, object]) -> float:
    """Return where the row axis lists this configuration's value; behind all others where it does not."""
    for axis in space.axes:
        if axis.name == space.report.rows and axis.name in parameters and isinstance(axis.domain, Grid):
            value = parameters[axis.name]
            return next((place for place, one in enumerate(axis.domain.values) if same(value, one)), math.inf)
    return math.inf


def published_figures(space: Space, lines: Sequence[tuple[str, Mapping[str, object]]]) -> tuple[list[str], list[str]]:
    """Put the published figures beside the lines, given as (label, parameters).

    A figure belongs to a line by the line's whole label, else by the row axis's value where a single line has it.

    Returns:
        one figure per line, as text, "" where there is none; and the figures no line was found for.
    """
    published = space.report.published
    figures = [""] * len(lines)
    if published is None:
        return figures, []
    left = []
    for name, text in published.values.items():
        whole = [i for i, (label, parameters) in enumerate(lines) if name in (label, plain_label(space, parameters))]
        row = [i for i, (_, parameters) in enumerate(lines) if _names_row(space, name, parameters)]
        place = whole or row
        if len(place) == 1:
            figures[place[0]] = str(text)
        else:
            left.append(f"{name} ({text})")
    return figures, left


def plain_label(space: Space, parameters: Mapping[str, object]) -> str:
    """Return ``axis=value`` of every active axis, in the file's order."""
    return ", ".join(_pair(axis, parameters[axis.name]) for axis in space.axes if axis.name in parameters)


def _names_row(space: Space, name: str, parameters: Mapping[str, object]) -> bool:
    row = space.report.rows or (space.axes[0].name if len(space.axes) == 1 else "")
    if row not in parameters:
        return False
    value = parameters[row]
    return lookup({name: name}, value) is not None or name == lookup(space.report.labels, value)


def row_text(space: Space, value: object) -> str:
    """Return what the row of a value is called: its label, else ``axis=value``."""
    label = lookup(space.report.labels, value)
    if label is not None:
        return label
    return next((_pair(axis, value) for axis in space.axes if axis.name == space.report.rows), value_text(value))


def _pair(axis: Axis, value: object) -> str:
    digits = DRAWN_DIGITS if isinstance(axis.domain, Float) else None
    return f"{axis.name}={value_text(value, digits)}"


def varies(axis: Axis) -> bool:
    """Whether an axis has more than one value, or is not always there."""
    return axis.when is not None or not isinstance(axis.domain, Grid) or len(axis.domain.values) > 1


def short_label(table: Table, line: Line) -> str:
    """Return what a sentence calls a line: its label, or where that is long ``configuration 17``, as tables number it.

    A candidate of a confirm stage is called as the stage calls it ("best 1"): its label holds all it stands for.
    """
    if AXIS in line.parameters and table.confirms:
        return value_text(line.parameters[AXIS])
    return line.setting if len(line.setting) <= MAX_LABEL_LETTERS else f"configuration {line.configuration}"
