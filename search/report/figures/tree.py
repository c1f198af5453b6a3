"""The stage tree: which epochs the trials of a study share, and which of them this study trained.

Paths of two trials agree up to an epoch and never again: a key names everything that was trained up to it. So the
trials make a tree over epochs. Up to `MAX_TRIAL_ROWS` trials it is drawn row by row; a larger one by its width at
every epoch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from search.core.grouped import grouped
from search.core.trial import State
from search.report import design
from search.report.figures.style import (
    INK,
    NEUTRAL,
    PAPER,
    QUIET,
    TOP_MARGIN_PX,
    dressed,
    hatched,
    legend_below,
    named_ticks,
    pixels,
    text,
    wrapped,
)
from search.report.record.curves import Curve

MAX_TRIAL_ROWS = 40
"""Trials up to which each has a row."""

ROW_HEIGHT_PX = 24
MAX_LABEL_LETTERS = 46
"""Letters of a label; all of them are shown where the pointer is."""

ENDS = {
    State.FINISHED: ("circle", "finished"),
    State.STOPPED: ("square", "stopped by its rule"),
    State.PRUNED: ("x-thin", "pruned"),
    State.CUT_OFF: ("line-ns", "cut off"),
    State.DIVERGED: ("star-triangle-up-open", "diverged"),
    State.FAILED: ("diamond-open", "failed"),
    State.RUNNING: ("triangle-right-open", "not done"),
    State.INTERRUPTED: ("triangle-right-open", "not done"),
    State.WAITING: ("triangle-right-open", "not done"),
}
"""State -> marker and words of a trial's end."""


@dataclass(frozen=True)
class Branch:
    """A trial in the tree.

    Attributes:
        label: setting and seed.
        parent: place of the trial it parts from, None for a root.
        start: epoch behind which its own epochs begin.
        end: its last epoch; equal to `start` where another trial trained all of it.
        trained: the epochs of its own that this study trained; the others were on record already.
        state: how it ended.
    """

    label: str
    parent: int | None
    start: int
    end: int
    trained: frozenset[int]
    state: State


def branches(trials: Sequence[tuple[str, Curve]]) -> list[Branch]:
    """Return the tree, a trial in front of those that part from it, those that part latest first.

    Args:
        trials: label and curve; of two that share an epoch, it belongs to the first one.
    """
    ours = trained_keys([curve for _, curve in trials])
    owner: dict[str, int] = {}
    result: list[Branch] = []
    for place, (label, curve) in enumerate(trials):
        keys = curve.keys[: curve.trial.last_epoch]
        start = next((epoch for epoch, key in enumerate(keys) if key not in owner), len(keys))
        parent = owner[keys[start - 1]] if start else None
        owner.update(dict.fromkeys(keys[start:], place))
        own = frozenset(epoch for epoch in range(start + 1, len(keys) + 1) if keys[epoch - 1] in ours)
        result.append(Branch(label, parent, start, len(keys), own, curve.trial.state))
    return _in_order(result)


def widths(curves: Sequence[Curve]) -> list[tuple[int, int, int]]:
    """Return at epochs 1, 2 ...: trials that have it, different trainings among them, those this study trained."""
    ours = trained_keys(curves)
    result = []
    for epoch in range(1, max((curve.trial.last_epoch for curve in curves), default=0) + 1):
        keys = [curve.keys[epoch - 1] for curve in curves if curve.trial.last_epoch >= epoch]
        result.append((len(keys), len(set(keys)), len(set(keys) & ours)))
    return result


def trained_keys(curves: Sequence[Curve]) -> frozenset[str]:
    """Return the keys of the epochs that this study's leases trained."""
    return frozenset(curve.keys[epoch - 1] for curve in curves for epoch in curve.trained)


def shares(curves: Sequence[Curve]) -> tuple[int, int, int]:
    """Return epochs if every trial were trained alone, distinct ones, and those this study trained."""
    alone = sum(curve.trial.last_epoch for curve in curves)
    distinct = frozenset(key for curve in curves for key in curve.keys[: curve.trial.last_epoch])
    return alone, len(distinct), len(distinct & trained_keys(curves))


