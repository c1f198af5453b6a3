"""What all figures share: the template, type sizes, and series that differ without colour.

Colours are those of `search.report.design`; a figure names its light tones alone.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

from search.report import design
from search.report.text import one_line, right_to_left

_AXIS = {
    **{"showline": True, "linecolor": design.LINE.light, "ticks": "outside", "tickcolor": design.LINE.light},
    **{"gridcolor": design.RULE.light, "zeroline": False, "automargin": True, "title": {"standoff": 10}},
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": design.FONT, "size": design.FIGURE_TYPE_PX, "color": design.INK.light},
        "colorway": [tone.light for tone in design.SERIES],
        "paper_bgcolor": design.PAGE.light,
        "plot_bgcolor": design.PAGE.light,
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {"align": "left"},
        "legend": {"bgcolor": "rgba(0,0,0,0)"},
        "annotationdefaults": {"showarrow": False},
    }
)
"""The look of every figure."""

WIDTH, HEIGHT = 900, 520
"""Pixels of a figure, doubled in a PNG."""

TOP_MARGIN_PX = 80
"""Pixels above the plot, for title and one line of subtitle."""

PIXELS_PER_LETTER = 6.4
"""Of a subtitle, rather too many than too few."""

COLOURS = tuple(tone.light for tone in design.SERIES)
"""Colours of settings, and of nothing else."""

NEUTRAL = design.SHAPE.light
"""What belongs to no setting, or to all of them."""

INK, QUIET, FAINT, PAPER = design.INK.light, design.QUIET.light, design.FAINT.light, design.PAGE.light

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "triangle-down")
SIGNS = ("●", "■", "◆", "▲", "✚", "✖", "★", "▼")
"""The same as letters, where a name stands beside a line."""

MAX_SUBTITLE_LETTERS = 5_000
ISOLATE, ISOLATE_END = "\u2068", "\u2069"
MAX_MARKERS_PER_LINE = 12
"""Markers along a line at most: more of them hide it."""


def colour_of(place: int | None) -> str:
    """Return the colour of a setting by its place among those of its study; that of no setting for None."""
    return NEUTRAL if place is None else COLOURS[place % len(COLOURS)]


def marker_of(place: int | None) -> str:
    """Return the marker of a setting, like `colour_of`."""
    return MARKERS[(place or 0) % len(MARKERS)]


def series(
    x: Sequence[float | None], y: Sequence[float | None], name: str, place: int | None, **more: object
) -> go.Scatter:
    """Return a line with sparse markers; `place` chooses colour, dash and marker together, None stands for no setting.

    None in `y` is a gap.
    """
    step = max(1, len(x) // MAX_MARKERS_PER_LINE)
    offset = place or 0
    return go.Scatter(
        x=x,
        y=y,
        name=text(name),
        mode="lines+markers",
        line={"color": colour_of(place), "dash": DASHES[offset % len(DASHES)], "width": 2},
        marker={
            "symbol": marker_of(place),
            "size": [7 if (i - offset) % step == 0 else 0 for i in range(len(x))],  # not all at the same places
            "line": {"width": 0},
        },
        **more,
    )


def key(label: str, place: int | None, **more: object) -> go.Scatter:
    """Return the legend's entry of a `series`, with a marker of full size; `label` as plotly may show it.

    The legend would draw the mean of the line's marker sizes.
    """
    line = series([None], [None], "", place, **more)
    return line.update(name=label, showlegend=True, marker={"size": 8})


def dressed(
    figure: go.Figure,
    title: str,
    subtitle: str = "",
    width: int = WIDTH,
    height: int = HEIGHT,
    margin: Mapping[str, int] = MappingProxyType({}),
) -> go.Figure:
    """Give a figure its title, size and look; a long subtitle is broken into lines, for which the figure grows."""
    heading: dict[str, Any] = {"text": text(title), "x": 0.02, "xanchor": "left", "font": {"size": 17}}
    lines = textwrap.wrap(subtitle, int(width / PIXELS_PER_LETTER)) or [""]
    heading |= {"yref": "container", "y": 1 - 22 / (height + 16 * len(lines)), "yanchor": "top"}
    if subtitle:
        broken = "<br>".join(text(line) for line in lines)
        heading["subtitle"] = {"text": broken, "font": {"size": 12, "color": QUIET}}
    figure.update_layout(
        overwrite=True,  # plotly sets whole parts in a quarter of the time that it takes to look into each
        template=TEMPLATE,
        title=heading,
        width=width,
        height=height + 16 * (len(lines) - 1),
        margin={"l": 70, "r": 30, "b": 60, **margin, "t": TOP_MARGIN_PX + 16 * (len(lines) - 1)},
        meta={**(figure.layout.meta or {}), "subtitle": text(subtitle, MAX_SUBTITLE_LETTERS)},
    )
    return figure


def hinted(figure: go.Figure, **hints: object) -> go.Figure:
    """Say what a figure alone knows of its narrow layout: see `search.report.figures.narrow.Hints`."""
    meta = dict(figure.layout.meta or {})
    return figure.update_layout(meta={**meta, "narrow": {**meta.get("narrow", {}), **hints}})


def named_ticks(names: Sequence[str], size: int | None = None) -> dict[str, object]:
    """Return what an axis needs to show names, in type of `size` pixels, in place of the numbers 0, 1, 2 ..."""
    ticks: dict[str, Any] = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names}
    return ticks if size is None else {**ticks, "tickfont": {"size": size}}


def error_bars(
    above: Sequence[float], below: Sequence[float], colour: str, thickness: float, width: int
) -> dict[str, object]:
    """Return bars of two lengths, in units of their axis; thickness and width of their ends in pixels."""
    ends = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
    return {**ends, "color": colour, "thickness": thickness, "width": width}


def hatched(colour: str, shape: str, size: int) -> dict[str, object]:
    """Return the look of bars that differ in print as well: `shape` is plotly's name of a pattern, "" for none."""
    line, pattern = {"color": NEUTRAL, "width": 1}, {"shape": shape, "fgcolor": NEUTRAL, "size": size}
    return {"color": colour, "line": line, "pattern": pattern}


