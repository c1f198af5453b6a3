"""The figures of a whole study, from the ledger alone: those that make sense for it, each with an alt text.

A figure is left out where it would show nothing: rungs without a pruner, importances of one axis, a confusion matrix
where the workload predicts no classes. A study of many settings shows the best ones and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go

from search.core.errors import UserError
from search.core.mean import mean
from search.report.figures.class_figures import class_figures
from search.report.figures.cost import cost_figure
from search.report.figures.forest import ForestRow, forest_figure, known, said
from search.report.figures.forest import differences as of_table
from search.report.figures.found import found_figure, found_sentence
from search.report.figures.front import front_figure
from search.report.figures.overlay import metric_figure, rates_figure
from search.report.figures.rungs import drawn_rungs, rungs_figure, rungs_of
from search.report.figures.tree import MAX_TRIAL_ROWS, branches, shares, tree_figure, width_figure, widths
from search.report.figures.writing import Written, write_all
from search.report.record.curves import COUNTED, Curves, by_setting, identity
from search.report.table.build import Comparison, comparison_of
from search.report.table.confirmed import Outcome, outcomes
from search.report.table.front import decided_text, read_metric
from search.report.table.groups import Group, chosen, groups_of, ranked
from search.report.table.judged_text import factor, unit_words, with_words
from search.report.table.judgement import confirms
from search.report.table.model import Table
from search.report.table.tried import tried
from search.report.text import clauses, is_accuracy, metric_words, one_line
from search.report.text import figure as shown
from search.study.opened import OpenStudy
from search.study.pruner import RUNGS

MAX_COSTS_TOLD = 6
"""Settings whose cost a sentence tells at most."""


class StudyFigure(NamedTuple):
    """One figure.

    Attributes:
        name: of its files, without an ending; no two figures of a study share one.
        title: what stands above it, as text.
        alt: one sentence with its main numbers, as text, for those who do not see it.
        figure: plotly's.
        narrow: the same, where a narrow page needs another one than `search.report.figures.narrow` makes of it.
    """

    name: str
    title: str
    alt: str
    figure: go.Figure
    narrow: go.Figure | None = None


def figures_of(
    compared: Comparison,
    differences: Sequence[ForestRow] | None = None,
    confirmed: Comparison | None = None,
) -> list[StudyFigure]:
    """Return the figures of a study, in the order in which they should be read.

    Args:
        compared: the study, read, and its table.
        differences: to the baseline, in the order of the forest plot; by default those of the table.
        confirmed: the confirm stage of a search, whose verdicts are marked, and whose differences are drawn.
    """
    read, table = compared
    groups = groups_of(table, read)
    if not groups:
        return []
    drawn = _Drawing(read, table, groups, {} if confirmed is None else outcomes(read, *confirmed))
    forest = drawn.forest([*of_table(table)] if differences is None else differences)
    if table.outside:  # whose runs have no epochs
        return [] if forest is None else [forest]
    figures = [
        *drawn.curves(),
        forest,
        None if confirmed is None else _confirmed(confirmed, drawn),
        drawn.rates(),
        *(drawn.made(*told) for told in class_figures(read, groups, drawn.value)),
        drawn.front(),
        drawn.cost(),
        drawn.found(),
        *drawn.searched(),
        drawn.rungs(),
        drawn.tree(),
    ]
    return [figure for figure in figures if figure is not None]


def write_figures(study: OpenStudy, folder: Path) -> Written:
    """Write the figures of a study into `folder`, file names beginning with ``study-``, those of an earlier call over.

    Raises:
        UserError: the study has no epoch on record, or the folder cannot be written.
    """
    stage = study.confirm_stage()
    made = figures_of(comparison_of(study), confirmed=None if stage is None else comparison_of(stage))
    if not made:
        raise UserError(f"study {study.record.name!r} has no epoch on record; there is nothing to draw")
    alts = {one.name: (f"{one.title}: {study.space.title or study.record.name}", one.alt) for one in made}
    return write_all({one.name: one.figure for one in made}, folder, alts)


def _confirmed(confirmed: Comparison, search: _Drawing) -> StudyFigure | None:
    """Return the differences that a search's confirm stage found, its candidates by what the search calls them."""
    called = {
        outcome.name: f"{group.short} ({outcome.name})"
        for group in search.groups
        if (outcome := search.confirmed.get(identity(group.parameters))) is not None
    }
    rows = [replace(row, label=called.get(row.label, row.label)) for row in of_table(confirmed.table)]
    stage = _Drawing(confirmed.read, confirmed.table, [], {})
    stage.head = ""
    found = stage.forest(rows)
    return None if found is None else found._replace(name="study-confirmed", title="Confirmed under fresh seeds")


