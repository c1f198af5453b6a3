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
    named = {report.rows, report.columns}
    return (report.rows, report.columns) if report.rows and report.columns and varying <= named else ()


def baseline_of(space: Space, parameters: Mapping[str, object]) -> dict[str, object] | None:
    """Return the configuration that one is compared with: the baseline's row, all other axes as they are.

    None where the file names no baseline, or the configuration has no row. Axes that the baseline's row does not
    activate are left out.
    """
    report = space.report
    if not report.has_baseline or report.rows not in parameters:
        return None
    wanted = {**parameters, report.rows: report.baseline}
    chosen: dict[str, Any] = {}
    for axis in space.axes:
        if axis.name in wanted and axis.active(chosen):
            chosen[axis.name] = wanted[axis.name]
    return chosen
