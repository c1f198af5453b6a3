"""Writes docs/reference/classifier.md from the settings' own rules: python -m tests.settings_page"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from classifier import augment_settings, losses, schedule
from classifier.config import SETTINGS

PAGE = Path(__file__).parents[1] / "docs/reference/classifier.md"

HEAD = """# Settings of the classifier

What `workload: classifier` lets a search-space file set, under `fixed` or as axes. Written by
`python -m tests.settings_page` from the rules that settings are checked by.

A setting with a condition exists only there. *Per epoch* settings may change from epoch to epoch; two trials that
differ only in what comes later share the epochs before.

| setting | default | allowed | meaning |
|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    table = "".join(
        f"| `{name}` | {_default(rule)} | {_allowed(rule)} | {_meaning(rule)} |\n" for name, rule in SETTINGS.items()
    )
    parts = {"Augmentation": augment_settings, "Learning-rate schedules": schedule, "Losses": losses}
    return HEAD + table + "".join(f"\n## {title}\n\n{_told(module)}\n" for title, module in parts.items())


def _told(module: ModuleType) -> str:
    """What a module's docstring says behind its first line."""
    return str(module.__doc__).partition("\n\n")[2].rstrip()


def _default(rule: Mapping[str, Any]) -> str:
    value = rule["default"]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"`{value}`"


def _allowed(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false", "array": "list"}
    parts = [" or ".join(words.get(kind, kind) for kind in kinds)]
    if "items" in rule:
        parts[0] = parts[0].replace("list", f"list of {words[rule['items']['type']]}s")
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    parts += [f"{word} {rule[key]:g}" for key, word in bounds.items() if key in rule]
    return ", ".join(parts)


def _meaning(rule: Mapping[str, Any]) -> str:
    text = str(rule["description"])
    if "unit" in rule:
        text += f" ({rule['unit']})"
    for other, values in rule.get("when", {}).items():
        *first, last = [str(value).lower() for value in values]
        text += f"; where `{other}` is {', '.join(first)}{' or ' if first else ''}{last}"
    return text + ("; per epoch" if rule.get("epoch") else "")


if __name__ == "__main__":
    PAGE.write_text(page())
