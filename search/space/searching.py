"""The sections ``search``, ``resources`` and ``seeds``: how configurations are chosen and what each one gets."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from search.core.values import tidy
from search.space.conform import broken_rule, conform
from search.space.extends import section
from search.space.keys import AUTO, MAX_TRIALS, RESOURCES, SEARCH, SEEDS
from search.space.model import AshaSettings, Axis, Confirm, Float, Grid, Int, Objective, Resources, Search, Space
from search.space.nodes import Node, Problems, no_value, same, show, text_of, unknown
from search.space.numbers import meant

_SEED_LIST: Mapping[str, Any] = SEEDS["anyOf"][1]

MIN_GPU_FRACTION = 0.0001
"""Of a GPU: Ray counts resources in ten thousandths."""


def read_seeds(node: Node | None, problems: Problems) -> tuple[int, ...]:
    """Read ``seeds``: a list of distinct whole numbers, or n for 0, 1 ... n - 1."""
    if node is None or node.kind == "broken":
        return (0,)
    if node.kind != "list":
        if reason := broken_rule(node, SEEDS["anyOf"][0]):
            problems.add(node, f"{reason}: a number of seeds, or a list of them such as [0, 1, 2]")
            return (0,)
        return tuple(range(int(node.value)))
    if not conform(node, _SEED_LIST, problems):
        return (0,)
    first: set[int] = set()
    for item in node.items:
        if item.value in first:
            problems.add(item, f"found {show(item)}, which is listed already; a seed run twice is one seed")
        first.add(item.value)
    return tuple(int(item.value) for item in node.items)


def read_resources(node: Node, problems: Problems) -> Resources:
    """Read the section ``resources``."""
    sound = conform(node, RESOURCES, problems)
    data = node.data() if node.kind == "mapping" else {}
    gpus = data.get("gpus")
    if isinstance(gpus, float) and gpus > 1 and gpus != int(gpus):
        problems.add(node.entries["gpus"], f"found {show(gpus)}, must be a whole number, or a fraction below 1")
    if isinstance(gpus, float) and 0 < gpus < MIN_GPU_FRACTION:
        least = f"{MIN_GPU_FRACTION:g}, the smallest share that Ray tells from none; 0 trains without one"
        entry = node.entries["gpus"]
        problems.add(entry, f"found {show(entry)}, must be at least {least}")
    if not sound:
        return Resources()
    return Resources(**{**data, "cpus": int(data.get("cpus", 1)), "gpus": None if gpus == AUTO else gpus})


def read_search(node: Node, axes: Sequence[Axis], complete: bool, problems: Problems) -> Search:
    """Read the section ``search``.

    Args:
        axes: the axes found sound.
        complete: whether these are all axes of the file; without it nothing is said of how the sampler fits them.
    """
    sound = conform(node, SEARCH, problems)
    metric = section(node, "objective").entries.get("metric")
    if metric is not None and str(metric.value).lower().startswith("test"):
        reason = f"found {show(metric)}, but no decision may read test values; use one on validation data"
        problems.add(metric, reason)
    if not sound:
        return Search()
    data = node.data()
    if metric is not None and re.search("loss|error", metric.value) and "direction" not in data["objective"]:
        reason = f"found {show(metric)}, which would be maximized; add `direction: minimize`"
        problems.add(metric, reason)
    asha = data.get("pruning", {}).get("asha")
    grid = all(type(axis.domain) is Grid for axis in axes)
    sampler = data.get("sampler", "grid" if grid else "tpe")
    if complete or "sampler" in data:
        _trials(node, sampler, problems)
    if complete:
        _fits(node, sampler, axes, problems)
    return Search(
        sampler=sampler,
        trials=None if data.get("trials") is None else int(data["trials"]),
        seed=int(data.get("seed", 0)),
        objective=Objective(**data.get("objective", {})),
        asha=asha and AshaSettings(int(asha["grace_period"]), float(asha.get("reduction_factor", 3.0))),
        confirm=_confirm(node.entries.get("confirm"), sampler, axes if complete else None, problems),
        hours=data.get("hours"),
        attempts=int(data.get("attempts", 3)),
    )


def check_metric(node: Node, measured: Sequence[str], problems: Problems) -> None:
    """Refuse an objective that no row of the workload will hold: every trial would fail after its first epoch.

    Args:
        measured: names of the workload's metrics; none where it does not say.
    """
    metric = section(node, "objective").entries.get("metric")
    name = Objective().metric if metric is None else metric.value
    known = [one for one in measured if not one.startswith("test")]
    if not measured or not isinstance(name, str) or name in known or name.lower().startswith("test"):
        return
    remedy = unknown(name, known)
    if metric is not None:
        problems.add(metric, f"found {show(metric)}, which the workload does not measure{remedy}")
    else:
        reason = f"is {name} where the file names no other, and the workload does not measure that{remedy}"
        problems.add(node, reason, key="search.objective.metric")


def _confirm(node: Node | None, sampler: str, axes: Sequence[Axis] | None, problems: Problems) -> Confirm | None:
    """Read ``confirm``; its baseline is a configuration of the space.

    Args:
        sampler: how configurations are chosen.
        axes: all axes of the file, None where some are not sound.
    """
    if node is None:
        return None
    if sampler == "grid":
        problems.add(node, "a grid is compared as a whole, nothing of it is chosen by luck; remove it, or add seeds")
    baseline = node.entries.get("baseline")
    known = {axis.name: axis for axis in axes or ()}
    meant: dict[str, Any] = {}
    for name, value in baseline.entries.items() if baseline is not None and axes is not None else ():
        axis = known.get(name)
        if axis is None:
            problems.add(value, f"speaks of {name!r}, which is no axis of this file{unknown(name, known)}")
            continue
        found, reason = _value(axis, value)
        if reason:
            problems.add(value, reason)
        else:
            meant[name] = found
    data = node.data()
    return Confirm(int(data["top"]), int(data["seeds"]), None if baseline is None else meant)


def _value(axis: Axis, node: Node) -> tuple[object, str]:
    """Return the value of an axis that is meant, in its one spelling, and ""; or None, and why it is none of the axis.

    A value in quotes is one of the list that reads so where there is no such text.
    """
    domain = axis.domain
    if isinstance(domain, Grid):
        found = [value for value in domain.values if same(node.value, value)]
        found += [value for value in domain.values if text_of(value) == node.text]
        reason = f"found {show(node)}, which is no value of {axis.name!r}{no_value(node, domain.values)}"
        return (found[0], "") if found else (None, reason)
    number = tidy(node.value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not domain.low <= number <= domain.high:
        reason = f"found {show(node)}, must be a number from {domain.low} to {domain.high}, the range of {axis.name!r}"
        kind = "integer" if isinstance(domain, Int) else "number"
        bounds = {"type": kind, "minimum": domain.low, "maximum": domain.high}
        return None, reason + (meant(node.value, bounds) if isinstance(node.value, str) else "")
    whole = isinstance(domain, Int) and number == int(number)
    return (int(number) if whole else float(number)), ""


def _between(axis: Axis, number: float) -> str:
    """Say which numbers a prior with steps can draw, where this is none of them, or return ""."""
    domain = axis.domain
    if isinstance(domain, Grid) or domain.step is None:
        return ""
    steps = (number - domain.low) / domain.step
    if math.isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-9):
        return ""
    few = f"{domain.low}, {tidy(domain.low + domain.step)} ... {domain.high}"
    return f"found {show(number)}, must be one of {few}, the values of {axis.name!r}"


def _trials(node: Node, sampler: str, problems: Problems) -> None:
    if sampler == "grid" and "trials" in node.entries:
        reason = "a grid tries all its configurations; remove it, or choose the sampler random or tpe"
        problems.add(node.entries["trials"], reason)
    if sampler != "grid" and "trials" not in node.entries:
        at = node.entries.get("sampler", node)
        reason = f"needs `trials`, the number of configurations to try, because the sampler is {sampler}"
        problems.add(at, reason, key="search")


def _fits(node: Node, sampler: str, axes: Sequence[Axis], problems: Problems) -> None:
    at = node.entries.get("sampler", node)
    if sampler == "grid":
        for axis in axes:
            if type(axis.domain) is not Grid:
                kind = type(axis.domain).__name__.lower()
                remedy = f"list its values under grid, or choose the sampler tpe{' or random' * (kind != 'choice')}"
                problems.add(at, f"the sampler grid cannot enumerate the {kind} prior of {axis.name!r}; {remedy}")
    if sampler == "cmaes" and not any(isinstance(axis.domain, (Float, Int)) for axis in axes):
        problems.add(at, "the sampler cmaes needs a float or int prior, and there is none; choose tpe or random")
    if sampler not in ("grid", "cmaes") and not axes:
        problems.add(at, f"the sampler {sampler} has nothing to sample, for there is no axis; remove it")


def check_size(space: Space, node: Node, root: Node, problems: Problems) -> None:
    """Refuse a study too large to run, from the counts alone."""
    grid = space.search.sampler == "grid"
    count = space.grid_size() if grid else (space.search.trials or 0)
    total = count * len(space.seeds)
    if total <= MAX_TRIALS:
        return
    seeds = f" x {len(space.seeds)} seeds = {total:,} trials" if len(space.seeds) > 1 else ""
    if grid:
        at = root.entries.get("space", root)
        message = f"the grid has {count:,} configurations{seeds}, at most {MAX_TRIALS:,} trials can be run"
        problems.add(at, f"{message}; choose search.sampler random or tpe, with search.trials", key="space")
    else:
        at = node.entries.get("trials", node)
        message = f"found {count:,} configurations{seeds}, at most {MAX_TRIALS:,} trials can be run"
        problems.add(at, f"{message}; lower one of them")


def check_confirm(space: Space, node: Node, problems: Problems) -> None:
    """Refuse a confirm stage that could not be run once the search is over.

    Args:
        space: a sound space.
        node: its section ``search``.
    """
    confirm = space.search.confirm
    if confirm is None:
        return
    at = node.entries["confirm"].entries
    listed = all(isinstance(axis.domain, Grid) for axis in space.axes)
    tried = min(space.search.trials or 0, space.grid_size() if listed else MAX_TRIALS)
    if confirm.top > tried:
        problems.add(at["top"], f"found {confirm.top}, must be at most {tried}, the configurations that are tried")
    many = confirm.top + (confirm.baseline is not None)
    if many * confirm.seeds > MAX_TRIALS:
        found = f"found {confirm.seeds:,} seeds x {many:,} configurations = {many * confirm.seeds:,} trials"
        problems.add(at["seeds"], f"{found}, at most {MAX_TRIALS:,} trials can be run; lower one of them")
    baseline = space.completed(confirm.baseline or {})
    for axis in space.axes:
        if axis.name in (confirm.baseline or {}) and (reason := _between(axis, (confirm.baseline or {})[axis.name])):
            problems.add(at["baseline"].entries[axis.name], reason)
        if axis.name in (confirm.baseline or {}) and axis.name not in baseline and axis.when is not None:
            needed = " or ".join(show(value) for value in axis.when.values)
            found = show(baseline[axis.when.axis]) if axis.when.axis in baseline else "not there"
            reason = f"exists only where {axis.when.axis} is {needed}, and in the baseline it is {found}; remove it"
            problems.add(at["baseline"].entries[axis.name], reason)


def check_epochs(space: Space, node: Node, problems: Problems) -> None:
    """ASHA's first rung must lie before the last epoch of some trial."""
    if space.search.asha is None:
        return
    longest = longest_epochs(space)
    grace = space.search.asha.grace_period
    if longest is not None and grace >= longest:
        at = node.entries["pruning"].entries["asha"].entries["grace_period"]
        problems.add(at, f"found {grace}, must be less than the {longest} epochs a trial is trained for at most")


def longest_epochs(space: Space) -> int | None:
    """Return the largest number of epochs a trial may be asked for; None where nothing sets it."""
    lengths = [space.fixed["epochs"]] if "epochs" in space.fixed else []
    for axis in space.axes:
        if isinstance(axis.domain, Grid):
            each = [axis.settings(value) for value in axis.domain.values]
            lengths += [settings["epochs"] for settings in each if "epochs" in settings]
        elif axis.name == "epochs":
            lengths.append(axis.domain.high)
    return int(max(lengths)) if lengths else None
