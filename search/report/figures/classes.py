"""What settings predicted, and the accuracy of every class by setting.

Predictions of all seeds of a setting are put together, so a cell counts images times seeds. Settings are compared only
where they were judged on the same images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from search.report import design
from search.report.figures.confusion import MAX_NAME_LETTERS, confusion_matrix, named
from search.report.figures.style import (
    TOP_MARGIN_PX,
    colour_of,
    dressed,
    legend_beside,
    marker_of,
    named_ticks,
    pixels,
    text,
    wrapped,
)
from search.report.text import clauses

MAX_CLASSES_WITH_COUNTS = 20
"""Classes up to which counts are written into the cells."""


RESCUED, LOST = "▲", "▼"


@dataclass(frozen=True)
class Predicted:
    """What a setting predicted, seeds put together.

    Attributes:
        label: what it is called.
        seeds: how many.
        counts: images times seeds, [classes, classes], rows the truth.
        place: of the setting, which its colour and marker are chosen by; see `groups.placed`.
    """

    label: str
    seeds: int
    counts: np.ndarray
    place: int = 0

    @property
    def sizes(self) -> np.ndarray:
        """Images times seeds per class, [classes]."""
        return np.asarray(self.counts.sum(1))

    @property
    def right(self) -> np.ndarray:
        """Right ones per class, [classes]."""
        return np.asarray(np.diag(self.counts))

    @property
    def shares(self) -> np.ndarray:
        """Share of each class's images that was predicted as each class, [classes, classes]; 0 where it has none."""
        return np.asarray(self.counts / np.maximum(self.sizes, 1)[:, None])

    @property
    def accuracy(self) -> float:
        """Share of all images that is right."""
        return float(self.right.sum() / max(1, self.counts.sum()))


def predicted_by(
    label: str, truth: np.ndarray, predictions: Sequence[np.ndarray], classes: int, place: int = 0
) -> Predicted:
    """Return what a setting predicted.

    Args:
        label: what it is called.
        truth: class indices, integers [n].
        predictions: one array like `truth` per seed.
        classes: how many there are.
        place: of the setting among those of its study.
    """
    total = sum((confusion_matrix(truth, one, classes) for one in predictions), np.zeros((classes, classes), np.int64))
    return Predicted(label, len(predictions), total, place)


def per_class_figure(
    settings: Sequence[Predicted], classes: Sequence[str], title: str, subtitle: str = ""
) -> go.Figure:
    """Draw the accuracy of every class, one marker per setting.

    The first setting is the reference. Classes that it never got right and another setting did are marked ▲ and
    printed bold; those that only it got right, ▼.

    Args:
        settings: at most as many as there are markers.
        classes: names in label order.
        title, subtitle: what is written above; what the marks mean is added.
    """
    n = len(classes)
    row = 26 if n <= MAX_CLASSES_WITH_COUNTS else 17
    rescued, lost = rescues(settings)
    marks = {**dict.fromkeys(rescued, RESCUED), **dict.fromkeys(lost, LOST)}
    reference = settings[0]
    sizes = reference.sizes // max(1, reference.seeds)
    names = [f"{text(name, MAX_NAME_LETTERS)} ({sizes[i]})" for i, name in enumerate(classes)]
    names = [f"<b>{name} {marks[i]}</b>" if i in marks else name for i, name in enumerate(names)]
    figure = go.Figure()
    step = min(0.16, 0.6 / len(settings))
    for place, who in enumerate(settings):
        sized = [i for i in range(n) if who.sizes[i]]
        shares = [100 * who.right[i] / who.sizes[i] for i in sized]
        figure.add_trace(
            go.Scatter(
                x=shares,
                y=[i + step * (place - (len(settings) - 1) / 2) for i in sized],  # side by side where they are equal
                mode="markers",
                name=wrapped(who.label),
                marker={
                    "symbol": marker_of(who.place) + ("-open" if who is reference else ""),
                    "color": colour_of(who.place),
                    "size": 10 if n <= MAX_CLASSES_WITH_COUNTS else 8,
                    "line": {"width": 2 if who is reference else 0},
                },
                hovertext=[
                    f"{wrapped(who.label)}<br>{text(classes[i])}: {who.right[i]} of {who.sizes[i]}" for i in sized
                ],
                hoverinfo="text",
            )
        )
    about = clauses(
        subtitle,
        "beside each class its images",
        _named(f"{RESCUED} never right with {reference.label}, but else", rescued, classes),
        _named(f"{LOST} right with {reference.label} alone", lost, classes),
        picked(rescued, lost, classes).removeprefix("; "),
    )
    left = max((pixels(name.replace("<b>", "").replace("</b>", "")) for name in names), default=0) + 40
    height = max(360, n * row + TOP_MARGIN_PX + 70)
    dressed(figure, title, about, left + 620 + 250, height, {"l": left, "r": 250, "b": 60})
    legend_beside(figure)
    lowest = min((min(trace.x) for trace in figure.data if len(trace.x)), default=0)
    figure.update_xaxes(title="accuracy (%)", range=[10 * int(lowest / 10 - 0.5) - 3 if lowest > 40 else -3, 103])
    ticks = named_ticks(names, 12 if n <= MAX_CLASSES_WITH_COUNTS else 11)
    figure.update_yaxes(**ticks, range=[n - 0.4, -0.6], ticks="", showgrid=False)
    for i in range(0, n, 2):  # every other row is shaded: the eye keeps to its line
        figure.add_shape(
            type="rect",
            x0=0,
            x1=1,
            xref="paper",
            y0=i - 0.5,
            y1=i + 0.5,
            fillcolor=design.BOX.light,
            line_width=0,
            layer="below",
        )
    return figure


def rescues(settings: Sequence[Predicted]) -> tuple[list[int], list[int]]:
    """Return the classes only other settings than the first ever got right, and those only the first did."""
    base = settings[0]
    others = [who.right for who in settings[1:]]
    best = np.max(others, axis=0) if others else np.zeros_like(base.right)
    known = base.sizes > 0
    rescued = np.flatnonzero(known & (base.right == 0) & (best > 0)).tolist()
    lost = np.flatnonzero(known & (base.right > 0) & (best == 0)).tolist() if others else []
    return rescued, lost


def picked(rescued: Sequence[int], lost: Sequence[int], classes: Sequence[str]) -> str:
    """Return that marked classes are extremes, to go on a sentence; "" where none is marked.

    Among many classes of few images each some are never right under one setting and are under another by chance alone.
    """
    if not rescued and not lost:
        return ""
    return f"; the extremes picked out of {len(classes)} classes, of which some are so by chance"


def _named(head: str, places: Sequence[int], classes: Sequence[str]) -> str:
    return f"{head}: {named([classes[i] for i in places])}" if places else ""