def tree_figure(tree: Sequence[Branch], title: str, subtitle: str = "") -> go.Figure:
    """Draw the tree: one row per trial, a bar over the epochs that are its own, a dotted line to where it parts."""
    figure = go.Figure()
    own = [(i, begin, end, ours) for i, branch in enumerate(tree) for begin, end, ours in _spans(branch)]
    looks = ((True, "trained by this study", NEUTRAL, ""), (False, "on record already", PAPER, "/"))
    for ours, name, colour, pattern in looks:
        mine = [(i, begin, end) for i, begin, end, which in own if which is ours]
        if mine:
            figure.add_trace(
                go.Bar(
                    y=[i for i, _, _ in mine],
                    x=[end - begin for _, begin, end in mine],
                    base=[begin for _, begin, _ in mine],
                    orientation="h",
                    name=name,
                    marker=hatched(colour, pattern, 6),
                    hovertext=[f"{wrapped(tree[i].label)}<br>epochs {begin + 1} to {end}" for i, begin, end in mine],
                    hoverinfo="text",
                )
            )
    x: list[float | None] = []
    y: list[float | None] = []
    for i, branch in enumerate(tree):
        if branch.parent is not None:
            x += [branch.start, branch.start, None]
            y += [branch.parent, i, None]
    if x:
        line = {"color": QUIET, "width": 1.2, "dash": "dot"}
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", name="parts or ends here", line=line, hoverinfo="skip"))
    _ends(figure, tree)
    names = [text(branch.label, MAX_LABEL_LETTERS) for branch in tree]
    left = max((pixels(name, 11) for name in names), default=0) + 30
    dressed(
        figure,
        title,
        subtitle,
        left + 700,
        max(260, ROW_HEIGHT_PX * len(tree) + TOP_MARGIN_PX + 60),
        {"l": left, "r": 40},
    )
    legend_below(figure).update_layout(barmode="overlay", bargap=0.45)
    last = max((branch.end for branch in tree), default=1)
    figure.update_xaxes(title="epochs trained", range=[-0.01 * last, 1.03 * last], dtick=1 if last <= 10 else None)
    figure.update_yaxes(**named_ticks(names, 11), range=[len(tree) - 0.4, -0.6], showgrid=False, ticks="")
    return figure


def width_figure(wide: Sequence[tuple[int, int, int]], title: str, subtitle: str = "") -> go.Figure:
    """Draw how many trials have each epoch, and how many different trainings they are: see `widths`."""
    figure = go.Figure()
    trials, distinct, trained = zip(*wide, strict=True)
    lines = [
        ("trials that have this epoch", trials, NEUTRAL, "dash"),
        ("different trainings among them", distinct, INK, "solid"),
        *([("trained by this study", trained, QUIET, "dot")] if trained != distinct else []),
    ]
    # Epoch t lasts from t - 1 to t.
    epochs = list(range(len(wide) + 1))
    for name, counts, colour, dash in lines:
        look = {"shape": "vh", "color": colour, "dash": dash, "width": 2}
        figure.add_trace(go.Scatter(x=epochs, y=[counts[0], *counts], name=name, mode="lines", line=look))
    figure.data[1].update(fill="tozeroy", fillcolor=design.BOX.light)
    dressed(figure, title, subtitle)
    legend_below(figure)
    figure.update_xaxes(title="epochs trained", rangemode="tozero", dtick=1 if len(wide) <= 10 else None)
    figure.update_yaxes(title="trials", rangemode="tozero")
    return figure


def _in_order(found: Sequence[Branch]) -> list[Branch]:
    """Return branches in depth-first order, so that no connection crosses a bar, with parents by their new places."""
    below = grouped(range(len(found)), lambda place: found[place].parent)

    def behind(parent: int | None) -> Iterator[int]:
        for place in sorted(below.get(parent, []), key=lambda i: (-found[i].start, i)):
            yield place
            yield from behind(place)

    order = list(behind(None))
    new = {place: i for i, place in enumerate(order)}
    return [
        replace(found[place], parent=None if (parent := found[place].parent) is None else new[parent])
        for place in order
    ]


def _spans(branch: Branch) -> list[tuple[int, int, bool]]:
    """Return the branch's own epochs as (behind which epoch, up to which, whether this study trained them)."""
    runs = itertools.groupby(range(branch.start + 1, branch.end + 1), lambda epoch: epoch in branch.trained)
    epochs = [(list(run), ours) for ours, run in runs]
    return [(run[0] - 1, run[-1], ours) for run, ours in epochs]


def _ends(figure: go.Figure, tree: Sequence[Branch]) -> None:
    for (symbol, words), places in grouped(range(len(tree)), lambda i: ENDS[tree[i].state]).items():
        bold = symbol.endswith(("thin", "open"))
        figure.add_trace(
            go.Scatter(
                x=[tree[i].end for i in places],
                y=places,
                mode="markers",
                name=words,
                marker={"symbol": symbol, "size": 10, "color": INK, "line": {"width": 2 if bold else 0}},
                hovertext=[f"{wrapped(tree[i].label)}<br>{words} after epoch {tree[i].end}" for i in places],
                hoverinfo="text",
                cliponaxis=False,
            )
        )
