"""Leaves that have no row yet, by what decides which of them is started first. Pure bookkeeping.

There may be thousands, and hardly one differs from the next: a lease for it starts at epoch 0, and the order
(`search.core.order`) asks for its seed, its length and its number alone. So of each *group*, the leaves of one kind,
one seed and one length, the lowest number stands for all: what a question costs does not grow with the leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heappop, heappush

from search.study.fold import Fold

Group = tuple[str, int, int]
"""Kind, seed, and epochs."""


class Untouched:
    """Leaves that have no row yet, by their trials' numbers."""

    def __init__(self) -> None:
        self._folds: dict[int, Fold] = {}
        self._numbers: dict[Group, list[int]] = {}  # heaps; a number that is no longer in `_folds` stands for nobody

    def __len__(self) -> int:
        return len(self._folds)

    def __iter__(self) -> Iterator[Fold]:
        return iter(self._folds.values())

    def get(self, number: int) -> Fold | None:
        """Return the leaf of a trial, or None where it is not here."""
        return self._folds.get(number)

    def add(self, fold: Fold) -> None:
        """Take up a leaf."""
        leaf = fold.leaf
        if leaf.trial.number not in self._folds:
            heappush(self._numbers.setdefault((leaf.kind, leaf.trial.seed, len(leaf.path)), []), leaf.trial.number)
        self._folds[leaf.trial.number] = fold

    def discard(self, number: int) -> None:
        """Take off the leaf of a trial, where it is here."""
        self._folds.pop(number, None)

    def of_kind(self, kind: str) -> Iterator[Fold]:
        """Yield the leaves of a kind."""
        for (of, _, _), numbers in self._numbers.items():
            if of == kind:
                yield from (self._folds[number] for number in numbers if number in self._folds)

    def first_ones(self, coming: Collection[str]) -> list[Fold]:
        """Return of each group the leaf with the lowest number whose first row is not among those that are coming."""
        found = [self._first_of(numbers, coming) for numbers in self._numbers.values()]
        self._numbers = {group: numbers for group, numbers in self._numbers.items() if numbers}
        return [fold for fold in found if fold is not None]

    def _first_of(self, numbers: list[int], coming: Collection[str]) -> Fold | None:
        passed, found = [], None
        while numbers and found is None:
            fold = self._folds.get(numbers[0])
            if fold is None:
                heappop(numbers)
            elif fold.leaf.path[0] in coming:
                passed.append(heappop(numbers))
            else:
                found = fold
        for number in passed:
            heappush(numbers, number)
        return found
