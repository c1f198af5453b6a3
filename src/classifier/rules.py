"""Checking settings against their rules, and their one spelling.

A rule is a JSON Schema fragment with four words more: ``unit``, ``epoch`` (may differ from epoch to epoch), ``when``
(the setting is active only where another one has one of these values) and ``hashed`` (false where the data's
fingerprint stands for the setting).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema

SIGNIFICANT = ".12g"
"""Numbers are rounded to so many digits before they are trained with and before anybody hashes them."""

MOST_BITS = 1000
"""Of a whole number; floats end at 1024."""

LARGEST_SEED = 2**63 - 1

Rules = Mapping[str, Mapping[str, Any]]


class SettingError(ValueError):
    """Settings that cannot be trained.

    Attributes:
        faults: pairs of (setting, sentence), all that were found.
    """

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in self.faults))

    def __reduce__(self) -> tuple[type[SettingError], tuple[list[tuple[str, str]]]]:
        """An exception is pickled with its message; this one is made of its faults."""
        return type(self), (self.faults,)


def complete(rules: Rules, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the active settings, checked, with defaults filled in and numbers rounded; ``seed`` passes through.

    Raises:
        SettingError: unknown names, values outside their rules, required settings that are missing.
    """
    faults, given = [], {}
    for name, value in settings.items():
        if name == "seed":
            if not isinstance(value, int) or isinstance(value, bool):
                faults.append((name, f"found {value!r}, must be a whole number of at least 0"))
            elif not 0 <= value <= LARGEST_SEED:
                known = f"found {value}, " if value.bit_length() <= MOST_BITS else ""
                bound = f"at most {LARGEST_SEED}" if value > 0 else "at least 0"
                faults.append((name, f"{known}must be a whole number of {bound}"))
        elif name not in rules:
            faults.append((name, f"unknown setting{near(name, rules)}"))
        elif reason := why_not(value, rules[name]):
            faults.append((name, reason))
        else:
            given[name] = spelled(value, rules[name])
            # Rounding can reach a bound that the value itself respects: 0.9999999999999 is below 1, its spelling is 1.
            if reason := why_not(given[name], rules[name]):
                faults.append((name, reason))
    defaults = {name: spelled(rule["default"], rule) for name, rule in rules.items() if "default" in rule}
    filled = {name: given.get(name, defaults.get(name)) for name in rules}
    active = [name for name in rules if _active(name, rules, filled)]
    faults += [
        (name, "is required and has no default") for name in active if name not in settings and name not in defaults
    ]
    if faults:
        raise SettingError(faults)
    result = {name: filled[name] for name in active}
    return {**result, **({"seed": settings["seed"]} if "seed" in settings else {})}


def spelled(value: Any, rule: Mapping[str, Any]) -> Any:
    """Return a value in its one spelling: numbers as floats of 12 significant digits without negative zero."""
    if isinstance(value, (list, tuple)):
        return [spelled(item, rule.get("items", {})) for item in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    kinds = rule.get("type", ())
    if "integer" in ([kinds] if isinstance(kinds, str) else kinds):
        return int(value)
    return float(f"{value:{SIGNIFICANT}}") + 0.0


def why_not(value: Any, rule: Mapping[str, Any]) -> str:
    """Say in one sentence why `value` breaks `rule`, or return ``""``."""
    numbers = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        return f"found {value!r}, must be finite"
    if any(isinstance(number, int) and number.bit_length() > MOST_BITS for number in numbers):
        return "found a number of more than 300 digits, must be finite"  # and Python would not write all of them out
    error = next(jsonschema.Draft202012Validator(dict(rule)).iter_errors(value), None)
    if error is None:
        return ""
    if error.validator == "enum":
        known = [str(item) for item in rule["enum"]]
        return f"found {value!r}, must be one of {', '.join(known)}{near(str(value), known)}"
    return f"found {value!r}: {error.message}"


def _active(name: str, rules: Rules, filled: Mapping[str, Any]) -> bool:
    return all(
        _among(filled.get(other), values) and _active(other, rules, filled)
        for other, values in rules[name].get("when", {}).items()
    )


def _among(value: Any, values: Iterable[Any]) -> bool:
    """Whether a value is one of these; true is not 1."""
    return any(isinstance(value, bool) == isinstance(other, bool) and value == other for other in values)


def near(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` where one of `known` is spelt like `word`, else ``""``."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
