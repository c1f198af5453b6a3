"""Base files: ``extends`` reads another file and lays this one over it.

Mappings merge key by key; lists, scalars and axes are replaced whole; a null takes a key of the base away. An axis of
the extending file wins over a fixed value of the base, and a fixed value over an axis. The base's `name` is not
inherited, or two studies would share it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from search.space.files import neighbour
from search.space.keys import AUTO
from search.space.nodes import Node, Problems, empty_mapping, same, show
from search.space.planned import looks_like_plan
from search.space.yaml import read

MAX_BASE_FILES = 20


def load(file: str, problems: Problems) -> Node | None:
    """Read a file and all it extends into one tree; None where the file itself could not be read."""
    root = read(file, problems)
    return None if root is None else with_base(root, file, problems)


def with_base(root: Node, file: str, problems: Problems, chain: tuple[str, ...] = ()) -> Node:
    """Lay `root`, read from `file`, over the base it names; where that cannot be read, return it as it is.

    `Problems.partial` tells the two apart.
    """
    root = spelt_out(root)
    if "extends" not in root.entries:
        return root
    base = _base(root, file, problems, chain)
    problems.partial |= base is None
    child = root.without("extends")
    if base is None:
        return child
    merged = _merge(_prepared(base, root), child, "")
    return merged if _published(child).entries else with_data_of(base, merged)


def _base(root: Node, file: str, problems: Problems, chain: tuple[str, ...]) -> Node | None:
    """Return the base that a file names, laid over its own; None, with a fault, where it cannot be read."""
    node = root.entries["extends"]
    if node.kind == "broken":
        return None
    if not isinstance(node.value, str) or not node.value:
        remedy = "; let that file extend the next" if node.kind == "list" else ""
        problems.add(node, f"found {show(node)}, must be the path of one base file{remedy}")
        return None
    chain = (*chain, file)
    path = os.path.normpath(Path(file).parent / node.value if root.line else node.value)
    if any(os.path.realpath(path) == os.path.realpath(seen) for seen in chain):
        problems.add(node, f"goes in a circle: {' -> '.join((*chain, path))}; a base must not extend its extension")
    elif len(chain) > MAX_BASE_FILES:
        problems.add(node, f"is base number {len(chain)} of one file, at most {MAX_BASE_FILES} are read")
    elif not os.path.exists(path):
        problems.add(node, f"found {show(node)}, but there is no file {path!r}{neighbour(path, chain)}")
    elif (base := read(path, problems)) is not None:
        return with_base(base, path, problems, chain)
    return None


def _merge(base: Node, child: Node, within: str) -> Node:
    entries, keys = dict(base.entries), {**base.keys, **child.keys}
    for name, node in child.entries.items():
        old = base.entries.get(name)
        if node.null and old is not None and within == "fixed":
            # Whether null is a value of this setting or takes it away, only its rule can say.
            entries[name] = replace(node, removes=True)
        elif node.null and old is not None:
            del entries[name]
        elif within == "fixed" and looks_like_plan(node):
            entries[name] = node  # values by epoch are one value, and replaced whole
        elif old is not None and old.kind == node.kind == "mapping" and within != "space":
            entries[name] = _merge(old, node, name if not within else f"{within}.{name}")
        else:
            entries[name] = node
    return replace(base.with_entries(entries, keys), file=child.file, line=child.line)


def _prepared(base: Node, child: Node) -> Node:
    """Take from the base what the extending file settles in another way: its name, fixed values and axes."""
    base = base.without("name")
    for name, node in section(child, "fixed").entries.items():
        base = settle_axis(base, name, node)
    taken = {
        setting
        for name, axis in section(child, "space").entries.items()
        if not axis.null
        for setting in (name, *(key for option in options(axis).values() for key in option.entries))
    }
    return base.put("fixed", section(base, "fixed").without(*taken)) if "fixed" in base.entries else base


def with_data_of(before: Node, after: Node, default: str = "") -> Node:
    """Note which data published figures belong to, where a file is moved to others and does not say it.

    Args:
        before: the file in which the figures stand.
        after: the same laid under another file or the options of a command.
        default: the data of a file that names none.
    """
    published = _published(after)
    data, new = (section(root, "fixed").entries.get("data") for root in (before, after))
    known = data.value if data is not None else default if "data" not in section(before, "space").entries else ""
    if not published.entries or "data" in published.entries or new is None or not isinstance(known, str) or not known:
        return after
    if new.value == known:
        return after
    told = Node("scalar", known, "report.published.data", published.file, published.line, known)
    report = section(after, "report")
    return after.put("report", report.put("published", published.put("data", told)))


def _published(root: Node) -> Node:
    return section(section(root, "report"), "published")


def spelt_out(root: Node) -> Node:
    """Write ``resources: auto`` as what it is short for, ``resources: {gpus: auto}``."""
    node = root.entries.get("resources")
    if node is None or node.value != AUTO:
        return root
    inner = replace(node, key="resources.gpus")
    return root.put("resources", empty_mapping("resources", node.file, node.line).put("gpus", inner))


def section(root: Node, name: str) -> Node:
    """Return a section of the file; an empty one where it is missing, empty or unreadable."""
    node = root.entries.get(name)
    return node if node is not None and node.kind == "mapping" else empty_mapping(name, root.file, root.line)


def options(axis: Node) -> dict[str, Node]:
    """Return the named options of an axis; empty where it lists plain values."""
    domains = [axis.entries[kind] for kind in ("grid", "choice") if kind in axis.entries]
    return {name: option for domain in domains for name, option in domain.entries.items()}


def settle_axis(root: Node, name: str, value: Node) -> Node:
    """Take an axis away because it has been given one value, and what depends on it.

    Axes that exist only beside other values go with it, those that exist beside this one become unconditional, and
    parts of the report that speak of its values have nothing left to speak of.
    """
    space = section(root, "space")
    if name not in space.entries:
        return root
    root = _without_report(root, name).put("space", space.without(name))
    for other, axis in section(root, "space").entries.items():
        condition = section(axis, "when").entries.get(name)
        if condition is None or value.kind != "scalar":
            continue
        allowed = condition.items or (condition,)
        if any(node.kind == "scalar" and same(node.value, value.value) for node in allowed):
            root = root.put("space", section(root, "space").put(other, axis.without("when")))
        else:
            root = settle_axis(root, other, Node("broken", None))
    return root


def _without_report(root: Node, axis: str) -> Node:
    """Drop the parts of the report that speak of an axis that is gone."""
    report = section(root, "report")
    if not report.entries:
        return root
    rows, baseline = report.entries.get("rows"), section(report, "baseline").entries
    sole = rows is None and list(section(root, "space").entries) == [axis]
    listed = [item.data() for item in rows.items] if rows is not None and rows.kind == "list" else [*baseline]
    if sole or (rows is not None and rows.data() in (axis, [axis])) or (rows is None and listed == [axis]):
        report = report.without("rows", "columns", "baseline", "labels", "published", "claims")
    elif axis in listed:  # its value is the same in all rows now, and the others make them
        report = report.without("labels", "published", "claims")
        if rows is not None and rows.items:
            left = tuple(item for item in rows.items if item.data() != axis)
            report = report.put("rows", replace(rows, value=left))
        if axis in baseline:
            report = report.put("baseline", section(report, "baseline").without(axis))
    elif "columns" in report.entries and report.entries["columns"].data() == axis:
        report = report.without("columns")
    return root.put("report", report)
