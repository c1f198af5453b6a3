"""The forest plot: differences to a baseline, each with its interval, and the line of no difference."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from search.report.design import FIGURE_TYPE_PX
from search.report.figures.names import told_apart
from search.report.figures.style import (
    INK,
    NEUTRAL,
    PAPER,
    QUIET,
    TOP_MARGIN_PX,
    dressed,
    error_bars,
    legend_below,
    named_ticks,
    pixels,
    text,
    wrapped,
)
from search.report.table.judged_text import factor
from search.report.table.labels import short_label
from search.report.table.model import Table
from search.report.text import rounded, significant
from search.statistics.results import Trust

ROW_HEIGHT_PX = 44
"""Pixels of a row: two lines of type."""

NARROW_ROW_PX = 56
"""Pixels of a row with one line of type above it."""

LINE_PX = 16
"""Pixels of one more line of type."""

MAX_LABEL_LETTERS, MAX_LABEL_LINES = 34, 3
"""Letters of a line of a label, and lines, beside a row."""

MAX_LETTERS_ABOVE, MAX_LINES_ABOVE = 48, 2
"""Likewise of a label above its row."""


@dataclass(frozen=True)
class ForestRow:
    """One difference.

    Attributes:
        label: the setting.
        estimate: setting minus baseline, in the metric's own scale; None where there is none.
        low, high: ends of its interval; None where there is none.
        state: what kind of answer it is, or why there is none, for people.
        times: what its figures are drawn times: fractions are read in points.
        number: what the setting is called where its label does not fit, "" for nothing else.
    """

    label: str
    estimate: float | None
    low: float | None
    high: float | None
    state: str = ""
    times: float = 100
    number: str = ""

    @property
    def figures(self) -> str:
        """Its numbers as they are drawn: points to one decimal, others by half the interval."""
        numbers = [self.estimate or 0.0]
        if _kind(self) != "no interval":
            numbers += [self.low or 0.0, self.high or 0.0]
        if self.times == 100:
            texts = [f"{100 * value:+.1f}" for value in numbers]
        else:
            half = (numbers[-1] - numbers[-2]) / 2 if len(numbers) > 1 else 0.0
            told = [rounded(value, half) if half > 0 else significant(value) for value in numbers]
            texts = [one if one.startswith("-") else f"+{one}" for one in told]
        return texts[0] + (f" [{texts[1]}, {texts[2]}]" if len(texts) > 1 else "")


def differences(table: Table) -> Iterator[ForestRow]:
    """Yield the differences of a table's printed lines to the baseline: on test images in a confirm stage."""
    for line in table.shown:
        difference = (line.tested if table.confirms else line.judged).difference
        if difference is None:
            continue
        state = "" if difference.state is Trust.ESTIMATED else difference.reason or difference.answer
        label = short_label(table, line) if table.confirms else line.setting
        number = f"configuration {line.configuration}"
        yield ForestRow(
            label, difference.estimate, difference.low, difference.high, state, factor(difference.measure), number
        )


def forest_figure(
    rows: Sequence[ForestRow],
    title: str,
    subtitle: str = "",
    *,
    margin: float | None = None,
    unit: str = "accuracy, setting minus baseline (points)",
    narrow: bool = False,
) -> go.Figure | None:
    """Draw differences with their intervals, top to bottom in the order given.

    A marker is filled where the interval does not hold zero, open where it does, a cross where there is no interval; a
    row without an estimate shows its state alone. Beside each row stand its numbers.

    Args:
        rows: what is drawn, of one metric.
        margin: smallest difference that matters, drawn as two thin lines around zero.
        unit: title of the axis.
        narrow: whether names and numbers stand above their rows, where a page has no room beside them.

    Returns:
        the figure, or None where there is no row.
    """
    if not rows:
        return None
    figure, times = go.Figure(), rows[0].times
    kinds: dict[str, list[int]] = {"interval without zero": [], "interval holds zero": [], "no interval": []}
    for place, row in enumerate(rows):
        if known(row.estimate) is not None:
            kinds[_kind(row)].append(place)
    symbols = ("circle", "circle-open", "x")
    for (name, places), symbol, colour in zip(kinds.items(), symbols, (INK, NEUTRAL, NEUTRAL), strict=True):
        if not places:
            continue
        ends = [(rows[i].low, rows[i].estimate, rows[i].high) for i in places]
        above = [times * ((high or 0) - (middle or 0)) for _, middle, high in ends]
        below = [times * ((middle or 0) - (low or 0)) for low, middle, _ in ends]
        figure.add_trace(
            go.Scatter(
                x=[times * (row[1] or 0) for row in ends],
                y=places,
                mode="markers",
                name=name,
                marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2}},
                error_x=error_bars(above, below, colour, 2, 6) if name != "no interval" else None,
                hovertext=[f"{wrapped(rows[i].label, lines=9)}<br>{said(rows[i])}" for i in places],
                hoverinfo="text",
            )
        )
    (_name_above if narrow else _name_beside)(figure, rows, title, subtitle)
    figure.add_vline(x=0, line={"color": INK, "width": 1.5})
    for edge in (-times * margin, times * margin) if margin else ():
        figure.add_vline(x=edge, line={"color": QUIET, "width": 1, "dash": "dot"})
    drawn = (known(end) for row in rows for end in (row.low, row.high, row.estimate))
    reach = [times * abs(end) for end in drawn if end is not None]
    far = 1.08 * max([*reach, times * (margin or 0), 1e-9])
    figure.update_xaxes(
        title={"text": text(unit), "font": {"size": FIGURE_TYPE_PX - narrow}}, range=[-far, far] if reach else [-1, 1]
    )
    under = 0.25 if narrow else 0.5  # of a row, below its mark: names stand above
    figure.update_yaxes(range=[len(rows) - 1 + under, under - 1], ticks="", showgrid=False)
    return legend_below(figure)


