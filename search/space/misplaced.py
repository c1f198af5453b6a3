"""Where a key belongs that is written in a place which does not have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from search.core.values import Rule
from search.space.keys import RESOURCES, SEARCH
from search.space.limit_keys import LIMITS
from search.space.nodes import unknown
from search.space.report_keys import REPORT
from search.space.service import SERVICE_SETTINGS

SECTIONS: Mapping[str, Rule] = {"search": SEARCH, "resources": RESOURCES, "limits": LIMITS, "report": REPORT}

ON_TOP = frozenset({"extends", "name", "title", "workload", "command", "fixed", "space", "seeds", *SECTIONS})


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return the remedy for a key that its place does not have: the place that has it, the nearest key, or all keys."""
    names = list(known)
    if not (place := _place(key)):
        return unknown(key, names)
    number = next((name for name in names if name in (f"{key}s", key.removesuffix("s"))), "")
    return f"; did you mean {number!r}? Else it {place}" if number else f"; it {place}"


def _place(key: str) -> str:
    if key in ON_TOP:
        return "goes to the left margin of the file, under no other key"
    if found := [f"`{name}`" for name, rule in SECTIONS.items() if key in rule["properties"]]:
        return f"goes under {' or '.join(found)}"
    if found := [name for name in SERVICE_SETTINGS if name == key or name.startswith(f"{key}.")]:
        return f"is a setting: {', '.join(found[:3])}{', ...' if len(found) > 3 else ''} under `fixed`"
    return ""
