"""What successive halving did: how many trials passed every rung, and the objective it decided on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from search.core.trial import State
from search.ledger.ledger import Decision
from search.report.figures.overlay import axis_title
from search.report.figures.style import INK, NEUTRAL, PAPER, QUIET, dressed, hatched, legend_below, named_ticks
from search.report.record.curves import COUNTED, Curve
from search.report.text import is_accuracy
from search.study.pruner import decided

MAX_RUNGS_DRAWN = 12
"""Rungs in one figure at most: their names stand beside each other."""


@dataclass(frozen=True)
class Rung:
    """One rung.

    Attributes:
        epoch: at which it decides.
        passed, pruned: trials it let go on, and those that stayed there: ended, or paused.
        kept, cut: objective of the distinct runs it let go on, and of the others; finite ones, in the order of the log.
            Trials that share a run up to here share its decision.
    """

    epoch: int
    passed: int
    pruned: int
    kept: Sequence[float]
    cut: Sequence[float]


def rungs_of(log: Sequence[Decision], curves: Sequence[Curve]) -> Iterator[Rung]:
    """Yield the rungs, by epoch, from the entries of a study's order log that are of the kinds `RUNGS`."""
    verdicts = decided(log)
    for epoch in sorted({epoch for epoch, _ in verdicts}):
        here = [verdict for (at, _), verdict in verdicts.items() if at == epoch]
        passed = pruned = 0
        for curve in curves:
            if curve.trial.last_epoch >= epoch and (verdict := verdicts.get((epoch, curve.keys[epoch - 1]))):
                paused = not verdict[1] and curve.trial.state not in COUNTED
                stays = curve.trial.last_epoch == epoch and (paused or curve.trial.state is State.PRUNED)
                passed, pruned = passed + (not stays), pruned + stays
        values: tuple[list[float], list[float]] = ([], [])
        for entry, went_on in here:
            value = entry.detail.get("value")
            if isinstance(value, int | float) and math.isfinite(value):
                values[0 if went_on else 1].append(float(value))
        yield Rung(epoch, passed, pruned, *values)


def drawn_rungs(rungs: Sequence[Rung]) -> list[Rung]:
    """Return the rungs that a figure shows: all of them, or of a rule that decides behind every epoch those that ended
    the most, by epoch."""
    most = sorted(rungs, key=lambda rung: (-rung.pruned, rung.epoch))[:MAX_RUNGS_DRAWN]
    return sorted(most, key=lambda rung: rung.epoch)


def rungs_figure(
    rungs: Sequence[Rung],
    started: int,
    finished: int,
    metric: str,
    title: str,
    subtitle: str = "",
    unit: str = "",
    pauses: bool = False,
) -> go.Figure | None:
    """Draw how many trials passed each rung, and the objective of those that did and those that did not.

    Args:
        rungs: by epoch.
        started: trials with an epoch on record.
        finished: trials that reached their last epoch, or were stopped by their rule.
        metric: name of the objective.
        unit: its unit.
        pauses: whether a trial that does not go on may do so later.

    Returns:
        the figure, or None where there is no rung.
    """
    if not rungs:
        return None
    names = ["started", *(f"rung {rung.epoch}" for rung in rungs), "finished"]
    on = [started, *(rung.passed for rung in rungs), finished]
    ended = [0, *(rung.pruned for rung in rungs), 0]
    here, ended_so = ("stayed here", "stayed") if pauses else ("pruned here", "was pruned")
    figure = make_subplots(cols=2, horizontal_spacing=0.12, column_widths=[0.52, 0.48])
    places = list(range(len(names)))
    for counts, name, colour, pattern in ((on, "went on", NEUTRAL, ""), (ended, here, PAPER, "/")):
        figure.add_trace(
            go.Bar(
                x=places,
                y=counts,
                name=name,
                text=[str(count) if count else "" for count in counts],
                textposition="inside" if not pattern else "outside",
                textangle=0,
                marker=hatched(colour, pattern, 7),
                cliponaxis=False,
                hoverinfo="x+y+name",
            ),
            1,
            1,
        )
    scale = 100 if is_accuracy(metric) else 1
    for sign, symbol, colour in ((0, "circle", INK), (1, "x-thin", QUIET)):
        x: list[float] = []
        y: list[float] = []
        for place, rung in enumerate(rungs):
            values = (rung.kept, rung.cut)[sign]
            # Beside one another, the runs that went on to the left; spread a little, in the order they were decided.
            x += [place + (0.18 if sign else -0.18) + 0.12 * math.sin(7.0 * i) for i in range(len(values))]
            y += [scale * value for value in values]
        marker = {"symbol": symbol, "color": colour, "size": 8, "line": {"width": 2 if sign else 0, "color": colour}}
        figure.add_trace(
            go.Scatter(x=x, y=y, mode="markers", name=f"a run that {ended_so if sign else 'went on'}", marker=marker),
            1,
            2,
        )
    dressed(figure, title, subtitle, width=1000)
    legend_below(figure).update_layout(barmode="stack", bargap=0.3)
    figure.update_xaxes(**named_ticks(names), showgrid=False, col=1)
    figure.update_yaxes(title="trials", rangemode="tozero", col=1)
    figure.update_xaxes(**named_ticks(names[1:-1]), range=[-0.5, len(rungs) - 0.5], showgrid=False, col=2)
    figure.update_xaxes(title="epoch at which was decided", col=2)
    figure.update_yaxes(title=axis_title(metric, unit), col=2)
    return figure
