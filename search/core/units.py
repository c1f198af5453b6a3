"""What intervals count as one: examples of one group, and those of equal content."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from search.core.trial import DataCard


def is_grouped(card: DataCard, split: str, count: int) -> bool:
    """Return whether a data card says of so many examples of a split which of them belong together."""
    return len(card.groups.get(split, ())) == count > 0


def units_of(card: DataCard, split: str, count: int) -> Sequence[Hashable]:
    """Return a name for each of so many examples of a split, equal where they count as one; () where all differ."""
    contents = card.contents.get(split, ())
    alike: Sequence[Hashable] = contents if len(contents) == count else ()
    if not is_grouped(card, split, count):
        return alike
    return merged(card.groups[split], contents) if len(alike) else card.groups[split]


def counts_groups(card: DataCard, split: str, count: int) -> bool:
    """Return whether intervals count groups that the card names: fewer of them than there are examples."""
    return is_grouped(card, split, count) and len(set(units_of(card, split, count))) < count


def merged(groups: Sequence[str], contents: Sequence[str]) -> list[int]:
    """Return a number for each example, equal where examples are of one group or of one content, or linked by others
    that are."""
    first: dict[tuple[int, str], int] = {}
    parent = list(range(len(groups)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    for place, names in enumerate(zip(groups, contents, strict=True)):
        for kind, name in enumerate(names):
            parent[root(place)] = root(first.setdefault((kind, name), place))
    return [root(place) for place in range(len(groups))]
