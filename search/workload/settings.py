"""How settings are described, checked, and brought into the one spelling that is trained and hashed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from search.core.errors import nearest
from search.core.values import SIGNIFICANT_DIGITS, Rule, Settings, among, rounded
from search.workload.plans import is_plan, key_faults, spelt, values_of

if TYPE_CHECKING:
    import jsonschema

Description = Mapping[str, Rule]
"""Setting name -> JSON Schema fragment (``type``, ``default``, ``minimum``, ``enum``, ``description`` ...) with
five words of ours: ``unit`` (text), ``epoch`` (true where the value may differ from epoch to epoch), ``when``
(``{other setting: [values]}``: the setting is active only there, and dropped elsewhere) and ``hashed`` (false for a
setting that says where data lie or how they are read: the data's fingerprint stands for it in the key), ``because``
(why the ``maximum``, or a ``minimum`` below 0, is what it is: the end of a sentence)."""


MAX_SHOWN_BITS = 10_000
"""Of a whole number that is shown as it is."""

SEED = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
"""The rule of ``seed`` where a workload does not describe it."""


class SettingFaults(ValueError):
    """Settings that cannot be trained: pairs of (setting name, sentence)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{name}: {message}" for name, message in self.faults))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.faults,)  # pickle would otherwise hand the text to __init__


def complete(description: Description, settings: Settings, plans: bool = True) -> dict[str, Any]:
    """Check settings against their description, fill in defaults, drop inactive ones, round numbers.

    Args:
        description: of all settings.
        settings: as a person wrote them.
        plans: whether a setting that may differ from epoch to epoch may have values by epoch, see
            `search.workload.plans`; not where a workload's own ``schedule`` would not follow them.

    Raises:
        SettingFaults: every unknown name and every value outside its rule.
    """
    faults = []
    given: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in description and name != "seed":
            faults.append((name, f"unknown setting{nearest(name, description)}"))
            continue
        rule = description.get(name, SEED)
        if plans and is_plan(value, rule):
            reasons = [(name, reason) for _, reason in plan_faults(value, rule)]
            faults += reasons
            given |= {} if reasons else {name: spelt(value, rule)}
            continue
        if reason := why_not(value, rule):
            faults.append((name, reason))
            continue
        given[name] = rounded(value, rule)
        if given[name] != value and (reason := why_not(given[name], rule)):
            faults.append(
                (name, f"found {value!r}, in {SIGNIFICANT_DIGITS} significant digits {reason.removeprefix('found ')}")
            )
    for name, rule in description.items():
        if name not in settings and "default" not in rule and _active(rule, description, given):
            faults.append((name, "is required and has no default"))
    if faults:
        raise SettingFaults(faults)
    # Conditions are asked of rounded values, or 0.1 + 0.2 would not be the 0.3 that another setting hangs on.
    defaults = {name: rounded(rule["default"], rule) for name, rule in description.items() if "default" in rule}
    filled = {name: given.get(name, defaults.get(name)) for name in description}
    result = {name: value for name, value in filled.items() if _active(description[name], description, filled)}
    if "seed" in given:
        result["seed"] = given["seed"]
    return result


def _active(rule: Rule, description: Description, settings: Settings) -> bool:
    """Whether the conditions of `rule`, and those of the settings it hangs on, all hold."""
    for other, values in rule.get("when", {}).items():
        parent = description[other]
        taken = values_of(settings.get(other, parent.get("default")), parent)
        if not any(among(value, values) for value in taken):
            return False
        if not _active(parent, description, settings):
            return False
    return True


def plan_faults(plan: Mapping[object, object], rule: Rule) -> list[tuple[object, str]]:
    """Return (key, sentence) for everything that is wrong with a plan of values by epoch; see `key_faults`."""
    faults = list(key_faults(plan))
    wrong = {key for key, _ in faults}
    for key, value in plan.items():
        if key not in wrong and (reason := why_not(value, rule) or why_not(rounded(value, rule), rule)):
            faults.append((key, f"from epoch {key} on: {reason}"))
    return faults


KIND_WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


def why_not(value: object, rule: Rule) -> str:
    """Say in one sentence why `value` breaks a setting's rule, or return ``""``."""
    for number in _numbers(value):
        if isinstance(number, int) and number.bit_length() > MAX_SHOWN_BITS:  # Python would not write it out
            return f"found a number of some {number.bit_length() * 30103 // 100000:,} digits, must be a finite number"
        if not _finite(number):
            return f"found {number!r}, must be a finite number"
    import jsonschema  # a worker, whose settings were checked, needs none of it

    for error in jsonschema.Draft202012Validator(dict(rule)).iter_errors(value):
        return sentence(error)
    return ""


def _numbers(value: object) -> Iterator[int | float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, (int, float)):
        yield value


def _finite(number: int | float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond every float
        return False


def sentence(error: jsonschema.ValidationError) -> str:
    """Turn a JSON Schema error on one value into "found X, must be Y"."""
    beginning = f"found {error.instance!r}"
    limit: Any = error.validator_value
    match error.validator:
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            return f"{beginning}, must be {' or '.join(KIND_WORDS[kind] for kind in kinds)}"
        case "enum":
            known = [_written(value) for value in limit]
            hint = "" if str(error.instance) in known else nearest(str(error.instance), known)
            return f"{beginning}, must be {'one of ' * (len(known) > 1)}{', '.join(known)}{hint}"
        case "minimum":
            return f"{beginning}, must be at least {_short(limit)}{_why(error.schema) if limit < 0 else ''}"
        case "maximum":
            return f"{beginning}, must be at most {_short(limit)}{_why(error.schema)}"
        case "exclusiveMinimum" | "exclusiveMaximum":
            side = "greater" if error.validator == "exclusiveMinimum" else "less"
            return f"{beginning}, must be {side} than {limit}"
        case "minItems" | "maxItems":
            bound = "least" if error.validator == "minItems" else "most"
            return f"{beginning}, must have at {bound} {limit} entr{'y' if limit == 1 else 'ies'}"
        case "minLength":
            return f"{beginning}, must not be empty"
        case "uniqueItems":
            return f"{beginning}, must not list a value twice"
    return f"{beginning}, {error.message}"


def _written(choice: object) -> str:
    """Return a choice as a file spells it: true and null, not True and None."""
    return str(choice).lower() if isinstance(choice, bool) else "null" if choice is None else str(choice)


def _short(limit: int | float) -> int | float | str:
    return f"{limit:.3g}" if abs(limit) > 2**63 else limit


def _why(rule: Any) -> str:
    return f", {rule['because']}" if "because" in rule else ""
