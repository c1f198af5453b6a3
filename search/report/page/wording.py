"""Words that the sentences of a page share: lists, numbers of things, names of metrics."""

from __future__ import annotations

from collections.abc import Sequence

MAX_ITEMS_NAMED = 3
"""Settings, axes or claims a sentence names; the others are counted."""


def listed(names: Sequence[str], most: int = MAX_ITEMS_NAMED, between: str = ", ") -> str:
    """Return names as a sentence holds them: "a, b and c", "a, b and 5 more"."""
    most += len(names) == most + 1  # "and 1 more" is no shorter than its name
    shown, left = list(names[:most]), len(names) - most
    if left > 0:
        return f"{between.join(shown)} and {left} more"
    if between != ", " or len(shown) < 2:
        return between.join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def many(count: int, word: str) -> str:
    """Return "1 seed", "3 seeds"."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
