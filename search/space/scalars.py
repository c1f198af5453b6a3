"""What a scalar without quotes means: the one place that knows the traps of YAML 1.1.

``1e-3`` is text to YAML 1.1 and a number to everyone else; ``on`` is true, ``010`` is 8, ``1:30`` is 90 and
``2026-01-02`` a date. Where two readers could disagree, this one reads nothing and says how to write it.
"""

from __future__ import annotations

import math
import re

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?)")
_PLAIN = {"": None, "~": None, "null": None, "true": True, "false": False}


_TRAPS = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in {
        r"([-+]?[0-9]+)[eE]([-+]?[0-9]+)": r"is text to YAML because it has no dot; write \1.0e\2, or {quoted} "
        "for text",
        "(?ai:on|yes|y)": "is true to some readers and text to others; write true, or {quoted} for text",
        "(?ai:off|no|n)": "is false to some readers and text to others; write false, or {quoted} for text",
        "(?ai:true|false|null)": "is not how {lower} is written here; write {lower}, or {quoted} for text",
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\s].*)?": "is a date to YAML; write {quoted}",
        r"[-+]?[0-9]+(:[0-9]+)+(\.[0-9]*)?": "is a number to base 60 to YAML; write {quoted} for text, or the number "
        "itself",
        "[-+]?0[xXoObB][0-9a-fA-F_]+": "is a number to another base; write it in decimal, or {quoted} for text",
        r"([-+]?)0+([0-9][0-9.]*([eE][-+]?[0-9]+)?)": r"is octal to some readers and decimal to others; write \1\2, or "
        "{quoted} for text",
        r"[-+]?[0-9][0-9_.]*_[0-9_.]*([eE][-+]?[0-9]+)?": "is a number to some readers and text to others; write "
        "{digits}, or {quoted} for text",
        r"(?i:[-+]?\.?(inf|infinity|nan))": "is not a finite number; write a number, or {quoted} for text",
    }.items()
)
"""How a text is written that different readers take for different values, and the rest of a sentence on it."""

MAX_READ_DIGITS = 300
"""Of a longer whole number the first ones are read: it is beyond `MAX_WHOLE_NUMBER`, and refused, either way."""

MAX_WHOLE_NUMBER = 2**63 - 1
"""What 64 bits hold."""


class Ambiguous(ValueError):
    """Text that different readers take for different values; the message is the rest of a sentence."""


def resolve(text: str) -> object:
    """Return what a scalar without quotes means.

    Raises:
        Ambiguous: it could be read in two ways, or as a number with a fraction that no computer can hold.
    """
    if text in _PLAIN:
        return _PLAIN[text]
    if _INT.fullmatch(text):
        return int(text[:MAX_READ_DIGITS])
    if _FLOAT.fullmatch(text):
        return _float(text)
    if reason := _trap(text):
        raise Ambiguous(reason)
    return text


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise Ambiguous("is larger than a number can be (about 1.8e308)")
    if value == 0.0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise Ambiguous("is so small that it would be read as 0")
    return value


def _trap(text: str) -> str:
    """Say why `text` is ambiguous and how to write it, or return ``""``."""
    for pattern, reason in _TRAPS:
        if match := pattern.fullmatch(text):
            return match.expand(reason).format(quoted=f'"{text}"', lower=text.lower(), digits=text.replace("_", ""))
    return ""
