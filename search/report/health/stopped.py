"""Stopping and pruning that cost the winner, or would have: told by replay of rows on record, and by nothing else.

* A stop rule that settings of the study have, replayed over the winner's runs: where it would have ended them.
* A run that a rule or the pruner ended, and whose rows behind that are on record all the same, because another trial of
  the ledger trained them: how it would have gone on.
* The pruner, replayed on the winner's runs with all others before them: which rung they passed by coming early.

How a run that ended would have gone on, where nobody trained it, is not known, and nothing is said of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from search.core.mean import mean
from search.core.pruning import Pruner
from search.core.shown import counted, listed
from search.core.stopping import stop_rule
from search.core.trial import State
from search.ledger.measured import Measured
from search.report.health.ahead import level, runs_of, winners
from search.report.health.finding import Finding
from search.report.record.curves import COUNTED, Curve, Curves
from search.report.table.build import Comparison
from search.report.table.labels import short_label
from search.report.text import figure, is_accuracy, pairs_text
from search.study.pruner import pruner, rungs_on_record

PREFIX = "stop."
"""Of the settings that make a stop rule."""


@dataclass(frozen=True)
class Cut:
    """Where a run would have ended.

    Attributes:
        epoch: its last one.
        value: the metric that the table would have read of it; NaN where there is none.
    """

    epoch: int
    value: float


def stopped(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding for each of the three ways above."""
    for place in winners(*compared)[:1]:  # others that are equally good are most likely the same training
        yield from _by_other_rules(compared, place)
        yield from _ended_ahead(compared, place)
        yield from _passed_by_order(compared, place)


def replayed(run: Curve, settings: Mapping[str, object], metric: str, maximize: bool, value: str) -> Cut | None:
    """Return where a stop rule ends a recorded run before its last epoch; None where it does not.

    Args:
        run: with rows from its first epoch on.
        settings: ``stop.*`` settings of the rule.
        metric: whose value is asked for.
        maximize: whether more of it is better.
        value: ``last`` or ``best``: which epoch the table reads.
    """
    rule = stop_rule(settings)
    seen: list[float] = []
    for epoch in sorted(run.rows):
        metrics = run.rows[epoch].row.metrics
        seen.append(metrics.get(metric, math.nan))
        if rule.update(metrics.get(rule.metric, math.nan)):
            finite = [one for one in seen if math.isfinite(one)]
            best = (max if maximize else min)(finite, default=math.nan)
            return Cut(epoch, best if value == "best" else seen[-1]) if epoch < (run.last_epoch or 0) else None
    return None


def _by_other_rules(compared: Comparison, place: int) -> Iterator[Finding]:
    read, table = compared
    objective, runs = read.space.search.objective, runs_of(read, table)[place]
    own = _rule(runs[0])
    told, epochs = [], list[int]()
    for rule in {pairs_text(_rule(curve)): _rule(curve) for curve in read.curves}.values():
        if rule == own or not rule:
            continue
        cuts = [replayed(run, rule, objective.metric, objective.maximize, table.value) for run in runs]
        ended = [cut for cut in cuts if cut is not None]
        values = [
            _read(run, objective.metric, table.value) if cut is None else cut.value
            for cut, run in zip(cuts, runs, strict=True)
        ]
        full = level(table.lines[place], objective.metric)
        if not ended or full is None or not _better(full, mean(values), objective.maximize):
            continue
        last = sorted({cut.epoch for cut in ended})
        span = f"epoch {last[0]}" if len(last) == 1 else f"epochs {last[0]} to {last[-1]}"
        told.append(
            f"{pairs_text(rule)} would have ended {len(ended)} of its {counted(len(runs), 'run')} at {span}, with "
            f"{_shown(objective.metric, mean(values))}"
        )
        epochs += last
    if told:
        full_text = _shown(objective.metric, level(table.lines[place], objective.metric))
        yield Finding(
            "stop-costs-winner",
            "note",
            f"The best setting is {short_label(table, table.lines[place])}, with {full_text}. Replayed on its rows, "
            f"{listed(told, between='; ')}.",
            "These rules end runs that would still have become better: with them the study would have had another "
            "result.",
            f"Let runs go on for longer: a larger `stop.patience` or `stop.alpha`; here at least {max(epochs) + 1} "
            "epochs were needed.",
        )


