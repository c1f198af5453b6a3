"""Structure against the schema: unknown keys, missing keys and values outside their rule, each at its own line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from search.core.values import Rule, kinds
from search.space.misplaced import unknown_key
from search.space.nodes import Node, Problems, comma, requoted, show
from search.space.numbers import meant
from search.space.scalars import MAX_WHOLE_NUMBER
from search.workload.settings import why_not

_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?")


def conform(node: Node, rule: Rule, problems: Problems) -> bool:
    """Report everything in `node` that breaks `rule`; True where nothing does."""
    before = len(problems)
    _conform(node, rule, problems)
    return len(problems) == before and node.sound


def _conform(node: Node, rule: Rule, problems: Problems) -> None:
    if node.kind == "broken":
        return
    allowed = kinds(rule)
    if node.kind == "mapping" and "object" in allowed:
        _mapping(node, rule, problems)
    elif node.kind == "list" and "array" in allowed:
        if reason := broken_rule(node, {key: rule[key] for key in ("minItems", "maxItems") if key in rule}):
            problems.add(node, reason)
        for item in node.items:
            _conform(item, rule.get("items", {}), problems)
    elif node.null and "null" in allowed:
        return
    elif reason := broken_rule(node, rule):
        problems.add(node, reason)


def _mapping(node: Node, rule: Rule, problems: Problems) -> None:
    properties, rest = rule.get("properties", {}), rule.get("additionalProperties", True)
    for key, child in node.entries.items():
        if key in properties:
            _conform(child, properties[key], problems)
        elif rest is False:
            problems.add(child, f"unknown key{unknown_key(key, properties)}")
        elif isinstance(rest, Mapping):
            _conform(child, rest, problems)
    for key in rule.get("required", []):
        if key not in node.entries:
            problems.add(node, f"needs the key `{key}`: {properties[key].get('description', '')}")


def broken_rule(node: Node, rule: Rule) -> str:
    """Say in one sentence why the value of `node` breaks `rule`, or return ``""``."""
    value = node.data()
    if isinstance(value, str) and "string" in rule.get("type", ()):
        if len(value) > (longest := rule.get("maxLength", math.inf)):
            return f"found {show(value)} with {len(value)} characters, must have at most {longest}"
        if "words" in rule and not re.fullmatch(rule["pattern"], value):
            return f"found {show(value)}, must be {rule['words']}"
    if isinstance(value, list) and len(value) > (longest := rule.get("maxItems", math.inf)):
        return f"found {len(value)} entries, must be {longest}{comma(node.items)}"
    if _too_large(value, rule):
        bound = f"most {MAX_WHOLE_NUMBER}" if value > 0 else f"least {-MAX_WHOLE_NUMBER}"
        return f"found {show(node)}, must be at {bound}"
    if not (reason := why_not(value, rule)):
        return ""
    if inner := next((inner for item in node.items if (inner := broken_rule(item, rule.get("items", {})))), ""):
        return inner
    if "enum" in rule and "words" in rule:
        return f"found {show(node)}, must be {rule['words']}"
    found = f"found {value!r}"
    if reason.startswith(found):
        reason = f"found {show(node)}{reason[len(found) :]}"
    elif len(reason) > 300:
        reason = f"{reason[:297]}..."
    if isinstance(value, int | float) and not isinstance(value, bool) and "words" in rule and "pattern" not in rule:
        reason = f"found {show(node)}, must be {rule['words']}"
    scalar = set(rule.get("type", ())) >= {"string", "number", "boolean", "null"}
    if node.kind in ("list", "mapping") and scalar and "array" not in rule["type"]:
        reason = f"found {show(node)}, must be a single value"
        if "object" in rule["type"]:
            reason += " or a mapping such as {axis: value}"
    if node.kind != "mapping" and "examples" in rule:
        reason += f"; for example {written(rule['examples'][0])}"
    elif node.kind == "scalar" and reason.endswith(("must be a list", "must be a list or null")):
        reason += _as_list(node, rule)
    if not isinstance(value, str) and "pattern" in rule and "words" in rule and "number" in rule.get("type", ()):
        reason = re.sub(r"must be (text or )?a number( or text)?$", f"must be {rule['words']}", reason)
    if isinstance(value, str):
        reason += _unquoted(node, rule)
    elif "enum" in rule:
        reason += requoted(node, rule["enum"])
    if node.plain and value is not None and not isinstance(value, str) and reason.endswith("must be text"):
        reason += "; put it in quotes"
    return reason


def _too_large(value: object, rule: Rule) -> bool:
    """Whether this is a whole number that its rule does not bound, and that 64 bits cannot hold."""
    if type(value) is not int or abs(value) <= MAX_WHOLE_NUMBER or "enum" in rule:
        return False
    allowed = set(kinds(rule))
    bounds = {"maximum"} if value > 0 else {"minimum", "exclusiveMinimum"}
    looked_up = "string" in allowed and ("pattern" in rule or "boolean" in allowed)  # a figure, or a value of an axis
    return not bounds & set(rule) and not looked_up and (not allowed or bool(allowed & {"number", "integer"}))


def _unquoted(node: Node, rule: Rule) -> str:
    """Return how a text is written that its rule knows as a number, or as one of true, false and null."""
    allowed = kinds(rule)
    words = [word for word, kind in ((True, "boolean"), (False, "boolean"), (None, "null")) if kind in allowed]
    return requoted(node, [*rule.get("enum", ()), *words]) or ("" if "enum" in rule else _number(node.value, rule))


def _number(text: str, rule: Rule) -> str:
    return meant(text, rule) if {"number", "integer"} & set(kinds(rule)) else ""


def _as_list(node: Node, rule: Rule) -> str:
    """Return the remedy for a scalar where a list is asked for: the list it was meant to be, where that is sound."""
    choices = rule.get("items", {}).get("enum", ())
    if node.null and not rule.get("minItems"):
        return "; write [] for none"
    if choices and broken_rule(node, rule["items"]) and "," not in node.text:
        return f"; for example [{written(choices[0])}]"
    return f"; write {_listed(node, rule.get('minItems', 1))}"


def _listed(node: Node, least: int) -> str:
    """Return how a scalar is written where a list of at least so many is asked for."""
    text = bracketed(node)
    if least < 2 or "," in text:
        return text
    if not _DECIMAL.fullmatch(text[1:-1]):
        return f"a list of {least}"
    return f"{least} of them, such as [{', '.join([text[1:-1]] * least)}]"


def bracketed(node: Node) -> str:
    """Return a scalar as the list it was meant to be: ``[0, 1]`` for 0, 1."""
    return f"[{node.text if node.plain and node.text else show(node)}]"


def written(example: object) -> str:
    """Return an example as a file would have it, on one line."""
    if isinstance(example, Mapping):
        return "{" + ", ".join(f"{key}: {written(value)}" for key, value in example.items()) + "}"
    if isinstance(example, list):
        return f"[{', '.join(map(written, example))}]"
    return example if isinstance(example, str) else show(example)
