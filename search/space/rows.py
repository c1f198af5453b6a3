"""The rows of a table as the section ``report`` names them: by a value, by a mapping, or, as a key, by their text."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from search.core.shown import listed
from search.space.model import Axis, Grid, Report
from search.space.nodes import Node, Problems, no_value, show, text_of, told_apart, unknown
from search.space.scalars import Ambiguous, resolve

OF_A_SEARCH = "; the baseline of a search goes under `search.confirm.baseline`"
"""The remedy where rows are asked for of axes that list no values."""


class Values:
    """The values of an axis, found by value (0.30 is 0.3) or by text."""

    def __init__(self, axis: Axis, problems: Problems) -> None:
        self.axis, self._problems = axis, problems
        values = axis.domain.values if isinstance(axis.domain, Grid) else ()
        self.by_text = {text_of(value): value for value in values}
        self._by_value = {told_apart(value): value for value in values}

    def find(self, node: Node, at: Node) -> tuple[Any] | None:
        """Return the value that `node` (a value, or a key) means; None, with a fault at `at`, where it is none."""
        if node.kind == "broken":
            return None
        if node.text in self.by_text:
            return (self.by_text[node.text],)
        meant = [node.value]
        if isinstance(node.value, str) and node is not at:  # a key in quotes: "0.30" is 0.3 as well
            with contextlib.suppress(Ambiguous):
                meant.append(resolve(node.value))
        for candidate in meant if node.kind == "scalar" else ():
            if told_apart(candidate) in self._by_value:
                return (self._by_value[told_apart(candidate)],)
        remedy = no_value(node, self.by_text.values())
        self._problems.add(at, f"found {show(node)}, which is no value of {self.axis.name!r}{remedy}")
        return None


class Rows:
    """The rows of a table, found as a file names them.

    Attributes:
        report: the section's row axes.
        checked: whether the row axes are sound; nothing is said of rows where they are not.
    """

    def __init__(
        self, rows: str | tuple[str, ...], axes: Sequence[Axis], names: Sequence[str], checked: bool, problems: Problems
    ) -> None:
        self.report, self.checked = Report(rows=rows), checked
        self._names, self._problems = names, problems
        self._searched = bool(axes) and not any(isinstance(axis.domain, Grid) for axis in axes)
        sound = {axis.name: axis for axis in axes}
        self._values = {name: Values(sound[name], problems) for name in self.report.row_axes if name in sound}

    @property
    def values(self) -> list[object]:
        """The values of the only row axis; none where several axes make the rows."""
        one = [*self._values.values()] if len(self.report.row_axes) == 1 else []
        return [value for axis in one for value in axis.by_text.values()]

    def find(self, node: Node, at: Node) -> dict[str, Any] | None:
        """Return the row that a value, a mapping or a key means; None, with a fault at `at`, where it means none."""
        if node.kind in ("broken", "list") or not self.checked:  # what a list is, the rules say
            return None
        names = self.report.row_axes
        if not names:
            reason = f"no axis lists values (grid, choice){OF_A_SEARCH}"
            if not self._searched:
                reason = "the table has no row axis; name one with `report.rows`"
            self._problems.add(at, f"speaks of rows, but {reason}")
            return None
        if node.kind == "mapping":
            return self._mapped(node)
        if len(names) == 1:
            value = self._values[names[0]].find(node, at)
            return None if value is None else {names[0]: value[0]}
        if (row := self.parsed(node.text)) is not None:
            return row
        first = {name: next(iter(values.by_text), "") for name, values in self._values.items()}
        between = (", ", "=", "", "") if node is not at else (", ", ": ", "{", "}")
        example = between[0].join(f"{name}{between[1]}{text}" for name, text in first.items())
        self._problems.add(
            at, f"found {show(node)}, must name a row by its axes, such as {between[2]}{example}{between[3]}"
        )
        return None

    def parsed(self, text: str) -> dict[str, Any] | None:
        """Return the row whose key this is, where several axes make the rows; None where it is none."""
        row = self._parsed(text, self.report.row_axes) if self.checked else None
        return row if row and not any(self._wanting(row)) and not any(self._idle(row)) else None

    def keyed(self, node: Node) -> dict[str, Node]:
        """Return a mapping keyed by rows, with the keys in their one spelling."""
        entries: dict[str, Node] = {}
        for key, entry in node.entries.items():
            row = self.find(node.keys[key], entry)
            name = self.report.key(row) if row else key
            if name in entries:
                self._problems.add(entry, f"{name} is given twice; keep one")
            entries[name] = entry
        return entries

    def _parsed(self, text: str, names: Sequence[str]) -> dict[str, Any] | None:
        if not text or not names:
            return None if text else {}
        first, others = names[0], names[1:]
        for value_text, value in self._values[first].by_text.items():
            head, rest = text[: len(f"{first}={value_text}")], text[len(f"{first}={value_text}") :]
            if head == f"{first}={value_text}" and (not rest or (rest.startswith(", ") and rest != ", ")):
                row = self._parsed(rest.removeprefix(", "), others)
                if row is not None:
                    return {first: value, **row}
        return self._parsed(text, others)

    def _mapped(self, node: Node) -> dict[str, Any] | None:
        row: dict[str, Any] = {}
        before = len(self._problems)
        for name, entry in node.entries.items():
            if name not in self._names:
                self._problems.add(entry, f"found {name!r}, which is no axis of this file{unknown(name, self._names)}")
            elif name not in self._values:
                made = listed(self.report.row_axes, len(self.report.row_axes))
                reason = f"found {name!r}, which makes no rows, as {made} {'do' if len(self._values) > 1 else 'does'}"
                self._problems.add(entry, f"{reason}; name it in `report.rows` as well, or remove it")
            elif (value := self._values[name].find(entry, entry)) is not None:
                row[name] = value[0]
        row = self.report.row(row)
        if len(self._problems) > before:
            return None
        for axis in self._wanting(row):
            shown = listed([*self._values[axis.name].by_text], 5, ", ")
            reason = f"names no value of {axis.name}, so that several rows are meant; add `{axis.name}`, one of {shown}"
            self._problems.add(node, reason)
        for axis in self._idle(row):
            assert axis.when is not None
            needed = " or ".join(show(value) for value in axis.when.values)
            reason = f"exists only where {axis.when.axis} is {needed}; remove it"
            self._problems.add(node.entries[axis.name], reason)
        return row if len(self._problems) == before else None

    def _wanting(self, row: Mapping[str, object]) -> list[Axis]:
        """Return the row axes that exist in a row, and that it has no value of."""
        return [axis for axis in self._alone() if axis.active(row) and axis.name not in row]

    def _idle(self, row: Mapping[str, object]) -> list[Axis]:
        """Return the row axes that a row has a value of, and that do not exist beside its other values."""
        return [axis for axis in self._alone() if axis.name in row and not axis.active(row)]

    def _alone(self) -> list[Axis]:
        """Return the row axes; one that depends on an axis beside the rows is taken as always there."""
        axes = [values.axis for values in self._values.values()]
        return [axis if axis.when and axis.when.axis in self._values else replace(axis, when=None) for axis in axes]
