"""The section ``report``: its axes exist, and every value it speaks of is one of the row axis."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from search.core.derived import rule_of
from search.core.shown import is_accuracy
from search.core.trial import is_timed
from search.core.values import same
from search.space.conform import conform
from search.space.extends import section
from search.space.figures import FIGURE, FIGURE_WORDS, PARAMETERS, PARAMETERS_WORDS
from search.space.labels import check_labels
from search.space.model import Axis, Grid, Published, Report
from search.space.nodes import Node, Problems, show, unknown
from search.space.report_keys import (
    CLAIM_KINDS,
    FRACTION_WORDS,
    MAX_FIGURE_LETTERS,
    MAX_MARGIN,
    PREDICATES,
    REPORT,
    RUN_KINDS,
    WHERE,
)
from search.space.rows import OF_A_SEARCH, Rows, Values


def read_report(node: Node, axes: Sequence[Axis], names: Sequence[str], fresh: bool, problems: Problems) -> Report:
    """Read the section ``report``.

    Args:
        axes: the axes found sound.
        names: all axes of the file; nothing is said of values of one that is not sound.
        fresh: not of a study on record, which was run with the labels it has.
    """
    conform(node, REPORT, problems)
    data = {key: entry.data() for key, entry in node.entries.items() if entry.kind == "scalar"}
    sound = {axis.name: axis for axis in axes}
    rows = _row_axes(node, axes, names, problems)
    columns = _axis(node.entries.get("columns"), axes, names, problems)
    if columns and columns in rows:
        problems.add(node.entries["columns"], f"found {columns!r}, which makes the rows already; name another axis")
    elif columns and len(rows) > 1:
        problems.add(node.entries["columns"], f"goes with one row axis, and there are {len(rows)}; remove it")
    listed = {axis.name for axis in axes if isinstance(axis.domain, Grid)}
    known = listed.issuperset(rows) if rows else "rows" not in node.entries and len(sound) == len(names)
    finder = Rows(rows[0] if len(rows) == 1 else rows or "", axes, names, known, problems)
    baseline = finder.find(node.entries["baseline"], node.entries["baseline"]) if "baseline" in node.entries else None
    finders = {name: Values(axis, problems) for name, axis in sound.items()}
    labels = finder.keyed(section(node, "labels"))
    if fresh:
        texts = [entry.value for entry in labels.values() if isinstance(entry.value, str)]
        several = [*labels, *(text for text in texts if finder.parsed(text))] if len(rows) > 1 else finder.values
        check_labels(labels, rows[0] if len(rows) == 1 else "", several, problems)
    claims = node.entries.get("claims", Node("list", ()))
    columns_of = node.entries.get("metrics", Node("list", ()))
    return Report(
        rows=finder.report.rows,
        columns=columns,
        value=str(data.get("value", "last")),
        baseline=_named(baseline) if baseline else None,
        has_baseline=baseline is not None,
        margin=data.get("margin"),
        labels={key: entry.data() for key, entry in labels.items()},
        published=_published(node.entries.get("published"), finder, problems),
        claims=tuple(_claim(claim, finder, finders, names, problems) for claim in claims.items),
        looks=_looks(node.entries.get("looks"), problems),
        noise=str(data.get("noise", "guarded")),
        metrics=tuple(item.value for item in columns_of.items if isinstance(item.value, str)),
    )


def _looks(node: Node | None, problems: Problems) -> int | tuple[int, ...] | None:
    """Read ``looks``: a number of looks, or the seeds of each, ascending."""
    if node is None or not node.sound:
        return None
    if node.kind != "list":
        return int(node.value) if isinstance(node.value, int) else None
    seeds = [item.value for item in node.items]
    if not all(isinstance(count, int) for count in seeds):
        return None
    if any(later <= earlier for earlier, later in itertools.pairwise(seeds)):
        problems.add(node, f"found {seeds}, must ascend: each look has more seeds than the one before")
        return None
    return tuple(seeds)


def check_claims(node: Node, objective: str, measured: Sequence[str], problems: Problems) -> None:
    """Refuse metrics of claims that no row of the workload will hold, or that are times, and margins above 1 where an
    accuracy is judged: 2 would be two hundred percentage points.

    Args:
        node: the section ``report``.
        objective: the metric that claims are judged by which name no other.
        measured: names of the workload's metrics; none where it does not say.
    """
    margins = [(node.entries.get("margin"), objective)]
    for claim in node.entries.get("claims", Node("list", ())).items:
        metric = claim.entries.get("metric")
        name = metric.value if metric is not None and isinstance(metric.value, str) else objective
        margins += [(claim.entries.get(word), name) for word in ("by", "within")]
        if metric is None or metric.value != name:
            continue
        if is_timed(name):
            remedy = "`report.baseline` compares times in the table: name another metric"
            problems.add(metric, f"found {show(metric)}, a time, which no example tells; {remedy}")
        elif measured and name not in measured and rule_of(name) is None:
            reason = f"found {show(metric)}, which the workload does not measure{unknown(name, measured)}"
            problems.add(metric, reason)
    for margin, name in margins:
        if margin is None or type(margin.value) not in (int, float) or not is_accuracy(name):
            continue
        if 1 < margin.value <= MAX_MARGIN:
            problems.add(margin, f"found {show(margin)}, must be {FRACTION_WORDS}")


def _named(row: Mapping[str, Any]) -> Any:
    """Return a row as `Report` keeps it: the value of the only row axis, or the mapping."""
    return next(iter(row.values())) if len(row) == 1 else row


def _row_axes(node: Node, axes: Sequence[Axis], names: Sequence[str], problems: Problems) -> tuple[str, ...]:
    """Return the axes that make the rows: those that are named, else those of the baseline, else the only axis."""
    given, baseline = node.entries.get("rows"), node.entries.get("baseline")
    if given is not None and given.kind == "list":
        found = [_axis(item, axes, names, problems) for item in given.items]
        for place, name in enumerate(found):
            if name and name in found[:place]:
                problems.add(given.items[place], f"names {name!r} twice; keep one")
        return tuple(dict.fromkeys(name for name in found if name)) if all(found) else ()
    if given is not None:
        name = _axis(given, axes, names, problems)
        return (name,) if name else ()
    if baseline is not None and baseline.kind == "mapping" and len(names) > 1:
        keys = [replace(baseline.entries[name], kind="scalar", value=name, text=name) for name in baseline.entries]
        return tuple(_axis(key, axes, names, problems, OF_A_SEARCH) for key in keys if key.value in names)
    only = [axis for axis in axes if len(names) == 1 and isinstance(axis.domain, Grid)]
    return tuple(axis.name for axis in only)


def _axis(node: Node | None, axes: Sequence[Axis], names: Sequence[str], problems: Problems, remedy: str = "") -> str:
    if node is None or not isinstance(node.value, str):
        return ""
    if node.value not in names:
        problems.add(node, f"found {show(node)}, which is no axis of this file{unknown(node.value, names)}")
        return ""
    if any(axis.name == node.value and not isinstance(axis.domain, Grid) for axis in axes):
        problems.add(
            node, f"found {show(node)}, a prior over a range; only listed values (grid, choice) make a table{remedy}"
        )
    return node.value


def _published(node: Node | None, rows: Rows, problems: Problems) -> Published | None:
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
            facts["confusion_matrix_row"] = rows.report.key(value)
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
    node: Node, rows: Rows, axes: Mapping[str, Values], names: Sequence[str], problems: Problems
) -> Mapping[str, Any]:
    given = [kind for kind in CLAIM_KINDS if kind in node.entries]
    if node.kind == "mapping" and len(given) != 1:
        found = f"found {' and '.join(given)}" if given else "claims nothing"
        problems.add(node, f"{found}, must have exactly one of {', '.join(CLAIM_KINDS)}")
    for word, kind in (("by", "better"), ("within", "equal")):
        if word in node.entries and kind not in node.entries:
            problems.add(node.entries[word], f"goes with `{kind}` only; remove it")
    if "metric" in node.entries and any(kind in node.entries for kind in RUN_KINDS):
        problems.add(node.entries["metric"], "goes with `better`, `equal` and `best` only; remove it")
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
            claim[kind] = [_named(row) for row in pair if row is not None]
    if "best" in node.entries and node.entries["best"].kind in ("scalar", "mapping"):
        best = rows.find(node.entries["best"], node.entries["best"])
        claim["best"] = _named(best) if best else None
    for kind in RUN_KINDS:
        if kind in node.entries and node.entries[kind].kind == "mapping":
            claim[kind] = _runs(node.entries[kind], axes, names, problems)
    return claim


def _runs(node: Node, axes: Mapping[str, Values], names: Sequence[str], problems: Problems) -> Mapping[str, Any]:
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


def _values(
    name: str, node: Node, axes: Mapping[str, Values], names: Sequence[str], problems: Problems
) -> list[object]:
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
