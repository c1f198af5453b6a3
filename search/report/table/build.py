"""The comparison table as plain rows: one line per configuration, its seeds put together. Drawing is in `render`.

What a line promises:

* its value is the mean over the seeds that finished or were stopped by their rule, at the epoch the report names;
* test accuracy is that of the epoch each run chose on validation, too (`Line.chosen`);
* a line with any other seed is marked and says how its trials ended; where no seed finished but some were pruned, the
  value is the mean of those at their last epoch; diverged runs never enter a mean;
* the same seed counts once, however many trials have it;
* what cannot be estimated is None, never NaN.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from search.core.outside import is_outside
from search.core.trial import State
from search.report.record.complete import incomplete
from search.report.record.curves import COUNTED, Curve, Curves, by_setting, read_curves
from search.report.record.directions import direction_sentences
from search.report.record.frozen import freeze_of
from search.report.record.trust import trust_sentences
from search.report.table.claims import claim_text
from search.report.table.cross import cross_axes
from search.report.table.elsewhere import elsewhere, foreign
from search.report.table.front import with_front
from search.report.table.groups import groups_of
from search.report.table.judgement import judged
from search.report.table.labels import published_figures, row_position, row_text, setting_label
from search.report.table.model import Cell, Line, Table
from search.report.table.notes import footnotes
from search.report.table.unmoved import SEED, unmoved, unmoved_sentences
from search.space.model import Space
from search.statistics.measure import ACCURACY, Measure, measure_of
from search.study.opened import OpenStudy

MAX_SAMPLED_LINES = 30
"""Lines of a sampled study that are printed; a CSV file has all of them."""

TEST_ACCURACY = "test_accuracy"
"""Metric of test examples that is shown before others; more of it is better."""

_PREFERRED = (
    *COUNTED,
    State.PRUNED,
    State.CUT_OFF,
    State.DIVERGED,
    State.FAILED,
    State.INTERRUPTED,
    State.RUNNING,
    State.WAITING,
)


class Comparison(NamedTuple):
    """A study as it was read at one time, and the comparison table of what was read."""

    read: Curves
    table: Table


def comparison_of(study: OpenStudy) -> Comparison:
    """Read a study from the ledger and build its comparison table, with what its predictions say."""
    read = read_curves(study)
    return Comparison(read, table_of(read))


def comparison_table(study: OpenStudy) -> Table:
    """Build the comparison table of a study from the ledger, with what its predictions say."""
    return comparison_of(study).table


def table_of(read: Curves, judging: bool = True) -> Table:
    """Build the comparison table of curves that are read already.

    Args:
        judging: where false, no predictions are read and nothing is judged, and the table says nothing of it.
    """
    space = read.space
    groups = by_setting(read.curves)
    metrics = table_metrics(read)
    test = next((name for name in metrics if name.startswith("test_")), "")
    exact = [name for name in metrics if any(name in costs for costs in read.costs.values())]
    lines_with_runs = [
        (_costed(_line(group, space, metrics, test), read, exact), one_per_seed(group)) for group in groups.values()
    ]
    sampled = space.search.sampler != "grid"
    lines_with_runs.sort(key=lambda entry: _rank(entry[0], space) if sampled else _place(entry[0], space))
    lines = [*_distinct([line for line, _ in lines_with_runs])]
    if sampled:
        lines = _best_marked(lines, space.search.objective.metric)
    apart = elsewhere(space, lines)
    own = [place for place, line in enumerate(lines) if not line.foreign]
    figures, homeless = published_figures(space, [(lines[place].setting, lines[place].parameters) for place in own])
    for place, text in zip(own, figures, strict=True):
        lines[place] = replace(lines[place], published=text)
    axes = [axis.name for axis in space.axes]
    limit = MAX_SAMPLED_LINES if sampled else None
    title = space.title or read.record.name
    table = Table(title, metrics, space.report.value, axes, lines, limit, test=test, elsewhere=apart)
    table = replace(table, exact=exact, outside=is_outside(read.record.workload))
    if not sampled and (cross := cross_axes(space)):
        values = [line.parameters[cross[0]] for line in lines if cross[0] in line.parameters]
        table = replace(table, cross=cross, row_names={json.dumps(value): row_text(space, value) for value in values})
    runs = [group_runs for _, group_runs in lines_with_runs]
    same = unmoved(runs, space.axes)
    table = replace(
        table,
        described=_described(read),
        unmoved=[*unmoved_sentences(same, [line.setting for line in lines])],
        incomplete=incomplete(read),
        frozen=freeze_of(read, claim_text),
        distrusted=[*trust_sentences(read.study.ledger, read.record), *direction_sentences(read)],
    )
    if not judging:
        return replace(table, footnotes=footnotes(table, read, homeless, same))
    if sampled and lines:
        from search.report.table.importance import importances  # brings Optuna, which no grid needs

        table = replace(table, importance=importances(groups_of(table, read), space))
    once = one_run_per_line(runs) if SEED in same.axes else runs
    table, remarks = judged(table, read, once)
    if space.search.further:
        table = with_front(table, read, once)
    return replace(table, footnotes=footnotes(table, read, homeless, same, remarks))


def _described(read: Curves) -> Measure:
    """Return what the objective is as rows say; where they measure accuracies or say nothing, examples are images."""
    objective = read.space.search.objective.metric
    rule = None if "val_accuracy" in read.metrics else read.rules.get(objective)
    return ACCURACY if rule is None else measure_of(objective, rule)


def table_metrics(read: Curves) -> list[str]:
    """Return the metrics a table shows: the objective, validation accuracy, those the file names, and the test's
    counterpart."""
    objective = read.space.search.objective.metric
    on_record = set(read.metrics)
    further = (one.metric for one in read.space.search.further)
    named = (*read.space.report.metrics, *read.space.report.claimed_metrics)
    shown = (name for name in named if name in on_record and not name.startswith("test_"))
    wanted = [objective, *further, "val_accuracy" if "val_accuracy" in on_record else None, *shown, test_metric(read)]
    return list(dict.fromkeys(name for name in wanted if name))


def test_metric(read: Curves) -> str:
    """Return the metric of test examples that a table shows: accuracy, or the objective's counterpart; "" for none."""
    counterpart = f"test_{read.space.search.objective.metric.removeprefix('val_')}"
    return next((name for name in (TEST_ACCURACY, counterpart) if name in read.metrics), "")


