"""Curves over epochs with the settings of a study laid over one another: a metric with a band over seeds; the rate.

A line is the mean over the seeds of its setting, the band their smallest and largest value: no interval. Lines are
drawn as far as all seeds of the setting have the metric, because a mean over those that are left would jump where one
ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from search.core.grouped import grouped
from search.core.trial import State
from search.report.figures.curves import LOGARITHMIC_RATIO, rate_axis
from search.report.figures.style import (
    SIGNS,
    colour_of,
    dressed,
    hinted,
    key,
    legend_beside,
    pixels,
    series,
    wrapped,
)
from search.report.table.groups import Group
from search.report.text import clauses, is_accuracy, metric_words

BAND_OPACITY = 0.16
"""Opacity of a band: three of them laid over one another still show their lines."""

DIRECT = "direct"
"""Name of the annotations that stand for a legend."""


def metric_figure(
    groups: Sequence[Group], metric: str, title: str, subtitle: str = "", unit: str = ""
) -> go.Figure | None:
    """Draw a metric over epochs, one line per setting.

    Args:
        groups: settings, in the order of the legend.
        metric: its name; accuracies are drawn in per cent.
        title, subtitle: what is written above; what line and band are is added.
        unit: of the metric.

    Runs that diverge leave the frame, for their last values may be a billion times those of the others.

    Returns:
        the figure, or None where no run has the metric.
    """
    scale = 100 if is_accuracy(metric) else 1
    frame = _frame(groups, metric, scale)
    lines = [(group, *_within(frame, over_seeds(group, metric, scale))) for group in groups]
    lines = [line for line in lines if line[1]]
    if not lines:
        return None
    figure = go.Figure()
    for group, epochs, low, _, high in lines:
        if any(one is not None and one != two for one, two in zip(low, high, strict=True)):
            figure.add_trace(_band(epochs, low, high, group.place))
    for group, epochs, _, mean, _ in lines:
        place = group.place
        figure.add_trace(series(epochs, mean, group.short, place, legendgroup=str(place), showlegend=False))
        figure.add_trace(key(wrapped(group.called), place, legendgroup=str(place)))
    seeds = max(len(group.runs) for group, *_ in lines)
    said = (
        f"line: mean over {seeds} seeds; band: smallest and largest of them, no interval" if seeds > 1 else "one seed"
    )
    cut = [group for group, epochs, *_ in lines if any((run.last_epoch or 0) > epochs[-1] for run in group.runs)]
    if cut:
        said += "; a line ends where the first of its seeds does"
    if frame is not None:
        said += "; what diverges leaves the frame"
    longest = max(epochs[-1] for _, epochs, *_ in lines)
    dressed(figure, title, clauses(subtitle, said, same_training(groups)), 1000)
    legend_beside(figure)
    ends = [(group, mean[-1]) for group, epochs, _, mean, _ in lines if epochs[-1] == longest and mean[-1] is not None]
    if len(ends) == len(lines):
        name_at_ends(figure, ends, longest)
    figure.update_xaxes(title="epoch", range=[0, 1.02 * longest], dtick=1 if longest <= 10 else None)
    figure.update_yaxes(title=axis_title(metric, unit))
    if frame is not None:
        low, high = frame
        figure.update_yaxes(range=[low - 0.04 * (high - low), high + 0.04 * (high - low)])
    return figure


def rates_figure(groups: Sequence[Group], title: str, subtitle: str = "") -> go.Figure | None:
    """Draw the learning rate over epochs, in steps, one line per setting; None where no run has the metric ``lr``.

    Settings with the same rates share one line, which bears all their names and looks like the first of them. The axis
    is logarithmic where rates span more than a factor of `LOGARITHMIC_RATIO` and none is zero.
    """
    same: dict[tuple[float, ...], list[Group]] = {}
    for group in groups:
        run = max(group.runs, key=lambda shared_line: shared_line.last_epoch or 0)
        rates = tuple(rate for epoch in sorted(run.rows) if (rate := run.metric("lr", epoch)) is not None)
        if rates and all(math.isfinite(rate) for rate in rates):
            same.setdefault(rates, []).append(group)
    if not same:
        return None
    figure = go.Figure()
    shared_line = len(groups) > 1 and len(same) == 1 and sum(map(len, same.values())) == len(groups)
    every = [rate for rates in same for rate in rates]
    logarithmic = min(every) > 0 and max(every) > LOGARITHMIC_RATIO * min(every)
    for rates, those in same.items():
        # Epoch t lasts from t - 1 to t; vertical first, so that a rate stands over its own epoch.
        names = f"all {len(groups)} settings" if shared_line else "; ".join(group.short for group in those)
        steps = list(range(len(rates) + 1))
        place = None if shared_line else min(group.place for group in those)  # what stands for all has nobody's colour
        figure.add_trace(series(steps, [rates[0], *rates], names, place, legendgroup=str(place), showlegend=False))
        figure.data[-1].line.shape = "vh"
        figure.add_trace(key(wrapped(names, lines=4), place, legendgroup=str(place)))
    legend_beside(dressed(figure, title, subtitle, 1000))
    longest = max(len(rates) for rates in same)
    figure.update_xaxes(title="epochs trained", range=[0, 1.02 * longest], dtick=1 if longest <= 10 else None)
    return rate_axis(figure, every, logarithmic, 1 if max(every) > 100 * min(every) else "D2")


def name_at_ends(figure: go.Figure, ends: Sequence[tuple[Group, float | None]], last: float) -> None:
    """Write the name of every setting beside the end of its line, in place of a legend.

    Names that would lie upon one another are moved apart, in the order of the lines. A narrow page has no room beside
    the lines: there the legend stands below.
    """
    values = [value for trace in figure.data for value in trace.y or () if value is not None]
    low, high = min(values), max(values)
    low, high = low - 0.04 * (high - low), high + 0.04 * (high - low)
    if low == high:
        low, high = low - 1, high + 1
    names = {id(group): wrapped(group.called, 30, 2) for group, _ in ends}
    margin = figure.layout.margin
    per_pixel = (high - low) / (figure.layout.height - margin.t - margin.b)
    heights = [(4 + 17 * (1 + names[id(group)].count("<br>"))) * per_pixel for group, _ in ends]
    places = spread([value or 0.0 for _, value in ends], heights)
    for (group, _), place in zip(ends, places, strict=True):
        sign = f'<span style="color:{colour_of(group.place)}">{SIGNS[group.place % len(SIGNS)]}</span>'
        figure.add_annotation(
            **{"x": last, "y": place, "xanchor": "left", "xshift": 8, "showarrow": False, "align": "left"},
            **{"text": f"{sign} {names[id(group)]}", "name": DIRECT},
        )
    room = max(pixels(name) for name in names.values()) + 45
    figure.update_layout(showlegend=False, margin_r=room)
    ends_of = [place + sign * height / 2 for place, height in zip(places, heights, strict=True) for sign in (-1, 1)]
    low, high = min(low, *ends_of), max(high, *ends_of)  # a name beyond the axis would not be drawn
    figure.update_yaxes(range=[low, high])
    hinted(figure, drop=DIRECT, legend=True)


def spread(places: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Return places near these, in the same order, for labels of these heights that do not lie upon one another.

    Labels that touch are put together to a block around the mean of where its labels would stand; blocks that then
    touch are joined (pool adjacent violators).
    """
    order = sorted(range(len(places)), key=lambda i: (places[i], i))
    blocks: list[tuple[list[int], float, float]] = []  # members, from bottom to top; middle; height
    for i in order:
        block = ([i], places[i], heights[i])
        while blocks and block[1] - block[2] / 2 < blocks[-1][1] + blocks[-1][2] / 2:
            members, middle, height = blocks.pop()
            count = len(members) + len(block[0])
            middle = (len(members) * middle + len(block[0]) * block[1]) / count
            block = (members + block[0], middle, height + block[2])
        blocks.append(block)
    result = [0.0] * len(places)
    for members, middle, height in blocks:
        bottom = middle - height / 2
        for i in members:
            result[i] = bottom + heights[i] / 2
            bottom += heights[i]
    return result


