"""Intervals, differences and verdicts as columns of numbers, for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from search.report.record.series import Columns, Series
from search.report.table.model import NOT_JUDGED, Cell, Claim, Judged, Line, Table
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
    metrics with scores the same under their names, without these two. Of the test metric the same under
    ``<metric>_chosen``, with mean and sd: at the epoch that each run chose on validation.
    """
    if table.judged:
        yield from _judged(table, table.judged, lambda line: line.judged)
        if any(line.at_chance for line in table.lines):
            chance = f"{table.judged}_at_chance"
            yield chance, "float64", lambda line: _at_chance(line).cell.estimate
            yield from _ends(chance, _at_chance)
        if any(line.learned for line in table.lines):
            learned = f"{table.judged}_learned"
            yield f"{table.judged}_stuck", "int64", lambda line: sum(flag.outcome for flag in line.judged.stuck)
            yield learned, "float64", lambda line: _learned(line).cell.estimate
            yield from _ends(learned, _learned)
            if table.compared:
                between = f"{learned}_difference"
                yield between, "float64", lambda line: _between(line).estimate
                yield from _ends(between, _between)
    for name in table.scored:
        yield from _judged(table, name, partial(Line.judgement, table=table, metric=name))
    if table.test:
        test = f"{table.test}_chosen"
        yield from mean_columns(test, lambda line: line.chosen)
        if any(line.tested.known for line in table.lines):
            yield from _judged(table, test, lambda line: line.tested)


def mean_columns(metric: str, cell: Callable[[Line], Cell]) -> Iterator[Column]:
    """Yield the columns of a mean over seeds and its standard deviation."""
    yield f"{metric}_mean", "float64", lambda line: cell(line).mean
    yield f"{metric}_sd", "float64", lambda line: cell(line).sd


def verdicts_columns(claims: Sequence[Claim]) -> Columns:
    """Return one row per claim: ``claim``, ``verdict``, ``reason``, and the figures it rests on, as fractions."""
    words = {
        "claim": Series("str", [claim.text for claim in claims]),
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


def _at_chance(line: Line) -> Judged:
    return line.at_chance[0] if line.at_chance else NOT_JUDGED


def _learned(line: Line) -> Judged:
    return line.learned[0] if line.learned else NOT_JUDGED


def _between(line: Line) -> Difference:
    return _learned(line).difference or Difference(Trust.NOT_ESTIMABLE)
