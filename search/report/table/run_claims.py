"""Claims about runs: what never or always happens, judged run by run.

A run is one training: settings that are read off one curve (thresholds of early stopping) under one seed are one run,
and one counterexample among them contradicts. A run that failed, was pruned or is missing is no evidence, and neither
is one that was too short to tell. What is said of the runs to come is said of each setting by its own runs: settings
are not alike, and many runs of one tell nothing of another. Where a pruner ended runs before they told, the others were
chosen by how well they did, and support nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from search.core.trial import State
from search.core.values import among
from search.report.record.curves import COUNTED, Curve
from search.report.table.model import Table
from search.space.model import Space
from search.statistics.verdicts import Verdict, always


def judge_runs(
    space: Space,
    table: Table,
    lines: Sequence[Sequence[Curve]],
    claim: Mapping[str, Any],
    missed: Mapping[str, bool],
) -> Verdict:
    """Judge a `never` or `always` claim.

    Args:
        lines: per line of the table its runs, one per seed.
        claim: as the file has it: one of `search.space.report_keys.PREDICATES`, and perhaps ``where``.
        missed: key of a row -> whether its predictions leave a class of the validation images without a hit.
    """
    word = "never" if "never" in claim else "always"
    stated = dict(claim[word])
    where = stated.pop("where", {})
    (predicate, argument), *_ = stated.items()
    held = []
    telling: dict[str, int] = {}
    pruned = 0
    for line, runs in zip(table.lines, lines, strict=True):
        if line.foreign or not _meant(line, where):
            continue
        for run in runs:
            happened = _happened(run, predicate, argument, space, table.value, missed)
            held.append((run, happened if word == "always" or happened is None else not happened))
            telling[line.setting] = telling.get(line.setting, 0) + (happened is not None)
            pruned += happened is None and run.trial.state is State.PRUNED
    trained = [_together([one for _, one in runs]) for runs in trainings(held)]
    verdict = always(trained, telling, pruned)
    if verdict.evidence["runs"]:
        return verdict
    return replace(verdict, reason="no run on record tells" if trained else "no run is on record")


def trainings(found: Sequence[tuple[Curve, bool | None]]) -> list[list[tuple[Curve, bool | None]]]:
    """Put together what was read off one curve: runs whose epochs are the first ones of another run."""
    groups: list[list[tuple[Curve, bool | None]]] = []
    owner: dict[str, int] = {}
    for entry in sorted(found, key=lambda one: -len(one[0].keys)):
        keys = entry[0].keys
        place = owner.get(keys[-1]) if keys else None
        if place is None:
            place = len(groups)
            groups.append([])
        groups[place].append(entry)
        for key in keys:
            owner.setdefault(key, place)
    return groups


def _meant(line: Any, where: Mapping[str, Sequence[Any]]) -> bool:
    return all(axis in line.parameters and among(line.parameters[axis], values) for axis, values in where.items())


def _together(held: Sequence[bool | None]) -> bool | None:
    """Return what one training says: one counterexample is enough."""
    known = [one for one in held if one is not None]
    return all(known) if known else None


def _happened(
    run: Curve, predicate: str, argument: Any, space: Space, value: str, missed: Mapping[str, bool]
) -> bool | None:
    """Return whether a run did what a claim speaks of; None where it does not tell."""
    state, last = run.trial.state, run.trial.last_epoch
    if predicate == "diverges":
        return True if state is State.DIVERGED else False if state in COUNTED else None
    if predicate in ("stops_before", "stops_by"):
        limit = argument - 1 if predicate == "stops_before" else argument
        if state is State.STOPPED and last <= limit:
            return True
        # A run that went beyond the epoch did not stop there, however it ended; one that ended earlier does not tell.
        return False if last > limit else None
    if state is State.DIVERGED:
        return False if predicate == "reaches" else None
    if state not in COUNTED:
        return None
    epoch = run.epoch(value)
    if predicate == "misses_a_class":
        return missed.get(run.keys[epoch - 1]) if epoch else None
    objective = space.search.objective
    reached = run.metric(objective.metric, epoch)
    if reached is None or not math.isfinite(reached):
        return None
    return bool(reached >= argument if objective.maximize else reached <= argument)
