"""Values by epoch in a file: ``lr: {1: 0.1, 31: 0.01}``, wherever a setting that may differ between epochs has a value.

What a plan is, and which spelling is trained, says `search.workload.plans`; here each fault gets its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from search.core.values import Rule, Settings
from search.space.conform import broken_rule
from search.space.keys import DOMAINS
from search.space.nodes import Node, Problems, show, text_of
from search.workload import Workload
from search.workload.contract import follows_plans
from search.workload.plans import entries, epoch_of, is_plan, key_faults, spelt, takes_plans
from search.workload.settings import Description

_MARK = "plans"
"""A word in a rule, besides those of `search.workload.Description`: values by epoch may stand in the file."""


def _marked(rule: Rule) -> Rule:
    return {**rule, _MARK: True}


def planned(workload: Workload, change: Callable[[Rule], Rule] = _marked) -> Description:
    """Return the rules of a workload's settings, changed for those that take values by epoch.

    A workload with a schedule of its own takes none, for that would not follow them.
    """
    if not follows_plans(workload):
        return workload.settings
    return {name: change(rule) if takes_plans(rule) else rule for name, rule in workload.settings.items()}


def looks_like_plan(node: Node) -> bool:
    """Whether this is a mapping whose keys are all epochs."""
    return bool(node.entries) and all(epoch_of(key) is not None for key in node.entries)


def means_plan(node: Node, rule: Rule, ruled: bool) -> bool:
    """Whether values by epoch are meant here.

    Args:
        node: what stands for a value.
        rule: of the setting.
        ruled: whether the rule is known; without it whatever looks like values by epoch is such.
    """
    if node.kind != "mapping" or any(word in node.entries for word in DOMAINS):  # an axis at the wrong place
        return False
    return bool(rule.get(_MARK)) if ruled else looks_like_plan(node)


def read_plan(node: Node, rule: Rule, problems: Problems) -> Any:
    """Return the one spelling of values by epoch, a single value where all are one; None, with faults, if not sound."""
    before = len(problems)
    faults = list(key_faults({key: entry.data() for key, entry in node.entries.items()}))
    for key, reason in faults:
        problems.add(node if key is None else node.entries[key], reason)
    wrong = {key for key, _ in faults}
    for key, entry in node.entries.items():
        if key not in wrong and entry.kind != "broken" and (reason := broken_rule(entry, rule)):
            problems.add(entry, reason)
    if len(problems) > before or not node.sound:
        return None
    return spelt(node.data(), rule)


def no_plan(name: str, node: Node, rule: Rule) -> str:
    """Return why a setting takes no values by epoch, as the end of a sentence; "" where none are meant."""
    if not looks_like_plan(node):
        return ""
    if takes_plans(rule):
        return "; values by epoch are not for this workload, which makes its schedule itself"
    return f"; values by epoch are for settings that may differ between epochs, and {name!r} holds for a run"


def plan_name(plan: object) -> Any:
    """Return what values by epoch are called in a table: ``{1: 0.1, 31: 0.01}``; a single value as it is."""
    if not isinstance(plan, Mapping):
        return plan
    texts = [f"{epoch}: {show(value) if isinstance(value, list) else text_of(value)}" for epoch, value in entries(plan)]
    return f"{{{', '.join(texts)}}}"


def late_in_plans(rules: Description, settings: Settings, epochs: int) -> Iterator[tuple[str, str]]:
    """Yield (setting, sentence) for values by epoch that begin behind the last epoch."""
    for name, value in settings.items():
        if is_plan(value, rules.get(name, {})):
            late = [epoch for epoch, _ in entries(value) if epoch > epochs]
            if late:
                yield name, f"never acts from epoch {late[0]} on, for the last epoch is {epochs}"
