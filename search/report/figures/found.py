"""What a search found, setting by setting: the best so far, and what a random search of fewer settings would find."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from search.report.figures.overlay import axis_title
from search.report.figures.style import INK, NEUTRAL, dressed, legend_below
from search.report.table.tried import Tried
from search.report.text import clauses, is_accuracy
from search.report.text import figure as shown

MAX_SETTINGS_DRAWN = 2000
"""Settings up to which each is drawn; beyond, the lines alone."""

MAX_STEPS_NAMED = 6
"""Steps of the best so far that a sentence names at most."""


def found_figure(tried: Tried, metric: str, title: str, subtitle: str = "", unit: str = "") -> go.Figure | None:
    """Draw the objective of every setting in the order they were asked for, and the best of them so far.

    Where the settings are independent draws, each at full length, the mean best of k of them is drawn too: what a
    search of k settings is expected to find. Elsewhere the subtitle says why there is no such curve.

    Returns:
        the figure, or None where fewer than two settings have a value.
    """
    places = [k for k, value in enumerate(tried.values, start=1) if value is not None]
    if len(places) < 2:
        return None
    scale = 100 if is_accuracy(metric) else 1
    figure = go.Figure()
    if len(places) <= MAX_SETTINGS_DRAWN:
        marker = {"symbol": "circle-open", "size": 7, "color": NEUTRAL}
        values = _scaled([tried.values[k - 1] for k in places], scale)
        figure.add_trace(go.Scatter(x=places, y=values, mode="markers", marker=marker, name="a setting"))
    steps = _steps(tried.best)
    line = {"color": INK, "width": 2, "shape": "hv"}
    best = _scaled([tried.best[k - 1] for k in steps], scale)
    figure.add_trace(go.Scatter(x=steps, y=best, mode="lines", line=line, name="best so far in this search"))
    if tried.expected:
        dashed = {"color": NEUTRAL, "width": 2, "dash": "dash"}
        x, y = list(tried.expected), _scaled(list(tried.expected.values()), scale)
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=dashed, name="expected best of so many settings"))
    said = f"no expected best of fewer settings: {tried.why}" if tried.why else "expected best: mean over all subsets"
    warning = "the best was chosen by the figure it is shown with, which is optimistic"
    dressed(figure, title, clauses(subtitle, warning, said))
    legend_below(figure)
    figure.update_xaxes(title="settings tried", rangemode="tozero", dtick=1 if len(tried.values) <= 10 else None)
    figure.update_yaxes(title=axis_title(metric, unit))
    return figure


def found_sentence(tried: Tried, metric: str) -> str:
    """Return the main numbers of the figure."""
    steps = _steps(tried.best)
    named = steps if len(steps) <= MAX_STEPS_NAMED else [*steps[: MAX_STEPS_NAMED - 1], steps[-1]]
    best = ", ".join(f"{shown(metric, tried.best[k - 1])} after {k}" for k in named)
    unit = " in per cent" if is_accuracy(metric) else ""
    sentence = f"Best {metric} so far{unit}: {best} settings"
    if not tried.expected:
        return f"{sentence}. No curve of the expected best: {tried.why}."
    sizes = list(tried.expected)
    some = sorted({sizes[0], sizes[len(sizes) // 2], sizes[-1]})
    return f"{sentence}; expected best: {', '.join(f'{shown(metric, tried.expected[k])} of {k}' for k in some)}."


def _steps(best: Sequence[float | None]) -> list[int]:
    """Return after how many settings the best one changes, and the number of all settings."""
    changes = [k for k in range(1, len(best) + 1) if best[k - 1] is not None and (k == 1 or best[k - 1] != best[k - 2])]
    return changes if not changes or changes[-1] == len(best) else [*changes, len(best)]


def _scaled(values: Sequence[float | None], scale: int) -> list[float | None]:
    return [None if value is None else scale * value for value in values]
