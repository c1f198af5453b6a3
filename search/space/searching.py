"""The sections ``search``, ``resources`` and ``seeds``: how configurations are chosen and what each one gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from search.space.candidates import read_start, read_where
from search.space.configuration import check_configuration, read_configuration
from search.space.conform import broken_rule, conform
from search.space.keys import AUTO, MAX_TRIALS, RESOURCES, SEARCH, SEEDS
from search.space.model import (
    LEARNING,
    AshaSettings,
    Axis,
    Confirm,
    Float,
    Grid,
    HyperbandSettings,
    Int,
    MedianSettings,
    Objective,
    Resources,
    Search,
    Space,
)
from search.space.nodes import Node, Problems, show, unknown
from search.space.objectives import check_objectives, check_several, objective_nodes

_SEED_LIST: Mapping[str, Any] = SEEDS["anyOf"][1]

PRUNERS = ("asha", "hyperband", "median")
"""Names under ``pruning``, of which a file has one."""

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
    check_objectives(node, sound, problems)
    if not sound:
        return Search()
    data = node.data()
    objectives = [one.data() for one in objective_nodes(node)] or [{}]
    pruning = data.get("pruning", {})
    asha, hyperband, median = (pruning.get(name) for name in PRUNERS)
    if len(pruning) > 1:
        found = " and ".join(pruning)
        problems.add(node.entries["pruning"], f"found {found}, must be one of {', '.join(PRUNERS)}; remove the others")
    grid = all(type(axis.domain) is Grid for axis in axes)
    sampler = data.get("sampler", "grid" if grid else "tpe")
    if asha and asha.get("promote") and sampler in LEARNING:
        reason = f"goes with samplers that learn from no outcome, for a paused trial has none, and {sampler} does"
        problems.add(node.entries["pruning"].entries["asha"].entries["promote"], f"{reason}; choose random or qmc")
    check_several(node, sampler, problems)
    if complete or "sampler" in data:
        _trials(node, sampler, problems)
    if complete:
        _fits(node, sampler, axes, problems)
    return Search(
        sampler=sampler,
        trials=None if data.get("trials") is None else int(data["trials"]),
        seed=int(data.get("seed", 0)),
        objective=Objective(**objectives[0]),
        further=tuple(Objective(**one) for one in objectives[1:]),
        asha=asha
        and AshaSettings(
            int(asha["grace_period"]), float(asha.get("reduction_factor", 3.0)), bool(asha.get("promote", False))
        ),
        hyperband=hyperband
        and HyperbandSettings(int(hyperband["grace_period"]), float(hyperband.get("reduction_factor", 3.0))),
        median=median and MedianSettings(int(median["grace_period"]), int(median.get("min_finished", 5))),
        confirm=_confirm(node.entries.get("confirm"), sampler, axes if complete else None, problems),
        hours=data.get("hours"),
        where=read_where(node.entries.get("where"), problems),
        start=read_start(node.entries.get("start"), sampler, axes if complete else None, problems),
        attempts=int(data.get("attempts", 3)),
    )


def check_shown(node: Node, measured: Sequence[str], problems: Problems) -> None:
    """Refuse a column of a metric that no row will hold.

    Args:
        node: the section ``report``.
        measured: names of the workload's metrics; none where it does not say.
    """
    columns = node.entries.get("metrics")
    for item in columns.items if columns is not None and measured else ():
        if isinstance(item.value, str) and item.value not in measured:
            remedy = unknown(item.value, measured)
            problems.add(item, f"found {show(item)}, which the workload does not measure{remedy}")


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
    parameters = {} if baseline is None or axes is None else read_configuration(baseline, axes, problems)
    data = node.data()
    return Confirm(int(data["top"]), int(data["seeds"]), None if baseline is None else parameters)


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
    count = space.combinations() if grid else (space.search.trials or 0)
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
    if confirm.baseline is not None:
        beside = space.completed(confirm.baseline)
        check_configuration(at["baseline"], confirm.baseline, beside, "the baseline", space.axes, problems)


def check_epochs(space: Space, node: Node, problems: Problems) -> None:
    """The first epoch at which is pruned must lie before the last epoch of some trial."""
    if space.search.pruning is None:
        return
    longest = longest_epochs(space)
    grace = space.search.pruning.grace_period
    if longest is not None and grace >= longest:
        (pruning,) = node.entries["pruning"].entries.values()
        at = pruning.entries["grace_period"]
        problems.add(at, f"found {grace}, must be less than the {longest} epochs a trial is trained for at most")


def longest_epochs(space: Space) -> int | None:
    """Return the largest number of epochs a trial may be asked for; None where nothing sets it."""
    return max(epochs_of_trials(space), default=None)


def epochs_of_trials(space: Space) -> list[int]:
    """Return the numbers of epochs that trials may be asked for, of a range both ends; none where nothing sets it."""
    lengths = [space.fixed["epochs"]] if "epochs" in space.fixed else []
    for axis in space.axes:
        if isinstance(axis.domain, Grid):
            each = [axis.settings(value) for value in axis.domain.values]
            lengths += [settings["epochs"] for settings in each if "epochs" in settings]
        elif axis.name == "epochs":
            lengths += [axis.domain.low, axis.domain.high]
    return [int(length) for length in lengths]
