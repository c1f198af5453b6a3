"""What a search tried: the value of every setting in the order it was asked for, and what may be made of them.

A setting has a value where each of its seeds finished or was stopped by its rule. One that diverged under a seed counts
that seed at chance where chance is known, for the accuracy to expect from a search; it is never the best found so far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.core.mean import mean
from search.core.trial import State
from search.report.record.curves import COUNTED, Curve, Curves, by_setting
from search.report.table.build import one_per_seed
from search.report.text import is_accuracy
from search.statistics.sampled import best_so_far, expected_best, why_no_expected_best

MAX_EXPECTED_SIZES = 200
"""Numbers of settings for which the expected best is computed at most, evenly spaced in their logarithm."""


@dataclass(frozen=True)
class Tried:
    """A search, setting by setting.

    Attributes:
        values: mean objective of each setting, in the order they were asked for; None where it has none.
        best: the best of them so far; None before the first value.
        expected: k -> mean best of k settings drawn from these, for up to `MAX_EXPECTED_SIZES` values of k; {} where
            `why` says why.
        why: why there is no such curve, a phrase; "" where there is one.
    """

    values: Sequence[float | None]
    best: Sequence[float | None]
    expected: Mapping[int, float]
    why: str


def tried(read: Curves) -> Tried:
    """Return what a sampled study tried."""
    space = read.space
    groups = by_setting(sorted(read.curves, key=lambda one: one.trial.configuration))
    values: list[float | None] = []
    counted: list[float | None] = []
    pruned = pending = 0
    for runs in (one_per_seed(group) for group in groups.values()):
        states = {run.trial.state for run in runs}
        objectives = [_objective(read, run) for run in runs]
        whole = len(runs) >= len(space.seeds)
        values.append(_mean(objectives) if whole and states <= set(COUNTED) else None)
        pruned += State.PRUNED in states
        if State.PRUNED not in states and (not whole or not states <= {*COUNTED, State.DIVERGED}):
            pending += 1
        at_chance = [
            _chance(read, run) if run.trial.state is State.DIVERGED else value
            for run, value in zip(runs, objectives, strict=True)
        ]
        counted.append(_mean(at_chance))
    sign = 1 if space.search.objective.maximize else -1
    best = best_so_far(values, space.search.objective.maximize)
    lengths = [curve.trial.epochs for curve in read.curves]
    why = why_no_expected_best(space.search.sampler, lengths, pruned, pending)
    costs = [sign * value for value in counted if value is not None]
    if not why and len(costs) < len(counted):
        why = f"a setting has no {space.search.objective.metric}, and what stands for it is not known"
    if why:
        return Tried(values, best, {}, why)
    sizes = np.unique(np.geomspace(1, len(costs), MAX_EXPECTED_SIZES).round().astype(int)).tolist()
    found = expected_best(costs, sizes)
    return Tried(values, best, {k: sign * float(one) for k, one in zip(sizes, found, strict=True)}, "")


def _objective(read: Curves, run: Curve) -> float | None:
    value = run.metric(read.space.search.objective.metric, run.epoch(read.space.report.value))
    return value if value is not None and math.isfinite(value) else None


def _chance(read: Curves, run: Curve) -> float | None:
    """Return the accuracy of guessing; None for an objective that is none, or where the classes are not known."""
    card = read.cards.get(run.data)
    known = card is not None and card.classes and is_accuracy(read.space.search.objective.metric)
    return 1 / len(card.classes) if card is not None and known else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known and len(known) == len(values) else None
