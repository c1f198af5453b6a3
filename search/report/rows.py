"""The plain rows a comparison table is made of: what `table` fills in and `render` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A metric over the seeds of a line.

    Attributes:
        mean: arithmetic mean; None where a run that should enter it has no finite value.
        sd: standard deviation over seeds (n - 1), None with fewer than two. It is no interval.
        n: runs in the mean.
    """

    mean: float | None = None
    sd: float | None = None
    n: int = 0


@dataclass(frozen=True)
class Line:
    """One configuration.

    Attributes:
        setting: what it is called.
        configuration: number of the configuration, the first of equal ones.
        parameters: axis -> value, the active axes.
        finished: seeds that finished or were stopped by their rule.
        seeds: seeds it was asked for.
        cells: metric -> cell, for the table's metrics.
        epochs: mean over its trials of the last epoch reached, None before the first.
        seconds: sum over its trials of the seconds of their epochs, whoever trained them.
        ending: how the trials ended (``"2 finished, 1 pruned"``), "" where every seed finished or stopped.
        diverged: no seed has a value, and at least one diverged.
        published: published figure as text, "" where there is none.
        alone: epochs of its trials if each were trained alone.
        keys: epoch keys of its trials: sharing trains each of them once.
    """

    setting: str
    configuration: int
    parameters: Mapping[str, Any]
    finished: int
    seeds: int
    cells: Mapping[str, Cell]
    epochs: float | None
    seconds: float
    ending: str = ""
    diverged: bool = False
    published: str = ""
    alone: int = 0
    keys: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def partial(self) -> bool:
        """Whether the line must not stand unmarked among finished ones."""
        return bool(self.ending)


@dataclass(frozen=True)
class Table:
    """A study's comparison table.

    Attributes:
        title: of the study.
        metrics: the objective first, then validation and test accuracy where they are on record.
        value: ``last`` or ``best``: the epoch the values are read at.
        axes: names of the axes, in the file's order.
        lines: all lines, in the order they are shown.
        limit: lines to print, None for all of them.
        notes: footnotes; those that explain a mark begin with it.
    """

    title: str
    metrics: Sequence[str]
    value: str
    axes: Sequence[str]
    lines: Sequence[Line]
    limit: int | None = None
    notes: Sequence[str] = ()

    @property
    def shown(self) -> Sequence[Line]:
        """The lines to print."""
        return self.lines[: self.limit]

    @property
    def more(self) -> int:
        """How many lines are not printed."""
        return len(self.lines) - len(self.shown)
