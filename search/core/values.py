"""Values of settings: when two are one, and the one spelling that is trained and hashed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Settings = Mapping[str, Any]
"""Setting name -> value; what a value is, the rule of the setting says."""

Parameters = Mapping[str, Any]
"""Axis name -> value, of the axes that are active."""

Rule = Mapping[str, Any]
"""The JSON Schema fragment of one setting; see `search.workload.Description`."""

SIGNIFICANT_DIGITS = 12
"""Of every number that is trained with and hashed."""


def same(one: object, other: object) -> bool:
    """Whether two settings are one: 1 and 1.0 are, 1 and true are not, whatever Python's ``==`` says.

    Asked for every epoch of every trial, so what is cheap to tell comes first.
    """
    if one is other:
        return True
    if isinstance(one, (int, float, str)):
        return bool(isinstance(one, bool) == isinstance(other, bool) and one == other)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            same(one[name], other[name]) for name in one if one[name] is not other[name]
        )
    return bool(isinstance(one, bool) == isinstance(other, bool) and one == other)


def among(value: object, values: Iterable[object]) -> bool:
    """Whether a setting is one of these values; see `same`."""
    return any(same(value, other) for other in values)


def rounded(value: Any, rule: Rule) -> Any:
    """Return `value` in its one spelling: 12 significant digits, floats for numbers, no negative zero.

    0.005*0.1*0.1 and 0.005*0.1**2 differ in the last bit; a grid that spells one value both ways would train it twice.
    """
    for choice in rule.get("enum", ()):
        if same(choice, value):
            return choice
    if isinstance(value, Mapping):
        rules = rule.get("properties", {})
        return {name: rounded(item, rules.get(name, {})) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item, rule.get("items", {})) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    allowed = kinds(rule)
    if "number" not in allowed:
        if isinstance(value, int):
            return value
        if "integer" in allowed and value.is_integer():
            return int(value)
    return tidy(float(value))


def tidy(value: object) -> Any:
    """Return floats, also in lists, with 12 significant digits and no negative zero; everything else as it is.

    What is rounded without its rule: the values of an axis, and rates that a workload computes from settings.
    """
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0
    if isinstance(value, (list, tuple)):
        return [tidy(item) for item in value]
    return value


def kinds(rule: Rule) -> Sequence[str]:
    """Return the JSON types that a rule allows."""
    kind = rule.get("type", ())
    return [kind] if isinstance(kind, str) else list(kind)