def _name_beside(figure: go.Figure, rows: Sequence[ForestRow], title: str, subtitle: str) -> None:
    """Write names to the left of the rows, and their numbers to the right."""
    names = _names(rows, MAX_LABEL_LETTERS, MAX_LABEL_LINES)
    beside = [wrapped(said(row), MAX_LABEL_LETTERS + 6, 2) for row in rows]
    left, right = (max(pixels(label) for label in column) + 30 for column in (names, beside))
    more = max(name.count("<br>") for name in names) - 1
    height = (ROW_HEIGHT_PX + LINE_PX * max(more, 0)) * len(rows) + TOP_MARGIN_PX + 60
    dressed(figure, title, subtitle, left + 520 + right, height, {"l": left, "r": right})
    at = {"x": 1.01, "xref": "paper", "xanchor": "left", "yref": "y", "showarrow": False, "align": "left"}
    _annotate(figure, [{**at, "y": place, "text": words} for place, words in enumerate(beside)])
    figure.update_yaxes(**named_ticks(names))


def _name_above(figure: go.Figure, rows: Sequence[ForestRow], title: str, subtitle: str) -> None:
    """Write names and numbers above the rows."""
    labels = []
    for name, row in zip(_names(rows, MAX_LETTERS_ABOVE, MAX_LINES_ABOVE), rows, strict=True):
        numbers = wrapped(said(row), MAX_LETTERS_ABOVE, 1)
        fits = "<br>" not in name and pixels(f"{name}  {numbers}") <= pixels("n" * MAX_LETTERS_ABOVE)
        labels.append(f"<b>{name}</b>{'  ' if fits else '<br>'}{numbers}")
    height = NARROW_ROW_PX + LINE_PX * max(label.count("<br>") for label in labels)
    dressed(figure, title, subtitle, 400, height * len(rows) + TOP_MARGIN_PX + 60, {"l": 12, "r": 12})
    at = {"x": 0, "xref": "paper", "xanchor": "left", "yref": "y", "yanchor": "bottom", "yshift": 9}
    at |= {"showarrow": False, "align": "left", "bgcolor": PAPER, "borderpad": 1}
    _annotate(figure, [{**at, "y": place, "text": words} for place, words in enumerate(labels)])
    figure.update_yaxes(showticklabels=False, showline=False)


def _annotate(figure: go.Figure, annotations: Sequence[Mapping[str, object]]) -> None:
    """Add annotations all at once: one by one, each would copy those before it."""
    figure.update_layout(annotations=[*figure.layout.annotations, *annotations])


def _names(rows: Sequence[ForestRow], letters: int, lines: int) -> list[str]:
    return told_apart([row.label for row in rows], [row.number for row in rows], letters, lines)


def said(row: ForestRow) -> str:
    """Return a row in words: ``+6.6 [-1.2, 14.3]``, and its state."""
    if known(row.estimate) is None:
        return row.state or "not estimable"
    return f"{row.figures} {row.state}".strip()


def known(value: float | None) -> float | None:
    """Return a finite number, else None."""
    return value if value is not None and math.isfinite(value) else None


def _kind(row: ForestRow) -> str:
    low, high = known(row.low), known(row.high)
    if low is None or high is None:
        return "no interval"
    return "interval holds zero" if low <= 0 <= high else "interval without zero"
