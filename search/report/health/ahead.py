"""Which setting of a study is ahead of all others, and whether it is ahead of another one by more than noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from search.report.record.curves import Curve, Curves, by_setting, identity
from search.report.table.build import one_per_seed, one_run_per_line
from search.report.table.judgement import evidence_for, rules_for
from search.report.table.model import Line, Table
from search.report.table.unmoved import SEED, unmoved
from search.report.text import figure, is_accuracy
from search.statistics.crossed import Rule, compare
from search.statistics.results import ALPHA, Trust
from search.statistics.student import t_tail
from search.statistics.text import p_text

Floats = npt.NDArray[np.float64]


class Lead(NamedTuple):
    """By how much one setting is ahead of another: with its unit, and with the p value of their difference."""

    amount: str
    p: float

    def __str__(self) -> str:
        return f"{self.amount} (p {p_text(self.p)})"


def runs_of(read: Curves, table: Table) -> list[list[Curve]]:
    """Return per line of a table its runs, one per seed: those that the table was built from."""
    groups = by_setting(read.curves)
    return [one_per_seed(groups[identity(line.parameters)]) for line in table.lines]


def best(table: Table, values: Sequence[float | None], maximize: bool) -> list[int]:
    """Return the lines with the best value of those whose every seed finished: one, or several that are equally good.

    Args:
        values: per line its value, None where it has none.
    """
    value_of = {
        place: value
        for place, (line, value) in enumerate(zip(table.lines, values, strict=True))
        if value is not None and not line.partial
    }
    top = (max if maximize else min)(value_of.values(), default=None)
    return [place for place, value in value_of.items() if value == top]


def winners(read: Curves, table: Table) -> list[int]:
    """Return the lines with the best mean objective, as `best` does."""
    objective = read.space.search.objective
    return best(table, [level(line, objective.metric) for line in table.lines], objective.maximize)


def level(line: Line, metric: str) -> float | None:
    """Return the mean of a metric over the seeds of a line, as the table has it; None where it has none."""
    cell = line.cells.get(metric)
    return None if cell is None else cell.mean


def run_values(read: Curves, runs: Sequence[Sequence[Curve]], metric: str, value: str) -> Floats:
    """Return a metric of every run, settings x seeds of the space; NaN where there is no finite value.

    Args:
        value: ``last`` or ``best``: the epoch of each run.
    """
    seeds = {seed: place for place, seed in enumerate(read.space.seeds)}
    values = np.full((len(runs), len(seeds)), math.nan)
    for place, group in enumerate(runs):
        for run in group:
            measured = run.metric(metric, run.epoch(value))
            if run.trial.seed in seeds and measured is not None and math.isfinite(measured):
                values[place, seeds[run.trial.seed]] = measured
    return values


def residual(values: Floats) -> tuple[float, int]:
    """Return the mean square of what neither setting nor seed explains, and its degrees of freedom.

    The residual of a two-way layout without repetition (settings x seeds; Fisher 1925), of the rows that have every
    seed: settings are compared under equal seeds, so what a seed does to all of them alike is no noise. (0, 0) where
    there are fewer than two rows or seeds.
    """
    whole = values[np.isfinite(values).all(axis=1)]
    settings, seeds = whole.shape
    if settings < 2 or seeds < 2:
        return 0.0, 0
    rest = whole - whole.mean(axis=1, keepdims=True) - whole.mean(axis=0, keepdims=True) + whole.mean()
    df = (settings - 1) * (seeds - 1)
    return float((rest**2).sum() / df), df


def lead(
    read: Curves, table: Table, pair: tuple[int, int], metric: str, split: str, comparisons: int = 1
) -> Lead | None:
    """Return by how much the first line of a pair is ahead of the second, where that is clear of noise: its p value
    times the number of comparisons is at most 0.05. None where it is not, or cannot be told.

    Told by predictions or scores on record, as the table tells its differences; else by the seeds alone. Where the seed
    changed no bit, copies of a run count once, as in the table; one run of a setting tells nothing of another run.

    Args:
        pair: places of two lines; the figures of the first are the better ones.
        metric: what is compared.
        split: of whose examples.
        comparisons: among how many the pair was picked.
    """
    runs: Sequence[Sequence[Curve]] = runs_of(read, table)
    if SEED in unmoved(runs, read.space.axes).axes:
        runs = one_run_per_line(runs)
    value = "best" if split == "test" else table.value
    sampled = read.space.search.sampler != "grid"
    lines = [runs[place] for place in pair] if sampled else runs  # a table of a search judges nothing, and may be long
    one, other = (0, 1) if sampled else pair
    evidence = evidence_for(read, lines, metric, split, value, rules_for(read, lines, value))
    panel = None if evidence.why else evidence.panel(one)
    if panel is not None and other in panel.places:
        places = panel.places[one], panel.places[other]
        difference = compare(panel.scores, [places], Rule(read.space.report.noise), panel.unlearned)[0]
        gain = difference.gain
        if difference.state is not Trust.ESTIMATED or gain is None or difference.p is None or gain <= 0:
            return None
        if difference.p * comparisons > ALPHA:
            return None
        return Lead(difference.measure.amount(gain), difference.p)
    return lead_of_seeds(metric, run_values(read, runs, metric, value), pair, comparisons)


def lead_of_seeds(metric: str, values: Floats, pair: tuple[int, int], comparisons: int) -> Lead | None:
    """Return `lead` as seeds alone tell it: Student's t of two means, with the `residual` of all settings as noise.

    Settings with equal values are one training, and count once in the noise.

    Args:
        values: settings x seeds.
    """
    square, df = residual(np.unique(values, axis=0))
    apart = values[pair[0]] - values[pair[1]]
    if not df or not square or not np.isfinite(apart).all():
        return None
    gap = abs(float(apart.mean()))
    p = 2 * float(t_tail(gap / math.sqrt(2 * square / len(apart)), df))
    unit = " pt" if is_accuracy(metric) else ""
    return Lead(f"{figure(metric, gap)}{unit}", p) if p * comparisons <= ALPHA else None
