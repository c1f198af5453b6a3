"""Runs trained elsewhere: their scores came in a file, and nothing of them was trained or checked here."""

from __future__ import annotations

OUTSIDE = "search.judge.outside:Outside"
"""The workload of a study of such runs."""

SCORE_FILES = (".csv", ".parquet")
"""Endings of files that hold their scores."""


def is_outside(workload: str) -> bool:
    """Whether the runs of a study of this workload were trained elsewhere."""
    return workload == OUTSIDE
