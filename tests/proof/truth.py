"""What the rows of a study must be: every trial trained in a fresh process of its own, from its first epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.core.prefix import fingerprint
from search.core.trial import Row
from search.proof.fresh import Warm
from search.proof.savings import leaves
from search.report.record.curves import read_curves
from search.space.model import Space
from search.study.opened import OpenStudy
from search.system.machine import fork_is_fresh
from search.workload import load_workload
from search.workload.measured import row_of

Truth = Mapping[tuple[str, int], Sequence[Row]]
"""Fingerprint of a trial's parameters, and its seed -> the rows of its epochs."""


def truth(space: Space) -> Truth:
    """Train every trial of a space whose configurations do not depend on results, alone, and return its rows.

    No row depends on what a process trained before, on a saved state, or on whether trials share epochs. In a process
    that has computed with several threads of torch each starts an interpreter, for a fork might wait for them for ever.
    """
    workload = load_workload(space.workload)
    trials = leaves(space, workload)
    assert trials is not None
    rows: dict[tuple[str, int], Sequence[Row]] = {}
    with Warm(lambda: workload, fork=fork_is_fresh(0)) as warm:
        for leaf in trials:
            with warm.fresh() as fresh:
                fresh.start(leaf.fixed, space.resources.cpus, 0)
                card = fresh.data(leaf.fixed)
                measured = [row_of(fresh.train_epoch(settings), card) for settings in leaf.schedule]
            rows[fingerprint(leaf.trial.parameters), leaf.trial.seed] = measured
    return rows


def wrong_rows(study: OpenStudy, true: Truth) -> list[tuple[int, int, list[str]]]:
    """Return (trial, epoch, what differs) of each row that a study's tables are made of and that is not the true one.

    Args:
        study: the study.
        true: what its rows must be.
    """
    wrong = []
    curves = read_curves(study)
    for curve in curves.curves:
        rows = true[fingerprint(curve.trial.parameters), curve.trial.seed]
        for epoch, recorded in curve.rows.items():
            if differing := recorded.row.differences(Row(rows[epoch - 1].metrics)):
                wrong.append((curve.trial.number, epoch, differing))
    return wrong
