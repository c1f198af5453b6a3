"""What a scalar without quotes means: the one place that knows the traps of YAML 1.1.

``1e-3`` is text to YAML 1.1 and a number to everyone else; ``on`` is true, ``010`` is 8, ``1:30`` is 90 and
``2026-01-02`` a date. Where two readers could disagree, this one reads nothing and says how to write it.
"""

from __future__ import annotations

import math
import re

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?)")
_EXPONENT = re.compile(r"([-+]?[0-9]+)[eE]([-+]?[0-9]+)")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9]+(:[0-9]+)+(\.[0-9]*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\s].*)?")
_ZEROS = re.compile(r"([-+]?)0+([0-9][0-9.]*([eE][-+]?[0-9]+)?)")
_BASED = re.compile(r"[-+]?0[xXoObB][0-9a-fA-F_]+")
_UNDERSCORED = re.compile(r"[-+]?[0-9][0-9_.]*_[0-9_.]*([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.?(inf|infinity|nan)", re.IGNORECASE)
_SWITCHES = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}
_CASED = {"true": "true", "false": "false", "null": "null"}
_PLAIN = {"": None, "~": None, "null": None, "true": True, "false": False}


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
    quoted = f'"{text}"'
    lower = text.lower()
    if match := _EXPONENT.fullmatch(text):
        return f"is text to YAML for want of a dot; write {match[1]}.0e{match[2]}, or {quoted} for text"
    if lower in _SWITCHES:
        return (
            f"is {_SWITCHES[lower]} to some readers and text to others; write {_SWITCHES[lower]}, or {quoted} for text"
        )
    if lower in _CASED:
        return f"is not how {_CASED[lower]} is written here; write {_CASED[lower]}, or {quoted} for text"
    if _DATE.fullmatch(text):
        return f"is a date to YAML; write {quoted}"
    if _SEXAGESIMAL.fullmatch(text):
        return f"is a number to base 60 to YAML; write {quoted} for text, or the number itself"
    if _BASED.fullmatch(text):
        return f"is a number to another base; write it in decimal, or {quoted} for text"
    if match := _ZEROS.fullmatch(text):
        return f"is octal to some readers and decimal to others; write {match[1]}{match[2]}, or {quoted} for text"
    if _UNDERSCORED.fullmatch(text):
        return f"is a number to some readers and text to others; write {text.replace('_', '')}, or {quoted} for text"
    if _ENDLESS.fullmatch(text):
        return f"is not a finite number; write a number, or {quoted} for text"
    return ""
