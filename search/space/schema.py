"""JSON Schema (draft 2020-12) of the search-space file: what editors complete from, and the reader's own list of keys.

The reader walks the same fragments (see `search.space.conform`), so a key cannot be in one and not in the other. What a
schema cannot say (an axis named by the report exists, a step fits its range) is said by the reader alone.
"""

from __future__ import annotations

import copy

from search.core.values import Rule
from search.space.command_keys import COMMAND, COMMAND_WORKLOAD
from search.space.keys import (
    AUTO,
    DOMAINS,
    EXTENDS,
    FLOAT,
    INT,
    NAME,
    RESOURCES,
    SCALAR,
    SEARCH,
    SEEDS,
    TITLE,
    WORKLOAD,
    mapping,
)
from search.space.limit_keys import LIMITS
from search.space.planned import planned
from search.space.report_keys import REPORT
from search.space.service import SERVICE_SETTINGS
from search.workload import Workload, load_workload


def _optional(rule: Rule) -> Rule:
    """Let a section stand empty, and an extending file take one away."""
    return {**rule, "type": [rule["type"], "null"]} if isinstance(rule.get("type"), str) else rule


def _nullable(rule: Rule) -> Rule:
    return {"anyOf": [dict(rule), {"type": "null"}], "description": rule.get("description", "")}


def _or_plan(rule: Rule) -> Rule:
    """Return the schema of a setting that has one value, or values by the epoch they hold from."""
    plan = {"type": "object", "propertyNames": {"pattern": "^[1-9][0-9]*$"}, "required": ["1"]}
    choices = [dict(rule), {**plan, "additionalProperties": dict(rule)}]
    return {"anyOf": choices, "description": rule.get("description", "")}


def _axis(name: str, rule: Rule | None) -> Rule:
    """Return the schema of one axis; `rule` is its setting's, None for an axis of named options."""
    option = {"type": ["object", "null"], "additionalProperties": True, "description": "settings the option stands for"}
    named = {"type": "object", "minProperties": 1, "additionalProperties": option}
    listed = {"type": "array", "minItems": 1, "uniqueItems": True, "items": dict(rule or {})}
    values: Rule = {"anyOf": [listed, named]} if rule is not None else named
    properties: dict[str, Rule] = {
        "grid": {**values, "description": "values that are all tried: a list, or named options with their settings"},
        "choice": {**values, "description": "a prior: one of these values or named options, each equally likely"},
        "when": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "description": "{other axis: value or [values]}: this axis exists only there",
            "additionalProperties": {"anyOf": [SCALAR, {"type": "array", "items": SCALAR, "minItems": 1}]},
        },
    }
    if rule is not None:
        properties |= {"float": FLOAT, "int": INT}
    description = (rule or {}).get("description", f"an axis of named options called {name}" if name else "an axis")
    domains = {"oneOf": [{"required": [kind]} for kind in DOMAINS if kind in properties]}
    axis = {**mapping(description, properties), **domains}
    return {"anyOf": [axis, {"type": "null"}], "description": description}


def schema(workload: Workload | str | None = None) -> Rule:
    """Return the JSON Schema of a search-space file, with the settings of `workload` where one is given.

    Args:
        workload: a workload, or its name as in a space file.

    Raises:
        UserError: no workload of that name can be loaded.
    """
    # The settings of a command are those that the file itself names.
    named = isinstance(workload, str) and workload != COMMAND_WORKLOAD
    loaded = load_workload(workload) if isinstance(workload, str) and named else workload
    loaded = None if isinstance(loaded, str) else loaded
    settings = {**SERVICE_SETTINGS, **({} if loaded is None else planned(loaded, _or_plan))}
    settings.pop("seed", None)
    fixed: Rule = {
        "type": "object",
        "description": "settings common to all trials, written flat: `loss.gamma: 2`",
        "properties": {name: _nullable(rule) for name, rule in settings.items()},
        "additionalProperties": loaded is None,
    }
    space: Rule = {
        "type": "object",
        "description": "the axes: a setting, or a name of your own for named options, and its domain",
        "properties": {name: _axis(name, rule) for name, rule in settings.items()},
        "additionalProperties": _axis("", {} if loaded is None else None),
    }
    rule: Rule = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "search-space file",
        **mapping(
            "one study: what is tried, how, and how it is reported",
            {
                "extends": EXTENDS,
                "name": NAME,
                "title": TITLE,
                "workload": WORKLOAD,
                COMMAND_WORKLOAD: COMMAND,
                "fixed": _optional(fixed),
                "space": _optional(space),
                "seeds": SEEDS,
                "search": _optional(SEARCH),
                "resources": {**_optional(RESOURCES), "type": ["object", "null", "string"], "pattern": f"^{AUTO}$"},
                "limits": _optional(LIMITS),
                "report": _optional(REPORT),
            },
        ),
        "anyOf": [{"required": ["workload"]}, {"required": ["extends"]}],
    }
    return copy.deepcopy(rule)


TOP: Rule = schema()
"""The schema without a workload: the reader's list of keys."""
