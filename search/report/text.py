"""How values become text: labels, figures, and cells that no reader takes for markup, formulas or control codes.

Everything that is printed or exported passes through here, because names of studies, axes, images and options, and
tracebacks, hold whatever somebody wrote.
"""

from __future__ import annotations

import enum
import math
import re
import sys
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from search.core.shown import is_accuracy as is_accuracy
from search.core.shown import one_line as one_line
from search.core.shown import printable as printable
from search.core.shown import significant as significant
from search.space.nodes import text_of

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MARKUP = re.compile(r"([\\`*\[\]|~$])")
_EMPHASIS = re.compile(r"(?<!\w)_|_(?!\w)")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def right_to_left(text: str) -> bool:
    """Whether a text has letters that are written from right to left."""
    return any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)


def with_unit(metric: str, between: str = "") -> str:
    """Return the heading of a metric: an accuracy has its unit behind it, and behind what stands `between`."""
    return f"{metric}{between} (%)" if is_accuracy(metric) else f"{metric}{between}"


def split_words(split: str) -> str:
    """Return what a split's images are called: those of ``val`` are validation images."""
    return {"val": "validation", "train": "training"}.get(split, split)


def metric_words(metric: str) -> str:
    """Return a metric's name for people: ``val_accuracy`` is "validation accuracy"."""
    words = one_line(metric).replace("_", " ")
    return words.replace("val ", "validation ", 1) if words.startswith("val ") else words


class Missing(enum.Enum):
    """What stands where a column has nothing; pandas, which has NA for it, takes long to load."""

    MISSING = ""


MISSING = Missing.MISSING


def missing(value: object) -> bool:
    """Whether a scalar stands for "not there": `MISSING`, pandas' NA. None is a value, the file's null."""
    if value is MISSING:
        return True
    pandas = sys.modules.get("pandas")  # where it is not loaded nobody has a value of it
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def value_text(value: object, digits: int | None = None) -> str:
    """Return a setting's value as the space file would spell it; floats to `digits` significant digits."""
    if value is None:
        return "null"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}g}" if digits else repr(float(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_text(item, digits) for item in value)}]"
    return str(value)


def pairs_text(values: Mapping[str, object], digits: int | None = None, between: str = "=") -> str:
    """Return ``name=value, name=value`` of settings and the like; see `value_text`."""
    return ", ".join(f"{name}{between}{value_text(value, digits)}" for name, value in values.items())


def clauses(*parts: str) -> str:
    """Return parts of a sentence with semicolons between them; those that are "" are left out."""
    return "; ".join(part for part in parts if part)


def lookup(table: Mapping[str, str], value: object) -> str | None:
    """Return the entry of a value in a mapping keyed by `text_of`, however the number is spelt (``1``, ``1.0``)."""
    text = text_of(value)
    if text in table:
        return table[text]
    if isinstance(value, int | float) and not isinstance(value, bool):
        for key, entry in table.items():
            if _NUMBER.fullmatch(key) and float(key) == value:
                return entry
    return None


def figure(metric: str, value: float | None, uncertainty: float | None = None) -> str:
    """Return a value of `metric`, or what it is uncertain by, for people; accuracies in per cent.

    Args:
        metric: name, which tells accuracies from the rest.
        value: a fraction for accuracies; None gives "".
        uncertainty: in the unit of `value`: a standard deviation, or half an interval. It sets the digits (`rounded`).
            Where there is none, or it is 0, accuracies have two decimals and the rest 4 significant digits.
    """
    if value is None or not math.isfinite(value):
        return ""
    scale = 100 if is_accuracy(metric) else 1
    if uncertainty is not None and math.isfinite(scale * uncertainty) and scale * uncertainty > 0:
        return rounded(scale * value, scale * uncertainty)
    return f"{scale * value:.2f}" if is_accuracy(metric) else significant(value)


def rounded(value: float, uncertainty: float) -> str:
    """Return `value` rounded where `uncertainty`, positive, has its second significant digit.

    The rule of the GUM (JCGM 100:2008, 7.2.6): digits behind that place say nothing. 56.447 +/- 3.04 is 56.4, its
    uncertainty 3.0. Digits before the decimal point stay, and no value has more than 12 significant ones.
    """
    places = max(1 - _exponent(uncertainty, 2), 0)
    if max(abs(value), uncertainty) < 1e-4 or abs(value) >= 1e15:
        return f"{value:.{min(max(_exponent(value) + places, 0), 11)}e}"
    text = f"{value:.{max(min(places, 11 - _exponent(value)), 0)}f}"
    return text if text.strip("-0.") else text.removeprefix("-")


def _exponent(value: float, digits: int = 12) -> int:
    """Return the power of ten of the first digit of `value` rounded to so many significant digits."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])


def readable(value: object) -> str:
    """Return one value of a frame for people: as `cell_text`, a fraction of more than 8 characters cut.

    It keeps 4 significant digits and all those before the decimal point: 32768.0 stays itself, 0.819996 is 0.8200.
    """
    text = cell_text(value)
    if not isinstance(value, float | np.floating) or len(text) <= 8:
        return text
    number = float(value)
    if 1000 <= abs(number) < 1e15:
        return f"{number:.0f}"
    cut = f"{number:#.4g}"
    return format(Decimal(cut), "f") if 1e-4 <= abs(number) < 1000 else cut


def duration(seconds: float) -> str:
    """Return seconds for people: tenths below 100, whole ones above."""
    return f"{seconds:.1f}" if seconds < 100 else f"{seconds:.0f}"


def markdown_cell(text: str) -> str:
    """Return `text` so that Markdown and HTML show it as it is, within one table cell."""
    escaped = "".join(_HTML.get(c, c) for c in one_line(text))
    return _EMPHASIS.sub(r"\\_", _MARKUP.sub(r"\\\1", escaped))


def storable(text: str) -> str:
    """Return `text` as UTF-8 can hold it: an unpaired surrogate, which JSON lets through, is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode()


def cell_text(value: object) -> str:
    """Return one value of a frame as text: numbers read back bit-identical, "" for what is not finite or not there."""
    if missing(value) or (isinstance(value, float | np.floating) and not math.isfinite(value)):
        return ""
    return value_text(value)


def neutral(text: str) -> str:
    """Return `text` with a leading apostrophe where a spreadsheet would run it; text that is a number stays one.

    The signs are those of OWASP's page on CSV injection, those of full width among them.
    """
    return "'" + text if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def csv_cell(value: object) -> str:
    """Return one cell of a CSV file: `cell_text`, quoted where it must be.

    Text that a spreadsheet would run as a formula gets a leading apostrophe; text that is a number stays one.
    """
    if type(value) is float:  # as most cells are
        return repr(value) if math.isfinite(value) else ""
    text = cell_text(value).replace("\0", "\ufffd")  # readers end at a zero byte
    if isinstance(value, int | float | np.number):
        return text
    text = neutral(text)
    # The csv module leaves a carriage return bare, which readers take for the end of the line.
    if any(c in text for c in ',"\r\n') or text != text.strip():
        text = '"' + text.replace('"', '""') + '"'
    return text


def plain(value: object) -> Any:
    """Return `value` as JSON can hold it: numpy and pandas types made plain, what is not finite or not there null."""
    if missing(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