def legend_below(figure: go.Figure) -> go.Figure:
    """Put the legend under the plot: above it stands a subtitle, and beside it space is dear."""
    low = figure.layout.margin.b + 40
    below = {"orientation": "h", "x": 0, "xanchor": "left", "y": 0.01, "yref": "container", "yanchor": "bottom"}
    figure.update_layout(
        overwrite=True,
        height=figure.layout.height + 40,
        margin={**figure.layout.margin.to_plotly_json(), "b": low},
        showlegend=True,
        legend={**below, "traceorder": "normal"},
    )
    return figure


def legend_beside(figure: go.Figure) -> go.Figure:
    """Put the legend at the right, and make the figure as high as its labels of several lines need."""
    labels = [trace.name or "" for trace in figure.data if trace.showlegend is not False]
    needed = sum(19 * (1 + label.count("<br>")) + 6 for label in labels) + 20
    margin = figure.layout.margin
    side = {"x": 1.01, "xanchor": "left", "y": 1, "yanchor": "top", "tracegroupgap": 4}
    figure.update_layout(height=max(figure.layout.height, needed + margin.t + margin.b), showlegend=True, legend=side)
    return figure


def text(words: str, longest: int = 200) -> str:
    """Return what plotly shows as these words: it reads HTML tags and entities in every text."""
    words = one_line(words)
    if len(words) > longest:
        words = words[: longest - 1] + "…"
    if right_to_left(words):
        words = f"{ISOLATE}{words}{ISOLATE_END}"  # else the numbers behind it would change places with it
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def wrapped(words: str, width: int = 34, lines: int = 3) -> str:
    """Return `text` of these words in lines of `width` letters, at most so many of them."""
    parts = textwrap.wrap(one_line(words), width) or [""]
    if len(parts) > lines:
        parts = [*parts[: lines - 1], f"{parts[lines - 1][: width - 1]}…"]
    return "<br>".join(text(part) for part in parts)


def pixels(label: str, size: float = 12) -> int:
    """Return about how wide a label of `text` or `wrapped` is, in type of `size` pixels."""
    return int(0.58 * size * max(len(html.unescape(line)) for line in label.split("<br>")))
