"""The section ``report``: its axes exist, and every value it speaks of is one of the row axis."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from search.space.conform import conform
from search.space.extends import section
from search.space.figures import FIGURE, FIGURE_WORDS, PARAMETERS, PARAMETERS_WORDS
from search.space.labels import check_labels
from search.space.model import Axis, Grid, Published, Report
from search.space.nodes import Node, Problems, no_value, same, show, text_of, told_apart, unknown
from search.space.report_keys import CLAIM_KINDS, MAX_FIGURE_LETTERS, PREDICATES, REPORT, WHERE
from search.space.scalars import Ambiguous, resolve


class _Rows:
    """The values of the row axis, found by value (0.30 is 0.3) or by text."""

    def __init__(self, rows: str, axis: Axis | None, checked: bool, problems: Problems) -> None:
        self.rows, self.checked, self.problems = rows, checked, problems
        values = axis.domain.values if axis is not None and isinstance(axis.domain, Grid) else ()
        self.by_text = {text_of(value): value for value in values}
        self.by_value = {told_apart(value): value for value in values}

    def find(self, node: Node, at: Node) -> tuple[Any] | None:
        """Return the row value that `node` (a value, or a key) means; None, with a fault at `at`, where it is none."""
        if node.kind == "broken" or not self.checked:
            return None
        if not self.rows:
            self.problems.add(at, "speaks of rows, but the table has no row axis; name one with `report.rows`")
            return None
        if node.text in self.by_text:
            return (self.by_text[node.text],)
        meant = [node.value]
        if isinstance(node.value, str) and node is not at:  # a key in quotes: "0.30" is 0.3 as well
            with contextlib.suppress(Ambiguous):
                meant.append(resolve(node.value))
        for candidate in meant if node.kind == "scalar" else ():
            if told_apart(candidate) in self.by_value:
                return (self.by_value[told_apart(candidate)],)
        remedy = no_value(node, self.by_text.values())
        self.problems.add(at, f"found {show(node)}, which is no value of {self.rows!r}{remedy}")
        return None

    def keyed(self, node: Node) -> dict[str, Node]:
        """Return a mapping keyed by row values, with the keys in their one spelling."""
        entries: dict[str, Node] = {}
        for key, entry in node.entries.items():
            value = self.find(node.keys[key], entry)
            name = text_of(value[0]) if value else key
            if name in entries:
                self.problems.add(entry, f"{name} is given twice; keep one")
            entries[name] = entry
        return entries


def read_report(node: Node, axes: Sequence[Axis], names: Sequence[str], fresh: bool, problems: Problems) -> Report:
    """Read the section ``report``.

    Args:
        axes: the axes found sound.
        names: all axes of the file; nothing is said of values of one that is not sound.
        fresh: not of a study on record, which was run with the labels it has.
    """
    conform(node, REPORT, problems)
    data = {key: entry.data() for key, entry in node.entries.items() if entry.kind == "scalar"}
    rows = _axis(node.entries.get("rows"), axes, names, problems)
    sound = {axis.name: axis for axis in axes}
    if "rows" not in node.entries and len(names) == 1 and names[0] in sound:
        rows = names[0] if isinstance(sound[names[0]].domain, Grid) else ""
    columns = _axis(node.entries.get("columns"), axes, names, problems)
    if columns and columns == rows:
        problems.add(node.entries["columns"], f"found {columns!r}, which makes the rows already; name another axis")
    known = rows in sound if rows else "rows" not in node.entries and len(sound) == len(names)
    finder = _Rows(rows, sound.get(rows), known, problems)
    baseline = finder.find(node.entries["baseline"], node.entries["baseline"]) if "baseline" in node.entries else None
    finders = {name: _Rows(name, axis, True, problems) for name, axis in sound.items()}
    labels = finder.keyed(section(node, "labels"))
    if fresh:
        check_labels(labels, rows, finder.by_text.values(), problems)
    claims = node.entries.get("claims", Node("list", ()))
    return Report(
        rows=rows,
        columns=columns,
        value=str(data.get("value", "last")),
        baseline=baseline[0] if baseline else None,
        has_baseline=baseline is not None,
        margin=data.get("margin"),
        labels={key: entry.data() for key, entry in labels.items()},
        published=_published(node.entries.get("published"), finder, problems),
        claims=tuple(_claim(claim, finder, finders, names, problems) for claim in claims.items),
        looks=data.get("looks"),
    )


def _axis(node: Node | None, axes: Sequence[Axis], names: Sequence[str], problems: Problems) -> str:
    if node is None or not isinstance(node.value, str):
        return ""
    if node.value not in names:
        problems.add(node, f"found {show(node)}, which is no axis of this file{unknown(node.value, names)}")
        return ""
    if any(axis.name == node.value and not isinstance(axis.domain, Grid) for axis in axes):
        problems.add(node, f"found {show(node)}, a prior over a range; only listed values (grid, choice) make a table")
    return node.value


def _published(node: Node | None, rows: _Rows, problems: Problems) -> Published | None:
    if node is None or node.kind != "mapping":
        return None
    values = rows.keyed(section(node, "values"))
    parameters = section(node, "parameters").entries
    _figures(values.values(), FIGURE, FIGURE_WORDS, problems)
    _figures(parameters.values(), PARAMETERS, PARAMETERS_WORDS, problems)
    facts: dict[str, Any] = {
        key: node.entries[key].data() for key in ("confusion_matrix", "class_sizes") if key in node.entries
    }
    if parameters:
        facts["parameters"] = {key: entry.text for key, entry in parameters.items()}
    if (row := node.entries.get("confusion_matrix_row")) is not None:
        if "confusion_matrix" not in node.entries:
            problems.add(row, "goes with `confusion_matrix` only; remove it")
        elif (value := rows.find(row, row)) is not None:
            facts["confusion_matrix_row"] = text_of(value[0])
    _square(node.entries.get("confusion_matrix"), problems)
    data = node.data()
    return Published(
        source=data.get("source", ""),
        data=data.get("data", ""),
        metric=data.get("metric", "accuracy"),
        n=data.get("n"),
        values={key: entry.text for key, entry in values.items()},
        facts=facts,
        runs=data.get("runs", 1),
    )


def _figures(found: Iterable[Node], pattern: str, words: str, problems: Problems) -> None:
    """Report the numbers among figures that were not written as figures are; `conform` has seen to the texts."""
    for figure in found:
        if isinstance(figure.value, float) and not figure.plain:
            problems.add(figure, f"found the number {show(figure)}, must be text: a number forgets its last digits")
        elif type(figure.value) in (int, float) and len(figure.text) > MAX_FIGURE_LETTERS:
            reason = f"found {show(figure)} with {len(figure.text)} characters, must have at most {MAX_FIGURE_LETTERS}"
            problems.add(figure, reason)
        elif type(figure.value) in (int, float) and not re.fullmatch(pattern, figure.text):
            problems.add(figure, f"found {figure.text}, must be {words}")


def _square(node: Node | None, problems: Problems) -> None:
    if node is None or not node.items or not node.sound:
        return
    size = len(node.items)
    for row in node.items:
        if row.kind == "list" and len(row.items) != size:
            problems.add(row, f"has {len(row.items)} entries, must have {size}: the matrix has that many rows")


def _claim(
    node: Node, rows: _Rows, axes: Mapping[str, _Rows], names: Sequence[str], problems: Problems
) -> Mapping[str, Any]:
    given = [kind for kind in CLAIM_KINDS if kind in node.entries]
    if node.kind == "mapping" and len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "claims nothing"
        problems.add(node, f"{found}, must have exactly one of {', '.join(CLAIM_KINDS)}")
    for word, kind in (("by", "better"), ("within", "equal")):
        if word in node.entries and kind not in node.entries:
            problems.add(node.entries[word], f"goes with `{kind}` only; remove it")
    if "equal" in node.entries and "within" not in node.entries:
        reason = "needs the key `within`: without a margin nothing can be shown to be equal"
        problems.add(node, reason)
    claim = dict(node.data()) if node.kind == "mapping" else {}
    for kind in ("better", "equal"):
        if kind in node.entries:
            pair = [rows.find(item, item) for item in node.entries[kind].items]
            if len(pair) == 2 and pair[0] is not None and same(pair[0], pair[1]):
                twice = show(node.entries[kind].items[0])
                problems.add(node.entries[kind], f"compares {twice} with itself; name two rows")
            claim[kind] = [value[0] for value in pair if value is not None]
    if "best" in node.entries and node.entries["best"].kind == "scalar":
        best = rows.find(node.entries["best"], node.entries["best"])
        claim["best"] = best[0] if best else None
    for kind in ("never", "always"):
        if kind in node.entries and node.entries[kind].kind == "mapping":
            claim[kind] = _runs(node.entries[kind], axes, names, problems)
    return claim


def _runs(node: Node, axes: Mapping[str, _Rows], names: Sequence[str], problems: Problems) -> Mapping[str, Any]:
    """Read what runs never or always do: one predicate, and which runs are meant."""
    given = [name for name in PREDICATES if name in node.entries]
    if len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "says nothing of a run"
        problems.add(node, f"{found}, must have exactly one of {', '.join(PREDICATES)}")
    claim: dict[str, Any] = {name: node.entries[name].data() for name in given}
    where = node.entries.get(WHERE)
    if where is not None and where.kind == "mapping":
        if not where.entries:
            problems.add(where, "names no axis; remove it, or write {axis: value}")
        claim[WHERE] = {name: _values(name, entry, axes, names, problems) for name, entry in where.entries.items()}
    return claim


def _values(name: str, node: Node, axes: Mapping[str, _Rows], names: Sequence[str], problems: Problems) -> list[object]:
    """Return the values of an axis that are meant, as the axis spells them."""
    if name not in axes:
        if name not in names:
            problems.add(node, f"found {name!r}, which is no axis of this file{unknown(name, names)}")
        return []
    finder = axes[name]
    if not finder.by_text:
        problems.add(node, f"found {name!r}, a prior over a range; only listed values (grid, choice) can be named")
        return []
    found = [finder.find(item, item) for item in (node.items if node.kind == "list" else [node])]
    return [value[0] for value in found if value is not None]
