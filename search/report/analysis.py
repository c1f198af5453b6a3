"""The statistics of a comparison table: intervals, differences to the baseline, and which may be called better.

What this file promises:

* an interval or p value rests on predictions on record; where there are none, nothing but seeds is described;
* the differences of one table in one metric are one family (two axes: all printed ones), adjusted together by Holm;
* a level that was chosen on the images it is measured on has no interval; its difference to another one may have one;
* test accuracy is judged at the epoch that each run chose on validation, and chooses no row;
* of a sampled study nothing is judged: the search chose what it shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from search.ledger import Ledger
from search.report.claims import verdicts
from search.report.cross import baseline_of
from search.report.curves import Curve, Curves
from search.report.evidence import Evidence, gather, measures
from search.report.looks import looks_of
from search.report.rows import Judged, Line, Table
from search.report.statistics.cell import cell
from search.report.statistics.crossed import compare
from search.report.statistics.families import Family, family
from search.report.statistics.results import Difference, State
from search.report.statistics.scores import Scores


@dataclass(frozen=True)
class Remarks:
    """What the footnotes must say of the statistics.

    Attributes:
        val: evidence of the judged metric; None where nothing was asked of it.
        test: that of the test images.
        family: the differences in the judged metric.
        tested: those on test images.
        sampled: nothing was judged, because a search chose what is shown.
    """

    val: Evidence | None = None
    test: Evidence | None = None
    family: Family | None = None
    tested: Family | None = None
    sampled: bool = False


@dataclass
class _Split:
    """One split on its way: per line what was found."""

    evidence: Evidence
    level: bool
    judged: list[Judged | None]
    differences: list[Difference | None] = field(default_factory=list)


def judged(table: Table, read: Curves, lines: Sequence[Sequence[Curve]], ledger: Ledger) -> tuple[Table, Remarks]:
    """Return a table with what its predictions say, and what the notes must say of it.

    Args:
        table: lines with their plain figures.
        read: the study's curves.
        lines: per line its runs, one per seed.
        ledger: where the predictions are.
    """
    space = read.space
    metric = judged_metric(table, read)
    if space.search.sampler != "grid":
        # A confirm stage, trials under fresh seeds of a few configurations, is what may be judged here.
        return replace(table, verdicts=verdicts(space, table, lines, None, {}, metric, sampled=True)), Remarks(
            sampled=True
        )
    partners = _partners(table, read)
    count = looks_of(ledger, read.record, [curve.trial for curve in read.curves])
    planned = space.report.looks
    looks, fixed = (planned, count <= planned) if planned else (count, count <= 1)
    val = _split(gather(ledger, read, lines, metric, "val", table.value), len(lines), table.value == "last")
    test = None
    if table.test:
        test = _split(gather(ledger, read, lines, table.test, "test", "best"), len(lines), True)
    families: list[Family | None] = []
    for one in (val, test):
        if one is None or one.evidence.why:
            families.append(None)
            continue
        _compare(one, partners)
        found = family(one.differences, max(looks, count if not fixed else 1), fixed)
        families.append(found)
        _adjust(one, found, lines, partners)
    result = []
    for place, line in enumerate(table.lines):
        tested = test.judged[place] if test is not None else None
        line = replace(line, judged=val.judged[place], tested=tested, baseline=partners.get(place) == place)
        result.append(replace(line, at_chance=_at_chance(place, partners, val, test)))
    compared = bool(partners) and any(one is not None for one in families)
    judged_as = metric if not val.evidence.why else ""
    table = replace(table, lines=result, judged=judged_as, compared=compared)
    claims = verdicts(space, table, lines, None if val.evidence.why else val.evidence, _rows(table), metric, looks=looks)
    return replace(table, verdicts=claims), Remarks(
        val.evidence, test.evidence if test is not None else None, families[0], families[1] if test else None
    )


def judged_metric(table: Table, read: Curves) -> str:
    """Return the metric that intervals belong to: the objective where it is an accuracy, else that of validation."""
    objective = read.space.search.objective.metric
    if measures(objective, "val"):
        return objective
    return next((name for name in table.metrics if measures(name, "val")), objective)


def _partners(table: Table, read: Curves) -> dict[int, int]:
    """Return line -> the line it is compared with; a baseline is its own."""
    places = _rows(table)
    partners = {}
    for place, line in enumerate(table.lines):
        wanted = baseline_of(read.space, line.parameters)
        if wanted is not None and (key := identity(wanted)) in places:
            partners[place] = places[key]
    return partners


def _rows(table: Table) -> dict[str, int]:
    return {identity(line.parameters): place for place, line in enumerate(table.lines)}


def identity(parameters: Mapping[str, Any]) -> str:
    """Return what equal configurations share."""
    return json.dumps(dict(parameters), sort_keys=True)


def _split(evidence: Evidence, lines: int, level: bool) -> _Split:
    found: list[Judged | None] = [None] * lines
    for panel in evidence.panels if not evidence.why else ():
        for line, place in panel.places.items():
            found[line] = Judged(cell(panel.scores, place), level)
    return _Split(evidence, level, found)


def _compare(split: _Split, partners: Mapping[int, int]) -> None:
    """Set each line's difference to its partner: None for a baseline, and for lines that nothing is known of."""
    found: list[Difference | None] = [None] * len(split.judged)
    for panel in split.evidence.panels:
        here = [a for a in panel.places if partners.get(a, a) != a and partners[a] in panel.places]
        pairs = [(panel.places[a], panel.places[partners[a]]) for a in here]
        for a, one in zip(here, compare(panel.scores, pairs), strict=True):
            found[a] = one
    for a, b in partners.items():
        if a != b and found[a] is None and split.judged[a] is not None:
            reason = "the baseline was measured on other images, or has no predictions"
            found[a] = Difference(State.NOT_ESTIMABLE, reason=reason)
    split.differences = found


def _adjust(split: _Split, found: Family, lines: Sequence[Sequence[Curve]], partners: Mapping[int, int]) -> None:
    better = found.better(split.differences)
    for place, judged_line in enumerate(split.judged):
        if judged_line is None:
            continue
        # A diverged seed is an outcome: what is better on the others alone is not called so.
        whole = not (judged_line.cell.diverged or _diverged(split, partners.get(place)))
        split.judged[place] = replace(
            judged_line,
            difference=split.differences[place],
            p_adjusted=found.adjusted[place],
            better=better[place] and whole,
        )


def _diverged(split: _Split, place: int | None) -> int:
    line = split.judged[place] if place is not None else None
    return line.cell.diverged if line is not None else 0


def _at_chance(
    place: int, partners: Mapping[int, int], val: _Split, test: _Split | None
) -> tuple[Judged | None, Judged | None] | tuple[()]:
    """Return a line with its diverged seeds counted at chance, () where none diverged.

    It describes: no p value, in no family.
    """
    if not _diverged(val, place):
        return ()
    found: list[Judged | None] = []
    for split in (val, test):
        panel = split.evidence.panel(place) if split is not None and not split.evidence.why else None
        if split is None or panel is None:
            found.append(None)
            continue
        scores: Scores = panel.scores.at_chance(panel.classes)
        own, other = panel.places[place], panel.places.get(partners.get(place, place))
        difference = None if other is None or other == own else compare(scores, [(own, other)])[0]
        found.append(Judged(cell(scores, own), split.level, difference))
    return found[0], found[1]


def lines_by_row(lines: Sequence[Line], rows: str, value: Any) -> list[int]:
    """Return the places of the lines in one row of the table."""
    return [place for place, line in enumerate(lines) if rows in line.parameters and line.parameters[rows] == value]