def one_per_seed(group: Sequence[Curve]) -> list[Curve]:
    """Return one run per seed of a setting, by seed: the one that says most, however many trials have that seed."""
    by_seed: dict[int, Curve] = {}
    for curve in sorted(group, key=lambda one: (_PREFERRED.index(one.trial.state), one.trial.number)):
        by_seed.setdefault(curve.trial.seed, curve)
    return [by_seed[seed] for seed in sorted(by_seed)]


def _distinct(lines: Sequence[Line]) -> Iterator[Line]:
    """Count the epochs of each line that no line above it has."""
    seen: set[str] = set()
    for line in lines:
        yield replace(line, distinct=len(line.keys - seen))
        seen |= line.keys


def one_run_per_line(lines: Sequence[Sequence[Curve]]) -> list[Sequence[Curve]]:
    """Return one run per line, of the seed that most lines finished: for seeds that change no bit repeat one run."""
    finished = Counter(run.trial.seed for runs in lines for run in runs if run.trial.state in COUNTED)
    seed = max(finished, key=lambda one: (finished[one], -one), default=None)
    return [[run for run in runs if run.trial.seed == seed] or runs[:1] for runs in lines]


def _best_marked(lines: Sequence[Line], metric: str) -> list[Line]:
    """Mark the best lines of a search, sorted best first: the figure that chose them is optimistic."""
    tried = sum(line.finished > 0 and line.cells[metric].mean is not None for line in lines)
    if tried < 2:
        return list(lines)
    first = lines[0]
    return [
        replace(line, best_of=tried)
        if line.partial is first.partial and line.cells[metric] == first.cells[metric]
        else line
        for line in lines
    ]


def _line(group: Sequence[Curve], space: Space, metrics: Sequence[str], test: str) -> Line:
    runs = one_per_seed(group)
    asked = len({*space.seeds, *(run.trial.seed for run in runs)})
    counted = [run for run in runs if run.trial.state in COUNTED]
    pruned = [run for run in runs if run.trial.state is State.PRUNED]
    basis, value = (counted, space.report.value) if counted else (pruned, "last")
    cells = {name: _cell([run.metric(name, run.epoch(value)) for run in basis]) for name in metrics}
    started = [run.trial.last_epoch for run in runs if run.trial.last_epoch]
    first = min(group, key=lambda one: one.trial.number).trial
    return Line(
        setting=setting_label(space, first.parameters),
        configuration=first.configuration,
        parameters=first.parameters,
        finished=len(counted),
        seeds=asked,
        cells=cells,
        epochs=math.fsum(started) / len(started) if started else None,
        seconds=math.fsum(run.seconds for run in runs),
        ending=_ending(runs, asked) if len(counted) < asked else "",
        diverged=not basis and any(run.trial.state is State.DIVERGED for run in runs),
        foreign=foreign(space, first),
        alone=sum(started),
        keys=frozenset(key for run in runs for key in run.keys),
        chosen=_cell([run.metric(test, run.epoch("best")) for run in counted]) if test else Cell(),
    )


def _cell(values: Sequence[float | None]) -> Cell:
    """Return mean and sd over seeds; a mean over some of the runs would pass for one over all of them."""
    measured = [value for value in values if value is not None and math.isfinite(value)]
    if not measured or len(measured) < len(values):
        return Cell()
    if min(measured) == max(measured):
        # The mean of equal numbers is theirs to the last bit.
        return Cell(measured[0], 0.0 if len(measured) > 1 else None, len(measured))
    try:
        mean = math.fsum(measured) / len(measured)
        return Cell(mean, math.sqrt(math.fsum((x - mean) ** 2 for x in measured) / (len(measured) - 1)), len(measured))
    except OverflowError:
        return Cell()


def _costed(line: Line, read: Curves, exact: Sequence[str]) -> Line:
    """Put what a configuration costs into the cells of its line."""
    costs = read.costs.get(line.configuration, {})
    return replace(line, cells={**line.cells, **{name: Cell(costs.get(name), None, line.finished) for name in exact}})


def _ending(runs: Sequence[Curve], asked: int) -> str:
    counts = Counter(run.trial.state for run in runs)
    parts = [f"{counts[state]} {state.value}" for state in _PREFERRED if counts[state]]
    return ", ".join([*parts, f"{asked - len(runs)} not started"] if asked > len(runs) else parts)


def _place(line: Line, space: Space) -> tuple[float, ...]:
    """Where a line of a grid stands: with its row value, in the order of the grid."""
    return *row_position(space, line.parameters), line.configuration


def _rank(line: Line, space: Space) -> tuple[float, ...]:
    """Where a line of a sampled study stands: best first, complete ones before those that lack seeds.

    A mean over the seeds that survived is not comparable with one over all of them.
    """
    cell = line.cells[space.search.objective.metric]
    order = 0 if not line.partial else 1 if line.finished else 2 if cell.n else 3
    if cell.mean is None:
        return 3, math.inf, line.configuration
    return order, -cell.mean if space.search.objective.maximize else cell.mean, line.configuration
