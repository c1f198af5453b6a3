"""The axes: their domains, conditions, and that no setting is set by two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from search.core.values import Rule, kinds, tidy
from search.space.conform import broken_rule, conform
from search.space.extends import options
from search.space.keys import DOMAINS, FLOAT, INT, MAX_PRIOR_STEPS, NAME, OPTION, RESERVED
from search.space.labels import look
from search.space.listed import read_listed
from search.space.model import Axis, Choice, Condition, Domain, Float, Grid, Int
from search.space.nodes import Node, Problems, no_value, place, show, told_apart, unknown
from search.space.settings import Rules, read_settings, why_no_setting
from search.workload.settings import KIND_WORDS

_WORDS = (*DOMAINS, "when")


def read_axes(space: Node, fixed: Node, rules: Rules, problems: Problems) -> list[Axis]:
    """Read the section ``space``, in the file's order, and return the sound axes."""
    axes: list[Axis] = []
    for name, node in space.entries.items():
        if node.kind == "broken":
            continue
        if node.kind != "mapping":
            problems.add(node, _no_axis(node))
            continue
        domain = read_domain(name, node, rules, problems)
        when = _condition(name, node.entries["when"], space, fixed, axes, problems) if "when" in node.entries else None
        if domain is not None and ("when" not in node.entries or when is not None):
            axes.append(Axis(name, domain, when))
    _owners(space, fixed, problems)
    return axes


def _no_axis(node: Node) -> str:
    if node.kind == "list":
        return "found a list, must be a mapping: write `grid: [...]`"
    if node.null:
        return "found null, but no base file has an axis of that name to take away"
    return f"found {show(node)}, must be a mapping such as `grid: [...]`; one value goes under `fixed`"


def read_domain(name: str, node: Node, rules: Rules, problems: Problems) -> Domain | None:
    """Read what an axis ranges over; None, with a fault, where that is not sound."""
    for key in node.entries:
        if key not in _WORDS:
            problems.add(node.entries[key], f"unknown key{unknown(key, _WORDS)}")
    given = [kind for kind in DOMAINS if kind in node.entries]
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "has no domain"
        problems.add(node, f"{found}, must have exactly one of {', '.join(DOMAINS)}")
        return None
    kind, inner = given[0], node.entries[given[0]]
    if inner.kind == "broken":
        return None
    if kind in ("grid", "choice") and inner.kind == "mapping":
        return _options(name, kind, node, inner, rules, problems)
    if reason := why_no_setting(name, rules):
        if kind in ("grid", "choice") and inner.items and all(isinstance(item.value, str) for item in inner.items):
            named = f"named options, written `{inner.items[0].text}: {{setting: value}}`"
            reason = f"{reason[:-1]}, or {named}?" if reason.endswith("?") else f"{reason}; or meant as {named}"
        problems.add(node, reason)
        return None
    rule = {} if rules is None else rules.get(name)
    if rule is None:
        problems.add(node, f"{name!r} is only the beginning of settings, no setting itself; write one out in full")
        return None
    if kind in ("grid", "choice"):
        return read_listed(name, kind, inner, rule, rules is not None, problems)
    return _prior(kind, inner, rule, rules is None, problems)


def _options(name: str, kind: str, axis: Node, node: Node, rules: Rules, problems: Problems) -> Grid | None:
    """Read named options: the axis has a name of its own, and each option sets several settings."""
    before = len(problems)
    if rules is not None and (name in rules or name == "seed"):
        problems.add(axis, f"named options need a name of their own, and {name!r} is a setting; rename the axis")
    elif name in RESERVED:
        problems.add(axis, f"{name!r} is a column of every table of trials; rename the axis")
    elif reason := broken_rule(Node("scalar", name), NAME):
        problems.add(axis, f"{reason}; rename the axis")
    if not node.entries:
        problems.add(node, "is empty, must have at least one option")
    settings_by_option: dict[str, Mapping[str, Any]] = {}
    for option, settings in node.entries.items():
        if not isinstance(node.keys[option].value, str):
            problems.add(settings, f'found {option} for the name of an option, must be text; write "{option}"')
        elif reason := broken_rule(node.keys[option], OPTION):
            problems.add(settings, f"{reason}, for it is a row of a table; rename the option")
        elif settings.kind == "mapping" or settings.null:
            settings_by_option[option] = read_settings(settings, rules, problems)
        elif settings.kind != "broken":
            example = f"{{setting: {settings.text or '...'}}}"
            problems.add(settings, f"found {show(settings)}, must be the settings the option stands for: `{example}`")
    first: dict[str, str] = {}
    seen: dict[str, str] = {}
    for option in settings_by_option if rules is not None else ():
        if (other := seen.setdefault(look(option), option)) != option:
            at = place(node.entries[other], node.entries[option])
            reason = f"found {show(option)} for the name of an option, which looks like another one ({at})"
            problems.add(node.entries[option], f"{reason}; rename one")
    for option, settings_of in settings_by_option.items():
        earlier = first.setdefault(repr(sorted((name, _number(value)) for name, value in settings_of.items())), option)
        if earlier != option and len(problems) == before:
            problems.add(node.entries[option], f"sets the same as the option {earlier!r}; keep one")
    if len(problems) > before or not node.sound:
        return None
    return (Grid if kind == "grid" else Choice)(tuple(settings_by_option), settings_by_option)


