"""Which configurations a search may try, and which come first: its condition ``where`` and its points ``start``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.core.values import Parameters
from search.space.configuration import check_configuration, read_configuration
from search.space.keys import FROM, MAX_TRIALS
from search.space.model import MAX_EXAMPLES_TRIED, Axis, Grid, Space, WinnerOf
from search.space.nodes import Node, Problems, show, unknown
from search.space.where import WhereError, parse


def read_where(node: Node | None, problems: Problems) -> str:
    """Read ``where``, which is the condition as it is written, or "" where it is none."""
    if node is None:
        return ""
    try:
        return parse(str(node.value)).text
    except WhereError as error:
        problems.add(node, f"found {show(node)}, which {error}")
        return ""


def check_where(space: Space, node: Node, problems: Problems) -> None:
    """Refuse a condition on what the file does not set, one that has no answer, and one that leaves nothing.

    Args:
        space: a sound space.
        node: its section ``search``.
    """
    if not space.search.where:
        return
    at, set_in_file = node.entries["where"], [*space.fixed, *(axis.name for axis in space.axes)]
    for axis in space.axes:
        options = axis.domain.options.values() if isinstance(axis.domain, Grid) else ()
        names = {name for option in options for name in option}
        set_in_file += [name for name in names if all(name in option for option in options)]
        if partly := sorted(parse(space.search.where).names & names - set(set_in_file)):
            problems.add(
                at, f"speaks of {partly[0]!r}, which only some options of {axis.name!r} set; set it in all of them"
            )
            return
    if strange := sorted(parse(space.search.where).names - set(set_in_file)):
        known = unknown(strange[0], set_in_file)
        problems.add(
            at, f"speaks of {strange[0]!r}, which the file does not set{known}; add it to `fixed`, or to the axes"
        )
        return
    if space.combinations() > MAX_TRIALS and space.search.sampler == "grid":
        return  # a fault of its own, and too many to look at
    try:
        left = _any_allowed(space)
    except WhereError as error:
        problems.add(at, str(error))
        return
    if not left:
        tried = "" if space.search.sampler == "grid" else f", of {MAX_EXAMPLES_TRIED:,} that were drawn"
        problems.add(at, f"leaves no configuration of the space{tried}; widen the condition, or the axes")


def _any_allowed(space: Space) -> bool:
    """Whether a condition leaves a configuration; of ranges, and of very many, whether one of those tried is left."""
    if space.search.sampler == "grid":
        return space.grid_size() > 0
    return space.allows(space.example())


def read_start(
    node: Node | None, sampler: str, axes: Sequence[Axis] | None, problems: Problems
) -> tuple[Parameters | WinnerOf, ...]:
    """Read ``start``: points of the space, and studies whose winners are meant.

    Args:
        sampler: how configurations are chosen.
        axes: all axes of the file, None where some are not sound.
    """
    if node is None or axes is None:
        return ()
    if sampler == "grid":
        problems.add(node, "a grid tries all its configurations, whatever comes first; remove it")
        return ()
    points: list[Parameters | WinnerOf] = []
    for item in node.items:
        study = item.entries.get(FROM)
        if study is None or any(axis.name == FROM for axis in axes):
            points.append(read_configuration(item, axes, problems))
        elif len(item.entries) > 1:
            problems.add(item, f"`{FROM}` names a study whose winner is meant, and stands alone; remove the other keys")
        elif not isinstance(study.value, str) or not study.value:
            problems.add(study, f"found {show(study)}, must be the name of a study")
        else:
            points.append(WinnerOf(study.value))
    return tuple(points)


def check_start(space: Space, node: Node, problems: Problems) -> None:
    """Refuse starting points that no configuration of the space can have.

    Args:
        space: a sound space.
        node: its section ``search``.
    """
    start, trials = space.search.start, space.search.trials or 0
    if len(start) > trials:
        found = f"found {len(start)} starting points, must be at most the {trials} of search.trials"
        problems.add(node.entries["start"], f"{found}: raise it, or remove some")
    for at, point in zip(node.entries["start"].items if start else (), start, strict=True):
        if isinstance(point, Mapping):
            check_configuration(at, point, point, "this point", space.axes, problems)
            if space.search.where and not parse(space.search.where).holds(
                {**space.fixed, **space.chosen(point), **point}
            ):
                problems.add(at, f"does not fulfil search.where, {space.search.where}")
