"""The GRIM test (Brown & Heathers 2017): is a printed accuracy a whole number of images out of n?

A figure printed with t decimals stands for a value in the closed window of half a unit, u/2 = 10^-t / 2, on both
sides, which holds rounding half up, half to even and half down. The window is widened by 2e-5 points, because figures
are often printed from 32-bit floats. A mean of S runs on the same n images is a whole number out of S n; its window is
twice as wide, because the figures of the runs may have been rounded first. A table that was cut instead of rounded has
the window [p, p + u).

Everything is decided in whole numbers, from the text of the figure: 54.10 has two decimals.

A random wrong figure is caught with probability 1 - n / 10^(t+2), or 1 - 2 S n / 10^(t+2) for a mean of S runs; where
that is no longer positive every figure is possible, and nothing can be checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from search.space.figures import small

MAX_DIGITS = 40
"""A figure with more digits than this is no accuracy anybody measured, and is not read."""

MAX_IMAGES = 20_000
"""How far the smallest possible n is looked for where a table does not state it."""

_SLACK = 2, 5
"""2 * 10^-5 points: what printing from 32-bit floats may shift a figure by."""

_FIGURE = re.compile(r"([-+]?)([0-9]*)(?:\.([0-9]+))?( ?%)?")


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed accuracy: ``digits / 10**places`` points (per cent), to its last printed digit.

    `places` is below 0 where a fraction was printed so coarsely: 0.5 stands for 50 points, give or take five.
    """

    text: str
    digits: int
    places: int

    def shown(self, k: int, out_of: int) -> str:
        """Return k out of so many as per cent, rounded half up to as many decimals as this figure has."""
        places = max(self.places, 0)
        digits = str((2 * 100 * 10**places * k + out_of) // (2 * out_of)).zfill(places + 1)
        return f"{digits[:-places]}.{digits[-places:]} %" if places else f"{digits} %"

    @property
    def possible(self) -> bool:
        """Whether it lies, give or take its rounding, between 0 and 100 per cent."""
        return bool(counts(self, 10 ** (2 * MAX_DIGITS)))  # so many images that only the ends of the range can fail


def readings(text: str, fraction: bool | None) -> tuple[Figure, ...]:
    """Return what a printed figure may mean; nothing where it is too long to be one.

    Args:
        text: digits with a point or without, perhaps with ``%``.
        fraction: whether figures without ``%`` are fractions (0.54), or None where either may be meant.
    """
    match = _FIGURE.fullmatch(text)
    if match is None or not (match[2] or match[3]) or len(text) > MAX_DIGITS:
        return ()
    sign, whole, decimals, per_cent = match.groups(default="")
    digits = int(sign + whole + decimals)
    places = len(decimals)
    percentage, share = Figure(text, digits, places), Figure(text, digits, places - 2)
    if per_cent or fraction is False:
        return (percentage,)
    return (share,) if fraction else (percentage, share)


def table(texts: Mapping[str, str]) -> dict[str, tuple[Figure, ...]]:
    """Return row -> readings of its figure.

    Figures are per cent; but where none has a ``%`` and all lie between 0 and 1 they are fractions, and beside others
    a figure up to 1 without ``%`` may be either.
    """
    every = all(small(text) for text in texts.values())
    return {name: readings(text, True if every else None if small(text) else False) for name, text in texts.items()}


def counts(figure: Figure, n: int, runs: int = 1, truncated: bool = False) -> range:
    """Return the whole numbers of images, out of ``runs * n``, that a figure may stand for.

    Args:
        figure: as printed.
        n: images behind each run.
        runs: runs the figure is the mean of.
        truncated: the figure was cut behind its last digit, not rounded.
    """
    fine, half, slack = _window(figure, runs)
    value, every, whole = figure.digits * 10 ** (fine - figure.places), runs * n, 100 * 10**fine
    if truncated:
        first = -(-value * every // whole)
        last = -(-(value + 2 * half) * every // whole) - 1  # the upper end is open
    else:
        first = -(-(value - half - slack) * every // whole)
        last = (value + half + slack) * every // whole
    return range(max(first, 0), min(last, every) + 1)


def checkable(figure: Figure, n: int, runs: int = 1) -> bool:
    """Whether some figure of this form is impossible: the window is narrower than one image."""
    fine, half, slack = _window(figure, runs)
    return bool(2 * (half + slack) * runs * n < 100 * 10**fine)


def _window(figure: Figure, runs: int) -> tuple[int, int, int]:
    """Return a number of decimals, and in units of the last of them half the window of a figure and the slack."""
    fine = max(figure.places + 1, _SLACK[1])  # so that half a unit of the figure is a whole number
    unit = 10 ** (fine - figure.places)
    return fine, unit // 2 if runs == 1 else unit, _SLACK[0] * 10 ** (fine - _SLACK[1])


@dataclass(frozen=True)
class GrimResult:
    """What the test says of one table.

    Attributes:
        impossible: rows whose figure is no number of images.
        truncated: the figures were cut, not rounded: some fit in no other way, and all fit in this.
        unchecked: rows of whose figures every one would have been possible.
    """

    impossible: Sequence[str]
    truncated: bool
    unchecked: Sequence[str]


def judge(figures: Mapping[str, Sequence[Figure]], n: int, runs: int = 1) -> GrimResult:
    """Test the figures of one table.

    Args:
        figures: row -> readings of its figure; a row without readings is passed over.
        n: images behind each run.
        runs: runs each figure is the mean of.
    """
    known = {name: found for name, found in figures.items() if found}
    unchecked = [name for name, found in known.items() if not any(checkable(one, n, runs) for one in found)]
    wrong = [name for name, found in known.items() if not any(counts(one, n, runs) for one in found)]
    if wrong and all(any(counts(one, n, runs, truncated=True) for one in found) for found in known.values()):
        return GrimResult([], True, unchecked)
    return GrimResult(wrong, False, unchecked)


def smallest(figures: Iterable[Sequence[Figure]], runs: int = 1, most: int = MAX_IMAGES) -> int | None:
    """Return the smallest number of images that all figures are possible with; None where it is above `most`."""
    known = [found for found in figures if found]
    for n in range(1, most + 1):
        if all(any(counts(one, n, runs) for one in found) for found in known):
            return n
    return None
