"""Lists of names in sentences."""

from __future__ import annotations

from collections.abc import Sequence


def named(things: Sequence[str], limit: int, separator: str = ", ") -> str:
    """List `things`, at most `limit` of them by name, the others as a count."""
    listed = separator.join(things[:limit])
    return listed if len(things) <= limit else f"{listed}{separator}and {len(things) - limit} more"
