"""Two settings image by image: their confusion matrices and the difference; the accuracy of every class by setting.

Predictions of all seeds of a setting are put together, so a cell counts images times seeds. Settings are compared only
where they were judged on the same images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.report.figures.confusion import confusion_matrix
from search.report.figures.style import (
    TOP_MARGIN_PX,
    colour_of,
    dressed,
    legend_beside,
    marker_of,
    pixels,
    text,
    wrapped,
)

MAX_CLASSES_WITH_COUNTS = 20
"""Classes up to which counts are written into the cells."""

MAX_NAME_LETTERS = 24
MAX_CLASSES_NAMED = 3
"""Classes that a sentence names."""

RESCUED, LOST = "▲", "▼"


@dataclass(frozen=True)
class Judged:
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


def judged(label: str, truth: np.ndarray, predictions: Sequence[np.ndarray], classes: int, place: int = 0) -> Judged:
    """Return what a setting predicted.

    Args:
        label: what it is called.
        truth: class indices, integers [n].
        predictions: one array like `truth` per seed.
        classes: how many there are.
        place: of the setting among those of its study.
    """
    total = sum((confusion_matrix(truth, one, classes) for one in predictions), np.zeros((classes, classes), np.int64))
    return Judged(label, len(predictions), total, place)


def compared_figure(one: Judged, other: Judged, classes: Sequence[str], title: str, subtitle: str = "") -> go.Figure:
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
    places = list(range(n))
    for column, who in enumerate((one, other), start=1):
        figure.add_trace(_heat(who, names, n <= MAX_CLASSES_WITH_COUNTS, cell), 1, column)
    change = other.shares - one.shares
    largest = float(np.abs(change).max(initial=0))
    room = cell - 4 if n <= MAX_CLASSES_WITH_COUNTS else cell + 1  # small cells have no frame to keep clear of
    rows, columns = np.nonzero(np.abs(change) > 1e-12)
    for sign, colour, symbol in ((1, "#08306b", "square"), (-1, "#b2182b", "square-open")):
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
    said = "; ".join(part for part in (subtitle, summed, about) if part)
    margin = {"l": left, "r": 40, "b": left + 30}
    extra = 24 + 18 * max(note.text.count("<br>") for note in figure.layout.annotations)
    dressed(figure, title, said, width, side + TOP_MARGIN_PX + margin["b"] + extra, margin)
    figure.update_layout(
        margin_t=figure.layout.margin.t + extra,
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 0, "yref": "container", "yanchor": "bottom"},
    )
    for note in figure.layout.annotations:
        note.font.size = 13
    ticks = {"tickmode": "array", "tickvals": places, "ticktext": names, "tickfont": {"size": size}, "showgrid": False}
    edge = [-0.5, n - 0.5]
    figure.update_xaxes(**ticks, tickangle=-90, range=edge, title="prediction")
    figure.update_yaxes(**ticks, range=edge[::-1])
    figure.update_yaxes(title="truth", col=1)
    figure.update_yaxes(showticklabels=False, ticks="", col=2)
    figure.update_yaxes(showticklabels=False, ticks="", col=3)
    figure.update_xaxes(showgrid=n <= MAX_CLASSES_WITH_COUNTS, col=3)
    figure.update_yaxes(showgrid=n <= MAX_CLASSES_WITH_COUNTS, col=3)
    return figure


def per_class_figure(
    settings: Sequence[Judged], classes: Sequence[str], title: str, subtitle: str = "", reference: int = 0
) -> go.Figure:
    """Draw the accuracy of every class, one marker per setting.

    Classes that the reference never got right and another setting did are marked ▲ and printed bold; those that only
    the reference got right, ▼.

    Args:
        settings: at most as many as there are markers.
        classes: names in label order.
        title, subtitle: what is written above; what the marks mean is added.
        reference: which setting the others are held against.
    """
    n = len(classes)
    row = 26 if n <= MAX_CLASSES_WITH_COUNTS else 17
    rescued, lost = rescues(settings, reference)
    marks = {**dict.fromkeys(rescued, RESCUED), **dict.fromkeys(lost, LOST)}
    sizes = settings[reference].sizes // max(1, settings[reference].seeds)
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
                    "symbol": marker_of(who.place) + ("-open" if place == reference else ""),
                    "color": colour_of(who.place),
                    "size": 10 if n <= MAX_CLASSES_WITH_COUNTS else 8,
                    "line": {"width": 2 if place == reference else 0},
                },
                hovertext=[
                    f"{wrapped(who.label)}<br>{text(classes[i])}: {who.right[i]} of {who.sizes[i]}" for i in sized
                ],
                hoverinfo="text",
            )
        )
    base = settings[reference].label
    remarks = [
        subtitle,
        "beside each class its images",
        _named(f"{RESCUED} never right with {base}, but else", rescued, classes),
    ]
    remarks.append(_named(f"{LOST} right with {base} alone", lost, classes))
    remarks.append(picked(rescued, lost, classes).removeprefix("; "))
    left = max((pixels(name.replace("<b>", "").replace("</b>", "")) for name in names), default=0) + 40
    dressed(
        figure,
        title,
        "; ".join(part for part in remarks if part),
        left + 620 + 250,
        max(360, n * row + TOP_MARGIN_PX + 70),
        {"l": left, "r": 250, "b": 60},
    )
    legend_beside(figure)
    lowest = min((min(trace.x) for trace in figure.data if len(trace.x)), default=0)
    figure.update_xaxes(title="accuracy (%)", range=[10 * int(lowest / 10 - 0.5) - 3 if lowest > 40 else -3, 103])
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(n)),
        ticktext=names,
        tickfont={"size": 12 if n <= MAX_CLASSES_WITH_COUNTS else 11},
        range=[n - 0.4, -0.6],
        ticks="",
        showgrid=False,
    )
    for i in range(0, n, 2):  # every other row is shaded: the eye keeps to its line
        figure.add_shape(
            type="rect",
            x0=0,
            x1=1,
            xref="paper",
            y0=i - 0.5,
            y1=i + 0.5,
            fillcolor="#f3f3f3",
            line_width=0,
            layer="below",
        )
    return figure


def largest_change(one: Judged, other: Judged, classes: Sequence[str]) -> str:
    """Return where the second setting differs most from the first, to go on a sentence; "" where nowhere."""
    change = other.shares - one.shares
    if not change.size or not np.abs(change).max():
        return ""
    i, j = (int(place) for place in np.unravel_index(int(np.abs(change).argmax()), change.shape))
    where = f"{classes[i]} taken for {classes[j]}" if i != j else f"{classes[i]} recognised"
    cells = f"the largest of {change.size:,} cells, which is picked and not tested"
    return f", {cells}: {where}, {100 * change[i, j]:+.1f} points"


def rescues(settings: Sequence[Judged], reference: int = 0) -> tuple[list[int], list[int]]:
    """Return the classes only other settings ever got right, and those only the reference did."""
    base = settings[reference]
    others = [who.right for i, who in enumerate(settings) if i != reference]
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


def named(places: Sequence[int], classes: Sequence[str], most: int = MAX_CLASSES_NAMED) -> str:
    """Return the names of some classes: the first ones and how many more."""
    more = f" and {len(places) - most} more" if len(places) > most else ""
    return ", ".join(classes[i] for i in places[:most]) + more


def _named(head: str, places: Sequence[int], classes: Sequence[str]) -> str:
    return f"{head}: {named(places, classes)}" if places else ""


def _heat(who: Judged, names: Sequence[str], written: bool, cell: int) -> go.Heatmap:
    n, shares, sizes = len(names), who.shares, who.sizes
    places = list(range(n))
    hover = [
        [f"truth {names[i]}<br>predicted {names[j]}<br>{who.counts[i, j]} of {sizes[i]}" for j in places]
        for i in places
    ]
    return go.Heatmap(
        z=shares,
        x=places,
        y=places,
        text=[[str(count) if count else "" for count in row] for row in who.counts] if written else None,
        texttemplate="%{text}" if written else None,
        textfont={"size": max(8, min(11, cell // 2 - 1))},
        hovertext=hover,
        hoverinfo="text",
        colorscale=[[0, "#ffffff"], [1, "#08306b"]],
        zmin=0,
        zmax=1,
        xgap=1 if written else 0,
        ygap=1 if written else 0,
        showscale=False,
    )
