"""Pruning that ends nothing, or brings nothing to its last epoch, whatever comes out, told beforehand."""

from __future__ import annotations

import math
from collections.abc import Iterator

from search.core.errors import Fault
from search.core.hyperband import rungs_of_brackets
from search.core.pruning import rungs
from search.core.shown import counted, listed
from search.space.idle import note
from search.space.model import AshaSettings, HyperbandSettings, MedianSettings, Space
from search.space.nodes import Node
from search.space.searching import epochs_of_trials


def pruning_notes(space: Space, node: Node) -> Iterator[Fault]:
    """Yield what is known of a sound pruner beforehand.

    Args:
        space: with all of its axes.
        node: its section ``search``.
    """
    settings, lengths = space.search.pruning, epochs_of_trials(space)
    if settings is None or not lengths:
        return
    ((name, pruner),) = node.entries["pruning"].entries.items()
    trials = (space.search.trials or space.grid_size()) * len(space.seeds)
    if isinstance(settings, AshaSettings) and settings.promote:
        if reason := _held_back(settings, trials, min(lengths), max(lengths)):
            yield note(pruner.entries["promote"], reason)
    elif isinstance(settings, HyperbandSettings):
        grace, eta, longest = settings.grace_period, settings.reduction_factor, max(lengths)
        if not any(rungs_of_brackets(grace, eta, longest)):
            last = f"its last rung lies at {longest:,} / {eta:g} = {longest / eta:.3g} epochs"
            yield note(pruner.entries["grace_period"], f"{name} never acts: {last}, and the first may at {grace:,}")
    elif isinstance(settings, MedianSettings) and trials <= settings.min_finished:
        at, least = pruner.entries.get("min_finished", pruner), settings.min_finished
        there_are = f"there are {counted(trials, 'trial')}"
        yield note(at, f"{name} never acts: it ends none before {least:,} have finished, and {there_are}")


def _held_back(settings: AshaSettings, trials: int, shortest: int, longest: int) -> str:
    """Say that promotion brings no trial to its last epoch, where it cannot, and what would; else return ""."""
    eta, going_on, enough = settings.reduction_factor, [trials], 1
    at = rungs(settings.grace_period, eta, longest)
    for _ in at:
        going_on.append(math.floor(going_on[-1] / eta))
        enough = math.ceil(enough * eta)
    passed = [count for count in going_on[1:] if count]
    if len(passed) == len(at) or shortest <= at[len(passed)]:
        return ""
    named = [f"{epoch:,}" for epoch in at[: len(passed) + 1]]
    counts = f"at most {listed([*(f'{count:,}' for count in passed), '0'])} go" if passed else "none goes"
    other = "a larger grace_period" if trials >= eta else "a smaller reduction_factor"
    return (
        f"no trial comes to its last epoch: of {counted(trials, 'trial')} {counts} on from "
        f"{'epochs' if passed else 'epoch'} {listed(named)}; {enough:,} trials bring one there, and so does {other}"
    )
