"""A figure laid out anew for a phone: panels below one another, the legend below the plot, fewer ticks.

Nothing is shrunk: type keeps its size, and a plot takes the width there is. The title of a vertical axis stands above
it, where it takes no width. What a figure alone knows of its narrow layout it says in ``layout.meta["narrow"]``, see
`Hints`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

NARROW_PX = 560
"""Width in pixels below which a figure is laid out for a phone."""

PHONE_PX = 368
"""Width in pixels that the narrow layout is made for: a window of 400 without the page's margins."""

PANEL_PX = 250
"""Height of a panel in pixels, unless a figure says otherwise."""

TYPE_PX = 12
LEGEND_LINE_PX = 19
ABOVE_PX = 30
"""Room above a panel: the title of its vertical axis."""

BELOW_PX = 48
"""Room below a panel: ticks and title of its horizontal axis."""

MAX_TICKS = 5

_AXIS = re.compile(r"[xy]axis\d*")


class Hints(TypedDict, total=False):
    """What a figure says of its narrow layout.

    Attributes:
        panel: height of a panel in pixels.
        below: room below a panel in pixels, where labels need more; of the last panel where only it has labels.
        last_labels: whether only the last of the panels has labels below.
        drop: name of the annotations that are left out.
        every: of named ticks every so many are named.
        markers: what sizes of markers are multiplied by.
        legend: whether there is a legend; by default as in the wide layout.
    """

    panel: int
    below: int
    last_labels: bool
    drop: str
    every: int
    markers: float
    legend: bool