def _number(value: object) -> object:
    """Return a value with whole numbers as integers, so that 1 and 1.0 are written alike."""
    if isinstance(value, list):
        return [_number(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _prior(kind: str, node: Node, rule: Rule, unruled: bool, problems: Problems) -> Float | Int | None:
    allowed = kinds(rule)
    if not unruled and ("enum" in rule or not {"number", "integer"} & set(allowed)):
        problems.add(
            node, f"a prior over numbers does not fit a setting that is {_described(rule)}; use choice or grid"
        )
        return None
    if kind == "float" and not unruled and "number" not in allowed:
        problems.add(node, "a float prior does not fit a setting of whole numbers; use int")
        return None
    before = len(problems)
    if not conform(node, FLOAT if kind == "float" else INT, problems):
        return None
    data = {name: tidy(value) for name, value in node.data().items()}
    low, high, log, step = data["low"], data["high"], data.get("log", False), data.get("step")
    if low == high:
        problems.add(node, f"low and high are both {show(low)}; a single value goes under `fixed`")
    elif low > high:
        problems.add(node, f"low {show(low)} is above high {show(high)}; exchange them")
    else:
        _spacing(node, low, high, log, step, problems)
    for end in ("low", "high"):
        if reason := broken_rule(node.entries[end], rule):
            problems.add(node.entries[end], reason)
    if len(problems) > before:
        return None
    if kind == "float":
        return Float(float(low), float(high), log, None if step is None else float(step))
    return Int(int(low), int(high), log, 1 if step is None else int(step))


def _described(rule: Rule) -> str:
    if "enum" in rule:
        return f"one of {', '.join(str(value) for value in rule['enum'])}"
    return " or ".join(KIND_WORDS.get(kind, kind) for kind in kinds(rule)) or "no number"


def _spacing(node: Node, low: float, high: float, log: bool, step: float | None, problems: Problems) -> None:
    if log and low <= 0:
        problems.add(node.entries["low"], f"found {show(low)}, must be greater than 0 where log is true")
    if step is None:
        return
    at = node.entries["step"]
    if log:
        problems.add(at, "log and step exclude each other; keep one")
    elif step > high - low:
        problems.add(at, f"found {show(step)}, must be at most high - low = {show(tidy(high - low))}")
    elif (high - low) / step > MAX_PRIOR_STEPS:
        problems.add(at, f"found {show(at)}, which makes more than {MAX_PRIOR_STEPS:,} steps; leave it out")
    else:
        steps = (high - low) / step
        if not math.isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-9):
            last = tidy(low + math.floor(steps) * step)
            problems.add(at, f"steps of {show(step)} from {show(low)} end at {show(last)}, not at high {show(high)}")


def _condition(
    name: str, node: Node, space: Node, fixed: Node, earlier: Sequence[Axis], problems: Problems
) -> Condition | None:
    """Read ``when: {other axis: values}``."""
    if node.kind == "broken":
        return None
    if len(node.entries) != 1:
        problems.add(node, f"found {show(node)}, must be one axis and its values: `when: {{other axis: [values]}}`")
        return None
    other, wanted = next(iter(node.entries.items()))
    axis = next((axis for axis in earlier if axis.name == other), None)
    if axis is None:
        if other == name:
            problems.add(wanted, "an axis cannot depend on itself; name another one")
        elif other in fixed.entries:
            at = place(fixed.entries[other], wanted)
            problems.add(wanted, f"{other!r} is fixed ({at}), not an axis; remove the condition")
        elif other not in space.entries:
            problems.add(wanted, f"unknown axis{unknown(other, [axis for axis in space.entries if axis != name])}")
        elif list(space.entries).index(other) > list(space.entries).index(name):
            problems.add(wanted, f"stands below, in {place(space.entries[other], wanted)}; list it before {name!r}")
        return None
    given = wanted.items if wanted.kind == "list" else (wanted,)
    if not given:
        problems.add(wanted, "is empty, must list at least one value")
    listed = axis.domain.values if isinstance(axis.domain, Grid) else ()
    known = {told_apart(value): value for value in listed}
    values = [_possible(item, axis, known, problems) for item in given]
    return None if not given or None in values else Condition(other, tuple(value[0] for value in values if value))


def _possible(
    item: Node, axis: Axis, known: Mapping[tuple[bool, object], object], problems: Problems
) -> tuple[object] | None:
    """Return the value of `axis` that `item` means, in a tuple; None, with a fault, where it has no such value."""
    if item.kind == "broken":
        return None
    domain = axis.domain
    if isinstance(domain, Grid):
        if item.kind == "scalar" and told_apart(item.value) in known:
            return (known[told_apart(item.value)],)
        problems.add(item, f"found {show(item)}, which is no value of {axis.name!r}{no_value(item, domain.values)}")
    else:
        problems.add(item, f"a condition needs listed values, and {axis.name!r} is a prior over a range; use choice")
    return None


def _owners(space: Node, fixed: Node, problems: Problems) -> None:
    """Every setting is set in one place: fixed, or one axis."""
    owners: dict[str, tuple[str, Node]] = {}
    for name, axis in space.entries.items():
        settings: dict[str, Node] = {}
        for option in options(axis).values():
            for key, node in option.entries.items():
                settings.setdefault(key, node)
        plain = not any(axis.entries[kind].kind == "mapping" for kind in ("grid", "choice") if kind in axis.entries)
        for setting, node in ({name: axis} if plain else settings).items():
            if setting in fixed.entries and not fixed.entries[setting].removes:
                at = place(fixed.entries[setting], node)
                problems.add(node, f"{setting!r} is set by an axis here and fixed ({at}); keep one")
            if setting in owners:
                other, where = owners[setting]
                problems.add(node, f"{setting!r} is set by the axis {other!r} as well ({place(where, node)}); keep one")
            owners.setdefault(setting, (name, node))
