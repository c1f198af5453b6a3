"""Published figures as text: how they may be written, and what they are figures of.

A figure keeps its text, because its last printed digit counts: 54.10 is more than 54.1. Accuracies are per cent; but
where none of a table has a ``%`` and all lie between 0 and 1, they are fractions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = r"([0-9]+(\.[0-9]+)?|\.[0-9]+)"

FIGURE = rf"^[-+]?{_NUMBER}( ?%)?$"
FIGURE_WORDS = (
    "a number with a decimal point such as 54.10, with or without %, without thousands separators and without ±"
)

PARAMETERS = rf"^\+?{_NUMBER}( ?[kKMBG])?$"
PARAMETERS_WORDS = "a number such as 11186772, 11.2M or 433k, without thousands separators"

_SPLIT = r"(val|valid|validation|dev|test|testing|train|training|overall|classification|top ?1)"
_ACCURACY = re.compile(rf"({_SPLIT} )*(accuracy|acc\.?)( ?[(\[]?(in )?(%|per ?cent|percent)[)\]]?)?")


def counts_images(metric: str) -> bool:
    """Whether figures of a metric are shares of images that were right: an accuracy, of whatever split.

    A balanced accuracy, a top-5 accuracy or an F1 is not.
    """
    return _ACCURACY.fullmatch(re.sub(r"[\s_-]+", " ", metric.strip().lower())) is not None


def small(text: str) -> bool:
    """Whether a figure is written without ``%`` and lies between 0 and 1, so that it may be a fraction."""
    whole, _, decimals = text.lstrip("+-").partition(".")
    if "%" in text:
        return False
    return not whole.strip("0") or (whole.lstrip("0") == "1" and not decimals.strip("0"))


def share(text: str, beside: Iterable[str]) -> float | None:
    """Return the fraction that a printed accuracy stands for; None where it may be per cent or fraction.

    Args:
        text: the figure, as `FIGURE` has it.
        beside: all figures of its table, itself included.
    """
    fractions = all(small(other) for other in beside)
    if small(text) and not fractions:
        return None
    return float(text.rstrip(" %")) / (1 if fractions else 100)
