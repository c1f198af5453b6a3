"""Listed values of an axis: two that are one are a fault, and so are two that nobody could tell apart in a table."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from search.core.values import Rule, kinds
from search.space.conform import bracketed, broken_rule
from search.space.labels import look
from search.space.model import Choice, Grid
from search.space.nodes import Node, Problems, comma, place, show, text_of
from search.space.planned import looks_like_plan, means_plan, plan_name, read_plan
from search.space.settings import spelled


def read_listed(name: str, kind: str, node: Node, rule: Rule, ruled: bool, problems: Problems) -> Grid | None:
    """Read the values of ``grid`` or ``choice``: each one once, each within its setting's rule, and each with a name.

    Args:
        name: of the axis, which is the setting.
        kind: ``grid`` or ``choice``.
        node: what stands there.
        rule: of the setting.
        ruled: whether the rule is known; without it nothing is said of values that look alike.
    """
    before = len(problems)
    if node.kind != "list":
        remedy = f"; write {bracketed(node)}" if node.kind == "scalar" and not node.null else ""
        problems.add(node, f"found {show(node)}, must be a list of values or a mapping of named options{remedy}")
        return None
    if not node.items:
        problems.add(node, "is empty, must list at least one value")
    values: list[Any] = []
    first: dict[Any, Node] = {}
    seen: dict[tuple[str, Any], Node] = {}
    remedy = f"use named options: `{kind}: {{a name: {{{name}: ...}}}}`, with another name for the axis"
    plans: dict[str, Any] = {}
    for item in node.items:
        if means_plan(item, rule, ruled):
            if (plan := read_plan(item, rule, problems)) is None:
                continue
            if isinstance(plan, list):  # one value in all epochs
                problems.add(item, f"found the list {plan} for all epochs, must be a single value; {remedy}")
                continue
            value = plan_name(plan)
            if isinstance(plan, Mapping):
                plans[value] = plan
            if (alike := first.setdefault((isinstance(value, bool), value), item)) is not item:
                problems.add(item, f"found {value}, which is listed already ({place(alike, item)}); keep one")
            values.append(value)
        elif ruled and looks_like_plan(item):
            reason = f"found values by epoch, but this workload keeps one value of {name} for the whole trial"
            problems.add(item, f"{reason}; list single values")
        elif item.kind in ("list", "mapping"):
            problems.add(item, f"found {show(item)}, must be a single value; {remedy}")
        elif item.kind == "scalar":
            value = spelled(item.value, rule)
            alike = first.setdefault((isinstance(value, bool), value), item)
            if alike is not item:
                as_written = "" if show(alike) == show(item) else f" (as {show(alike)})"
                problems.add(item, f"found {show(item)}, which is listed already{as_written}; keep one{comma([item])}")
            elif reason := broken_rule(item, rule):
                lists = "array" in kinds(rule)
                problems.add(item, f"{reason.partition('; write')[0]}; {remedy}" if lists else reason)
            elif ruled and (other := _taken_for(value, item, seen)) is not None:
                reason = f"found {show(item)}, which a reader of a table takes for {show(other)} ({place(other, item)})"
                problems.add(item, f"{reason}; keep one, or {remedy}")
            values.append(value)
    if len(problems) > before or not node.sound:
        return None
    return (Grid if kind == "grid" else Choice)(tuple(values), plans=plans)


def _taken_for(value: object, item: Node, seen: dict[tuple[str, object], Node]) -> Node | None:
    """Return a value before this one that is another but looks like it in a table; ``seen`` receives this one."""
    read = _read(value)
    mine, others = [("value", read)], [("text", read)]
    if isinstance(value, str):
        looks = ("looks", look(value))
        mine, others = [looks, ("text", read)], [looks, ("value", read)]
    other = next((seen[name] for name in others if name in seen), None)
    for name in mine:
        seen.setdefault(name, item)
    return other


def _read(value: Any) -> Any:
    """Return what readers of a table take a value for: "1.0" for 1, "True" for true, an empty cell for null."""
    if not isinstance(value, str):
        return text_of(value) if value is None or isinstance(value, bool) else float(value)
    word = value.strip().lower()
    if word in ("", "~", "null", "true", "false"):
        return word if word in ("true", "false") else "null"
    with contextlib.suppress(ValueError):
        return float(word)
    return None
