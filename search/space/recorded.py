"""A space from the ledger: it was checked when it was run, and must be read back without its workload."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from search.errors import Faults, InternalError
from search.space import reader
from search.space.model import Space
from search.space.nodes import Node, Problems
from search.space.yaml import parse


def rebuild(text: str, name: str) -> Space:
    """Return the space that `dump` wrote, checked for its form only.

    Raises:
        InternalError: the text is not what `dump` wrote.
    """
    problems = Problems()
    with contextlib.suppress(Faults):
        root = parse(text, f"<study {name}>", problems)
        if root is not None and not problems.faults:
            space = reader._space(_judgeable(root), name, "", None, None, problems)
            if not problems.faults:
                return space
    raise InternalError(f"the space file recorded with study {name!r} cannot be read: {list(problems.faults)}")


def _judgeable(root: Node) -> Node:
    """Return the file without claims in free text, which an earlier version recorded and nothing could judge."""
    report = root.entries.get("report")
    claims = report.entries.get("claims") if report is not None else None
    if report is None or claims is None or claims.kind != "list":
        return root
    kept = [item for item in claims.items if not any(_text(item.entries.get(word)) for word in ("never", "always"))]
    if len(kept) == len(claims.items):
        return root
    return root.put("report", report.put("claims", replace(claims, value=tuple(kept))))


def _text(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, str)
