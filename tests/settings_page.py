"""Writes docs/classifier.md from the settings' own rules: python -m tests.settings_page"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classifier.config import SETTINGS

PAGE = Path(__file__).parents[1] / "docs/classifier.md"

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
    return HEAD + "".join(
        f"| `{name}` | {_default(rule)} | {_allowed(rule)} | {_meaning(rule)} |\n" for name, rule in SETTINGS.items()
    )


def _default(rule: Mapping[str, Any]) -> str:
    value = rule["default"]
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else f"`{value}`"


def _allowed(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false", "array": "list"}
    parts = [" or ".join(words.get(kind, kind) for kind in kinds)]
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    parts += [f"{word} {rule[key]:g}" for key, word in bounds.items() if key in rule]
    return ", ".join(parts)


def _meaning(rule: Mapping[str, Any]) -> str:
    text = str(rule["description"])
    if "unit" in rule:
        text += f" ({rule['unit']})"
    for other, values in rule.get("when", {}).items():
        text += f"; where `{other}` is {' or '.join(str(value).lower() for value in values)}"
    return text + ("; per epoch" if rule.get("epoch") else "")


if __name__ == "__main__":
    PAGE.write_text(page())
