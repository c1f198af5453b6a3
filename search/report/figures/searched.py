"""Searched dimensions through Optuna's own plots: parallel coordinates, slices, importances.

An Optuna study is rebuilt in memory from the ledger's settings, one trial per setting with the mean objective of its
seeds. Only settings whose every seed finished or was stopped by its rule take part: the value of a pruned run is not
that of a whole one. All names go in as plotly may show them, for Optuna hands them on as they are.

The only file of the report that imports Optuna.
"""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import plotly.graph_objects as go
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.report.figures.groups import Group, ranked
from search.report.figures.overlay import axis_title
from search.report.figures.style import HEIGHT, dressed, text
from search.report.statistics.sampled import too_few
from search.report.text import is_accuracy, value_text
from search.space import Axis, Float, Int, Space

optuna.logging.set_verbosity(optuna.logging.ERROR)  # it would announce every study in memory

LINES = 100
"""Lines of parallel coordinates at most."""

PANELS = 6
"""Dimensions of a figure at most; more of them are left out, the last of the file first."""

BOOTSTRAPS = 20
TOP_SETTINGS = 5
"""Settings that importances must have above their quantile at least."""

LOGARITHMIC = 50.0
"""Ratio of largest to smallest listed value from which an axis of positive numbers is logarithmic."""


@dataclass(frozen=True)
class Importance:
    """How much each dimension matters for being among the best.

    Attributes:
        evaluator: how it was computed, for people.
        values: axis -> share, largest first, summing to 1; empty where there is none.
        spread: axis -> smallest and largest share of `BOOTSTRAPS` resamples of the settings.
        remark: why there is none, or "".
    """

    evaluator: str
    values: dict[str, float]
    spread: dict[str, tuple[float, float]]
    remark: str = ""


def complete(groups: Sequence[Group]) -> list[Group]:
    """Return the settings that can stand for a trial of Optuna's: every seed counts, and the mean is a number."""
    return [group for group in groups if group.counted and not group.remark and group.mean is not None]


def varied(groups: Sequence[Group], space: Space) -> list[Axis]:
    """Return the axes of which these settings have more than one value."""
    found = []
    for axis in space.axes:
        values = {value_text(group.parameters[axis.name]) for group in groups if axis.name in group.parameters}
        if len(values) > 1:
            found.append(axis)
    return found


def parallel_figure(groups: Sequence[Group], space: Space, title: str, subtitle: str = "") -> go.Figure | None:
    """Draw parallel coordinates: one line per setting, dark where the objective is good; the best `LINES` of many.

    Returns:
        the figure, or None where fewer than two axes vary or fewer than two settings are complete.
    """
    whole = complete(groups)
    axes = varied(whole, space)
    if len(axes) < 2 or len(whole) < 2:
        return None
    shown = ranked(whole, space)[:LINES]
    study, names = rebuilt(shown, space, axes[:PANELS])
    objective = space.search.objective
    figure = optuna.visualization.plot_parallel_coordinate(study, params=names, target_name=_objective(space))
    said = f"one line per setting, the darker the {'higher' if objective.maximize else 'lower'} its mean objective"
    if len(shown) < len(whole):
        said = f"the {len(shown)} best of {len(whole)} complete settings; {said}"
    _finish(figure, axes, title, f"{subtitle}; {said}" if subtitle else said, 190 * (len(names) + 1) + 100)
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
    study, names = rebuilt(whole, space, axes[:PANELS])
    figure = optuna.visualization.plot_slice(study, params=names, target_name=_objective(space))
    said = "one point per setting, the darker the later it was asked for"
    _finish(figure, axes, title, f"{subtitle}; {said}" if subtitle else said, max(640, 250 * len(names) + 170))
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


def importances(groups: Sequence[Group], space: Space) -> Importance:
    """Return how much each axis matters for being among the best, from enough complete settings: see `too_few`."""
    whole = complete(groups)
    axes = varied(whole, space)
    n = len(whole)
    if len(axes) < 2:
        return Importance("", {}, {}, "importances need two axes that vary")
    if few := too_few(n):
        return Importance("", {}, {}, few)
    quantile = max(0.1, TOP_SETTINGS / n)
    evaluator = f"PED-ANOVA (Watanabe et al. 2023): share in telling the best {100 * quantile:.0f} % from the rest"
    trials, names = _trials(whole, space, axes)
    called = dict(zip(names, (axis.name for axis in axes), strict=True))
    draw = random.Random(0)
    drawn = [trials, *(draw.choices(trials, k=n) for _ in range(BOOTSTRAPS))]
    values, *again = (_shares(_study(some, space), called, quantile) for some in drawn)
    spread = {name: (min(one[name] for one in again), max(one[name] for one in again)) for name in values}
    return Importance(evaluator, values, spread)


