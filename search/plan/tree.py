"""The stage tree: the tree that the equal beginnings of trials form (Hippo, VLDB 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from search.core.prefix import shared
from search.study.leaf import Leaf


@dataclass
class Stage:
    """A stretch of epochs that the same leaves share, as long as it can be.

    Attributes:
        start, end: it trains the epochs start + 1 to end.
        leaves: those whose path leads through it, in the order given.
        children: the stages behind it; leaves that end with it are in none of them.
    """

    start: int
    end: int
    leaves: Sequence[Leaf]
    children: list[Stage] = field(default_factory=list)

    @property
    def keys(self) -> Sequence[str]:
        """Epoch keys of the stretch."""
        return self.leaves[0].path[self.start : self.end]

    @property
    def ending(self) -> list[Leaf]:
        """Leaves whose last epoch is the last one here."""
        return [leaf for leaf in self.leaves if len(leaf.path) == self.end]


def grow(leaves: Sequence[Leaf]) -> list[Stage]:
    """Return the first stages of the tree of these leaves, with all that follows; order is kept."""
    roots: list[Stage] = []
    waiting: list[tuple[list[Stage], Sequence[Leaf], int]] = [(roots, leaves, 0)]
    while waiting:
        siblings, members, start = waiting.pop()
        groups: dict[str, list[Leaf]] = {}
        for leaf in members:
            if len(leaf.path) > start:
                groups.setdefault(leaf.path[start], []).append(leaf)
        for group in groups.values():
            end = min(shared(group[0].path, leaf.path) for leaf in group)
            stage = Stage(start, end, group)
            siblings.append(stage)
            waiting.append((stage.children, group, end))
    return roots


def walk(stages: Sequence[Stage]) -> Iterator[tuple[int, bool, Stage]]:
    """Yield (depth, whether it is the last of its siblings, stage), every stage before those behind it."""
    waiting = [(0, place == 0, stage) for place, stage in enumerate(reversed(stages))]
    while waiting:
        depth, last, stage = waiting.pop()
        yield depth, last, stage
        waiting += [(depth + 1, place == 0, child) for place, child in enumerate(reversed(stage.children))]
