"""Where in a file, or in its base, an entry of the published figures stands."""

from __future__ import annotations

import contextlib

from search.space import extends
from search.space.nodes import Node, Problems, empty_mapping, text_of
from search.space.scalars import Ambiguous, resolve


class Addresses:
    """Lines of the entries below ``report.published`` of one file.

    Args:
        file: path of a file that was found sound.
    """

    def __init__(self, file: str) -> None:
        root = (extends.load(file, Problems()) if file else None) or empty_mapping("", file, 0)
        self._published = extends.section(extends.section(root, "report"), "published")

    def of(self, *names: str) -> tuple[str, int, str]:
        """Return file, line and dotted key of an entry, or of the nearest one above it that is there."""
        key = ".".join(("report.published", *names))
        node = self._published
        for name in names:
            below = _entry(node, name)
            if below is None:
                break
            node = below
        return node.file, node.line, key


def _entry(node: Node, name: str) -> Node | None:
    """Return an entry by its name; figures are filed under one spelling of a value, 0.3 for a key 0.30."""
    if name in node.entries:
        return node.entries[name]
    for key, entry in node.entries.items():
        with contextlib.suppress(Ambiguous):
            if text_of(resolve(key)) == name:
                return entry
    return None
