"""The plan of a file as the proof needs it: its trials, and what they would share if a setting were per epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    trials: list[Leaf] = []
    while (answer := sampler.ask()) is not None:
        for seed in space.seeds:
            trials.append(planner.leaf(len(trials), answer.configuration, seed, answer.parameters))
        if len(trials) > MAX_TRIALS_COUNTED:
            return None
    return trials


@dataclass(frozen=True)
class Savings:
    """What a plan would save.

    Attributes:
        saved: epochs.
        distinct: epochs that it trains now.
        exact: whether no more would be saved, as far as the configuration that was tried tells.
    """

    saved: int
    distinct: int
    exact: bool


def savings(
    space: Space, workload: Workload, names: set[str], seen: Sequence[tuple[Mapping[str, object], Sequence[str]]]
) -> Savings | None:
    """Return what a plan would save if settings were declared per epoch, and named in keys only from where they act.

    Args:
        space: the file.
        workload: its workload.
        names: the settings.
        seen: fixed settings that differ in these alone, and a name for what they have made of a run after each of the
            first epochs: equal names where they have not acted yet.
    """
    trials = leaves(space, workload)
    if trials is None:
        return None
    acts = {_values(fixed, names): list(made) for fixed, made in seen}
    now, then = _distinct(leaf.path for leaf in trials), _distinct(_path(leaf, names, acts) for leaf in trials)
    acted = len({tuple(each) for each in acts.values()}) == len(acts)
    exact = acted and all(_values(leaf.fixed, names) in acts for leaf in trials)
    return Savings(now - then, now, exact)


def _path(leaf: Leaf, names: set[str], acts: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return the keys of a trial that is told of these settings from where they act."""
    own = _values(leaf.fixed, names)
    seen = acts.get(own, ())
    fixed = {name: value for name, value in leaf.fixed.items() if name not in names}
    told = [seen[epoch] if epoch < len(seen) else own for epoch in range(len(leaf.schedule))]
    schedule = [{**settings, "told": text} for settings, text in zip(leaf.schedule, told, strict=True)]
    return prefix.path(prefix.fingerprint([leaf.data, fixed]), schedule)


def _values(fixed: Mapping[str, object], names: set[str]) -> str:
    return prefix.fingerprint({name: value for name, value in fixed.items() if name in names})


def _distinct(paths: Iterable[Sequence[str]]) -> int:
    return len({key for path in paths for key in path})
