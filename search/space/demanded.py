"""Metrics that rows hold only where a setting asks for them: a file that names one has the setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from search.space.extends import options, section
from search.space.nodes import Node, Problems, show
from search.space.objectives import objective_nodes

METRIC = "stop.metric"


def check_demanded(root: Node, on_demand: Mapping[str, str], problems: Problems) -> None:
    """Refuse a metric that no row will hold because nothing asks for it.

    Args:
        root: the file.
        on_demand: metric -> the setting that must be true for it.
    """
    for node in _named(root):
        setting = on_demand.get(node.value) if isinstance(node.value, str) else None
        if setting is not None and not _asked(root, setting):
            reason = f"found {show(node)}, which rows hold where {setting} is true"
            problems.add(node, f"{reason}; add `{setting}: true` under `fixed`")


def _asked(root: Node, setting: str) -> bool:
    """Whether a file sets it to true in all configurations; of an axis, whether it may."""
    fixed = section(root, "fixed").entries
    if setting in fixed:
        return fixed[setting].value is True
    axes = section(root, "space").entries
    return setting in axes or any(
        setting in option.entries for axis in axes.values() for option in options(axis).values()
    )


def _named(root: Node) -> Iterator[Node]:
    """Yield the metrics that a file names."""
    report = section(root, "report")
    objectives = objective_nodes(section(root, "search"))
    yield from (one.entries["metric"] for one in objectives if "metric" in one.entries)
    if METRIC in section(root, "fixed").entries:
        yield section(root, "fixed").entries[METRIC]
    if (columns := report.entries.get("metrics")) is not None:
        yield from columns.items
    if (claims := report.entries.get("claims")) is not None:
        yield from (claim.entries["metric"] for claim in claims.items if "metric" in claim.entries)
