"""Points in the plane, coloured by class, legible for twenty classes and for a hundred."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from search.report.figures.style import INK, MARKERS, TOP_MARGIN_PX, dressed, text

HUES = 17
"""Colours, which go round beside the eight markers: no two of the first 136 classes share both."""

MAX_NAME_LETTERS = 22
ROW, LINES = 19, 34
"""Pixels of a line of the class list, and lines of a column."""

SHORT = 3
"""Letters of class names that stand in the plot themselves; longer ones are numbered from 1."""


def scatter_figure(
    x: np.ndarray,
    y: np.ndarray,
    label: np.ndarray,
    classes: Sequence[str],
    title: str,
    subtitle: str = "",
) -> go.Figure:
    """Draw points by class: colour and marker together, and the class's tag at the median of its points.

    The tag is what a black and white print is read by: the name where all are short, else a number, with which the
    class list beside the plot begins.

    Args:
        x, y: places, numbers [n], without unit.
        label: class of each point, integers [n].
        classes: names in label order; those without a point are left out of the list.
    """
    present = [i for i in range(len(classes)) if (label == i).any()]
    numbered = any(len(classes[i]) > SHORT for i in present)
    tags = [str(i + 1) if numbered else text(classes[i]) for i in range(len(classes))]
    names = [f"{i + 1} " * numbered + text(classes[i], MAX_NAME_LETTERS) for i in range(len(classes))]
    size = float(np.clip(60 / np.sqrt(max(1, len(x))) + 3, 4, 9))
    traces, notes = [], []
    for place, i in enumerate(present):
        mine = label == i
        traces.append(
            go.Scatter(
                x=x[mine],
                y=y[mine],
                mode="markers",
                name=names[i],
                marker={
                    "color": colour(i),
                    "symbol": MARKERS[i % len(MARKERS)],
                    "size": size,
                    "opacity": 0.75,
                    "line": {"width": 0.4, "color": INK},
                },
                legend=_legend(place // LINES),
                hovertext=names[i],  # a template would fill in what a name has between %{ and }
                hoverinfo="text",
            )
        )
        notes.append(
            {
                "x": float(np.median(x[mine])),
                "y": float(np.median(y[mine])),
                "text": f"<b>{tags[i]}</b>",
                "showarrow": False,
                "font": {"size": 13 if len(present) <= 30 else 11, "color": INK},
                "bgcolor": "rgba(255,255,255,0.6)",
                "borderpad": 0,
            }
        )
    figure = go.Figure(traces, {"annotations": notes})  # in one go: plotly copies all of them for each that is added
    columns = -(-len(present) // LINES) or 1
    plot = max(620, ROW * min(LINES, len(present)) + 20)
    column_width = 50 + int(6.8 * max((len(name) for name in names), default=1))
    margin = {"l": 50, "r": column_width * columns + 20, "b": 50}
    dressed(figure, title, subtitle, plot + margin["l"] + margin["r"], plot + TOP_MARGIN_PX + margin["b"], margin)
    for column in range(columns):
        corner = {"x": 1.01 + column * column_width / plot, "y": 1, "xanchor": "left", "yanchor": "top"}
        figure.update_layout({_legend(column): {**corner, "font": {"size": 12}, "tracegroupgap": 0}})
    figure.update_xaxes(title="t-SNE 1 (no unit)", showticklabels=False, ticks="")
    figure.update_yaxes(title="t-SNE 2 (no unit)", showticklabels=False, ticks="", scaleanchor="x")
    return figure


def _legend(column: int) -> str:
    """Return plotly's name of the class list's columns: a single list would be cut at the figure's edge."""
    return f"legend{column + 1}" if column else "legend"


def colour(place: int) -> str:
    """Return one of `HUES` colours whose lightness alternates, so that neighbours differ in print too."""
    hue = (place * 7 % HUES) / HUES  # 7 and 17 have no common divisor: neighbours in the list are far apart
    red, green, blue = colorsys.hls_to_rgb(hue, (0.35, 0.5, 0.65)[place % 3], 0.75)
    return f"#{round(255 * red):02x}{round(255 * green):02x}{round(255 * blue):02x}"
