"""Objective and test that disagree on the winner, by more than noise."""

from __future__ import annotations

from collections.abc import Iterator

from search.core.scores import HIGHER
from search.report.health.ahead import best, lead, winners
from search.report.health.finding import Finding
from search.report.record.curves import Curves
from search.report.table.build import Comparison
from search.report.table.labels import short_label
from search.report.table.model import Line
from search.report.text import figure, is_accuracy, metric_words


def disagree(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding where another setting than the winner by the objective is clearly better on test data.

    Test figures are those at the epoch that each run chose on validation. They choose nothing here: the finding says
    that the choice by the objective did not carry over.
    """
    read, table = compared
    if not table.test:
        return
    by_objective, up = winners(read, table), _higher(read, table.test)
    if not by_objective or up is None:
        return
    by_test = best(table, [line.chosen.mean for line in table.lines], up)
    if not by_test or set(by_test) & set(by_objective):
        return
    first, other = by_objective[0], by_test[0]
    complete = sum(not line.partial and line.chosen.mean is not None for line in table.lines)
    ahead = lead(read, table, (other, first), table.test, "test", complete - 1)
    if ahead is None:
        return
    objective = metric_words(read.space.search.objective.metric)
    chosen, rival = table.lines[first], table.lines[other]
    yield Finding(
        "test-disagrees",
        "note",
        f"{objective} is best for {short_label(table, chosen)}, {metric_words(table.test)} for "
        f"{short_label(table, rival)}: {_figure(rival, table.test)} against {_figure(chosen, table.test)}, ahead by "
        f"{ahead}.",
        "What was chosen on validation data does not carry over: they differ from the test data, were looked at too "
        "often, or the objective measures something else.",
        "See how the splits were made, and whether objective and test measure the same; choosing by the test figure "
        "would spend the test data.",
    )


def _higher(read: Curves, test: str) -> bool | None:
    """Return whether more of a test metric is better; None where nobody says."""
    if is_accuracy(test):
        return True
    objective = read.space.search.objective
    if test == f"test_{objective.metric.removeprefix('val_')}":
        return objective.maximize
    rule = read.rules.get(test)
    return None if rule is None else rule.better == HIGHER


def _figure(line: Line, metric: str) -> str:
    return f"{figure(metric, line.chosen.mean)}{' %' if is_accuracy(metric) else ''}"
