"""Settings that have no effect: a slope under ReLU is dropped before training, so a file that sets it is mistaken.

Only what can be told from the ``when`` words of the description is told, and a setting counts as in effect where each
of its conditions can be met, whether or not they can be met together: no false alarms.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.core.values import among
from search.space.extends import options, section
from search.space.model import Axis, Grid, Space
from search.space.nodes import TYPED, Node, Problems, show
from search.space.settings import Rules
from search.workload import Description
from search.workload.plans import values_of

Narrowed = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class _Reason:
    """Why a setting is never in effect: `setting` only takes `found`, and `needed` is what it takes."""

    setting: str
    found: Sequence[object]
    needed: Sequence[Any]

    def __str__(self) -> str:
        found = show(self.found[0]) if len(self.found) == 1 else f"only {_listed(self.found)}"
        return (
            f"has no effect because {self.setting} is {found}; it counts where {self.setting} is {_listed(self.needed)}"
        )


def _listed(values: Sequence[object]) -> str:
    return " or ".join(show(value) for value in values)


def drop_inactive(space: Space, root: Node, rules: Rules, problems: Problems) -> Node:
    """Report settings without effect, and return the file without those that a base file may rightly set.

    What an extended base sets, and what a ``--set`` has switched off, is dropped in silence.
    """
    if rules is None:
        return root
    conditions = _Known(space, rules)
    fixed = section(root, "fixed")
    if (active := _active(fixed, {}, conditions, root, problems)) is not fixed:
        root = root.put("fixed", active)
    axes = {axis.name: axis for axis in space.axes}
    for axis in space.axes:
        node = section(root, "space").entries[axis.name]
        if options(node):
            root = _drop_in_options(axis, node, conditions, root, problems)
            continue
        reasons = [conditions.never(axis.name, narrowed) for narrowed in _given(axis, axes)]
        if all(reasons):
            problems.add(node, f"{reasons[0]}; remove the axis{_how(node, root)}")
    return root


def _how(node: Node, root: Node) -> str:
    return "" if node.file == root.file else f" with `{node.key.removeprefix('space.')}: null` under `space`"


def _drop_in_options(axis: Axis, node: Node, known: _Known, root: Node, problems: Problems) -> Node:
    kind = next(kind for kind in ("grid", "choice") if kind in node.entries)
    domain = node.entries[kind]
    entries = {}
    for name, option in domain.entries.items():
        narrowed = {setting: [value] for setting, value in axis.settings(name).items()}
        entries[name] = _active(option, narrowed, known, root, problems)
    if entries == domain.entries:
        return root
    changed = node.put(kind, domain.with_entries(entries, domain.keys))
    return root.put("space", section(root, "space").put(axis.name, changed))


def _active(settings: Node, narrowed: Narrowed, known: _Known, root: Node, problems: Problems) -> Node:
    """Return settings without those that have no effect, which are reported."""
    idle = {name: reason for name in settings.entries if (reason := known.never(name, narrowed))}
    for name, reason in idle.items():
        _report(settings.entries[name], reason, root, problems)
    return settings.without(*idle) if idle else settings


def _report(node: Node, reason: _Reason, root: Node, problems: Problems) -> None:
    cause = section(root, "fixed").entries.get(reason.setting)
    overridden = cause is not None and cause.file in TYPED and node.file not in TYPED
    if node.file in (root.file, *TYPED) and not overridden:
        problems.add(node, str(reason))


def _given(axis: Axis, axes: Mapping[str, Axis]) -> list[Narrowed]:
    """Return what is settled where this axis exists: one mapping per value its condition allows."""
    if axis.when is None:
        return [{}]
    other = axes[axis.when.axis]
    return [{setting: [found] for setting, found in other.settings(value).items()} for value in axis.when.values]


class _Known:
    """What a space says of its settings; each is looked up once, however many options ask for it."""

    def __init__(self, space: Space, rules: Description) -> None:
        self.space, self.rules = space, rules
        possible = functools.cache(lambda name: _possible(name, rules, space))
        self._unmet = functools.cache(lambda name, other: self._reason(name, other, possible(other)))

    def never(self, name: str, narrowed: Narrowed) -> _Reason | None:
        """Say why a setting is in effect in no configuration with the values in `narrowed`, or return None."""
        for other in self.rules.get(name, {}).get("when", {}):
            known = other in narrowed
            reason = self._reason(name, other, narrowed[other]) if known else self._unmet(name, other)
            if reason is not None:
                return reason
            if other != name and (reason := self.never(other, narrowed)):
                return reason
        return None

    def _reason(self, name: str, other: str, found: Sequence[object] | None) -> _Reason | None:
        needed = self.rules[name]["when"][other]
        rule = self.rules[other]
        met = found is None or any(among(value, needed) for taken in found for value in values_of(taken, rule))
        return None if met else _Reason(other, found or (), needed)


def _possible(name: str, rules: Description, space: Space) -> Sequence[object] | None:
    """Return the values a setting takes in some configuration; None where they cannot be listed."""
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
