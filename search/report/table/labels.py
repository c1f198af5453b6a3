"""What a line of the comparison table is called, where it stands, and which published figure belongs to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from search.core.values import same
from search.report.table.model import Line, Table
from search.report.text import lookup, value_text
from search.space.model import Axis, Float, Grid, Report, Space
from search.space.nodes import text_of
from search.study.confirm import AXIS

DRAWN_DIGITS = 4
"""Significant digits of a drawn value in a label; the axis columns hold all of them."""

MAX_LABEL_LETTERS = 48
"""Letters of a label that a sentence can hold."""


def setting_label(space: Space, parameters: Mapping[str, object]) -> str:
    """Return what a configuration is called: the row axis first, then the other axes that vary.

    The report's labels replace ``axis=value`` of the row axis, or the whole text where they name it.
    """
    row = space.report.row(parameters)
    parts = [row_text(space, row)] if row else []
    for axis in space.axes:
        if axis.name in parameters and axis.name not in row and (varies(axis) or not space.report.rows):
            parts.append(_pair(axis, parameters[axis.name]))
    text = ", ".join(parts) or "all settings fixed"
    return space.report.labels.get(text, text)


def row_position(space: Space, parameters: Mapping[str, object]) -> tuple[float, ...]:
    """Return where each row axis lists this configuration's value; behind all others where it does not."""
    axes = {axis.name: axis for axis in space.axes}
    return tuple(_position(axes[name], parameters) for name in space.report.row_axes)


def _position(axis: Axis, parameters: Mapping[str, object]) -> float:
    values = axis.domain.values if isinstance(axis.domain, Grid) and axis.name in parameters else ()
    return next((place for place, one in enumerate(values) if same(parameters[axis.name], one)), math.inf)


def published_figures(space: Space, lines: Sequence[tuple[str, Mapping[str, object]]]) -> tuple[list[str], list[str]]:
    """Put the published figures beside the lines, given as (label, parameters).

    A figure belongs to a line by the line's whole label, else by its row where a single line has that.

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
    report = space.report
    if not report.rows and len(space.axes) == 1:
        report = replace(report, rows=space.axes[0].name)
    row = report.row(parameters)
    if not row:
        return False
    return of_row(report, {name: name}, row) is not None or name == of_row(report, report.labels, row)


def of_row(report: Report, table: Mapping[str, str], row: Mapping[str, object]) -> str | None:
    """Return the entry of a row in a mapping keyed by rows, such as labels or published figures; None without one."""
    if len(report.row_axes) == 1:
        return lookup(table, row[report.row_axes[0]])
    return table.get(report.key(row))


def row_text(space: Space, row: object) -> str:
    """Return what a row is called: its label, else ``axis=value`` of each of its axes.

    Args:
        row: axis -> value, or the value of the only row axis.
    """
    report = space.report
    if not report.rows:
        return lookup(report.labels, row) or value_text(row)
    meant = report.meant(row)
    label = of_row(report, report.labels, meant)
    if label is not None:
        return label
    axes = {axis.name: axis for axis in space.axes}
    return ", ".join(_pair(axes[name], value) for name, value in meant.items() if name in axes)


def _pair(axis: Axis, value: object) -> str:
    digits = DRAWN_DIGITS if isinstance(axis.domain, Float) else None
    return f"{axis.name}={value_text(value, digits)}"


def key_text(space: Space, key: str) -> str:
    """Return what the row is called that labels and published figures are filed under this key for."""
    for axis in space.axes:
        for value in axis.domain.values if isinstance(axis.domain, Grid) else ():
            if (axis.name,) == space.report.row_axes and text_of(value) == key:
                return row_text(space, value)
    return space.report.labels.get(key, key)


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
