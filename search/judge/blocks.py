"""Which seeds are added next, and when enough is known: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import chain, count, islice
from typing import Protocol

DEFAULT_LOOKS = (3, 5, 7, 10)
"""Seeds of each look where a file names none (`report.looks`)."""

MIN_SEEDS = 3
"""A verdict on a difference needs as many."""


class Judged(Protocol):
    """A claim with its verdict."""

    @property
    def kind(self) -> str:
        """supported, contradicted or undecided."""


class Answer(IntEnum):
    """What the claims of a file come to, and the exit code that says so. A contradicted claim outweighs an open one."""

    SUPPORTED = 0
    CONTRADICTED = 4
    UNDECIDED = 5


def looks_planned(stated: int | Sequence[int] | None, most: int | None) -> tuple[int, ...]:
    """Return the seeds of each look.

    Args:
        stated: what the file says; a number of looks fixes no seeds, so that the default stands.
        most: seeds that are paid for at most; the last look is there.
    """
    seeds = tuple(stated) if isinstance(stated, Sequence) else DEFAULT_LOOKS
    if most is None or most >= seeds[-1]:
        return seeds
    return (*(each for each in seeds if each < most), most)


def first_seeds(listed: Sequence[int], number: int) -> list[int]:
    """Return so many seeds: those of the file first, then the smallest others."""
    others = (seed for seed in count() if seed not in set(listed))
    return list(islice(chain(listed, others), number))


def looks_left(planned: Sequence[int], finished: int) -> list[int]:
    """Return the looks that are still to come, the one among them that `finished` seeds make.

    Args:
        finished: seeds that every setting has on record.
    """
    return [seeds for seeds in planned if seeds >= finished]


def answer(claims: Iterable[Judged]) -> Answer:
    """Return what the verdicts come to."""
    kinds = {str(claim.kind) for claim in claims}
    if "contradicted" in kinds:
        return Answer.CONTRADICTED
    return Answer.UNDECIDED if "undecided" in kinds else Answer.SUPPORTED


def settled(claims: Iterable[Judged]) -> bool:
    """Whether more seeds could change nothing: no claim is undecided."""
    return all(str(claim.kind) != "undecided" for claim in claims)
