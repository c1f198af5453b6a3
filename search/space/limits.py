"""The section ``limits``: what a study may cost at most, and what it is looking for."""

from __future__ import annotations

import math

from search.core.shown import is_accuracy
from search.space.conform import conform
from search.space.limit_keys import LIMITS
from search.space.model import Limits, Space
from search.space.nodes import Node, Problems, show
from search.space.searching import epochs_of_trials


def read_limits(node: Node, problems: Problems) -> Limits:
    """Read the section ``limits``."""
    if not conform(node, LIMITS, problems):
        return Limits()
    data = node.data() if node.kind == "mapping" else {}
    epochs = data.get("epochs")
    return Limits(**{**data, "epochs": None if epochs is None else int(epochs)})


def check_limits(space: Space, node: Node, problems: Problems) -> None:
    """Refuse limits under which no trial could come to its end, and a target that cannot be reached.

    Args:
        space: a sound space.
        node: its section ``limits``.
    """
    limits, lengths, objective = space.limits, epochs_of_trials(space), space.search.objective
    if limits.epochs is not None and lengths and limits.epochs < min(lengths):
        reason = f"found {limits.epochs:,}, must be at least {min(lengths):,}, the epochs of a trial: none would finish"
        problems.add(node.entries["epochs"], reason)
    target = node.entries.get("target")
    if target is None or limits.target is None or not is_accuracy(objective.metric):
        return
    if not 0 <= limits.target <= 1:
        problems.add(target, f"found {show(target)}, must be a fraction from 0 to 1, as {objective.metric} is")


def reached(limits: Limits, epochs: int, core_s: float) -> str:
    """Return the name of the limit that a study with so many trained epochs and core seconds has come to, or ""."""
    if epochs >= (limits.epochs or math.inf):
        return "epochs"
    return "core_hours" if core_s >= 3600 * (limits.core_hours or math.inf) else ""


def reached_sentence(space: Space, name: str) -> str:
    """Return what is said where the limit of this name is reached."""
    limits = space.limits
    match name:
        case "epochs":
            what = f"the limit of {limits.epochs:,} epochs is reached"
        case "core_hours":
            what = f"the limit of {limits.core_hours:g} core hours is reached"
        case _:
            what = f"{space.search.objective.metric} has reached the target {limits.target:g}"
    return f"{what} (limits.{name})"
