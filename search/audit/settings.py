"""Rows that are one training run, told from settings alone: within a file, and across the files audited together.

Two rows are one run as far as their canonical settings and the settings of each epoch agree; the seed is left out, as a
paper rarely prints it. Names, labels and files have no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.core import prefix
from search.core.grouped import grouped
from search.space.model import Grid, Space
from search.study.leaf import canonical
from search.workload import Workload

MAX_CONFIGURATIONS = 10_000
"""Grids larger than this are not enumerated; nobody prints a table of so many rows."""


@dataclass(frozen=True)
class AuditedRow:
    """A published row whose settings are known.

    Attributes:
        file: the file it is from.
        name: value of the row axis, as published figures are filed.
        root: names everything that holds for all epochs, by content.
        path: names the state after each epoch, like the keys of a ledger.
        stopping: the early-stopping rule and its thresholds.
    """

    file: str
    name: str
    root: str
    path: Sequence[str]
    stopping: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """Length of the run, early stopping apart."""
        return len(self.path)

    def shares(self, other: AuditedRow) -> int:
        """Return the number of epochs that both train alike."""
        return prefix.shared(self.path, other.path) if self.root == other.root else 0

    def whole(self, other: AuditedRow) -> bool:
        """Whether the shorter of the two is a part of the longer, or both are one."""
        return self.shares(other) == min(self.epochs, other.epochs)


def rows(space: Space, workload: Workload) -> list[AuditedRow]:
    """Return the published rows of a space that stand for one configuration each, in the file's order.

    Args:
        space: a sound space.
    """
    report, published = space.report, space.report.published
    grids = all(isinstance(one.domain, Grid) for one in space.axes)
    if published is None or not report.rows or not grids or space.grid_size() > MAX_CONFIGURATIONS:
        return []
    listed = (parameters for parameters in space.grid() if report.row(parameters))
    configurations = grouped(listed, lambda parameters: report.key(report.row(parameters)))
    return [
        _row(space, workload, name, several[0])
        for name, several in configurations.items()
        if len(several) == 1 and name in published.values
    ]


def _row(space: Space, workload: Workload, name: str, parameters: Mapping[str, object]) -> AuditedRow:
    settings, service = canonical(space, workload, parameters, seed=0)
    fixed, schedule = workload.schedule(settings, service["epochs"])
    root = prefix.fingerprint([space.workload, dict(fixed)])
    stopping = {key: value for key, value in service.items() if key != "epochs"}
    return AuditedRow(space.file, name, root, prefix.path(root, schedule), stopping)


def one_curve(found: Sequence[AuditedRow]) -> list[list[AuditedRow]]:
    """Group the rows of a file that differ in nothing but where they stop; only groups of two and more."""
    groups = grouped(found, lambda row: row.path[-1]).values()
    return [group for group in groups if len({repr(row.stopping) for row in group}) > 1]


def pairs(found: Iterable[AuditedRow]) -> list[tuple[AuditedRow, AuditedRow]]:
    """Return (earlier, later) rows of which one is the other, or its beginning, under the same stop rule."""
    rows = list(found)
    both = ((other, row) for place, row in enumerate(rows) for other in rows[:place])
    return [(other, row) for other, row in both if other.stopping == row.stopping and row.whole(other)]
