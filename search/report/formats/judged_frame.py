"""Intervals, differences and verdicts as columns of numbers, for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from search.report.record.series import Columns, Series
from search.report.table.model import Cell, Claim, Judged, Line, Table, again_of
from search.statistics.results import Difference, Trust

if TYPE_CHECKING:
    import pandas as pd

Column = tuple[str, str, Callable[[Line], object]]
"""A column of the frame: its name, its type, and what a line has there, None where something is not known."""


def figure_columns(table: Table) -> Iterator[Column]:
    """Yield the columns of what predictions and scores say; accuracies as fractions, other metrics in their own unit.

    Of the judged metric: ``_low`` and ``_high`` (95 % interval), and where there is a baseline ``_difference`` with its
    ends, ``_p``, ``_p_holm``, ``_better`` (it may be called better than the baseline) and ``_state`` (what kind of
    answer the difference is: see `statistics.results.State`). Where a seed diverged: ``_at_chance`` with its ends, the
    metric with such seeds at chance, or at the score of an untrained model. Where a run did not learn: ``_stuck``, how
    many of the setting, and ``_learned`` with its ends and its difference, the same without such runs. Of other
    metrics with scores the same under their names. Of the test metric the same under ``<metric>_chosen``, with mean and
    sd: at the epoch that each run chose on validation.
    """
    for name in table.metrics_judged:
        of, shown = partial(Line.judgement, table=table, metric=name), name
        if name == table.test:
            shown = f"{table.test}_chosen"
            yield from mean_columns(shown, lambda line: line.chosen)
            if not any(line.tested.known for line in table.lines):
                continue
        yield from _judged(table, shown, of)
        yield from _second_lines(table, shown, name, of)


def _second_lines(table: Table, shown: str, metric: str, of: Callable[[Line], Judged]) -> Iterator[Column]:
    """Yield the columns of a metric's second lines: with diverged runs counted, and without runs that did not learn."""

    def chance(line: Line) -> Judged:
        return again_of(table, line.at_chance, metric)

    def learned(line: Line) -> Judged:
        return again_of(table, line.learned, metric)

    if any(chance(line).known for line in table.lines):
        yield f"{shown}_at_chance", "float64", lambda line: chance(line).cell.estimate
        yield from _ends(f"{shown}_at_chance", chance)
    if any(learned(line).known for line in table.lines):
        yield f"{shown}_stuck", "int64", lambda line: sum(flag.outcome for flag in of(line).stuck)
        yield f"{shown}_learned", "float64", lambda line: learned(line).cell.estimate
        yield from _ends(f"{shown}_learned", learned)
        if table.compared:

            def between(line: Line) -> Difference:
                return learned(line).difference or Difference(Trust.NOT_ESTIMABLE)

            yield from _beside(f"{shown}_learned_difference", between)


def mean_columns(metric: str, cell: Callable[[Line], Cell]) -> Iterator[Column]:
    """Yield the columns of a mean over seeds and its standard deviation."""
    yield f"{metric}_mean", "float64", lambda line: cell(line).mean
    yield f"{metric}_sd", "float64", lambda line: cell(line).sd


def verdicts_columns(claims: Sequence[Claim]) -> Columns:
    """Return one row per claim: ``claim``, ``metric`` that it is judged by ("" of a claim about runs), ``verdict``,
    ``reason``, and the figures it rests on; accuracies as fractions, other metrics in their own unit."""
    words = {
        "claim": Series("str", [claim.text for claim in claims]),
        "metric": Series("str", [claim.metric for claim in claims]),
        "verdict": Series("str", [claim.kind.value for claim in claims]),
        "reason": Series("str", [claim.reason for claim in claims]),
    }
    names = dict.fromkeys(name for claim in claims for name in claim.evidence)
    return words | {name: Series("float64", [claim.evidence.get(name) for claim in claims]) for name in names}


def verdicts_frame(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return `verdicts_columns` as a data frame."""
    from search.report.record.frames import frame_of

    return frame_of(verdicts_columns(claims))


def _judged(table: Table, metric: str, judged: Callable[[Line], Judged]) -> Iterator[Column]:
    def difference(line: Line) -> Difference:
        return judged(line).difference or Difference(Trust.NOT_ESTIMABLE)

    def state(line: Line) -> str:
        return "baseline" if line.baseline else difference(line).answer if judged(line).difference else ""

    yield from _ends(metric, judged)
    if not table.compared:
        return
    yield f"{metric}_difference", "float64", lambda line: difference(line).estimate
    yield from _ends(f"{metric}_difference", difference)
    yield f"{metric}_p", "float64", lambda line: difference(line).p
    yield f"{metric}_p_holm", "float64", lambda line: judged(line).p_adjusted
    yield f"{metric}_better", "bool", lambda line: judged(line).better
    yield f"{metric}_state", "object", state
    if any(judged(line).companions is not None for line in table.lines):
        for name in ("won", "capped_difference"):
            yield from _beside(f"{metric}_{name}", partial(_companion, judged=judged, name=name.partition("_")[0]))
        yield f"{metric}_top_share", "float64", lambda line: getattr(judged(line).companions, "top_share", None)


def _companion(line: Line, judged: Callable[[Line], Judged], name: str) -> Difference:
    return getattr(judged(line).companions, name, None) or Difference(Trust.NOT_ESTIMABLE)


def _beside(name: str, of: Callable[[Line], Difference]) -> Iterator[Column]:
    """Yield the columns of a difference that stands beside another one."""
    yield name, "float64", lambda line: of(line).estimate
    yield from _ends(name, of)


def _ends(name: str, of: Callable[[Line], Judged | Difference]) -> Iterator[Column]:
    """Yield the columns of an interval."""

    def end(line: Line, place: int) -> float | None:
        found = of(line)
        return (found.interval or (None, None) if isinstance(found, Judged) else (found.low, found.high))[place]

    yield f"{name}_low", "float64", lambda line: end(line, 0)
    yield f"{name}_high", "float64", lambda line: end(line, 1)
