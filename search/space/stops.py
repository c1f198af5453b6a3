"""The metric that a stop rule reads: one that the workload measures, in the direction that is meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.core.directions import LOWER, better_by_name
from search.core.trial import VAL_LOSS, is_timed
from search.space.extends import options, section
from search.space.nodes import Node, Problems, show, unknown

METRIC = "stop.metric"


def check_stops(root: Node, measured: Sequence[str], problems: Problems) -> None:
    """Refuse a stop rule that reads what no row will hold, or that takes a score for a loss.

    Args:
        measured: names of the workload's metrics; none where it does not say.
    """
    named = list(_values(root, METRIC))
    directed = any(_values(root, "stop.direction"))
    validated = [name for name in measured if not name.lower().startswith("test")]
    for node in named:
        if not isinstance(node.value, str) or node.value.lower().startswith("test"):
            continue  # told by its rule
        if is_timed(node.value):
            reason = "a time, which is another number in every run, and would end it elsewhere; name another metric"
            problems.add(node, f"found {show(node)}, {reason}")
        elif measured and node.value not in validated:
            problems.add(
                node, f"found {show(node)}, which the workload does not measure{unknown(node.value, validated)}"
            )
        elif not directed and better_by_name(node.value) != LOWER:
            problems.add(node, f"found {show(node)}, which would be minimized; add `stop.direction: maximize`")
    if not measured or VAL_LOSS in measured:
        return
    for node in _values(root, "stop.rule"):
        if node.value == "generalisation_loss":
            reason = f"reads {VAL_LOSS}, which the workload does not measure; choose patience, with {METRIC}"
            problems.add(node, f"{show(node)} {reason}")
        elif node.value == "patience" and not named:
            reason = f"reads {VAL_LOSS}, which the workload does not measure; name another in {METRIC}"
            problems.add(node, f"{show(node)} {reason}{unknown(VAL_LOSS, validated)}")


def _values(root: Node, setting: str) -> Iterator[Node]:
    """Yield what the file gives a setting, under ``fixed``, as an axis, or in a named option."""
    fixed, axes = section(root, "fixed").entries, section(root, "space").entries
    if setting in fixed:
        yield fixed[setting]
    for name, axis in axes.items():
        for kind in ("grid", "choice"):
            if name == setting and kind in axis.entries:
                yield from axis.entries[kind].items
        for option in options(axis).values():
            if setting in option.entries:
                yield option.entries[setting]
