"""What a study asks, and how it was done.

The question is made from the space file alone: what varies, what is measured, on which data, under how many seeds. What
the runs answer is in `answer`.
"""

from __future__ import annotations

from collections.abc import Iterator

from search.core.outside import is_outside
from search.core.shown import counted, listed
from search.report.record.complete import incomplete
from search.report.record.curves import Curves
from search.report.record.evidence import measures
from search.report.table.build import TEST_ACCURACY, test_metric
from search.report.table.judgement import confirms
from search.report.table.labels import row_text, varies
from search.report.table.model import Table
from search.report.text import metric_words, value_text
from search.space.model import Objective

SAMPLERS = {
    "random": "at random",
    "tpe": "by TPE",
    "gp": "by a Gaussian process",
    "qmc": "by a quasi-random sequence",
    "cmaes": "by CMA-ES",
    "nsga2": "by NSGA-II",
}


def question(read: Curves) -> str:
    """Return what the study asks, as one sentence."""
    space, confirm = read.space, confirms(read.record)
    first = space.search.objective
    test = test_metric(read) if confirm else ""
    measured = f"{metric_words(test or first.metric)}{_on(read)}"
    varied = [axis for axis in space.axes if varies(axis)]
    seeds = counted(len(space.seeds), "seed")
    sampled = space.search.sampler != "grid"
    count = 0 if sampled else space.grid_size()
    if count < 2 and not sampled:
        return f"What {measured} does one setting reach under {seeds}?"
    best = f"{counted(count - space.report.has_baseline, 'setting')} that a search found best"
    if space.search.further:
        aims = listed([f"{'high' if one.maximize else 'low'} {_aim(one, test)}" for one in space.search.objectives])
        which = f"Which settings of {listed([axis.name for axis in varied])} give the best balance"
        if confirm:
            which = f"Which of {best}{', and its baseline,' if space.report.has_baseline else ''} are on the front"
        return f"{which} of {aims}{_on(read)}, under {seeds} each?"
    if sampled:
        axes = listed([axis.name for axis in varied])
        how = SAMPLERS.get(space.search.sampler, f"by {space.search.sampler}")
        trials = f"{counted(space.search.trials, 'setting')} " if space.search.trials else "settings "
        more = "highest" if first.maximize else "lowest"
        return f"Which values of {axes} give the {more} {measured}, among {trials}drawn {how}, under {seeds} each?"
    comparative = "higher" if first.maximize or test == TEST_ACCURACY else "lower"
    if confirm and space.report.has_baseline:
        return f"Does any of {best} give a {comparative} {measured} than its baseline, under {seeds} each?"
    if space.report.has_baseline and {axis.name for axis in varied} <= {*space.report.row_axes}:
        noun = "value" if len(varied) == 1 else "setting"
        others = f"the other {noun}" if count == 2 else f"any of the other {count - 1} {noun}s"
        axes = listed([axis.name for axis in varied])
        base = row_text(space, space.report.baseline)
        return f"Does {others} of {axes} give a {comparative} {measured} than {base}, under {seeds} each?"
    what = best if confirm else f"{count} settings of {listed([axis.name for axis in varied])}"
    base = f", each beside {row_text(space, space.report.baseline)}" if space.report.has_baseline else ""
    return f"How does {measured} differ between {what}{base}, under {seeds} each?"


def _aim(objective: Objective, test: str) -> str:
    """Name an objective: in a confirm stage by its counterpart on test examples, where there is one."""
    counterpart = f"test_{objective.metric.removeprefix('val_')}"
    return metric_words(test if test == counterpart else objective.metric)


def _on(read: Curves) -> str:
    names = list(dict.fromkeys(card.name or card.fingerprint[:12] for card in read.cards.values()))
    if not names and isinstance(read.space.fixed.get("data"), str):
        names = [value_text(read.space.fixed["data"])]
    return f" on {listed(names)}" if names else ""


def _for(read: Curves) -> str:
    return f" for {read.space.fixed['epochs']} epochs at most" if "epochs" in read.space.fixed else ""


def scope(read: Curves) -> str:
    """Return which data and what length of training the study holds for, "" where its file says neither."""
    return f"{_on(read)}{_for(read)}".strip()


def setup(table: Table, read: Curves) -> Iterator[str]:
    """Yield what was done, as sentences: settings, seeds, epochs, what is measured."""
    space = read.space
    seeds = listed([str(seed) for seed in space.seeds], 8)
    count = len({tuple(sorted((k, value_text(v)) for k, v in one.trial.parameters.items())) for one in read.curves})
    if not count:
        return
    if is_outside(read.record.workload):
        yield f"{counted(count, 'setting')} under {counted(len(space.seeds), 'seed')} ({seeds}), trained elsewhere."
        sense = "higher is better" if space.search.objective.maximize else "lower is better"
        yield f"Judged by {metric_words(space.search.objective.metric)}; {sense}."
        return
    asked = "to be trained" if incomplete(read) else "trained"
    order = f"the order of the {table.measure.examples}"
    yield (
        f"{counted(count, 'setting')}, each {asked} under {counted(len(space.seeds), 'seed')} ({seeds}){_for(read)}. A "
        f"seed decides everything random in a run: initial weights, {order}, augmentations."
    )
    at = "after the last epoch" if space.report.value == "last" else "at the epoch that was best in validation"
    sense = "higher is better" if space.search.objective.maximize else "lower is better"
    if confirms(read.record):
        tested = any(name.startswith("test_") for name in read.metrics)
        examples = table.measure.examples
        judged = f"; there are no test {examples}"
        if tested:
            judged = f", and judged on test {examples}, which chose none of them"
        yield f"The candidates are what a search found best, run again under seeds it had not seen{judged}."
        return
    judged = f"Judged by {metric_words(space.search.objective.metric)} {at}; {sense}."
    if space.search.further:
        judged += " It is the first of several objectives, and alone decides the order and the claims."
    objective = space.search.objective.metric
    if objective in table.scored:
        judged += " Intervals and tests speak of it and of validation accuracy, of which higher is better."
    elif not measures(objective, "val") and objective != table.judged and "val_accuracy" in read.metrics:
        judged += " Intervals and tests speak of validation accuracy, of which higher is better."
    yield judged
