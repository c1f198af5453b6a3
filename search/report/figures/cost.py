"""What a setting's figure costs: the objective against the epochs it would take alone, and against seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.core.mean import mean
from search.report.figures.overlay import axis_title
from search.report.figures.style import (
    NEUTRAL,
    colour_of,
    dressed,
    error_bars,
    legend_below,
    legend_beside,
    marker_of,
    wrapped,
)
from search.report.table.groups import Group
from search.report.text import clauses, is_accuracy

MAX_SETTINGS_MARKED = 8
"""Settings up to which each has a marker of its own."""


def cost_figure(
    groups: Sequence[Group],
    metric: str,
    value: str,
    title: str,
    subtitle: str = "",
    maximize: bool = True,
    unit: str = "",
) -> go.Figure | None:
    """Draw the mean objective of every setting against its cost, with the range over seeds.

    Costs are means over the seeds: epochs as if the run were trained alone, and the seconds of its epochs, whoever
    trained them. In the panel of epochs a line joins the best means at so many epochs or fewer: it tests no difference.
    Seconds are too noisy to say which of two settings is cheaper, so no line is drawn there. A setting of which not
    every seed finished is drawn with an open marker, and is on no line: what is left of it is no mean of the setting.

    Args:
        groups: settings.
        metric: the objective.
        value: ``last`` or ``best``, the epoch the tables read.
        title, subtitle: what is written above; what is drawn is added.
        maximize: whether more is better.
        unit: of the metric.

    Returns:
        the figure, or None where fewer than two settings have a value.
    """
    scale = 100 if is_accuracy(metric) else 1
    points = [(group, [scale * one for one in values]) for group in groups if (values := group.values(metric, value))]
    if len(points) < 2:
        return None
    epochs = [mean([float(run.last_epoch or 0) for run in group.runs]) for group, _ in points]
    seconds = [mean([run.seconds for run in group.runs]) for group, _ in points]
    panels = [("epochs of a run, trained alone", epochs)] if max(epochs) > min(epochs) else []
    panels += [("seconds of a run", seconds)] if min(seconds) > 0 else []
    if not panels:
        return None
    figure = make_subplots(cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04)
    means = [mean(values) for _, values in points]
    whole = [i for i, (group, _) in enumerate(points) if not group.remark]
    for column, (name, costs) in enumerate(panels, start=1):
        if costs is epochs and whole:
            known = [costs[i] for i in whole]
            best = [whole[i] for i in front(known, [means[i] for i in whole], maximize)]
            figure.add_trace(
                go.Scatter(
                    x=[*(costs[i] for i in best), max(known)],
                    y=[*(means[i] for i in best), means[best[-1]]],
                    mode="lines",
                    line={"color": NEUTRAL, "dash": "dot", "width": 1.5, "shape": "hv"},
                    name=f"{'highest' if maximize else 'lowest'} mean up to here",
                    hoverinfo="skip",
                ),
                1,
                column,
            )
        for trace in _markers(points, means, costs, column):
            figure.add_trace(trace, 1, column)
        logarithmic = min(costs) > 0 and max(costs) > 20 * min(costs)
        figure.update_xaxes(
            title=name + (" (logarithmic)" if logarithmic else ""),
            type="log" if logarithmic else "linear",
            dtick=("D2" if max(costs) < 100 * min(costs) else 1) if logarithmic else None,
            col=column,
        )
    bars = "bars: smallest and largest of the seeds" if any(len(values) > 1 for _, values in points) else "one seed"
    named = len(points) <= MAX_SETTINGS_MARKED
    open_ = "open: not every seed finished" if len(whole) < len(points) else ""
    said = (subtitle, bars, "means and costs as measured, no difference is tested here", open_)
    dressed(figure, title, clauses(*said), 1000, 520)
    figure.update_yaxes(title=axis_title(metric, unit), col=1)
    (legend_beside if named else legend_below)(figure)
    return figure


def front(costs: Sequence[float], values: Sequence[float], maximize: bool = True) -> list[int]:
    """Return the places of those that are better than everything that costs as much or less, cheapest first."""
    sign = 1 if maximize else -1
    best, places = -math.inf, []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -sign * values[i])):
        if sign * values[i] > best:
            best = sign * values[i]
            places.append(i)
    return places


def _markers(
    points: Sequence[tuple[Group, list[float]]], means: Sequence[float], costs: Sequence[float], column: int
) -> Iterator[go.Scatter]:
    """Yield one trace per setting, or one for all of them where they are many."""
    named = len(points) <= MAX_SETTINGS_MARKED
    each = [[i] for i in range(len(points))] if named else [list(range(len(points)))]
    for those in each:
        place = points[those[0]][0].place if named else None
        colour = colour_of(place)
        above = [max(points[i][1]) - means[i] for i in those]
        below = [means[i] - min(points[i][1]) for i in those]
        yield go.Scatter(
            x=[costs[i] for i in those],
            y=[means[i] for i in those],
            mode="markers",
            name=wrapped(points[those[0]][0].called) if named else "a setting",
            legendgroup=str(place),
            showlegend=column == 1,
            marker={
                "symbol": [marker_of(place) + "-open" * bool(points[i][0].remark) for i in those],
                "color": colour,
                "size": 10 if named else 7,
            },
            error_y=error_bars(above, below, colour, 1.2, 4) if any(len(points[i][1]) > 1 for i in those) else None,
            hovertext=[f"{wrapped(points[i][0].name)}<br>{means[i]:.4g} at {costs[i]:.4g}" for i in those],
            hoverinfo="text",
        )
