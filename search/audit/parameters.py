"""Printed numbers of parameters against the workload's own count of the model.

A figure may have been rounded to thousands, millions or 10^9 (433k, 11.2M, or 11.2 under a heading that says so), or
end in zeros that stand for digits nobody printed; it agrees where the count lies within half a unit of its last digit
that counts, in any of these readings. Where the file does not say how many classes there are, it agrees if some number
of classes gives it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from search.core.shown import counted

MAX_DIGITS = 40
MAX_CLASSES = 100_000
"""How far a number of classes is looked for where the file does not state it."""

IMAGENET_CLASSES = 1000
"""Classes that the models of most papers come with: their sizes are quoted where a head was replaced, too."""

SCALES = {0: "", 3: "if they are thousands", 6: "if they are millions", 9: "if they are 10^9"}

SUFFIXES = {"k": 3, "K": 3, "M": 6, "B": 9, "G": 9}

Count = Callable[[int], Sequence[int]]


@dataclass(frozen=True)
class Reading:
    """One meaning of a printed number: it stands for low <= 2 x <= high; `words` says how it was read."""

    low: int
    high: int
    words: str = ""

    @property
    def exact(self) -> bool:
        """Whether it stands for one number alone."""
        return self.high - self.low <= 2

    def holds(self, count: int) -> bool:
        """Whether a count rounds to the figure (either way where it lies halfway)."""
        return self.low <= 2 * count <= self.high


def readings(text: str) -> list[Reading]:
    """Return what a printed number of parameters may mean, the plainest first; nothing where it is none."""
    match = re.fullmatch(r"\+?([0-9]*)(?:\.([0-9]+))?(?: ?([kKMBG]))?", text)
    if match is None or not (match[1] or match[2]) or len(text) > MAX_DIGITS:
        return []
    whole, decimals = match[1], match[2] or ""
    digits = int(whole + decimals)
    result = []
    for scale, words in ({SUFFIXES[match[3]]: ""} if match[3] else SCALES).items():
        unit = 10 ** max(scale - len(decimals), 0)  # of the last printed digit, in parameters
        blunt = 10 ** max(len(decimals) - scale, 0)  # a fraction of a parameter: only whole ones can agree
        if digits % blunt or (scale and not digits):
            continue
        value = digits // blunt * unit
        result.append(Reading(2 * value - unit, 2 * value + unit, words))
    zeros = len(whole) - len(whole.rstrip("0")) if not decimals and digits else 0
    if zeros and not match[3]:
        unit = 10**zeros
        result.append(Reading(2 * digits - unit, 2 * digits + unit, f"if they are rounded to {unit:,}"))
    return result


def judge(text: str, count: Count, classes: int | None) -> tuple[bool, str]:
    """Say whether a printed number agrees with the model.

    Args:
        text: the number as printed, one that `readings` can read.
        count: number of classes -> what the model has, in each configuration it may be of.
        classes: as far as the file states them.

    Returns:
        whether it agrees, and the rest of a sentence: on what condition, "" where on none; or what the model has.
    """
    meanings = readings(text)
    if classes is None:
        for meaning in meanings:
            if (fitting := _classes(meaning, count)) is not None:
                return True, " and ".join(part for part in (meaning.words, f"with {counted(fitting, 'class')}") if part)
        return False, "it has that with no number of classes"
    having = sorted(set(count(classes)))
    for meaning in meanings:
        if any(meaning.holds(number) for number in having):
            return True, meaning.words
    has = f"with {counted(classes, 'class')} it has {' or '.join(f'{number:,}' for number in having)}"
    other = _elsewhere(meanings, count)
    return False, f"{has}; the figure is that with {counted(other, 'class')}" if other else has


def _elsewhere(meanings: Sequence[Reading], count: Count) -> int | None:
    """Return the number of classes that a figure is right with; of a rounded one, whether ImageNet's is it."""
    if meanings[0].exact:
        return _classes(meanings[0], count)
    of_imagenet = count(IMAGENET_CLASSES)
    return IMAGENET_CLASSES if any(meaning.holds(number) for meaning in meanings for number in of_imagenet) else None


def _classes(meaning: Reading, count: Count) -> int | None:
    """Return the smallest number of classes that gives a count as printed; more classes never have fewer parameters."""
    for place in range(len(count(1))):
        fewest = 1 + bisect_left(range(1, MAX_CLASSES), meaning.low, key=partial(_twice, count, place))
        if meaning.holds(count(fewest)[place]):
            return fewest
    return None


def _twice(count: Count, place: int, classes: int) -> int:
    return 2 * count(classes)[place]
