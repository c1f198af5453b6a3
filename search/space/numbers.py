"""Numbers that were written in another way than YAML reads them: quoted, with a decimal comma, grouped, in per cent."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from search.core.values import Rule
from search.workload.settings import why_not

_PLAIN = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_COMMA = re.compile(r"[-+]?([0-9]*),([0-9]+)([eE][-+]?[0-9]+)?")
_ONE_GROUP = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
_GROUPED = (
    re.compile(
        r"[-+]?[1-9][0-9]{0,2}(?P<group>[ \u00a0\u2009\u202f'\u2019_])[0-9]{3}((?P=group)[0-9]{3})*([.,][0-9]+)?"
    ),
    re.compile(r"[-+]?[1-9][0-9]{0,2}(?P<group>,)[0-9]{3}(,[0-9]{3})+(\.[0-9]+)?"),
    re.compile(r"[-+]?[1-9][0-9]{0,2}(?P<group>,)[0-9]{3}\.[0-9]+"),
    re.compile(r"[-+]?[1-9][0-9]{0,2}(?P<group>\.)[0-9]{3}(\.[0-9]{3})+(,[0-9]+)?"),
    re.compile(r"[-+]?[1-9][0-9]{0,2}(?P<group>\.)[0-9]{3},[0-9]+"),
)


def meant(text: str, rule: Rule) -> str:
    """Say how a number is written that was given as text, or return ``""`` where it is none."""
    given = text.strip().replace("\u2212", "-")
    bare = given.removesuffix("%").rstrip()
    quoted = given == bare and _PLAIN.fullmatch(bare) is not None
    read = [one for reading in _readings(bare) if (one := _read(reading, rule, given != bare)) is not None]
    if fitting := [number for number, reason in read if not reason]:
        return f"; write {', or '.join(fitting)}{' without quotes' * quoted}"
    return f"; written {read[0][0]}, it {read[0][1]}" if read else ""


def _readings(text: str) -> list[str]:
    """Return what a text may mean, with a decimal point and without groups of digits."""
    if _PLAIN.fullmatch(text):
        return [text]
    for pattern in _GROUPED:
        if match := pattern.fullmatch(text):
            return [text.replace(match["group"], "").replace(",", ".")]
    if _ONE_GROUP.fullmatch(text):
        return [text.replace(",", ""), text.replace(",", ".")]
    return [text.replace(",", ".")] if _COMMA.fullmatch(text) else []


def _read(text: str, rule: Rule, per_cent: bool) -> tuple[str, str] | None:
    """Return a number as a file has it, and why its rule refuses it; None where it has another kind."""
    try:
        number = Decimal(text).scaleb(-2) if per_cent else Decimal(text)
        value = float(number)
    except (InvalidOperation, OverflowError):
        return None
    whole = re.fullmatch("[-+]?[0-9]+", text) and number == number.to_integral_value()
    if not whole and "number" not in rule.get("type", ()):
        return None
    digits, mark, exponent = text.lower().partition("e")
    digits = re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", re.sub(r"^([-+]?)\.", r"\g<1>0.", digits))
    written = f"{digits}{'' if '.' in digits or not mark else '.0'}{mark}{exponent}"
    reason = why_not(int(number) if whole else value, {key: rule[key] for key in rule if key != "pattern"})
    return f"{number.normalize():f}" if per_cent else written, reason[reason.find("must be") :] if reason else ""


def decimal(left: str, right: str) -> str:
    """Return how a number is written of which a comma separates two parts: both ways where it may group digits."""
    left = left.replace(".", "")
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}", left) and re.fullmatch("[0-9]{3}", right):
        return f"{left}{right}, or {left}.{right}"
    return f"{left}.{right}"
