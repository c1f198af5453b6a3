"""Settings of a study with the runs that stand for them, and which settings a figure has room for.

The same runs as in the comparison table: those that finished or were stopped by their rule, one per seed; where there
are none, the pruned ones, then whatever has epochs on record, and the label says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from search.core.trial import State
from search.report.record.curves import COUNTED, Curve, Curves, by_setting, identity
from search.report.table.labels import MAX_LABEL_LETTERS, short_label
from search.report.table.model import Table
from search.space.model import Space

MAX_SETTINGS_DRAWN = 8
"""Settings in one figure at most: a reader cannot follow more lines."""

_FALLBACK = (
    (State.PRUNED,),
    (State.CUT_OFF,),
    (State.RUNNING, State.INTERRUPTED, State.WAITING),
    (State.DIVERGED,),
    (State.FAILED,),
)


@dataclass(frozen=True, eq=False)
class Group:
    """One setting; equal to itself alone.

    Attributes:
        label: what the table calls it.
        remark: "" where every seed finished or was stopped by its rule, else what its runs are ("2 of 3 seeds",
            "pruned").
        parameters: axis -> value, the active axes.
        runs: one per seed, by seed.
        mean: mean objective at the epoch the tables read; None where a run has none.
        counted: whether its runs finished or were stopped by their rule.
        baseline: whether it is the study's baseline; with several axes several settings may be.
        place: what its colour, marker and dash are chosen by in every figure of the study, see `placed`.
    """

    label: str
    remark: str
    parameters: Mapping[str, Any]
    runs: Sequence[Curve]
    mean: float | None
    counted: bool
    baseline: bool = False
    place: int = 0

    @property
    def short(self) -> str:
        """The label, or where it is long ``configuration 17``, as tables and trials number it."""
        if len(self.label) <= MAX_LABEL_LETTERS:
            return self.label
        return f"configuration {self.runs[0].trial.configuration}"

    @property
    def name(self) -> str:
        """The label as it stands in a legend: with its number where it is long, and with the remark."""
        return f"{self.numbered} ({self.remark})" if self.remark else self.numbered

    @property
    def called(self) -> str:
        """What a legend beside a table calls it: as `short`, with the remark."""
        return f"{self.short} ({self.remark})" if self.remark else self.short

    @property
    def numbered(self) -> str:
        """The label, behind the configuration's number where it is so long that it may be cut."""
        return (
            f"{self.runs[0].trial.configuration}: {self.label}" if len(self.label) > MAX_LABEL_LETTERS else self.label
        )

    @property
    def keys(self) -> frozenset[str]:
        """Epoch keys of its runs: settings that share them are one training."""
        return frozenset(key for run in self.runs for key in run.keys)

    def values(self, metric: str, value: str) -> list[float]:
        """Return a metric of every run at the ``last`` or the ``best`` epoch; those that are finite."""
        found = (run.metric(metric, run.epoch(value)) for run in self.runs)
        return [one for one in found if one is not None and abs(one) < float("inf")]


def groups_of(table: Table, read: Curves) -> list[Group]:
    """Return the settings that have an epoch on record, in the order of the comparison table of these curves."""
    curves_of = by_setting(read.curves)
    groups = []
    objective = read.space.search.objective.metric
    for line in table.lines:
        runs, state = _runs(curves_of[identity(line.parameters)])
        if not runs:
            continue
        counted = state in COUNTED
        remark = "" if not line.partial else f"{len(runs)} of {line.seeds} seeds" if counted else state.value
        mean = line.cells[objective].mean
        baseline = is_baseline(read.space, line.parameters)
        label = short_label(table, line) if table.confirms else line.setting
        groups.append(Group(label, remark, line.parameters, runs, mean, counted, baseline))
    return placed(groups, read.space)


def placed(groups: Sequence[Group], space: Space) -> list[Group]:
    """Give every setting its place among all of them, so that no two figures draw it in two colours.

    The places are the order of the study's file, which the order of a table need not be. There are more settings than
    colours in a large study: those that its figures show come first, for no two of them to look alike.
    """
    shown = {identity(group.parameters) for group in chosen(groups, space)[0]}

    def order(group: Group) -> tuple[bool, int]:
        return identity(group.parameters) not in shown, group.runs[0].trial.configuration

    places = {identity(group.parameters): place for place, group in enumerate(sorted(groups, key=order))}
    return [replace(group, place=places[identity(group.parameters)]) for group in groups]


def is_baseline(space: Space, parameters: Mapping[str, object]) -> bool:
    """Whether a configuration is the report's baseline."""
    return space.report.is_baseline(parameters)


def chosen(groups: Sequence[Group], space: Space) -> tuple[list[Group], str]:
    """Choose the settings that a figure shows: all, or the best by mean objective and the baseline.

    Returns:
        them, in the order given, and a sentence on what was chosen ("" where all are shown).
    """
    if len(groups) <= MAX_SETTINGS_DRAWN:
        return list(groups), ""
    order = ranked(groups, space)
    baseline = [group for group in order if group.baseline][:1]
    distinct: dict[frozenset[str], Group] = {}
    for group in order:
        distinct.setdefault(group.keys, group)
    best = list(distinct.values())[:MAX_SETTINGS_DRAWN]
    added = bool(baseline) and baseline[0] not in best
    if added:
        best = [*best[:-1], *baseline]
    objective = space.search.objective.metric
    and_it = " and the baseline" if added else ""
    words = f"the {len(best) - added} best of {len(groups)} settings by mean {objective}{and_it}"
    if len(distinct) < len(groups):
        words += f", settings that are one training ({len(groups) - len(distinct)} of them) shown once"
    return [group for group in groups if group in best], words


def ranked(groups: Sequence[Group], space: Space) -> list[Group]:
    """Return settings best first: complete ones, then those that lack seeds, then those whose runs are partial."""
    sign = -1 if space.search.objective.maximize else 1

    def cost(group: Group) -> tuple[bool, bool, bool, float]:
        known = group.mean is not None
        return not known, not group.counted, bool(group.remark), sign * group.mean if group.mean is not None else 0

    return sorted(groups, key=cost)


def pair(groups: Sequence[Group], space: Space) -> tuple[Group, Group] | None:
    """Choose two settings to look at side by side: the baseline, or the table's first line, and the best other one."""
    whole = [group for group in ranked(groups, space) if group.counted and group.mean is not None]
    if len(whole) < 2:
        return None
    baselines = (group for group in whole if group.baseline)
    reference = next(baselines, next(group for group in groups if group in whole))
    other = next(group for group in whole if group is not reference)
    return reference, other


def _runs(curves: Sequence[Curve]) -> tuple[list[Curve], State]:
    """Return one run per seed, of those that ended in the most telling way, and a state that names it."""
    for states in (COUNTED, *_FALLBACK):
        by_seed: dict[int, Curve] = {}
        for curve in curves:
            if curve.trial.state in states and curve.rows:
                by_seed.setdefault(curve.trial.seed, curve)
        if by_seed:
            runs = [by_seed[seed] for seed in sorted(by_seed)]
            return runs, Counter(run.trial.state for run in runs).most_common(1)[0][0]
    return [], State.WAITING