class _Drawing:
    """What all figures of a study are drawn from."""

    def __init__(self, read: Curves, table: Table, groups: Sequence[Group], confirmed: Mapping[str, Outcome]) -> None:
        self.table, self.confirmed = table, confirmed
        self.ledger, self.read, self.groups, self.space = read.study.ledger, read, groups, read.space
        self.head = one_line(read.space.title or read.record.name)
        self.objective = read.space.search.objective.metric
        self.unit = read.unit(self.objective)
        self.value = read.space.report.value
        self.chosen, self.choice = chosen(groups, read.space)
        self.about = clauses(self.head, self.choice)

    def made(
        self, name: str, title: str, alt: str, figure: go.Figure | None, narrow: go.Figure | None = None
    ) -> StudyFigure | None:
        return StudyFigure(f"study-{name}", title, one_line(alt), figure, narrow) if figure is not None else None

    def curves(self) -> Iterator[StudyFigure | None]:
        metrics = [self.objective, *("val_accuracy",) * ("val_accuracy" in self.read.metrics)]
        for place, metric in enumerate(dict.fromkeys(metrics)):
            title = f"{metric_words(metric).capitalize()} over epochs"
            figure = metric_figure(self.chosen, metric, title, self.about, self.read.unit(metric))
            last = [(group, group.values(metric, "last")) for group in self.chosen]
            parts = [f"{group.called} {shown(metric, mean(values))}" for group, values in last if values]
            unit = " in per cent" if is_accuracy(metric) else ""
            alt = f"Mean {metric_words(metric)} of the last epoch{unit}, by setting: {'; '.join(parts)}."
            yield self.made("objective" if place == 0 else "accuracy", title, alt, figure)

    def rates(self) -> StudyFigure | None:
        title = "Learning rate over epochs"
        ends: dict[str, list[str]] = {}
        for group in self.chosen:
            run = max(group.runs, key=lambda one: one.last_epoch or 0)
            first, last = run.metric("lr", 1), run.metric("lr", run.last_epoch)
            if first is not None and last is not None:
                ends.setdefault(f"from {first:.3g} to {last:.3g}", []).append(group.short)
        parts = [f"{_all(names, len(self.chosen))} {rates}" for rates, names in ends.items()]
        alt = f"Learning rate of the first and of the last epoch, by setting: {'; '.join(parts)}."
        return self.made("learning-rate", title, alt, rates_figure(self.chosen, title, self.about))

    def forest(self, differences: Sequence[ForestRow]) -> StudyFigure | None:
        title = "Differences to the baseline"
        measure, judged = self.table.measure, metric_words(self.table.judged)
        accuracy = ("accuracy" if measure.correctness else judged) or "accuracy"
        if confirms(self.read.record):
            accuracy = "test accuracy" if measure.correctness else metric_words(self.table.test)
        words = unit_words(measure)
        unit = f"{accuracy}, setting minus baseline" + (f" ({words})" if words else "")
        stated = self.space.report.margin
        margin = stated if stated is None or stated <= measure.span else None
        if all(known(row.estimate) is None for row in differences):
            return None
        bars = "bars: 95 % interval of each" if any(known(row.low) is not None for row in differences) else ""
        size = "" if not margin else with_words(f"{factor(measure) * margin:.3g}", measure)
        dots = f"dotted: the smallest difference that matters, {size}" if margin else ""
        about = clauses(self.head, bars, dots)
        wide, narrow = (
            forest_figure(differences, title, about, margin=margin, unit=unit, narrow=small) for small in (False, True)
        )
        numbers = [f"{row.label} {said(row)}" for row in differences if known(row.estimate) is not None]
        alt = f"Differences to the baseline in {f'{words} of ' if words else ''}{accuracy}: {'; '.join(numbers)}."
        return self.made("differences", title, alt, wide, narrow)

    def cost(self) -> StudyFigure | None:
        title = f"{metric_words(self.objective).capitalize()} against cost"
        maximize = self.space.search.objective.maximize
        groups = [group for group in self.groups if group.counted]
        figure = cost_figure(groups, self.objective, self.value, title, self.head, maximize, self.unit)
        if figure is None:
            return None
        parts = []
        for group in groups:
            if values := group.values(self.objective, self.value):
                seconds = mean([run.seconds for run in group.runs])
                parts.append(f"{group.called} {shown(self.objective, mean(values))} in {seconds:.3g} s")
        told = "; ".join(parts[:MAX_COSTS_TOLD])
        more = f"; and {len(parts) - MAX_COSTS_TOLD} more" if len(parts) > MAX_COSTS_TOLD else ""
        unit = " in per cent" if is_accuracy(self.objective) else ""
        alt = (
            f"Mean {metric_words(self.objective)}{unit} and seconds of a run, by setting: {told}{more}. "
            "No difference is tested here, and seconds are as they were measured."
        )
        return self.made("cost", title, alt, figure)

    def front(self) -> StudyFigure | None:
        if self.table.front is None:
            return None
        objectives = [read_metric(self.table, one.metric) for one in self.space.search.objectives]
        title = f"The front of {' and '.join(map(metric_words, objectives))}"
        units = [self.read.unit(name) for name in objectives]
        alt = (
            f"{metric_words(objectives[0]).capitalize()} against {' and '.join(map(metric_words, objectives[1:]))}, a "
            f"point for each setting: {decided_text(self.table, 'surely on the front')}."
        )
        return self.made("front", title, alt, front_figure(self.table, objectives, units, title, self.head))

    def found(self) -> StudyFigure | None:
        if self.space.search.sampler == "grid":
            return None
        alone = f" by {metric_words(self.objective)} alone" if self.space.search.further else ""
        title = f"Best found so far{alone}"
        search = tried(self.read)
        drawn = found_figure(search, self.objective, title, self.head, self.unit)
        chose = "The best was chosen by the figure it is shown with, which is optimistic."
        return self.made("found", title, f"{chose} {found_sentence(search, self.objective)}", drawn)

    def searched(self) -> list[StudyFigure | None]:
        sampled = self.space.search.sampler != "grid"
        if len(self.space.axes) < 2 and not sampled:
            return []
        from search.report.figures import searched  # what importances need brings Optuna
        from search.report.figures.parallel import parallel_figure
        from search.report.table.importance import complete, importances, varied

        whole = complete(self.groups)
        axes = varied(whole, self.space)
        if not whole or not (len(axes) > 1 or (sampled and axes)):
            return []
        importance = self.table.importance or importances(self.groups, self.space)
        few = importance.remark if importance.remark.startswith("too few") else ""
        about = f"{self.head}; importances: {few}" if few else self.head
        first = ranked(whole, self.space)[0]
        top = f"best, by this very figure, is {first.short} with {shown(self.objective, first.mean)}"
        count = f"{len(whole)} complete settings"
        against = f"each of {len(axes)} axes" if len(axes) > 1 else axes[0].name
        again = self._again()
        shares = [f"{name} {100 * share:.0f}" for name, share in importance.values.items()]
        titles = ("Importance of the axes", "Whole settings, across all axes", "One axis at a time")
        alts = (
            f"Importances in per cent by {importance.evaluator}: {', '.join(shares)}.",
            f"Parallel coordinates: each of {count} as a line across {len(axes)} axes and its "
            f"{metric_words(self.objective)}; {top}.",
            f"Slices: {metric_words(self.objective)} against {against}, a point for each of {count}; {top}.",
        )
        upright, lying = (
            parallel_figure(self.groups, self.space, titles[1], about, self.confirmed, small, self.unit)
            for small in (False, True)
        )
        sliced = searched.slice_figure(self.groups, self.space, titles[2], about, self.confirmed, self.unit)
        return [
            self.made("importance", titles[0], alts[0], searched.importance_figure(importance, titles[0], self.head)),
            self.made("parallel", titles[1], f"{alts[1]}{again}", upright, lying),
            self.made("slice", titles[2], f"{alts[2]}{again}", sliced),
        ]

    def _again(self) -> str:
        """Return what the confirm stage says of settings of the search, to go on a sentence; "" where it ran none."""
        named = [
            f"{outcome.name}, {group.short}: {outcome.words}"
            for group in self.groups
            if (outcome := self.confirmed.get(identity(group.parameters))) is not None
        ]
        return f" Run again under fresh seeds: {'; '.join(named)}." if named else ""

    def rungs(self) -> StudyFigure | None:
        log = self.ledger.decisions(self.read.record.id, kinds=RUNGS)
        curves = [curve for curve in self.read.curves if curve.rows]
        rungs = drawn_rungs([*rungs_of(log, curves)])
        started, finished = len(curves), sum(1 for curve in curves if curve.trial.state in COUNTED)
        search = self.read.space.search
        title = f"What {'the median rule' if search.median else 'successive halving'} let go on"
        pauses = search.asha is not None and search.asha.promote
        passed = ", ".join(f"{rung.passed} passed epoch {rung.epoch}" for rung in rungs)
        alt = f"Of {started} trials {passed}, and {finished} finished."
        figure = rungs_figure(rungs, started, finished, self.objective, title, self.head, self.unit, pauses)
        return self.made("rungs", title, alt, figure)

    def tree(self) -> StudyFigure | None:
        curves = [curve for curve in self.read.curves if curve.rows]
        alone, distinct, trained = shares(curves)
        if alone == distinct == trained:
            return None
        words = f"{alone} epochs if every trial were trained alone, {distinct} distinct ones"
        words += f", {trained} trained by this study" if trained < distinct else ""
        title = "What the trials share"
        alt = f"{title}: {words}."
        labels = self._labels()
        shown_curves, note = curves, ""
        seeds = sorted({curve.trial.seed for curve in curves})
        if len(curves) > MAX_TRIAL_ROWS and len(seeds) > 1:
            shown_curves = [curve for curve in curves if curve.trial.seed == seeds[0]]
            note = f"; the trials of seed {seeds[0]} alone are drawn"
        if len(shown_curves) > MAX_TRIAL_ROWS:
            return self.made("tree", title, alt, width_figure(widths(curves), title, f"{self.head}; {words}"))
        several = len({curve.trial.seed for curve in shown_curves}) > 1
        place = {group_key: i for i, group_key in enumerate(labels)}
        ordered = sorted(shown_curves, key=lambda one: (one.trial.seed, place[one.trial.number], one.trial.number))
        named_curves = [(labels[c.trial.number] + f", seed {c.trial.seed}" * several, c) for c in ordered]
        return self.made("tree", title, alt, tree_figure(branches(named_curves), title, f"{self.head}; {words}{note}"))

    def _labels(self) -> dict[int, str]:
        """Return trial -> its setting's label, in the order of the table."""
        curves_of = by_setting(curve for curve in self.read.curves if curve.rows)
        of_groups = [(group, curves_of.get(identity(group.parameters), ())) for group in self.groups]
        return {curve.trial.number: group.numbered for group, curves in of_groups for curve in curves}


def _all(names: Sequence[str], count: int) -> str:
    """Return names in a sequence; "all 5 settings" where there are no others."""
    return f"all {count} settings" if 1 < count == len(names) else " and ".join(names)
