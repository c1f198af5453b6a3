"""The key ``search.objective``: one objective, or a list of several, and what goes with several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from search.core.directions import LOWER, better_by_name
from search.core.trial import is_timed
from search.space.model import Objective, Search
from search.space.nodes import Node, Problems, show, unknown

TAKES_SEVERAL = ("grid", "random", "qmc", "tpe", "nsga2")
"""Samplers that go with several objectives."""


def objective_nodes(node: Node) -> Sequence[Node]:
    """Return the objectives of a section ``search`` as they are written; none where it has the default one."""
    written = node.entries.get("objective")
    if written is None:
        return ()
    return written.items if written.kind == "list" else (written,) if written.kind == "mapping" else ()


def check_objectives(node: Node, sound: bool, problems: Problems) -> None:
    """Refuse objectives that read test values, that would be optimised the wrong way, or that stand there twice,
    and a time in the first place.

    Args:
        node: the section ``search``.
        sound: whether it has the right form.
    """
    listed: set[object] = set()
    for place, objective in enumerate(objective_nodes(node)):
        metric = objective.entries.get("metric")
        name = Objective().metric if metric is None else metric.value
        at = objective if metric is None else metric
        if place == 0 and is_timed(str(name)):
            reason = "a time, which is another number in every run; name a metric that repeats first, and it behind"
            problems.add(at, f"found {show(at)}, {reason}")
        if str(name).lower().startswith("test"):
            problems.add(at, f"found {show(at)}, but no decision may read test values; use one on validation data")
        if not sound:
            continue
        if metric is not None and better_by_name(metric.value) == LOWER and "direction" not in objective.entries:
            problems.add(at, f"found {show(at)}, which would be maximized; add `direction: minimize`")
        if name in listed:
            problems.add(at, f"names {name}, which is listed already; each metric is one objective: remove it")
        listed.add(name)


def check_several(node: Node, sampler: str, problems: Problems) -> None:
    """Refuse what goes with one objective alone, where there are several.

    Args:
        node: the section ``search``, of the right form.
        sampler: how configurations are chosen.
    """
    if len(objective_nodes(node)) < 2:
        return
    if sampler not in TAKES_SEVERAL:
        reason = f"found {sampler}, which takes one objective, and there are several; choose tpe, nsga2, random or qmc"
        problems.add(node.entries.get("sampler", node), reason)
    if "pruning" in node.entries:
        reason = "ends trials by one objective, and there are several; remove it, or keep one objective"
        problems.add(node.entries["pruning"], reason)


def check_target(search: Node, limits: Node, problems: Problems) -> None:
    """Refuse ``limits.target`` beside several objectives."""
    if len(objective_nodes(search)) > 1 and "target" in limits.entries:
        reason = "is a figure of one objective, and there are several; remove it, or keep one objective"
        problems.add(limits.entries["target"], reason)


def check_metric(node: Node, measured: Sequence[str], costs: Sequence[str], problems: Problems) -> None:
    """Refuse an objective that no row of the workload will hold: every trial would fail after its first epoch.

    Args:
        node: the section ``search``.
        measured: names of the workload's metrics; none where it does not say.
        costs: names of what it works out of the settings, which may stand behind the first objective.
    """
    written = node.entries.get("objective")
    if written is not None and not written.null and written.kind not in ("mapping", "list"):
        return  # its form is a fault already, and which metric was meant is not known
    validated = [one for one in measured if not one.startswith("test")]
    objectives = objective_nodes(node) or (None,)
    for place, objective in enumerate(objectives):
        metric = None if objective is None else objective.entries.get("metric")
        name = Objective().metric if metric is None else metric.value
        if not isinstance(name, str) or name.lower().startswith("test"):
            continue
        if name in costs:
            if place == 0:
                reason = "which training does not change; name a metric of rows first, and it as a further objective"
                problems.add(node if metric is None else metric, f"found {name!r}, {reason}")
            continue
        if not measured or name in validated:
            continue
        remedy = unknown(name, [*validated, *costs] if len(objectives) > 1 else validated)
        if metric is not None:
            problems.add(metric, f"found {show(metric)}, which the workload does not measure{remedy}")
        else:
            reason = f"is {name} where the file names no other, and the workload does not measure that{remedy}"
            problems.add(node, reason, key="search.objective.metric")


def with_costs(search: Search, costs: Sequence[str]) -> Search:
    """Return a search whose objectives know which of them the workload works out of the settings."""
    if not search.further:
        return search
    return replace(search, further=tuple(replace(one, cost=one.metric in costs) for one in search.further))
