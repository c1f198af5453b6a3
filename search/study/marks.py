"""Behind which epochs of a leaf its state is worth keeping, for what is known of the leaf alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from search.core.values import same
from search.ledger.kept import Role
from search.study.leaf import Leaf

STATES_PER_CHAIN = 8
"""Spaced states per chain."""

STEADY_EPOCHS = 3
"""A change of settings is a landmark where it follows so many equal epochs: not every one of an exponential decay."""


def own_marks(leaf: Leaf, rungs: Iterable[int] = (), landmarks: Iterable[int] = ()) -> dict[int, Role]:
    """Return epoch, counted from 1 -> what a state behind it is kept for; some may lie behind the leaf's end.

    Args:
        rungs: epochs at which the pruner decides.
        landmarks: epochs the workload names.
    """
    schedule: Sequence[object] = leaf.schedule
    length = len(leaf.path)
    marks = {round(place * length / STATES_PER_CHAIN): Role.SPACED for place in range(1, STATES_PER_CHAIN)}
    changes = [epoch for epoch in range(1, length) if not same(schedule[epoch], schedule[epoch - 1])]
    steady = [epoch for epoch, before in zip(changes, [0, *changes], strict=False) if epoch - before >= STEADY_EPOCHS]
    marks |= dict.fromkeys([*landmarks, *steady], Role.LANDMARK)
    marks[length] = Role.LAST
    return marks | dict.fromkeys(rungs, Role.RUNG)