def importance_figure(found: Importance, title: str, subtitle: str = "") -> go.Figure | None:
    """Draw importances with their spread over resamples; None where there are none."""
    if not found.values:
        return None
    names = list(found.values)
    shares = [100 * found.values[name] for name in names]
    ends = [tuple(100 * end for end in found.spread[name]) for name in names]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=[text(name, 40) for name in names],
            orientation="h",
            marker={"color": "#9ecae1", "line": {"color": "#08306b", "width": 1}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, high - share) for share, (_, high) in zip(shares, ends, strict=True)],
                "arrayminus": [max(0.0, share - low) for share, (low, _) in zip(shares, ends, strict=True)],
                "color": "#222222",
                "thickness": 1.5,
                "width": 5,
            },
            hoverinfo="x+y",
        )
    )
    said = f"{found.evaluator}; bars: smallest and largest of {BOOTSTRAPS} resamples of the settings"
    left = int(7.5 * max(len(text(name, 40)) for name in names)) + 40
    dressed(
        figure,
        title,
        f"{subtitle}; {said}" if subtitle else said,
        left + 600,
        max(300, 44 * len(names) + 170),
        {"l": left},
    )
    figure.update_xaxes(title="importance (%)", range=[0, 105])
    figure.update_yaxes(autorange="reversed", ticks="")
    return figure


def rebuilt(groups: Sequence[Group], space: Space, axes: Sequence[Axis]) -> tuple[optuna.Study, list[str]]:
    """Return an in-memory study of these settings, and what its parameters are called, in the order of `axes`."""
    trials, names = _trials(groups, space, axes)
    return _study(trials, space), names


def _study(trials: Iterable[FrozenTrial], space: Space) -> optuna.Study:
    study = optuna.create_study(direction="maximize" if space.search.objective.maximize else "minimize")
    study.add_trials(trials)
    return study


def _trials(groups: Sequence[Group], space: Space, axes: Sequence[Axis]) -> tuple[list[FrozenTrial], list[str]]:
    names = _unique([text(axis.name, 28) for axis in axes])
    scales = [
        _scale(axis, [group.parameters[axis.name] for group in groups if axis.name in group.parameters])
        for axis in axes
    ]
    trials = []
    factor = 100 if is_accuracy(space.search.objective.metric) else 1
    asked = sorted(groups, key=lambda group: group.runs[0].trial.configuration)
    for group in asked:
        params: dict[str, Any] = {}
        distributions: dict[str, BaseDistribution] = {}
        for axis, name, (distribution, spelling) in zip(axes, names, scales, strict=True):
            if axis.name in group.parameters:
                value = group.parameters[axis.name]
                params[name] = spelling[value_text(value)] if spelling else value
                distributions[name] = distribution
        assert group.mean is not None
        value = factor * group.mean
        trials.append(create_trial(state=TrialState.COMPLETE, value=value, params=params, distributions=distributions))
    return trials, names


def _scale(axis: Axis, values: Sequence[Any]) -> tuple[BaseDistribution, dict[str, str]]:
    """Return the distribution that Optuna plots an axis by, and value -> what it is called for axes of no numbers."""
    domain = axis.domain
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = min(values), max(values)
        logarithmic = domain.log if isinstance(domain, Float | Int) else low > 0 and high > LOGARITHMIC * low
        if all(isinstance(value, int) for value in values):
            return IntDistribution(low, high, log=logarithmic), {}
        return FloatDistribution(float(low), float(high), log=logarithmic), {}
    listed = [] if isinstance(domain, Float | Int) else list(domain.values)
    words = list(dict.fromkeys(value_text(value) for value in [*listed, *values]))
    shown = _unique([text(word, 24) for word in words])
    return CategoricalDistribution(shown), dict(zip(words, shown, strict=True))


def _shares(study: optuna.Study, called: Mapping[str, str], quantile: float) -> dict[str, float]:
    """Return axis -> share; all equal where the objective does not depend on any."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # brings scikit-learn: 2 s

    evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that all settings are equally good is an answer here
        shares = get_param_importances(study, evaluator=evaluator)
    return {
        called[name]: float(shares.get(name, 0.0)) for name in sorted(called, key=lambda one: -shares.get(one, 0.0))
    }


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


def _unique(words: Sequence[str]) -> list[str]:
    """Return words told apart by a number behind those that were cut to the same."""
    result: list[str] = []
    for word in words:
        count, other = 1, word
        while other in result:
            count += 1
            other = f"{word} ({count})"
        result.append(other)
    return result


def _objective(space: Space) -> str:
    return axis_title(space.search.objective.metric)


def _finish(figure: go.Figure, axes: Sequence[Axis], title: str, subtitle: str, width: int) -> None:
    left = len(axes) - PANELS
    more = f"; {left} more axes are left out" if left > 0 else ""
    dressed(figure, title, subtitle + more, min(width, 1500), HEIGHT)