Values = list[float | None]


def over_seeds(group: Group, metric: str, scale: float = 1) -> tuple[list[int], Values, Values, Values]:
    """Return epochs, and the smallest, mean and largest value over the seeds of a setting at each of them.

    The epochs reach as far as all runs do; where one has no finite value there is a gap.
    """
    reached = [
        max((epoch for epoch in run.rows if run.metric(metric, epoch) is not None), default=0) for run in group.runs
    ]
    epochs = list(range(1, min(reached, default=0) + 1))
    extents: list[tuple[float | None, ...]] = []
    for epoch in epochs:
        values = [run.metric(metric, epoch) for run in group.runs]
        known = [scale * value for value in values if value is not None and math.isfinite(value)]
        whole = len(known) == len(values)
        extents.append((min(known), math.fsum(known) / len(known), max(known)) if whole else (None, None, None))
    low, mean, high = ([one[place] for one in extents] for place in range(3))
    return epochs, low, mean, high


def axis_title(metric: str, unit: str = "") -> str:
    """Return what an axis of this metric is called, with its unit; that of accuracies is per cent."""
    words = wrapped(metric_words(metric), 60, 1)
    unit = unit or ("%" if is_accuracy(metric) else "")
    return f"{words} ({unit})" if unit else words


def same_training(groups: Sequence[Group]) -> str:
    """Say which settings were settled from the same training: their lines lie upon one another."""
    same = grouped(groups, lambda group: group.keys).values()
    sets = [" = ".join(group.short for group in those) for those in same if len(those) > 1]
    return f"one training, so one line: {', '.join(sets)}" if sets else ""


def _frame(groups: Sequence[Group], metric: str, scale: float) -> tuple[float, float] | None:
    """Return the smallest and the largest value of runs that did not diverge, where one that did lies far beyond; None
    where all values can be drawn."""
    values: dict[bool, list[float]] = {True: [], False: []}
    for run in (run for group in groups for run in group.runs):
        known = (run.metric(metric, epoch) for epoch in run.rows)
        values[run.trial.state is State.DIVERGED] += [
            scale * one for one in known if one is not None and math.isfinite(one)
        ]
    lost, kept = values[True], values[False]
    if not lost or not kept or not (span := max(kept) - min(kept)):
        return None
    far = max(lost) > max(kept) + span or min(lost) < min(kept) - span
    return (min(kept), max(kept)) if far else None


def _within(frame: tuple[float, float] | None, found: tuple[list[int], Values, Values, Values]) -> tuple[Any, ...]:
    """Return epochs and values, those beyond the frame cut just outside it."""
    if frame is None:
        return found
    span = frame[1] - frame[0]
    low, high = frame[0] - span, frame[1] + span
    epochs, *three = found
    return epochs, *([None if one is None else min(max(one, low), high) for one in values] for values in three)


def _band(epochs: Sequence[int], low: Values, high: Values, place: int) -> go.Scatter:
    """Return the area between two lines; epochs without a value are left out of it."""
    places = [i for i in range(len(epochs)) if low[i] is not None]
    x = [epochs[i] for i in places]
    return go.Scatter(
        x=[*x, *reversed(x)],
        y=[*(high[i] for i in places), *(low[i] for i in reversed(places))],
        fill="toself",
        fillcolor=colour_of(place),
        opacity=BAND_OPACITY,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=str(place),
    )
