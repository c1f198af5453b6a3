"""Searched dimensions through Optuna's own plots: parallel coordinates, slices, importances.

An Optuna study is rebuilt in memory from the ledger's settings, one trial per setting with the mean objective of its
seeds. Only settings whose every seed finished or was stopped by its rule take part: the value of a pruned run is not
that of a whole one. All names go in as plotly may show them, for Optuna hands them on as they are.

The only file of the report that imports Optuna.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import optuna
import plotly.graph_objects as go
from optuna.distributions import CategoricalDistribution

from search.report.figures.overlay import axis_title
from search.report.figures.style import HEIGHT, dressed, error_bars, text
from search.report.table.groups import Group, ranked
from search.report.table.importance import BOOTSTRAP_REPEATS, complete, rebuilt, varied
from search.report.table.model import Importance
from search.report.text import clauses
from search.space.model import Axis, Space

optuna.logging.set_verbosity(optuna.logging.ERROR)  # it would announce every study in memory

MAX_PARALLEL_LINES = 100
"""Lines of parallel coordinates at most."""

MAX_DIMENSIONS = 6
"""Dimensions of a figure at most; more of them are left out, the last of the file first."""


def parallel_figure(groups: Sequence[Group], space: Space, title: str, subtitle: str = "") -> go.Figure | None:
    """Draw parallel coordinates: one line per setting, dark where it is good; the best `MAX_PARALLEL_LINES`.

    Returns:
        the figure, or None where fewer than two axes vary or fewer than two settings are complete.
    """
    whole = complete(groups)
    axes = varied(whole, space)
    if len(axes) < 2 or len(whole) < 2:
        return None
    shown = ranked(whole, space)[:MAX_PARALLEL_LINES]
    study, names = rebuilt(shown, space, axes[:MAX_DIMENSIONS], text)
    objective = space.search.objective
    figure = optuna.visualization.plot_parallel_coordinate(
        study, params=names, target_name=axis_title(space.search.objective.metric)
    )
    said = f"one line per setting, the darker the {'higher' if objective.maximize else 'lower'} its mean objective"
    if len(shown) < len(whole):
        said = f"the {len(shown)} best of {len(whole)} complete settings; {said}"
    _finish(figure, axes, title, clauses(subtitle, said), 190 * (len(names) + 1) + 100)
    figure.update_xaxes(showline=False, ticks="", tickangle=0)
    figure.update_annotations(bgcolor="rgba(255,255,255,0.75)", borderpad=0)
    for trace in figure.data:
        if trace.mode == "lines":
            trace.update(line={"color": _darker(trace.line.color), "width": 1.6}, opacity=0.8)
        else:
            trace.marker.colorscale = [[place, _darker(colour)] for place, colour in trace.marker.colorscale]
    return figure


def slice_figure(groups: Sequence[Group], space: Space, title: str, subtitle: str = "") -> go.Figure | None:
    """Draw the mean objective against every axis that varies, one point per complete setting; None without any."""
    whole = complete(groups)
    axes = varied(whole, space)
    if not axes or len(whole) < 2:
        return None
    study, names = rebuilt(whole, space, axes[:MAX_DIMENSIONS], text)
    figure = optuna.visualization.plot_slice(study, params=names, target_name=axis_title(space.search.objective.metric))
    said = "one point per setting, the darker the later it was asked for"
    _finish(figure, axes, title, clauses(subtitle, said), max(640, 250 * len(names) + 170))
    figure.update_traces(marker={"size": 8, "line": {"width": 1, "color": "#222222"}})
    figure.update_traces(marker_colorbar_title="order", selector={"name": "Feasible Trial"})
    for trace in figure.data:
        axis = figure.layout[f"xaxis{trace.xaxis[1:]}" if trace.xaxis else "xaxis"]
        if axis.type == "log":  # digits between the decades would run into them
            axis.update(exponentformat="power", dtick=1 if max(trace.x) > 10 * min(trace.x) else "D2")
    spelt = {repr(choice): choice for choice in _choices(study)}  # Optuna puts quotes around them
    for trace in figure.data:
        trace.x = [spelt.get(x, x) if isinstance(x, str) else x for x in trace.x]
    figure.for_each_xaxis(lambda axis: _unquote(axis, spelt))
    return figure


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
            marker={"color": "#9ecae1", "line": {"color": "#08306b", "width": 1}},
            error_x=error_bars(above, below, "#222222", 1.5, 5),
            hoverinfo="x+y",
        )
    )
    said = f"{found.evaluator}; bars: smallest and largest of {BOOTSTRAP_REPEATS} resamples of the settings"
    left = int(7.5 * max(len(text(name, 40)) for name in names)) + 40
    height = max(300, 44 * len(names) + 170)
    dressed(figure, title, clauses(subtitle, said), left + 600, height, {"l": left})
    figure.update_xaxes(title="importance (%)", range=[0, 105])
    figure.update_yaxes(autorange="reversed", ticks="")
    return figure


def _choices(study: optuna.Study) -> list[str]:
    """Return what the values of all axes of no numbers are called."""
    trials = study.get_trials(deepcopy=False)
    every = {id(one): one for trial in trials for one in trial.distributions.values()}.values()
    return [str(choice) for one in every if isinstance(one, CategoricalDistribution) for choice in one.choices]


def _unquote(axis: go.layout.XAxis, spelt: Mapping[str, str]) -> None:
    if axis.categoryarray is not None:
        axis.categoryarray = [spelt.get(name, name) for name in axis.categoryarray]


def _darker(colour: str) -> str:
    """Return a colour of Optuna's scale, whose light end vanishes on white, darker by a quarter."""
    channels = [int(0.76 * float(number)) for number in re.findall(r"[\d.]+", colour)[:3]]
    return f"rgb({channels[0]},{channels[1]},{channels[2]})"


def _finish(figure: go.Figure, axes: Sequence[Axis], title: str, subtitle: str, width: int) -> None:
    left = len(axes) - MAX_DIMENSIONS
    more = f"; {left} more axes are left out" if left > 0 else ""
    dressed(figure, title, subtitle + more, min(width, 1500), HEIGHT)
