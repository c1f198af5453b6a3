"""The confusion matrix of one split, with the accuracy of every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.report import design
from search.report.figures.style import FAINT, NEUTRAL, PAPER, TOP_MARGIN_PX, dressed, named_ticks, text
from search.report.record.evidence import is_class
from search.report.text import clauses

MAX_CLASSES_WITH_COUNTS = 40
"""Classes up to which counts are written into the cells and every class is named on both axes."""

MAX_NAME_LETTERS = 24
MAX_CLASSES_NAMED = 3
"""Classes that a sentence names."""


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Return counts [classes, classes], rows the truth, columns the prediction, from class indices [n] each."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (np.asarray(truth, dtype=np.int64), np.asarray(prediction, dtype=np.int64)), 1)
    return counts


def are_classes(prediction: np.ndarray, classes: int) -> bool:
    """Whether every prediction is one of so many classes: only then a matrix has room for all of them."""
    return bool(is_class(prediction, classes).all())


def confusion_figure(
    truth: np.ndarray, prediction: np.ndarray, classes: Sequence[str], title: str, subtitle: str = ""
) -> go.Figure:
    """Draw the confusion matrix: rows the truth, columns the prediction; beside it the accuracy per class.

    A cell is as dark as its share of the row, so that small classes show as much as large ones. Classes without a
    single right answer are marked by name; classes without images have no accuracy.

    Args:
        truth, prediction: class indices, integers [n].
        classes: names in label order.
        title, subtitle: what is written above; the accuracy over all images is added to the subtitle.
    """
    n = len(classes)
    counts = confusion_matrix(truth, prediction, n)
    sizes = counts.sum(1)
    small = n <= MAX_CLASSES_WITH_COUNTS
    names = [text(name, MAX_NAME_LETTERS) for name in classes]
    cell = max(9, min(34, 680 // n))
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.02, column_widths=[0.78, 0.22])
    places = list(range(n))
    figure.add_trace(heat(counts, names, small, max(8, min(13, cell // 2)), " images"), 1, 1)
    right = np.diag(counts)
    accuracy = [100 * right[i] / max(1, sizes[i]) for i in range(n)]
    figure.add_trace(
        go.Bar(
            x=accuracy,
            y=places,
            orientation="h",
            marker={"color": FAINT, "line": {"color": NEUTRAL, "width": 0.5}},
            text=[_share(right[i], sizes[i]) for i in range(n)],
            textposition="outside",
            textfont={"size": max(8, min(11, cell - 2))},
            cliponaxis=False,
            hovertext=[f"{names[i]}: {_share(right[i], sizes[i])}" for i in range(n)],
            hoverinfo="text",
            showlegend=False,
        ),
        1,
        2,
    )
    total = f"{right.sum()} of {sizes.sum()} right ({100 * right.sum() / max(1, sizes.sum()):.2f} %)"
    zero = [names[i] for i in range(n) if sizes[i] and not right[i]]
    never = f"never right: {named(zero)}" if zero else ""
    said = clauses(subtitle, total, never)
    type_size = max(7, min(12, cell - 1))
    labels = int(0.58 * type_size * max(map(len, names), default=1))  # pixels of the longest name
    margin = {"l": labels + 60, "r": 60, "b": labels + 60}
    width = max(720, int(n * cell / 0.78) + margin["l"] + 90)
    dressed(figure, title, said, width, n * cell + TOP_MARGIN_PX + margin["b"], margin)
    figure.update_layout(bargap=0.15)
    ticks = {**named_ticks(names, type_size), "showgrid": False}
    figure.update_yaxes(**ticks, autorange="reversed", col=1)
    figure.update_yaxes(title="truth", col=1)
    figure.update_yaxes(showgrid=False, autorange="reversed", showticklabels=False, ticks="", col=2)
    figure.update_xaxes(**ticks, tickangle=-90, title="prediction", col=1)
    figure.update_xaxes(title="accuracy per class (%)", range=[0, 130], tickvals=[0, 50, 100], col=2)
    return figure


def heat(counts: np.ndarray, names: Sequence[str], written: bool, size: int, noun: str = "") -> go.Heatmap:
    """Draw counts as dark as their share of the row; `written`, they stand in the cells in type of `size` pixels.

    The noun is what is counted, with a space in front, for whoever points at a cell.
    """
    sizes, places = counts.sum(1), list(range(len(names)))
    hover = [
        [f"truth {names[i]}<br>predicted {names[j]}<br>{counts[i, j]} of {sizes[i]}{noun}" for j in places]
        for i in places
    ]
    return go.Heatmap(
        z=counts / np.maximum(sizes, 1)[:, None],
        x=places,
        y=places,
        text=[[str(count) if count else "" for count in row] for row in counts] if written else None,
        texttemplate="%{text}" if written else None,
        textfont={"size": size},
        hovertext=hover,
        hoverinfo="text",
        colorscale=[[0, PAPER], [1, design.FULL.light]],
        zmin=0,
        zmax=1,
        xgap=1 if written else 0,
        ygap=1 if written else 0,
        showscale=False,
    )


def named(names: Sequence[str]) -> str:
    """Return some names: the first ones and how many more."""
    left = len(names) - MAX_CLASSES_NAMED
    return ", ".join(names[:MAX_CLASSES_NAMED]) + (f" and {left} more" if left > 0 else "")


def _share(right: int, size: int) -> str:
    return f"{100 * right / size:.0f} ({right}/{size})" if size else "no images"
