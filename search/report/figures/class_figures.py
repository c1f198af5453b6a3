"""Which settings of a study are shown class by class, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from search.report.figures.classes import Predicted, per_class_figure, picked, predicted_by, rescues
from search.report.figures.compared import compared_figure, largest_change
from search.report.figures.confusion import are_classes, named
from search.report.record.curves import Curves
from search.report.table.groups import Group, pair, ranked
from search.report.text import clauses, metric_words, one_line

MAX_CLASS_SETTINGS = 6
"""Settings in the figure of accuracies per class."""

SPLIT = "val"

ClassFigure = tuple[str, str, str, go.Figure]
"""Name, title, alt text and figure, as of `study.StudyFigure`."""


def class_figures(read: Curves, groups: Sequence[Group], value: str) -> list[ClassFigure]:
    """Confusion matrices of two settings, and accuracies per class of several, judged on the same images.

    Args:
        value: ``last`` or ``best``: the epoch of each run.
    """
    space, objective = read.space, read.space.search.objective.metric
    head = one_line(space.title or read.record.name)
    two = pair(groups, space)
    if two is None:
        return []
    best = [group for group in ranked(groups, space) if group.counted and group not in two]
    wanted = [*two, *best[: MAX_CLASS_SETTINGS - 2]]
    data = two[0].runs[0].data
    card = read.cards.get(data)
    truth = card.truth.get(SPLIT) if card else None
    if card is None or truth is None or not are_classes(truth, len(card.classes)):
        return []
    found = [_predicted(read, group, data, truth, len(card.classes), value) for group in wanted]
    settings = [setting for setting in found if setting is not None]
    if found[0] is None or found[1] is None:
        return []
    reference, rival = settings[0], settings[1]
    epoch = f"after the {value} epoch, {len(truth)} validation images"
    title = "Confusion matrices of two settings"
    several = sum(group.baseline for group in groups) > 1
    first = ("the best baseline" if several else "the baseline") if two[0].baseline else "the first setting"
    alt = (
        f"Confusion matrices of {first}, {reference.label} ({100 * reference.accuracy:.1f} per cent right), and of "
        f"the best other one by mean {metric_words(objective)}, {rival.label} ({100 * rival.accuracy:.1f} per cent "
        f"right), and their difference{largest_change(reference, rival, card.classes)}."
    )
    figures = [("confusion", title, alt, compared_figure(reference, rival, card.classes, title, f"{head}, {epoch}"))]
    title = "Accuracy per class"
    rescued, lost = rescues(settings)
    which, alone = (named([card.classes[i] for i in places]) or "none" for places in (rescued, lost))
    alt = (
        f"Accuracy of each of {len(card.classes)} classes under {len(settings)} settings, seeds put together; "
        f"never right with {reference.label} but with another one: {which}; right with it alone: "
        f"{alone}{picked(rescued, lost, card.classes)}."
    )
    count = len(groups)
    few = f"{len(settings)} of {count} settings, the best ones" if len(settings) < count else ""
    subtitle = clauses(f"{head}, {epoch}", few)
    figures.append(("classes", title, alt, per_class_figure(settings, card.classes, title, subtitle)))
    return figures


def _predicted(read: Curves, group: Group, data: str, truth: np.ndarray, classes: int, value: str) -> Predicted | None:
    """Return what a setting predicted, all seeds together; None where one predicted other images or no classes."""
    keys = [run.keys[epoch - 1] for run in group.runs if (epoch := run.epoch(value))]
    if len(keys) < len(group.runs) or any(run.data != data for run in group.runs):
        return None
    rows = read.study.ledger.rows(list(dict.fromkeys(keys)), predictions=True)
    found = [rows[key].row.predictions.get(SPLIT) for key in keys if key in rows]
    whole = [one for one in found if one is not None and len(one) == len(truth) and are_classes(one, classes)]
    return predicted_by(group.short, truth, whole, classes, group.place) if len(whole) == len(keys) else None
