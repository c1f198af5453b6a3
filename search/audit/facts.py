"""The checks of what a file prints beside its table: class sizes, a confusion matrix, numbers of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from search.audit import matrix, parameters
from search.audit.desk import Desk
from search.core.shown import counted
from search.space.nodes import printable
from search.space.sampling import samples
from search.space.service import SERVICE_SETTINGS
from search.workload import Counting, Workload

MAX_CONFIGURATIONS = 50
"""Configurations of a file whose models are counted: a model looks alike in most of them."""


def check(desk: Desk, workload: Workload) -> None:
    """Check what the file prints beside its table.

    Args:
        desk: the file; the check of its table has been made.
        workload: the file's.
    """
    published = desk.published
    sizes, confusion = published.facts.get("class_sizes"), published.facts.get("confusion_matrix")
    if sizes is not None and published.n is not None and sum(sizes) != published.n:
        desk.flaw(f"class_sizes add up to {counted(sum(sizes), 'image')}, n is {published.n:,}", "class_sizes")
    if confusion is not None:
        for sentence in matrix.sums(confusion, sizes, published.n, published.runs):
            desk.flaw(sentence, "confusion_matrix")
        _trace(desk, confusion, published.facts.get("confusion_matrix_row"))
    if printed := published.facts.get("parameters"):
        stated = {len(found) for found in (sizes, confusion) if found is not None}
        _parameters(desk, workload, printed, stated.pop() if len(stated) == 1 else None)


def _trace(desk: Desk, confusion: Sequence[Sequence[int]], row: str | None) -> None:
    """Compare the diagonal with the figure of the row that the matrix belongs to."""
    published = desk.published
    if row is None and len(published.values) == 1:
        (row,) = published.values
    if row is None or not desk.figures.get(row):
        reason = (
            "the file does not say whose it is (confusion_matrix_row)" if row is None else "that row has no accuracy"
        )
        desk.note(f"not checked: the diagonal of the confusion matrix; {reason}", "confusion_matrix")
        return
    total = sum(map(sum, confusion))
    if published.runs > 1 and total != published.runs * (published.n or total + 1):
        reason = "it is of one run, or of no stated number, and the figure is a mean of several"
        desk.note(f"not checked: the diagonal of the confusion matrix; {reason}", "confusion_matrix")
    elif sentence := matrix.trace(confusion, desk.figures[row], published.n, published.runs, desk.truncated):
        desk.flaw(f"{sentence} ({desk.row(row)})", "confusion_matrix")


def _parameters(desk: Desk, workload: Workload, printed: Mapping[str, str], classes: int | None) -> None:
    if not isinstance(workload, Counting):
        reason = f"the workload {printable(desk.space.workload)} counts none (it has no method parameters)"
        desk.note(f"not checked: numbers of parameters; {reason}", "parameters")
        return
    for name, text in printed.items():
        label = printable(name)
        if not parameters.readings(text):
            desk.note(f"not checked: {text[:80]} is no number of parameters ({label})", "parameters", name)
            continue
        try:
            agrees, words = parameters.judge(text, _counter(desk, workload, name), classes)
        except ValueError as error:
            told = "; ".join(f"{key}: {reason}" for key, reason in getattr(error, "faults", [("", str(error))]))
            desk.note(f"not checked: the parameters of {label}; {told}", "parameters", name)
            continue
        if not agrees:
            desk.flaw(f"{label} is printed with {text} parameters; {words}", "parameters", name)
        elif words:
            desk.note(f"the parameters of {label}, {text}, agree {words}", "parameters", name)


def _counter(desk: Desk, workload: Counting, name: str) -> parameters.Count:
    """Return number of classes -> what a model has in the configurations of the file."""
    configurations = _configurations(desk)

    @cache
    def count(classes: int) -> tuple[int, ...]:
        return tuple(dict.fromkeys(workload.parameters(name, settings, classes) for settings in configurations))

    return count


def _configurations(desk: Desk) -> list[dict[str, object]]:
    """Return the workload's settings of some configurations, each once."""
    found = []
    for chosen in samples(desk.space, MAX_CONFIGURATIONS):
        settings = {key: value for key, value in desk.space.settings(chosen).items() if key not in SERVICE_SETTINGS}
        if settings not in found:
            found.append(settings)
    return found
