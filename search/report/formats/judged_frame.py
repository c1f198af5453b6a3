"""Intervals, differences and verdicts as columns of numbers, for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from search.report.table.model import Claim, Judged, Line, Table

_LEVEL = ("low", "high")
_DIFFERENCE = ("difference", "difference_low", "difference_high", "p", "p_holm")
_CHANCE = ("at_chance", "at_chance_low", "at_chance_high")


def figure_columns(table: Table) -> dict[str, str]:
    """Return name -> type of the columns of `figures`, in their order."""
    columns: dict[str, str] = {}
    if table.judged:
        columns |= dict.fromkeys((f"{table.judged}_{name}" for name in _LEVEL), "float64")
        columns |= _difference_columns(table, table.judged)
        if any(line.at_chance for line in table.lines):
            columns |= dict.fromkeys((f"{table.judged}_{name}" for name in _CHANCE), "float64")
    if table.test:
        test = f"{table.test}_chosen"
        columns |= dict.fromkeys((f"{test}_mean", f"{test}_sd"), "float64")
        if any(line.tested is not None for line in table.lines):
            columns |= dict.fromkeys((f"{test}_{name}" for name in _LEVEL), "float64")
            columns |= _difference_columns(table, test)
    return columns


def figures(table: Table, line: Line) -> dict[str, object]:
    """Return what a line's predictions say, as fractions; None where something is not known.

    Of the judged metric: ``_low`` and ``_high`` (95 % interval), and where there is a baseline ``_difference`` with its
    ends, ``_p``, ``_p_holm``, ``_better`` (it may be called better than the baseline) and ``_state`` (what kind of
    answer the difference is: see `statistics.results.State`). Where a seed diverged: ``_at_chance`` with its ends, the
    accuracy with such seeds at chance. Of the test metric the same under ``<metric>_chosen``, with mean and sd: at the
    epoch that each run chose on validation.
    """
    found: dict[str, Any] = {}
    if table.judged:
        found |= _figures(table.judged, line, line.judged)
        chance = line.at_chance[0] if line.at_chance else None
        ends = (chance.interval if chance is not None else None) or (None, None)
        values = (chance.cell.estimate if chance is not None else None, *ends)
        found |= dict(zip((f"{table.judged}_{name}" for name in _CHANCE), values, strict=True))
    if table.test:
        test = f"{table.test}_chosen"
        found |= {f"{test}_mean": line.chosen.mean, f"{test}_sd": line.chosen.sd}
        found |= _figures(test, line, line.tested)
    return found


def verdicts_frame(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return one row per claim: ``claim``, ``verdict``, ``reason``, and the figures it rests on, as fractions."""
    names = list(dict.fromkeys(name for claim in claims for name in claim.evidence))
    frame: dict[str, pd.Series[Any]] = {
        "claim": pd.Series([claim.text for claim in claims], dtype="str"),
        "verdict": pd.Series([claim.kind for claim in claims], dtype="str"),
        "reason": pd.Series([claim.reason for claim in claims], dtype="str"),
    }
    for name in names:
        frame[name] = pd.Series([claim.evidence.get(name, np.nan) for claim in claims], dtype="float64")
    return pd.DataFrame(frame)


def _difference_columns(table: Table, metric: str) -> Mapping[str, str]:
    if not table.compared:
        return {}
    columns = dict.fromkeys((f"{metric}_{name}" for name in _DIFFERENCE), "float64")
    return {**columns, f"{metric}_better": "bool", f"{metric}_state": "object"}


def _figures(metric: str, line: Line, judged: Judged | None) -> dict[str, object]:
    low, high = (judged.interval if judged is not None else None) or (None, None)
    found = judged.difference if judged is not None else None
    state = "baseline" if line.baseline else found.state.value if found is not None else ""
    ends = (found.estimate, found.low, found.high, found.p) if found is not None else (None,) * 4
    values = (*ends, judged.p_adjusted if judged is not None else None)
    return {
        f"{metric}_low": low,
        f"{metric}_high": high,
        **dict(zip((f"{metric}_{name}" for name in _DIFFERENCE), values, strict=True)),
        f"{metric}_better": judged is not None and judged.better,
        f"{metric}_state": state,
    }
