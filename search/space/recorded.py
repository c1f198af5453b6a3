"""A space from the ledger: it was checked when it was run, and must be read back without its workload."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace

from search.core.errors import Faults, InternalError
from search.core.values import Rule
from search.space import reader
from search.space.model import Space
from search.space.nodes import Node, Problems
from search.space.schema import TOP
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
            root = _limited(_judgeable(root), TOP)
            space = reader._space(root, name, "", None, None, problems)
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


def _limited(node: Node, rule: Rule) -> Node:
    """Return the file with numbers above a maximum at it: an earlier version set none, and a run took as much."""
    if node.kind == "mapping":
        rules = rule.get("properties", {})
        entries = {name: _limited(child, rules.get(name, {})) for name, child in node.entries.items()}
        return replace(node, value=entries)
    if type(node.value) in (int, float) and node.value > rule.get("maximum", math.inf) and "words" not in rule:
        return replace(node, value=rule["maximum"], text=str(rule["maximum"]))
    return node


def _text(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, str)
