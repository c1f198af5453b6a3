"""Curves over epochs of one trial: loss and accuracy, training beside validation; the learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.report import design
from search.report.figures.style import INK, NEUTRAL, QUIET, dressed, series, wrapped
from search.report.text import is_accuracy

if TYPE_CHECKING:
    import pandas as pd

SPLITS = (("train", "training"), ("val", "validation"))
SPLIT_COLOURS = (NEUTRAL, INK)
"""Of training and validation: colours of settings would mean settings."""

MAX_RATES_NAMED = 8
"""Different learning rates up to which each is named on a logarithmic axis."""

MOST_NAMES = 20
"""Names that an axis as high as a figure has room for, at equal distances."""

LOGARITHMIC_RATIO = 5.0
"""Ratio of the largest to the smallest learning rate from which the axis is logarithmic."""


def drawn_kinds(epochs: pd.DataFrame, objective: str) -> list[str]:
    """Return what `curves_figure` draws: "loss", "accuracy" and the objective, those that are there, without split."""
    kinds = ("loss", "accuracy", objective.removeprefix("val_"))
    return [kind for kind in dict.fromkeys(kinds) if _splits(epochs, kind)]


def curves_figure(
    epochs: pd.DataFrame,
    title: str,
    subtitle: str = "",
    read: int | None = None,
    objective: str = "",
    units: Mapping[str, str] | None = None,
) -> go.Figure | None:
    """Draw loss, accuracy and the objective over epochs, training and validation.

    Args:
        epochs: rows of one trial, as in ``epochs.csv``: ``epoch`` and metrics such as ``train_loss`` and ``val_loss``.
        read: the epoch tables read, drawn as a line across; None for no such line.
        objective: name of the metric that decides.
        units: metric of validation -> its unit.

    Returns:
        the figure, or None where no such metric is there.
    """
    panels = [(kind, _splits(epochs, kind)) for kind in drawn_kinds(epochs, objective)]
    if not panels:
        return None
    figure = make_subplots(cols=len(panels), horizontal_spacing=0.1)
    for column, (kind, splits) in enumerate(panels, start=1):
        scale = 100 if is_accuracy(kind) else 1
        for split in splits:
            place, name = next((i, name) for i, (key, name) in enumerate(SPLITS) if key == split)
            y = [_finite(value * scale) for value in epochs[f"{split}_{kind}"]]
            line = series(list(epochs["epoch"]), y, name, place, legendgroup=split, showlegend=column == 1)
            colour = SPLIT_COLOURS[place]
            figure.add_trace(line.update(line_color=colour, marker_color=colour), 1, column)
        unit = "%" if is_accuracy(kind) else (units or {}).get(f"val_{kind}", "")
        label = wrapped(kind.replace("_", " "), 60, 1) + (f" ({unit})" if unit else "")
        figure.update_yaxes(title=label, rangemode="tozero" if kind == "loss" else "normal", row=1, col=column)
        if read is not None:
            figure.add_vline(
                x=read,
                line={"color": design.LINE.light, "width": 1, "dash": "dot"},
                annotation={"text": f"epoch {read}", "font": {"size": 11, "color": QUIET}},
                annotation_position="top left",
                row=1,
                col=column,
            )
    figure.update_xaxes(title="epoch", rangemode="tozero", dtick=1 if len(epochs) <= 10 else None)
    dressed(figure, title, subtitle, width=1000 if len(panels) > 1 else 700)
    figure.update_layout(legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"})
    return figure


def rate_figure(epochs: pd.DataFrame, title: str, subtitle: str = "") -> go.Figure | None:
    """Draw the learning rate over epochs, from the column ``lr``; None where there is none.

    The rate is constant within an epoch, so it is drawn in steps; the axis is logarithmic where rates span more than a
    factor of `LOGARITHMIC_RATIO`.
    """
    if "lr" not in epochs or epochs["lr"].isna().all():
        return None
    numbers, rates = list(epochs["epoch"]), [_finite(rate) for rate in epochs["lr"]]
    positive = [rate for rate in rates if rate is not None and rate > 0]
    logarithmic = len(positive) == len(rates) and max(positive) > LOGARITHMIC_RATIO * min(positive)
    # Epoch t lasts from t - 1 to t.
    line = go.Scatter(
        x=[0, *numbers],
        y=[*rates[:1], *rates],
        line={"shape": "vh", "color": INK, "width": 2},
        mode="lines",
        showlegend=False,
    )
    figure = dressed(go.Figure(line), title, subtitle, height=420)
    figure.update_xaxes(title="epochs trained", rangemode="tozero", dtick=1 if len(epochs) <= 10 else None)
    return rate_axis(figure, positive, logarithmic, 1)


def rate_axis(figure: go.Figure, rates: Sequence[float], logarithmic: bool, between: int | str) -> go.Figure:
    """Give a figure its axis of learning rates; on a logarithmic one few rates are named, many have ticks `between`."""
    figure.update_yaxes(
        title="learning rate" + (" (logarithmic)" if logarithmic else ""),
        type="log" if logarithmic else "linear",
        exponentformat="power",
        rangemode="normal" if logarithmic else "tozero",
    )
    distinct = sorted(set(rates))
    if logarithmic and len(distinct) <= MAX_RATES_NAMED:
        named = _apart(distinct)
        figure.update_yaxes(tickvals=named, ticktext=[f"{rate:.3g}" for rate in named])
    elif logarithmic:
        figure.update_yaxes(dtick=between)
    return figure


def _apart(rates: Sequence[float]) -> list[float]:
    """Return those of ascending rates whose names do not stand on one another on a logarithmic axis."""
    least, named = (rates[-1] / rates[0]) ** (1 / MOST_NAMES), [*rates[:1]]
    for rate in rates[1:]:
        if rate >= named[-1] * least:
            named.append(rate)
    return named


def _splits(epochs: pd.DataFrame, kind: str) -> Sequence[str]:
    return [split for split, _ in SPLITS if f"{split}_{kind}" in epochs and epochs[f"{split}_{kind}"].notna().any()]


def _finite(value: float) -> float | None:
    """Return None for what cannot be drawn: a gap in the line."""
    return float(value) if math.isfinite(value) else None