def narrow(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the narrow layout of a figure.

    Args:
        content: the figure as plotly's JSON describes it: ``data`` and ``layout``.

    Returns:
        ``layout``, whole but for its width, and ``traces``: for every trace what is other in it.
    """
    layout = copy.deepcopy(dict(content["layout"]))
    hints: Hints = cast(Hints, (layout.get("meta") or {}).get("narrow") or {})
    layout.pop("width", None)
    layout["annotations"] = [
        note for note in layout.get("annotations", ()) if not hints.get("drop") or note.get("name") != hints["drop"]
    ]
    layout.setdefault("font", {})["size"] = TYPE_PX
    wanted = hints.get("legend", layout.get("showlegend"))
    legend = _legend_px(content["data"]) if wanted else 0
    layout["showlegend"] = bool(wanted)
    layout["legend"] = {
        **{"orientation": "v", "x": 0, "xanchor": "left", "bgcolor": "rgba(0,0,0,0)"},
        **{"y": 0, "yanchor": "bottom", "yref": "container", "traceorder": "normal", "font": {"size": TYPE_PX}},
    }
    _ticks(layout, hints)
    _stack(layout, hints, legend)
    return {"layout": layout, "traces": [_trace(trace, hints) for trace in content["data"]]}


def _legend_px(traces: Sequence[Mapping[str, Any]]) -> int:
    shown = [trace.get("name") or "" for trace in traces if trace.get("showlegend", True) and trace.get("name")]
    return sum(LEGEND_LINE_PX * (1 + name.count("<br>")) for name in shown) + 12 if shown else 0


def _ticks(layout: dict[str, Any], hints: Hints) -> None:
    for name in filter(_AXIS.fullmatch, layout):
        axis = layout[name]
        if axis.get("tickmode") == "array" or axis.get("tickvals"):
            every = hints.get("every", 1)
            for values in ("tickvals", "ticktext"):
                if isinstance(axis.get(values), list):
                    axis[values] = axis[values][::every]
        elif "dtick" not in axis:
            axis["nticks"] = MAX_TICKS


def _stack(layout: dict[str, Any], hints: Hints, legend: int) -> None:
    """Put the panels below one another, and what stands above and below each of them with it."""
    pairs = _panels(layout)
    rows = _rows_px(layout) if len(pairs) == 1 else 0
    panel = hints.get("panel", rows or PANEL_PX)
    below = hints.get("below", BELOW_PX)
    last_labels = hints.get("last_labels", False)
    gaps = [below if not last_labels or i == len(pairs) - 1 else 8 for i in range(len(pairs))]
    titles = _panel_titles(layout, pairs)
    above = [ABOVE_PX + 16 * (title.get("text", "").count("<br>") if title else 0) for title in titles]
    inner = sum(above) + sum(gaps) + panel * len(pairs) - above[0] - gaps[-1]
    height = inner + above[0] + gaps[-1] + legend
    layout["margin"] = {"l": 8, "r": 14, "t": above[0], "b": gaps[-1] + legend, "pad": 0}
    layout["height"] = height
    top = float(inner)
    first_title = _title(layout.get(pairs[0][1], {}))
    for i, (x, y) in enumerate(pairs):
        if i:
            top -= above[i]
        domain = [max(0.0, (top - panel) / inner), min(1.0, top / inner)]
        for name in (x, y):
            layout.setdefault(name, {})
        layout[x] |= {"domain": [0, 1], "anchor": y.replace("axis", "")}
        layout[y] |= {"domain": domain, "anchor": x.replace("axis", ""), "showticklabels": True, "automargin": True}
        layout[y].pop("matches", None) if len(pairs) > 1 else None
        if last_labels and i < len(pairs) - 1:
            layout[x] |= {"showticklabels": False, "title": {}, "ticks": ""}
        words = _title(layout[y]) or (first_title if i == 0 else "")
        layout[y]["title"] = {}
        if titles[i]:
            titles[i].update(
                x=0, xref="paper", xanchor="left", y=domain[1], yref="paper", yanchor="bottom", align="left"
            )
        elif words:
            layout["annotations"].append(_above(words, domain[1]))
        top -= panel + gaps[i]


def _panels(layout: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of axes, from left to right."""
    names = [name for name in layout if name.startswith("xaxis") and _AXIS.fullmatch(name)] or ["xaxis"]
    pairs = [(name, f"y{name[1:]}") for name in names]
    return sorted(pairs, key=lambda pair: layout.get(pair[0], {}).get("domain", [0])[0])


def _rows_px(layout: Mapping[str, Any]) -> int:
    """Return the height of a panel whose rows are named: it needs as much as before."""
    margin = layout.get("margin", {})
    axis = layout.get("yaxis", {})
    named = "ticktext" in axis and axis.get("type") != "log"
    return int(layout["height"] - margin.get("t", 0) - margin.get("b", 0)) if named else 0


def _panel_titles(layout: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the title of each panel, an empty one where it has none."""
    free = [
        note
        for note in layout["annotations"]
        if note.get("xref") == note.get("yref") == "paper" and note.get("y", 0) >= 1 and not note.get("name")
    ]
    titles: list[dict[str, Any]] = []
    for x, _ in pairs:
        low, high = layout.get(x, {}).get("domain", [0, 1])
        titles.append(next((note for note in free if low <= note.get("x", -1) <= high), {}))
    return titles


def _title(axis: Mapping[str, Any]) -> str:
    title = axis.get("title") or {}
    return str(title.get("text") or "") if isinstance(title, Mapping) else str(title)


def _above(words: str, y: float) -> dict[str, Any]:
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": y, "yref": "paper", "yanchor": "bottom"}
    return {**place, "text": words, "showarrow": False, "align": "left", "yshift": 4}


def _trace(trace: Mapping[str, Any], hints: Hints) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    scale = hints.get("markers")
    marker = trace.get("marker") or {}
    if scale and isinstance(marker.get("size"), list):
        changes["marker"] = {**marker, "size": [max(2.0, round(scale * size, 1)) for size in marker["size"]]}
    if scale and trace.get("type") == "heatmap" and trace.get("texttemplate"):
        changes["textfont"] = {"size": 8}
    return changes
