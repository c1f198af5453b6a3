"""The times of a table's runs: metrics that no example tells, and that are another number in every run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.report.record.curves import COUNTED, Curve
from search.report.record.panel import Evidence
from search.report.table.model import Judged
from search.statistics.results import Difference
from search.statistics.timed import TIME, Times, timed_cell, timed_difference

NO_EXAMPLES = Evidence(why="a time is told by no example", measure=TIME)
"""What predictions and scores say of a time."""


@dataclass(frozen=True)
class Timed:
    """One such metric of a table's lines.

    Attributes:
        times: per line its runs.
        rows: per line the keys of the rows they were read from, by seed.
        seeds: per line how many it was asked for.
    """

    times: Sequence[Times]
    rows: Sequence[Sequence[str]]
    seeds: Sequence[int]

    def judged(self) -> list[Judged]:
        """Return per line its time with its interval."""
        return [Judged(timed_cell(*one)) for one in zip(self.times, self.seeds, strict=True)]

    def difference(self, line: int, other: int) -> Difference:
        """Return how the time of a line compares with that of another one."""
        same = bool(self.rows[line]) and self.rows[line] == self.rows[other]
        return timed_difference(self.times[line], self.times[other], same)


def timed(lines: Sequence[Sequence[Curve]], metric: str, value: str) -> Timed:
    """Return a time of runs that finished; one that is not positive is none.

    Args:
        lines: per line of a table its runs, one per seed.
        metric: its name.
        value: ``last`` or ``best``: the epoch of each run.
    """
    times, rows = [], []
    for runs in lines:
        read: dict[int, float] = {}
        keys: list[str] = []
        for run in runs:
            epoch = run.epoch(value)
            seconds = run.metric(metric, epoch) if run.trial.state in COUNTED else None
            if epoch and seconds is not None and 0 < seconds < math.inf:
                read[run.trial.seed] = seconds
                keys.append(run.keys[epoch - 1])
        times.append(read)
        rows.append(keys)
    return Timed(times, rows, [len(runs) for runs in lines])
