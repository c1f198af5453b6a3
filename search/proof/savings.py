"""The plan of a file as the proof needs it: its trials, and what they would share if a setting were per epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from search.core import prefix
from search.space.model import Space
from search.study.leaf import Leaf, Planner
from search.workload import Workload

MAX_TRIALS_COUNTED = 5_000
"""Trials of a plan that are looked at."""

NO_CLASS: Mapping[str, str] = {}
"""The execution class of a plan whose keys name nothing on record."""


def leaves(space: Space, workload: Workload) -> list[Leaf] | None:
    """Return the trials of a file's plan; None where results decide what is tried, or where they are too many."""
    from search.plan.known import adaptive
    from search.study.sampling import make_sampler

    if adaptive(space):
        return None
    planner = Planner(space, workload, NO_CLASS)
    sampler = make_sampler(space, [])
    found: list[Leaf] = []
    while (answer := sampler.ask()) is not None:
        for seed in space.seeds:
            found.append(planner.leaf(len(found), answer.configuration, seed, answer.parameters))
        if len(found) > MAX_TRIALS_COUNTED:
            return None
    return found


def saved_epochs(space: Space, workload: Workload, names: set[str], equal: int) -> tuple[int, int] | None:
    """Return how many epochs a plan would save with settings declared per epoch, and how many it trains.

    Args:
        space: the file.
        workload: its workload.
        names: the settings.
        equal: epochs from the first one that they were seen not to act on.
    """
    trials = leaves(space, workload)
    if trials is None:
        return None
    now = _distinct(leaf.path for leaf in trials)
    then = _distinct(_path(leaf, names, equal) for leaf in trials)
    return now - then, now


def _path(leaf: Leaf, names: set[str], equal: int) -> Sequence[str]:
    """Return the keys of a trial that would be told of these settings from an epoch on."""
    late = {name: value for name, value in leaf.fixed.items() if name in names}
    fixed: dict[str, Any] = {name: value for name, value in leaf.fixed.items() if name not in names}
    root = prefix.fingerprint([leaf.data, fixed])
    schedule = [{**each, **(late if epoch >= equal else {})} for epoch, each in enumerate(leaf.schedule)]
    return prefix.path(root, schedule)


def _distinct(paths: Iterable[Sequence[str]]) -> int:
    return len({key for path in paths for key in path})
