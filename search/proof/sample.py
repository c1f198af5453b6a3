"""Which epochs of a study are trained again: a sample of its rows, and the stretches that lead to them. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from search.proof.subject import Subject


@dataclass(frozen=True, eq=False)
class Chain:
    """A training of a study from its first epoch to its last one on record.

    Attributes:
        trial: number of a trial that has it.
        subject: what is trained.
        keys: epoch keys on record, of epochs 1, 2 ...
        data: fingerprint of its data.
    """

    trial: int
    subject: Subject
    keys: Sequence[str]
    data: str


@dataclass(frozen=True)
class Stretch:
    """Epochs of a chain that are trained in one process.

    Attributes:
        chain: which one.
        start: the epoch behind whose saved state it begins; 0 for nothing.
        end: its last epoch.
    """

    chain: Chain
    start: int
    end: int

    @property
    def keys(self) -> Sequence[str]:
        """Epoch keys of what is trained."""
        return self.chain.keys[self.start : self.end]

    @property
    def state(self) -> str:
        """Key of the saved state that it begins from; "" for none."""
        return self.chain.keys[self.start - 1] if self.start else ""


def longest(chains: Sequence[Chain]) -> list[Chain]:
    """Return the chains that are no beginning of another one, each once, in their order."""
    covered: set[str] = set()
    kept = []
    for chain in sorted(chains, key=lambda chain: (-len(chain.keys), chain.trial)):
        if chain.keys and chain.keys[-1] not in covered:
            kept.append(chain)
            covered |= set(chain.keys)
    return sorted(kept, key=lambda chain: chain.trial)


def sampled(
    chains: Sequence[Chain],
    share: float,
    on_record: Collection[str],
    begins: Callable[[Chain], Collection[int]],
    draw: random.Random,
) -> list[Stretch]:
    """Return stretches that train about this share of the rows again; for a share of 1 every chain from nothing.

    Rows are drawn one after another, each equally likely, and reached from the last saved state before it, or from
    nothing, as long as that takes no more epochs than are left; what is left then is trained behind the state before
    the first row that lay too far.

    Args:
        chains: as `longest` returns them.
        share: of rows, above 0 and at most 1.
        on_record: keys that have a row.
        begins: epochs of a chain behind which a sound state is kept.
        draw: draws.
    """
    if share >= 1:
        return [Stretch(chain, 0, len(chain.keys)) for chain in chains]
    first: dict[str, tuple[int, int]] = {}
    for number, chain in enumerate(chains):
        for epoch, key in enumerate(chain.keys, start=1):
            if key in on_record:
                first.setdefault(key, (number, epoch))
    places = list(first.values())
    draw.shuffle(places)
    left = math.ceil(share * len(places))
    starts: dict[int, list[int]] = {}
    ends: dict[tuple[int, int], int] = {}
    too_far: tuple[int, int] | None = None
    for number, epoch in places:
        if left <= 0:
            break
        if number not in starts:
            starts[number] = sorted({0, *begins(chains[number])})
        start = max(begun for begun in starts[number] if begun < epoch)
        more = epoch - ends.get((number, start), start)
        if more <= left:
            left -= max(more, 0)
            ends[number, start] = max(epoch, ends.get((number, start), start))
        elif too_far is None:
            too_far = number, start
    if left > 0 and too_far is not None:
        number, start = too_far
        ends[too_far] = min(ends.get(too_far, start) + left, len(chains[number].keys))
    return [Stretch(chains[number], start, end) for (number, start), end in sorted(ends.items())]


def epochs_of(stretches: Sequence[Stretch]) -> int:
    """Return the epochs that stretches train."""
    return sum(stretch.end - stretch.start for stretch in stretches)


def rows_of(stretches: Sequence[Stretch], on_record: Mapping[str, object] | Collection[str]) -> set[str]:
    """Return the keys of rows that stretches are compared with."""
    return {key for stretch in stretches for key in stretch.keys if key in on_record}
