"""The front of settings under several objectives: the first one against each further one."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.report.figures.overlay import axis_title
from search.report.figures.style import NEUTRAL, colour_of, dressed, legend_below, wrapped
from search.report.table.front import mean_of
from search.report.table.model import Line, Table
from search.report.text import clauses, is_accuracy
from search.statistics.front import Place

SYMBOLS = {Place.ON: "circle", Place.OPEN: "circle-open", Place.OFF: "x"}
"""Markers: settings that are on the front, of which it is not decided, and that are dominated."""

NAMES = {Place.ON: "on the front", Place.OPEN: "not decided", Place.OFF: "dominated"}


def front_figure(
    table: Table, objectives: Sequence[str], units: Sequence[str], title: str, subtitle: str = ""
) -> go.Figure | None:
    """Draw the first objective against each further one, with the 95 % intervals of what is measured with noise.

    Args:
        table: its lines say where they stand.
        objectives: metrics that they are read by (`search.report.table.front.read_metric`), the first one first.
        units: of each.
        title, subtitle: what is written above; what is drawn is added.

    Returns:
        the figure, or None where fewer than two settings have a place.
    """
    lines = [line for line in table.lines if line.front]
    if len(lines) < 2:
        return None
    first, further = objectives[0], objectives[1:]
    figure = make_subplots(cols=len(further), shared_yaxes=True, horizontal_spacing=0.05)
    bars = False
    for column, (metric, unit) in enumerate(zip(further, units[1:], strict=True), start=1):
        for number, place in enumerate(Place):
            chosen = [line for line in lines if line.front == place]
            if not chosen:
                continue
            x, y = (_points(table, chosen, name) for name in (metric, first))
            bars = bars or any(any(part) for part in (*x[1:], *y[1:]))
            figure.add_trace(
                go.Scatter(
                    x=x[0],
                    y=y[0],
                    mode="markers",
                    name=NAMES[place],
                    legendgroup=place.value,
                    showlegend=column == 1,
                    marker={"symbol": SYMBOLS[place], "size": 10, "color": colour_of(number)},
                    error_x=_bars(x, colour_of(number)),
                    error_y=_bars(y, colour_of(number)),
                    hovertext=[wrapped(line.setting) for line in chosen],
                    hoverinfo="text+x+y",
                ),
                1,
                column,
            )
        values = [mean_of(table, line, metric) or 0.0 for line in lines]
        logarithmic = min(values) > 0 and max(values) > 20 * min(values)
        title_of = axis_title(metric, unit) + (" (logarithmic)" if logarithmic else "")
        figure.update_xaxes(title=title_of, type="log" if logarithmic else "linear", col=column)
    if len(further) == 1:
        figure.add_trace(_by_values(table, lines, further[0], first), 1, 1)
    told = "bars: 95 % interval of each" if bars else "no intervals"
    dotted = "dotted: the front by values, noise left aside" if len(further) == 1 else ""
    dressed(figure, title, clauses(subtitle, told, dotted), 1000, 520)
    figure.update_yaxes(title=axis_title(first, units[0]), col=1)
    legend_below(figure)
    return figure


def _by_values(table: Table, lines: Sequence[Line], across: str, up: str) -> go.Scatter:
    """Return the line that joins the settings which none dominates by values."""
    chosen = sorted(
        (line for line in lines if line.front_by_values), key=lambda line: mean_of(table, line, across) or 0.0
    )
    x, y = (_points(table, chosen, name)[0] for name in (across, up))
    look = {"color": NEUTRAL, "dash": "dot", "width": 1.5}
    return go.Scatter(x=x, y=y, mode="lines", line=look, name="front by values", hoverinfo="skip")


def _points(table: Table, lines: Sequence[Line], metric: str) -> tuple[list[float], list[float], list[float]]:
    """Return the values of a metric, and how far their intervals reach above and below; 0 where there is none."""
    scale = 100 if is_accuracy(metric) else 1
    values = [mean_of(table, line, metric) or 0.0 for line in lines]
    ends = [line.judgement(table, metric).interval for line in lines]
    above = [0.0 if end is None else max(end[1] - value, 0.0) for end, value in zip(ends, values, strict=True)]
    below = [0.0 if end is None else max(value - end[0], 0.0) for end, value in zip(ends, values, strict=True)]
    return tuple([scale * one for one in part] for part in (values, above, below))  # type: ignore[return-value]


def _bars(points: tuple[list[float], list[float], list[float]], colour: str) -> dict[str, object] | None:
    _, above, below = points
    if not any(above) and not any(below):
        return None
    return {"type": "data", "array": above, "arrayminus": below, "color": colour, "thickness": 1.2, "width": 4}
