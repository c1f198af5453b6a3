"""Two settings image by image: their confusion matrices and the difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.report import design
from search.report.figures.classes import MAX_CLASSES_WITH_COUNTS, Predicted
from search.report.figures.confusion import MAX_NAME_LETTERS, heat
from search.report.figures.style import TOP_MARGIN_PX, dressed, hinted, named_ticks, pixels, text, wrapped
from search.report.text import clauses

PANEL_PX = 260
"""Height of a matrix on a narrow page, in pixels."""


def compared_figure(
    one: Predicted, other: Predicted, classes: Sequence[str], title: str, subtitle: str = ""
) -> go.Figure:
    """Draw two confusion matrices side by side, and where the second has more or fewer than the first.

    A cell is as dark as its share of the row. The difference is drawn in squares, filled where the second setting has
    more, open where it has fewer; their area is the size of the difference, the largest one filling its cell.
    """
    n = len(classes)
    cell = max(26, min(60, 260 // n)) if n <= MAX_CLASSES_WITH_COUNTS else max(7, 600 // n)
    names = [text(name, MAX_NAME_LETTERS) for name in classes]
    size = max(7, min(12, cell - 1))
    side = n * cell
    gap, left = 26, max((pixels(name, size) for name in names), default=0) + 60
    width = 3 * side + 2 * gap + left + 40
    heads = [f"{wrapped(who.label, max(18, side // 8), 2)}<br>{100 * who.accuracy:.2f} %" for who in (one, other)]
    figure = make_subplots(
        cols=3,
        horizontal_spacing=gap / (3 * side + 2 * gap),
        subplot_titles=[*heads, "second minus first"],
    )
    for column, who in enumerate((one, other), start=1):
        counts = heat(who.counts, names, n <= MAX_CLASSES_WITH_COUNTS, max(8, min(11, cell // 2 - 1)))
        figure.add_trace(counts, 1, column)
    change = other.shares - one.shares
    largest = float(np.abs(change).max(initial=0))
    room = cell - 4 if n <= MAX_CLASSES_WITH_COUNTS else cell + 1  # small cells have no frame to keep clear of
    rows, columns = np.nonzero(np.abs(change) > 1e-12)
    for sign, colour, symbol in ((1, design.FULL.light, "square"), (-1, design.FEWER.light, "square-open")):
        mine = [(i, j) for i, j in zip(rows.tolist(), columns.tolist(), strict=True) if sign * change[i, j] > 0]
        figure.add_trace(
            go.Scatter(
                x=[j for _, j in mine],
                y=[i for i, _ in mine],
                mode="markers",
                name="second has more" if sign > 0 else "second has fewer",
                marker={
                    "symbol": symbol,
                    "color": colour,
                    "opacity": 1,
                    "size": [max(2.5, room * float(np.sqrt(abs(change[i, j]) / largest))) for i, j in mine],
                    "line": {"width": 0 if sign > 0 else 1.5},
                },
                hovertext=[
                    f"truth {names[i]}<br>predicted {names[j]}<br>{100 * change[i, j]:+.1f} points" for i, j in mine
                ],
                hoverinfo="text",
            ),
            1,
            3,
        )
    about = "no difference"
    if largest:
        about = (
            f"largest square: {100 * largest:.1f} points of a row, picked out of {change.size:,} cells and not tested"
        )
    seeds = max(one.seeds, other.seeds)
    summed = f"images counted once per seed ({one.seeds} and {other.seeds})" if seeds > 1 else ""
    said = clauses(subtitle, summed, about)
    margin = {"l": left, "r": 40, "b": left + 30}
    extra = 24 + 18 * max(note.text.count("<br>") for note in figure.layout.annotations)
    dressed(figure, title, said, width, side + TOP_MARGIN_PX + margin["b"] + extra, margin)
    figure.update_layout(
        margin_t=figure.layout.margin.t + extra,
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 0, "yref": "container", "yanchor": "bottom"},
    )
    for note in figure.layout.annotations:
        note.font.size = 13
    # A page may draw the figure half as wide: names still keep clear of one another.
    every = -(-11 // max(1, cell // 2)) if n > MAX_CLASSES_WITH_COUNTS else 1
    ticks = {**named_ticks(names, size), "showgrid": False}
    ticks |= {"tickvals": list(range(0, n, every)), "ticktext": names[::every]}
    edge = [-0.5, n - 0.5]
    figure.update_xaxes(**ticks, tickangle=-90, range=edge, title="prediction")
    figure.update_yaxes(**ticks, range=edge[::-1])
    figure.update_yaxes(title="truth", col=1)
    figure.update_yaxes(showticklabels=False, ticks="", col=2)
    figure.update_yaxes(showticklabels=False, ticks="", col=3)
    figure.update_xaxes(showgrid=n <= MAX_CLASSES_WITH_COUNTS, col=3)
    figure.update_yaxes(showgrid=n <= MAX_CLASSES_WITH_COUNTS, col=3)
    below = max((pixels(name, size) for name in names), default=0) + 50
    more = -(-n // (24 * every))
    return hinted(figure, panel=PANEL_PX, below=below, last_labels=True, markers=PANEL_PX / side, every=more)


def largest_change(one: Predicted, other: Predicted, classes: Sequence[str]) -> str:
    """Return where the second setting differs most from the first, to go on a sentence; "" where nowhere."""
    change = other.shares - one.shares
    if not change.size or not np.abs(change).max():
        return ""
    i, j = (int(place) for place in np.unravel_index(int(np.abs(change).argmax()), change.shape))
    where = f"{classes[i]} taken for {classes[j]}" if i != j else f"{classes[i]} recognised"
    cells = f"the largest of {change.size:,} cells, which is picked and not tested"
    return f", {cells}: {where}, {100 * change[i, j]:+.1f} points"