def _ended_ahead(compared: Comparison, place: int) -> Iterator[Finding]:
    """Say which settings were ended early although their rows behind that, trained by others, beat the winner's."""
    read, table = compared
    objective = read.space.search.objective
    full = level(table.lines[place], objective.metric)
    assert full is not None  # it is the best
    whole_lines = runs_of(read, table)
    early = (State.STOPPED, State.PRUNED)
    paths = read.study.ledger.paths(
        read.record.id, [curve.trial.number for runs in whole_lines for curve in runs if curve.trial.state in early]
    )
    ends = read.study.ledger.rows(list(dict.fromkeys(path[-1] for path, _ in paths.values() if path)))
    told: list[tuple[float, str]] = []
    for line, runs in zip(table.lines, whole_lines, strict=True):
        cut = [run for run in runs if run.trial.state in early and run.trial.last_epoch < run.trial.epochs]
        if not cut or len(runs) < line.seeds or any(paths[run.trial.number][0][-1] not in ends for run in cut):
            continue
        values = [_whole(read, run, *paths.get(run.trial.number, ([], "")), table.value) for run in runs]
        if any(not math.isfinite(one) for one in values) or not _better(mean(values), full, objective.maximize):
            continue
        words = listed(sorted({run.trial.ended_by or run.trial.state.value for run in cut}))
        text = (
            f"{short_label(table, line)}: {len(cut)} of {counted(len(runs), 'run')} ended early ({words}), at full "
            f"length {_shown(objective.metric, mean(values))}"
        )
        told.append((-mean(values) if objective.maximize else mean(values), text))
    if told:
        yield Finding(
            "winner-was-ended",
            "flaw",
            f"{listed([text for _, text in sorted(told)], between='; ')}. The best setting of the table has "
            f"{_shown(objective.metric, full)}. What these runs would have come to is on record, for other trials "
            "trained the same epochs further.",
            "The table calls another setting the best because these were ended.",
            "Give runs more time: a larger `stop.patience`, `stop.alpha` or `grace_period`, or no early end at all.",
        )


def _whole(read: Curves, run: Curve, path: Sequence[str], data: str, value: str) -> float:
    """Return the objective of a run at full length, as far as rows are on record."""
    objective = read.space.search.objective
    if not path or run.trial.state not in (State.STOPPED, State.PRUNED):
        return _read(run, objective.metric, value) if run.trial.state in COUNTED else math.nan
    rows = Measured(read.study.ledger, [objective.metric]).rows(dict.fromkeys(path, data))
    values = [rows[key].row.metrics.get(objective.metric, math.nan) for key in path if key in rows]
    finite = [one for one in values if math.isfinite(one)]
    return (max if objective.maximize else min)(finite, default=math.nan) if value == "best" else values[-1]


def _passed_by_order(compared: Comparison, place: int) -> Iterator[Finding]:
    read, table = compared
    if read.space.search.pruning is None:
        return
    metric, runs = read.space.search.objective.metric, runs_of(read, table)[place]
    keys, trials = {key for run in runs for key in run.keys}, {run.trial.number for run in runs}
    others = [
        entry
        for entry in rungs_on_record(read.study.ledger, read.record.id)
        if entry.key not in keys and entry.trial not in trials
    ]
    for run in runs:
        end = ended_behind(run, metric, pruner(read.space, others))
        if end is None:
            continue
        cutoff, words = end.because
        yield Finding(
            "winner-passed-by-order",
            "note",
            f"The best setting, {short_label(table, table.lines[place])}, went on at epoch {end.epoch} with "
            f"{_shown(metric, run.metric(metric, end.epoch))} (seed {run.trial.seed}) because others came later. "
            "Behind "
            f"all of them it would have been pruned, worse than {_shown(metric, cutoff)}: {words}.",
            "In another order of the same trials the study would have lost its best setting: at this epoch the pruner "
            "ranks settings otherwise than their last epochs do, and others like it may be lost.",
            f"Raise `grace_period` of `search.pruning` above {end.epoch}, or let more trials go on.",
        )
        return


class PrunedAt(NamedTuple):
    """Where a pruner would have ended a run: behind which epoch, and what it was compared with there, in figures and
    words."""

    epoch: int
    because: tuple[float, str]


def ended_behind(run: Curve, metric: str, rule: Pruner | None) -> PrunedAt | None:
    """Return where a pruner that has seen all other trials would have ended a recorded run; None where nowhere, and
    where it ends none: what it pauses may be promoted later.

    Args:
        run: with rows from its first epoch on.
        metric: that the pruner looks at.
        rule: fed with all others.
    """
    if rule is None or rule.resumes:
        return None
    curve: list[float] = []
    for epoch in range(1, run.last_epoch or 0):
        value = run.metric(metric, epoch)
        if value is None or math.isnan(value):
            return None
        curve.append(value)
        key = run.keys[epoch - 1]
        if epoch in rule.rungs and rule.judge(epoch, key, curve, run.trial.configuration) is False:
            return PrunedAt(epoch, rule.because(epoch, key, run.trial.configuration))
    return None


def _rule(run: Curve) -> dict[str, object]:
    """Return the settings of a run's stop rule; {} where it has none."""
    settings = {name: value for name, value in run.trial.settings.items() if name.startswith(PREFIX)}
    return {} if settings.get(f"{PREFIX}rule", "none") == "none" else settings


def _read(run: Curve, metric: str, value: str) -> float:
    """Return the metric that the table reads of a run; NaN where there is none."""
    measured = run.metric(metric, run.epoch(value))
    return math.nan if measured is None else measured


def _better(one: float, other: float, maximize: bool) -> bool:
    return one > other if maximize else one < other


def _shown(metric: str, value: float | None) -> str:
    return f"{figure(metric, value)}{' %' if is_accuracy(metric) else ''}"
