"""Whole settings of a search: each is one line across all axes and the objective (parallel coordinates).

The best settings are dark, the others lie behind them; a setting that the confirm stage ran again bears a marker that
says what became of it. On a phone the axes lie below one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from search.report import design
from search.report.figures.overlay import axis_title
from search.report.figures.scales import Scale, scale_of
from search.report.figures.style import FAINT, INK, NEUTRAL, PAPER, QUIET, TOP_MARGIN_PX, dressed, text, wrapped
from search.report.record.curves import identity
from search.report.table.confirmed import Outcome
from search.report.table.groups import Group, ranked
from search.report.table.importance import complete, varied
from search.report.text import clauses, is_accuracy
from search.space.model import Space

MAX_LINES = 100
"""Settings that are drawn at most."""

MAX_DIMENSIONS = 6
"""Axes of a figure at most; more of them are left out, the last of the file first."""

DARK_LINES = 5
"""Settings whose lines are dark: as many as a page shows first."""

NOT_SET = -0.14
"""Where a line passes below an axis that its setting has no value on."""

MARKS: Mapping[str, str] = {
    "better": "star",
    "worse": "x",
    "undecided": "circle-open",
    "baseline": "square-open",
    "on": "star",
    "dominated": "x",
}
"""Kind of an outcome of the confirm stage -> its marker."""

AXIS_PX, PLOT_PX = 190, 380
"""Pixels between two axes, and their length."""

NARROW_AXIS_PX = 84
"""Pixels between two axes that lie below one another."""


class Place(NamedTuple):
    """A point of a line: on which axis, and where on it, from 0 to 1."""

    axis: int
    share: float


class _Axis(NamedTuple):
    """An axis as it is drawn: its title, and its ticks with their places."""

    title: str
    ticks: Sequence[tuple[float, str]]


class _Drawing(NamedTuple):
    """Everything of the figure but how it lies."""

    axes: Sequence[_Axis]
    lines: Sequence[tuple[Group, Sequence[Place]]]
    gaps: bool


def parallel_figure(
    groups: Sequence[Group],
    space: Space,
    title: str,
    subtitle: str = "",
    confirmed: Mapping[str, Outcome] | None = None,
    lying: bool = False,
    unit: str = "",
) -> go.Figure | None:
    """Draw parallel coordinates of the best `MAX_LINES` complete settings.

    Args:
        confirmed: what became of settings in the confirm stage, by `identity`.
        lying: whether the axes lie below one another, for a narrow page.
        unit: of the objective.

    Returns:
        the figure, or None where fewer than two axes vary or fewer than two settings are complete.
    """
    whole = complete(groups)
    axes = varied(whole, space)
    if len(axes) < 2 or len(whole) < 2:
        return None
    shown = ranked(whole, space)[:MAX_LINES]
    drawing = _drawing(shown, space, [scale_of(axis, shown) for axis in axes[:MAX_DIMENSIONS]], unit)
    drawn = f"a line for each setting, the best {min(DARK_LINES, len(shown))} dark"
    if len(shown) < len(whole):
        drawn = f"the {len(shown)} best of {len(whole)} complete settings; {drawn}"
    left = len(axes) - MAX_DIMENSIONS
    more = f"{left} more axes are left out" if left > 0 else ""
    none = "a line below an axis has no value there" if drawing.gaps else ""
    figure = go.Figure()
    for trace in (*_lines(drawing, lying), *_marks(drawing, confirmed or {}, lying)):
        figure.add_trace(trace)
    count = len(drawing.axes)
    width, height = (400, NARROW_AXIS_PX * count + 40) if lying else (AXIS_PX * (count - 1) + 160, PLOT_PX + 90)
    dressed(figure, title, clauses(subtitle, drawn, none, more), min(width, 1500), height + TOP_MARGIN_PX)
    _furnish(figure, drawing, lying)
    marked = any(trace.showlegend for trace in figure.data)
    below = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "xanchor": "left"}
    figure.update_layout(showlegend=marked, legend=below)
    if marked:
        figure.update_layout(height=figure.layout.height + 40, margin_b=figure.layout.margin.b + 40)
    return figure


def _drawing(shown: Sequence[Group], space: Space, scales: Sequence[Scale], unit: str) -> _Drawing:
    metric = space.search.objective.metric
    factor = 100 if is_accuracy(metric) else 1
    means = [factor * (group.mean or 0.0) for group in shown]
    measured = Scale(axis_title(metric, unit), (), (), min(means), max(means), False)
    every = [measured, *scales]
    names = list(space.axes)
    order = [axis.name for scale in scales for axis in names if text(axis.name, 28) == scale.name]
    lines = []
    for group, mean in zip(shown, means, strict=True):
        values: list[Any] = [mean, *(group.parameters.get(name, _MISSING) for name in order)]
        shares = [
            NOT_SET if value is _MISSING else scale.share(value) for scale, value in zip(every, values, strict=True)
        ]
        lines.append((group, [Place(i, share) for i, share in enumerate(shares)]))
    axes = [_Axis(scale.name, [(_share(scale, value), word) for value, word in scale.ticks()]) for scale in every]
    return _Drawing(axes, lines, any(place.share == NOT_SET for _, places in lines for place in places))


_MISSING = object()


def _share(scale: Scale, value: float) -> float:
    return scale.share(scale.keys[int(value)]) if scale.words else scale.share(value)


def _lines(drawing: _Drawing, lying: bool) -> Iterator[go.Scatter]:
    """Yield the lines, those of the best settings last, on top."""
    looks = (
        (drawing.lines[DARK_LINES:], FAINT, 1.2),
        (drawing.lines[1:DARK_LINES], NEUTRAL, 1.8),
        (drawing.lines[:1], INK, 3.0),
    )
    for lines, colour, width in looks:
        across: list[float | None] = []
        along: list[float | None] = []
        hover: list[str] = []
        for group, places in lines:
            across += [*(place.axis for place in places), None]
            along += [*(place.share for place in places), None]
            hover += [wrapped(group.name)] * (len(places) + 1)
        if lines:
            x, y = (along, across) if lying else (across, along)
            look = {"color": colour, "width": width}
            yield go.Scatter(
                x=x,
                y=y,
                mode="lines",
                line=look,
                hovertext=hover,
                hoverinfo="text",
                showlegend=False,
                connectgaps=False,
            )


def _marks(drawing: _Drawing, confirmed: Mapping[str, Outcome], lying: bool) -> Iterator[go.Scatter]:
    """Yield the markers of settings that were run again, one trace for each."""
    for group, places in drawing.lines:
        outcome = confirmed.get(identity(group.parameters))
        if outcome is None:
            continue
        across, along = [place.axis for place in places], [place.share for place in places]
        x, y = (along, across) if lying else (across, along)
        yield go.Scatter(
            x=x,
            y=y,
            mode="markers",
            marker={"symbol": MARKS[outcome.kind], "size": 11, "color": INK, "line": {"width": 2, "color": INK}},
            name=f"{text(outcome.name)}, {group.short}: {outcome.words}",
            hovertext=f"{wrapped(group.name)}<br>{text(outcome.name)}: {outcome.words}",
            hoverinfo="text",
            showlegend=True,
        )


def _furnish(figure: go.Figure, drawing: _Drawing, lying: bool) -> None:
    """Draw the axes: lines, names of values, titles."""
    low = NOT_SET - 0.04 if drawing.gaps else -0.03
    last = len(drawing.axes) - 1
    for i, axis in enumerate(drawing.axes):
        ends = {"x0": 0, "x1": 1, "y0": i, "y1": i} if lying else {"x0": i, "x1": i, "y0": 0, "y1": 1}
        figure.add_shape(type="line", layer="below", line={"color": design.LINE.light, "width": 1}, **ends)
        for share, word in axis.ticks:
            spot = (
                {"x": share, "y": i, "yshift": -11} if lying else {"x": i, "y": share, "xshift": 6, "xanchor": "left"}
            )
            _note(figure, word, design.SMALL_FIGURE_TYPE_PX, QUIET, bgcolor=None if lying else PAPER, **spot)
        head = {"x": 0, "y": i, "xanchor": "left", "yshift": 14} if lying else {"x": i, "y": 1, "yshift": 20}
        _note(figure, f"<b>{axis.title}</b>", design.FIGURE_TYPE_PX, INK, bgcolor=PAPER, **head)
    hidden = {"visible": False, "fixedrange": True}
    along, across = {**hidden, "range": [low, 1.03]}, {**hidden, "range": [-0.5, last + 0.5]}
    if lying:
        figure.update_xaxes(**{**along, "range": [low, 1.06]})
        figure.update_yaxes(**{**hidden, "range": [last + 0.4, -0.4]})
    else:
        figure.update_xaxes(**across)
        figure.update_yaxes(**along)
    sides = {"l": 20, "r": 20, "b": 16} if lying else {"l": 20, "r": 20, "b": 20}
    figure.update_layout(margin={**sides, "t": figure.layout.margin.t + (0 if lying else 34)})


def _note(figure: go.Figure, words: str, size: int, colour: str, **place: Any) -> None:
    figure.add_annotation(text=words, showarrow=False, borderpad=0, font={"size": size, "color": colour}, **place)
