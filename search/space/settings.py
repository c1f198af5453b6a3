"""Settings, wherever they stand: under ``fixed`` or in a named option, each against its rule."""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterable

from search.core.errors import nearest, nearest_name
from search.core.values import Rule, kinds, tidy
from search.space.conform import broken_rule
from search.space.keys import DOMAINS
from search.space.nodes import Node, Problems, printable, show, unknown
from search.space.planned import means_plan, no_plan, read_plan
from search.workload.settings import Description

Rules = Description | None
"""Setting name -> rule, the service's own among them; None where the workload could not be loaded."""

MAX_SUGGESTED_SETTINGS = 3
"""Settings that a fault offers for one that is unknown."""


def read_settings(node: Node, rules: Rules, problems: Problems) -> dict[str, object]:
    """Check a mapping of settings and return the sound ones, with numbers in their one spelling."""
    sound = {}
    for name, value in node.entries.items():
        if value.kind == "broken":
            continue
        rule = {} if rules is None else rules.get(name, {})
        if reason := why_no_setting(name, rules):
            problems.add(value, reason)
        elif means_plan(value, rule, rules is not None):
            if (plan := read_plan(value, rule, problems)) is not None:
                sound[name] = plan
        elif reason := _why_not(name, value, rules):
            problems.add(value, reason)
        elif not takes_away(value, rule):
            sound[name] = spelled(value.data(), rule)
    return sound


def why_no_setting(name: str, rules: Rules) -> str:
    """Say why no setting of this name may be set, or return ``""``."""
    if name == "seed":
        return "seeds are no setting; list them under `seeds`"
    if rules is None or name in rules or _below(name, rules):
        return ""
    if re.fullmatch(r"[-+.0-9]+(e[-+]?[0-9]+)?( ?%)?", name):
        return "found a number where the name of a setting is due; a decimal number has a point, as in 0.5"
    if found := meant(name, rules):
        return f"unknown setting; did you mean {' or '.join(map(repr, found))}?"
    return f"unknown setting{unknown(name, rules)}; `python -m search schema WORKLOAD` lists all with their meaning"


def meant(name: str, rules: Description) -> list[str]:
    """Return what an unknown name may stand for: the nearest one, settings that end like it, or what it may describe.

    Those of its own group, which is what stands before the last dot, come first.
    """
    word, near = name.lower(), nearest_name(name, rules)
    group, _, last = word.rpartition(".")
    ending = [known for known in rules if known.lower().endswith(f".{last}")]
    inside = {known: known.rpartition(".")[2] for known in rules if group and known.lower().startswith(f"{group}.")}
    phrase = f" {_plain(last)} "
    described = [known for known in inside or rules if phrase in f" {_plain(rules[known].get('description', ''))} "]
    alike = nearest(last, inside.values()) or any(last in own for own in inside.values())
    if near and (alike or not inside) and ("." in word or len(ending) < 2):
        return [near]
    others = (described, ending) if inside else (ending, described)
    return next((found for found in others if 0 < len(found) <= MAX_SUGGESTED_SETTINGS), [near] if near else [])


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def _below(name: str, rules: Iterable[str]) -> list[str]:
    return [known for known in rules if known.startswith(f"{name}.")]


def _why_not(name: str, value: Node, rules: Rules) -> str:
    rule = None if rules is None else rules.get(name)
    if value.kind == "mapping" and rule is not None and "object" not in kinds(rule) and not _below(name, rules or ()):
        axis = next((f"; an axis of this `{key}` goes under `space`" for key in DOMAINS if key in value.entries), "")
        return f"{broken_rule(value, rule)}{axis}{no_plan(name, value, rule)}"
    if value.kind == "mapping" and rules is not None and (rule is None or "object" not in kinds(rule)):
        return f"found a mapping; settings are written flat: `{_flat(name, value)}`"
    if rules is None:
        return ""
    if rule is None:
        below = ", ".join(_below(name, rules))
        return f"found {show(value)}, but {name!r} is only the beginning of settings: {below}"
    return "" if takes_away(value, rule) else broken_rule(value, rule)


def _flat(name: str, value: Node) -> str:
    while value.entries:
        key, value = next(iter(value.entries.items()))
        name = f"{name}.{key}"
    return printable(f"{name}: {show(value) if value.kind == 'scalar' and value.text else '...'}")


def takes_away(value: Node, rule: Rule) -> bool:
    """Whether this null stands over a value of a base file to remove it, and is no value of the setting itself."""
    return value.removes and bool(broken_rule(value, rule))


def spelled(value: object, rule: Rule) -> object:
    """Return a value in its one spelling: 12 significant digits, whole numbers where the rule asks for them."""
    if isinstance(value, float) and "integer" in kinds(rule) and "number" not in kinds(rule):
        return int(value)
    return tidy(value)


def circle(rules: Description) -> list[str]:
    """Return settings that depend on each other in a circle by their ``when`` words; empty where there are none."""
    try:
        graphlib.TopologicalSorter({name: rule.get("when", {}) for name, rule in rules.items()}).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []
