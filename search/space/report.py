"""The section ``report``, typed: how the table is laid out, what a paper printed, and what is claimed.

A *row* of the table is a mapping from axis to value, of the row axes that are active.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from search.core.values import Parameters, same
from search.space.nodes import text_of


@dataclass(frozen=True)
class Published:
    """Figures of a paper beside which ours are put.

    Attributes:
        source: where they stand.
        data: what they and the claims of the file were found on, as the setting ``data`` names it, or in words; "" for
            what the file itself runs on.
        metric: what they measure, ``accuracy`` unless said otherwise.
        n: validation images behind each figure, None where it is not stated.
        values: key of a row -> figure *as text*: YAML would turn 54.10 into 54.1, and the audit needs the last digit.
        facts: what else the paper prints (confusion matrix, class sizes, parameter counts), as read.
        runs: runs that each figure is the mean of.
    """

    source: str = ""
    data: str = ""
    metric: str = "accuracy"
    n: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    runs: int = 1


@dataclass(frozen=True)
class Report:
    """How the comparison table is laid out.

    Attributes:
        rows: axis that makes the rows, or several of them; "" where every configuration is a row.
        columns: second axis for a cross table, or "".
        value: ``last`` or ``best`` epoch (best by validation, optimistic in level).
        baseline: row that others are compared with, as the file names it (see `meant`), or None.
        has_baseline: tells a baseline of null from none.
        margin: smallest difference that matters, as a fraction, or None.
        labels: key of a row (see `key`) -> what a person reads.
        published: figures to put beside ours, or None.
        claims: statements to be judged, as read; rows and values of axes in their one spelling.
        looks: how often the table may be looked at while seeds are added, or the seeds of each look, ascending; None
            where that was not planned.
        noise: how seed noise is estimated, ``guarded`` or ``strict``.
        metrics: further metrics that have columns.
    """

    rows: str | tuple[str, ...] = ""
    columns: str = ""
    value: str = "last"
    baseline: Any = None
    has_baseline: bool = False
    margin: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    published: Published | None = None
    claims: Sequence[Mapping[str, Any]] = ()
    looks: int | tuple[int, ...] | None = None
    noise: str = "guarded"
    metrics: Sequence[str] = ()

    @cached_property
    def row_axes(self) -> tuple[str, ...]:
        """The axes that make the rows; none where every configuration is a row."""
        return self.rows if isinstance(self.rows, tuple) else (self.rows,) if self.rows else ()

    @property
    def claimed_metrics(self) -> tuple[str, ...]:
        """The metrics that claims name, in the order of the claims."""
        return tuple(dict.fromkeys(claim["metric"] for claim in self.claims if "metric" in claim))

    def row(self, parameters: Parameters) -> dict[str, Any]:
        """Return the row of a configuration; empty where no row axis is active in it."""
        return {axis: parameters[axis] for axis in self.row_axes if axis in parameters}

    def meant(self, row: object) -> dict[str, Any]:
        """Return the row that the file names, by the value of the only row axis or as a mapping."""
        return self.row(row) if isinstance(row, Mapping) else dict.fromkeys(self.row_axes[:1], row)

    def is_baseline(self, parameters: Parameters) -> bool:
        """Whether the row of a configuration is the baseline."""
        row = self.row(parameters)
        return self.has_baseline and bool(row) and same(row, self.meant(self.baseline))

    def key(self, row: Mapping[str, object]) -> str:
        """Return what labels and published figures of a row are filed under: ``2``, or ``loss.gamma=2, depth=18``."""
        if len(self.row_axes) == 1:
            return text_of(row[self.row_axes[0]])
        return ", ".join(f"{axis}={text_of(row[axis])}" for axis in self.row_axes if axis in row)
