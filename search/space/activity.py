"""Settings that have no effect: a slope under ReLU is dropped before training, so a file that sets it is mistaken.

Only what can be told from the ``when`` words of the description is told, and a setting counts as in effect where each
of its conditions can be met, whether or not they can be met together: no false alarms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.rules import among
from search.space.extends import options, section
from search.space.model import Axis, Grid, Space
from search.space.nodes import COMMAND_LINE, Node, Problems, show
from search.space.settings import Rules

Narrowed = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class _Reason:
    """Why a setting is never in effect: `setting` only takes `found`, and `needed` is what it takes."""

    setting: str
    found: Sequence[Any]
    needed: Sequence[Any]

    def __str__(self) -> str:
        found = show(self.found[0]) if len(self.found) == 1 else f"only {_listed(self.found)}"
        return (
            f"has no effect because {self.setting} is {found}; it counts where {self.setting} is {_listed(self.needed)}"
        )


def _listed(values: Sequence[Any]) -> str:
    return " or ".join(show(value) for value in values)


def drop_inactive(space: Space, root: Node, rules: Rules, problems: Problems) -> Node:
    """Report settings without effect, and return the file without those that a base file may rightly set.

    What an extended base sets, and what a ``--set`` has switched off, is dropped in silence.
    """
    if rules is None:
        return root
    fixed = section(root, "fixed")
    idle = []
    for name, node in fixed.entries.items():
        if reason := _never(name, rules, space, {}):
            idle.append(name)
            _report(node, reason, root, problems)
    if idle:
        root = root.put("fixed", fixed.without(*idle))
    for axis in space.axes:
        node = section(root, "space").entries[axis.name]
        if options(node):
            root = _drop_in_options(axis, node, space, root, rules, problems)
            continue
        reasons = [_never(axis.name, rules, space, narrowed) for narrowed in _given(axis, space)]
        if all(reasons):
            problems.add(node, f"{reasons[0]}; remove the axis{_how(node, root)}")
    return root


def _how(node: Node, root: Node) -> str:
    return "" if node.file == root.file else f" with `{node.key.removeprefix('space.')}: null` under `space`"


def _drop_in_options(axis: Axis, node: Node, space: Space, root: Node, rules: Any, problems: Problems) -> Node:
    kind = next(kind for kind in ("grid", "choice") if kind in node.entries)
    domain = node.entries[kind]
    for name, option in domain.entries.items():
        narrowed = {setting: [value] for setting, value in axis.settings(name).items()}
        idle = []
        for setting, value in option.entries.items():
            if reason := _never(setting, rules, space, narrowed):
                idle.append(setting)
                _report(value, reason, root, problems)
        if idle:
            domain = domain.put(name, option.without(*idle))
    if domain is node.entries[kind]:
        return root
    return root.put("space", section(root, "space").put(axis.name, node.put(kind, domain)))


def _report(node: Node, reason: _Reason, root: Node, problems: Problems) -> None:
    cause = section(root, "fixed").entries.get(reason.setting)
    overridden = cause is not None and cause.file == COMMAND_LINE and node.file != COMMAND_LINE
    if node.file in (root.file, COMMAND_LINE) and not overridden:
        problems.add(node, str(reason))


def _given(axis: Axis, space: Space) -> list[Narrowed]:
    """Return what is settled where this axis exists: one mapping per value its condition allows."""
    if axis.when is None:
        return [{}]
    other = next(found for found in space.axes if found.name == axis.when.axis)
    return [{setting: [found] for setting, found in other.settings(value).items()} for value in axis.when.values]


def _never(name: str, rules: Mapping[str, Any], space: Space, narrowed: Narrowed) -> _Reason | None:
    """Say why a setting is in effect in no configuration, or return None."""
    for other, needed in rules.get(name, {}).get("when", {}).items():
        found = _possible(other, rules, space, narrowed)
        if found is not None and not any(among(value, needed) for value in found):
            return _Reason(other, found, needed)
        if other != name and (reason := _never(other, rules, space, narrowed)):
            return reason
    return None


def _possible(name: str, rules: Mapping[str, Any], space: Space, narrowed: Narrowed) -> Sequence[Any] | None:
    """Return the values a setting takes in some configuration; None where they cannot be listed."""
    if name in narrowed:
        return narrowed[name]
    rest = [space.fixed[name]] if name in space.fixed else [rules[name]["default"]] if "default" in rules[name] else []
    for axis in space.axes:
        if not isinstance(axis.domain, Grid):
            if axis.name == name:
                return None
            continue
        values = [axis.settings(value) for value in axis.domain.values]
        if any(name in settings for settings in values):
            always = axis.when is None and all(name in settings for settings in values)
            found = [settings[name] for settings in values if name in settings]
            return list({repr(value): value for value in found + ([] if always else rest)}.values())
    return rest or None
