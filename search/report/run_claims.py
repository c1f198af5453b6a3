"""Claims about runs: what never or always happens, judged run by run.

A run is one training: settings that are read off one curve (thresholds of early stopping) under one seed are one run,
and one counterexample among them contradicts. A run that failed, was pruned or is missing is no evidence, and neither
is one that was too short to tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from search.report.curves import Curve
from search.report.rows import Table
from search.report.statistics.verdicts import Verdict, always, never
from search.space import Space
from search.space.keys import PREDICATES
from search.trial import State

_COUNTED = (State.FINISHED, State.STOPPED)


def judge_runs(
    space: Space,
    table: Table,
    lines: Sequence[Sequence[Curve]],
    claim: Mapping[str, Any],
    missed: Mapping[str, bool] | None = None,
) -> Verdict:
    """Judge a `never` or `always` claim.

    Args:
        space: the file.
        table: its table.
        lines: per line of the table its runs, one per seed.
        claim: as the file has it: one of `PREDICATES`, and perhaps ``where``.
        missed: key of a row -> whether its predictions leave a class of the validation images without a hit.
    """
    word = "never" if "never" in claim else "always"
    stated = dict(claim[word])
    where = stated.pop("where", {})
    (predicate, argument), *_ = stated.items()
    asked = [
        runs
        for line, runs in zip(table.lines, lines, strict=True)
        if all(axis in line.parameters and line.parameters[axis] in values for axis, values in where.items())
    ]
    metric = space.search.objective
    seen: list[tuple[Curve, bool | None]] = []
    for run in (run for runs in asked for run in runs):
        seen.append((run, _happened(run, predicate, argument, metric.metric, metric.maximize, table.value, missed or {})))
    each = [_one(found, word) for found in _trainings(seen)]
    verdict = never(each) if word == "never" else always(each)
    if verdict.evidence["runs"]:
        return verdict
    return replace(verdict, reason="no run that tells" if each else "no run on record")
