"""Which tables are cross tables, and what a configuration is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.report.table.labels import varies
from search.space.model import Space


def cross_axes(space: Space) -> tuple[str, str] | tuple[()]:
    """Return the axes of rows and columns where a study is drawn as a cross table.

    Two axes are named and no third one varies; with more axes each configuration is a line of its own.
    """
    report = space.report
    varying = {axis.name for axis in space.axes if varies(axis)}
    if len(report.row_axes) != 1 or not report.columns or not varying <= {*report.row_axes, report.columns}:
        return ()
    return report.row_axes[0], report.columns


def baseline_of(space: Space, parameters: Mapping[str, object]) -> dict[str, object] | None:
    """Return the configuration that one is compared with: the baseline's row, all axes that make no rows as they are.

    None where the file names no baseline, or the configuration has no row. Axes that the baseline's row does not
    activate are left out.
    """
    report = space.report
    if not report.has_baseline or not report.row(parameters):
        return None
    others = {name: value for name, value in parameters.items() if name not in report.row_axes}
    wanted = {**others, **report.meant(report.baseline)}
    chosen: dict[str, Any] = {}
    for axis in space.axes:
        if axis.name in wanted and axis.active(chosen):
            chosen[axis.name] = wanted[axis.name]
    return chosen
