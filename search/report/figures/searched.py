"""One axis of a search at a time: a point for each setting against each axis (slices), and what each axis matters.

Only settings whose every seed finished or was stopped by its rule take part: the value of a pruned run is not that of
a whole one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.report.design import SMALL_FIGURE_TYPE_PX
from search.report.figures.overlay import axis_title
from search.report.figures.parallel import MARKS, MAX_DIMENSIONS
from search.report.figures.scales import Scale, scale_of
from search.report.figures.style import (
    FAINT,
    INK,
    NEUTRAL,
    dressed,
    error_bars,
    hinted,
    legend_below,
    text,
    wrapped,
)
from search.report.record.curves import identity
from search.report.table.confirmed import Outcome
from search.report.table.groups import Group
from search.report.table.importance import BOOTSTRAP_REPEATS, complete, varied
from search.report.table.model import Importance
from search.report.text import clauses, is_accuracy
from search.space.model import Space

SLICE_PX = 250
"""Width of a panel in pixels."""

MAX_SLICE_TICKS = 4
"""Numbers that are named below a panel."""


def slice_figure(
    groups: Sequence[Group],
    space: Space,
    title: str,
    subtitle: str = "",
    confirmed: Mapping[str, Outcome] | None = None,
    unit: str = "",
) -> go.Figure | None:
    """Draw the mean objective against every axis that varies, one point per complete setting; None without any.

    Args:
        confirmed: what became of settings in the confirm stage, by `identity`.
        unit: of the objective.
    """
    whole = complete(groups)
    axes = varied(whole, space)
    if not axes or len(whole) < 2:
        return None
    drawn = axes[:MAX_DIMENSIONS]
    figure = make_subplots(cols=len(drawn), shared_yaxes=True, horizontal_spacing=0.04 if len(drawn) > 1 else 0)
    for column, axis in enumerate(drawn, start=1):
        scale = scale_of(axis, whole)
        for trace in _points(whole, axis.name, scale, space, confirmed or {}):
            figure.add_trace(trace.update(showlegend=trace.showlegend and column == 1), 1, column)
        ticks = scale.ticks(MAX_SLICE_TICKS)
        figure.update_xaxes(
            title=scale.name,
            type="log" if scale.logarithmic else "linear",
            tickvals=[value for value, _ in ticks],
            ticktext=[word for _, word in ticks],
            tickangle=0,
            tickfont={"size": SMALL_FIGURE_TYPE_PX},
            range=[-0.5, scale.high + 0.5] if scale.words else None,
            col=column,
        )
    left = len(axes) - MAX_DIMENSIONS
    more = f"{left} more axes are left out" if left > 0 else ""
    width = min(max(640, SLICE_PX * len(drawn) + 130), 1500)
    dressed(figure, title, clauses(subtitle, "a point for each setting", more), width, 420)
    figure.update_yaxes(title=axis_title(space.search.objective.metric, unit), col=1)
    if any(trace.showlegend for trace in figure.data):
        legend_below(figure)
    else:
        figure.update_layout(showlegend=False)
    return hinted(figure, panel=170)


def importance_figure(found: Importance, title: str, subtitle: str = "") -> go.Figure | None:
    """Draw importances with their spread over resamples; None where there are none."""
    if not found.values:
        return None
    names = list(found.values)
    shares = [100 * found.values[name] for name in names]
    above = [max(0.0, 100 * found.spread[name][1] - share) for name, share in zip(names, shares, strict=True)]
    below = [max(0.0, share - 100 * found.spread[name][0]) for name, share in zip(names, shares, strict=True)]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=[text(name, 40) for name in names],
            orientation="h",
            marker={"color": FAINT, "line": {"color": NEUTRAL, "width": 1}},
            error_x=error_bars(above, below, INK, 1.5, 5),
            hoverinfo="x+y",
        )
    )
    said = f"{found.evaluator}; bars: smallest and largest of {BOOTSTRAP_REPEATS} resamples of the settings"
    left = int(7.5 * max(len(text(name, 40)) for name in names)) + 40
    height = max(300, 44 * len(names) + 170)
    dressed(figure, title, clauses(subtitle, said), left + 600, height, {"l": left})
    figure.update_xaxes(title="importance (%)", range=[0, 105])
    figure.update_yaxes(autorange="reversed", ticks="")
    return hinted(figure, panel=34 * len(names) + 20)


def _points(
    whole: Sequence[Group], name: str, scale: Scale, space: Space, confirmed: Mapping[str, Outcome]
) -> Iterator[go.Scatter]:
    """Yield the points of a panel: those of most settings together, each that was run again by itself."""
    factor = 100 if is_accuracy(space.search.objective.metric) else 1
    with_value = [group for group in whole if name in group.parameters]
    again = [group for group in with_value if identity(group.parameters) in confirmed]
    others = [group for group in with_value if identity(group.parameters) not in confirmed]
    marker = {"symbol": "circle", "size": 8, "color": NEUTRAL, "opacity": 0.65}
    looks = [(others, "a setting", marker)]
    for group in again:
        outcome = confirmed[identity(group.parameters)]
        look = {"symbol": MARKS[outcome.kind], "size": 12, "color": INK, "line": {"width": 2, "color": INK}}
        looks.append(([group], f"{text(outcome.name)}, {group.short}: {outcome.words}", look))
    for groups, label, look in looks:
        yield go.Scatter(
            x=[scale.at(group.parameters[name]) for group in groups],
            y=[factor * (group.mean or 0.0) for group in groups],
            mode="markers",
            name=label,
            marker=look,
            hovertext=[wrapped(group.name) for group in groups],
            hoverinfo="text+y",
            showlegend=bool(confirmed),
        )
