"""One claim about rows of a table, judged by the differences between them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from search.report.record.panel import Evidence, Panel
from search.report.table.labels import of_row, row_text
from search.report.table.model import Line, Table
from search.report.text import value_text
from search.space.figures import counts_images, share
from search.space.model import Space
from search.statistics.crossed import Rule, alike, compare
from search.statistics.families import Level
from search.statistics.measure import Measure
from search.statistics.power import Need, Remedy, assumed, need, need_equal
from search.statistics.results import Difference, Trust
from search.statistics.scores import Ended, Scores
from search.statistics.verdicts import Kind, Verdict, best, better, equal

EQUAL_ROWS = "their rows are equal to the last bit, so that more seeds tell no more"
"""Said in place of what it would take to tell two settings apart."""

NO_EVIDENCE = "their rows are equal to the last bit, which is no evidence that what differs does not matter"
"""Said of a verdict on them: perhaps nothing reads what differs."""


DIVERGED = "a run diverged, and rows do not say what an untrained model scores (`untrained` in `score_rules`)"
"""Why a claim about a setting of which a run diverged is undecided, unless diverged runs can be counted."""


NO_MARGIN = "`report.margin`, the smallest difference that matters, would tell how many seeds find it"
"""Said in place of what would decide, where a metric has no difference that everybody would assume."""


class Bench:
    """What all claims about rows are judged by that are judged by one metric.

    Args:
        metric: that metric.
        evidence: what says it.
        margin: smallest difference in it that matters, None where none is stated.
        level: at which the table decides.
        copies: why runs decide nothing, "" where they may.
    """

    def __init__(
        self,
        space: Space,
        table: Table,
        metric: str,
        evidence: Evidence,
        margin: float | None,
        level: Level,
        copies: str,
    ) -> None:
        self.space, self.metric, self.evidence, self.level = space, metric, evidence, level
        self.fault = evidence.why or copies or ("" if level.decides else level.told)
        self.margin = margin if margin is None or margin <= evidence.measure.span else None
        self.alpha = level.alpha
        self.rule = Rule(space.report.noise)
        self.strict = self.rule is Rule.STRICT
        self._scores: dict[int, Scores] = {}
        self.places: dict[str, dict[str, list[int]]] = {}  # other axes -> row -> lines
        self.values: dict[str, Any] = {}  # key of a row -> the row
        for place, line in enumerate(table.lines):
            row = space.report.row(line.parameters)
            if row and not line.foreign:
                key = space.report.key(row)
                self.values[key] = row
                self.places.setdefault(self._beside(line), {}).setdefault(key, []).append(place)
        self.strata = list(self.places) or [""]

    def _beside(self, line: Line) -> str:
        """Return the other axes of a line, as text."""
        rows = self.space.report.row_axes
        axes = [a for a in self.space.axes if a.name not in rows and (a.when is None or a.when.axis not in rows)]
        known = line.parameters
        return ", ".join(f"{axis.name}={value_text(known[axis.name])}" for axis in axes if axis.name in known)

    def missing(self, where: str) -> list[str]:
        """Return what the rows of a grid are called that are not on record in one place of the other axes."""
        report, there = self.space.report, self.places.get(where, {})
        if not report.rows or self.space.search.sampler != "grid":
            return []
        rows = {report.key(row): row for row in self._rows()}
        return [row_text(self.space, row) for key, row in rows.items() if key not in there]

    def _rows(self) -> Iterator[dict[str, Any]]:
        """Yield every row of the grid; a row axis that depends on an axis beside the rows is taken as always there."""
        names = self.space.report.row_axes
        axes = [axis for axis in self.space.axes if axis.name in names]
        alone = [axis if axis.when and axis.when.axis in names else replace(axis, when=None) for axis in axes]
        return replace(self.space, axes=alone).grid()

    def name(self, row: str) -> str:
        """Return what a row is called."""
        return row_text(self.space, self.values[row]) if row in self.values else row

    def differences(self, own: int, others: Mapping[str, int]) -> dict[str, tuple[Difference, Hashable]]:
        """Return one line minus each of the others, diverged runs at chance, and what names the comparison."""
        panel = self.evidence.panel(own)
        here = {row: panel.places[line] for row, line in others.items() if line in panel.places} if panel else {}
        measure = self.evidence.measure
        missing = "predictions" if measure.correctness else "scores"
        reason = f"a setting has no {missing}, or other {measure.examples}"
        none = Difference(Trust.NOT_ESTIMABLE, reason=reason, measure=measure)
        if panel is None:
            return dict.fromkeys(others, (none, None))
        pairs = [(panel.places[own], place) for place in here.values()]
        scores, number = self._counted(panel), self.evidence.panels.index(panel)
        names = [None if name is None else (number, name) for name in alike(scores, pairs)]
        differences = compare(scores, pairs, self.rule, panel.unlearned)
        found = dict(zip(here, zip(differences, names, strict=True), strict=True))
        lost = Difference(Trust.NOT_ESTIMABLE, reason=DIVERGED, measure=measure)
        for row, pair in zip(here, pairs, strict=True):
            if any(Ended.DIVERGED in scores.ended[place] for place in pair):
                found[row] = lost, None
        return {row: found.get(row, (none, None)) for row in others}

    def _counted(self, panel: Panel) -> Scores:
        place = self.evidence.panels.index(panel)
        if place not in self._scores:
            diverged = any(Ended.DIVERGED in row for row in panel.scores.ended)
            self._scores[place] = (panel.with_diverged if diverged else None) or panel.scores
        return self._scores[place]

    def need(self, difference: Difference, a: str, b: str, delta: float | None, tests: int) -> Need:
        """Return what would find the difference that is assumed of rows a and b."""
        if difference.measure.unit != "pt" and not (delta or self.margin):
            return Need(Remedy.UNKNOWN, NO_MARGIN)
        return need(
            difference, assumed(delta, self._published(a, b), self.margin), tests, self.level.last_alpha, self.strict
        )

    def need_beyond(self, difference: Difference, a: str, b: str, by: float, tests: int) -> Need:
        """Return what would show that a is better than b by at least `by`, where it is better for sure.

        A difference of just `by` is never shown to be so much; what is assumed is how far beyond it lies.
        """
        published = self._published(a, b)
        past = None if published is None else max(published - by, 0.0)
        measure = self.evidence.measure
        if measure.unit != "pt" and not self.margin:
            return Need(Remedy.UNKNOWN, NO_MARGIN)
        beyond = assumed(None, past, self.margin)
        wanted = replace(beyond, source=f"{beyond.source}, beyond the claim's {measure.amount(by)}")
        return need(difference, wanted, tests, self.level.last_alpha, self.strict)

    def _published(self, a: str, b: str) -> float | None:
        if not self.evidence.measure.correctness:
            return None  # a published accuracy
        return published_difference(self.space, *(self.values.get(row, row) for row in (a, b)))


@dataclass
class RowClaim:
    """A claim about rows, in one place of the other axes, before its p value is adjusted."""

    claim: Mapping[str, Any]
    where: str
    bench: Bench
    row: str = field(init=False)
    differences: dict[str, Difference] = field(init=False, default_factory=dict)
    names: dict[str, Hashable] = field(init=False, default_factory=dict)
    fault: str = field(init=False)
    about: tuple[int, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        places = self.bench.places.get(self.where, {})
        if "best" in self.claim:
            self.row = self._key(self.claim["best"])
            others = [row for row in places if row != self.row]
        else:
            self.row, other = (self._key(value) for value in self.claim.get("better") or self.claim["equal"])
            others = [other]
        self.fault = self.bench.fault
        measure = self.bench.evidence.measure
        stated = self.claim.get("by") or self.claim.get("within")
        if not self.fault and stated is not None and stated > measure.span:
            self.fault = f"it names {stated:g}, and no two settings differ by more than {measure.amount(measure.span)}"
        for row in (self.row, *others):
            lines = len(places.get(row, ()))
            if not self.fault and lines != 1:
                count = f"{lines} settings are" if lines else "no setting is"
                self.fault = f"{count} on record in the row {self.bench.name(row)}"
        if not self.fault:
            (own,) = places[self.row]
            self.about = own, *(places[row][0] for row in others)
            for row, found in self.bench.differences(own, {row: places[row][0] for row in others}).items():
                self.differences[row], self.names[row] = found

    def _key(self, row: object) -> str:
        report = self.bench.space.report
        return report.key(report.meant(row))

    @property
    def measure(self) -> Measure:
        """What is compared."""
        return next((one.measure for one in self.differences.values()), self.bench.evidence.measure)

    @property
    def p(self) -> float | None:
        """The p value that enters the family: of `better` alone."""
        if "better" not in self.claim or self.fault:
            return None
        (difference,) = self.differences.values()
        return difference.p if difference.decidable else None

    @property
    def comparison(self) -> Hashable:
        """What names the comparison of `p`: pairs of settings that have the same rows are one comparison."""
        return None if self.p is None else next(iter(self.names.values()))

    def verdict(self, adjusted: float | None, tests: int) -> Verdict:
        """Judge it; `tests` p values were adjusted together."""
        if self.fault:
            return Verdict(Kind.UNDECIDED, self.fault)
        if "best" in self.claim:
            return self._best()
        ((row, difference),) = self.differences.items()
        by, clear = self.claim.get("by"), adjusted is not None and adjusted <= self.bench.alpha
        same, level = self._equal_rows(row), self.bench.level
        if same:
            sentence = EQUAL_ROWS
        elif "equal" in self.claim:
            sentence = need_equal(difference, self.claim["within"], level.last_equal_alpha, self.bench.strict).sentence
        elif by is not None and clear:
            sentence = self.bench.need_beyond(difference, self.row, row, by, tests).sentence
        else:
            sentence = self.bench.need(difference, self.row, row, by, tests).sentence
        if "equal" in self.claim:
            found = equal(difference, self.claim["within"], sentence, level.alpha, level.equal_alpha)
        else:
            found = better(difference, adjusted, by, self.bench.margin, sentence, self.bench.alpha)
        if same and found.kind is not Kind.UNDECIDED:
            return replace(found, reason=f"{found.reason}; {NO_EVIDENCE}")
        return found

    def _equal_rows(self, row: str) -> bool:
        """Whether what is compared with a row has the same rows as that one, under keys of their own."""
        return self.names[row] is None and self.differences[row].p is not None

    def _best(self) -> Verdict:
        named = {self.bench.name(row): one for row, one in self.differences.items()}
        verdict = best(named, alpha=self.bench.alpha, alike=list(self.names.values()))
        left = [row for row in self.differences if self.bench.name(row) in verdict.open]
        if verdict.kind is Kind.SUPPORTED and (missing := self.bench.missing(self.where)):
            return replace(verdict, kind=Kind.UNDECIDED, reason=f"no run of {', '.join(missing)} is on record")
        if verdict.kind is not Kind.UNDECIDED or not left:
            return verdict
        if same := [row for row in left if self._equal_rows(row)]:
            names = f"{self.bench.name(self.row)} and {self.bench.name(same[0])}"
            return replace(verdict, reason=f"{verdict.reason}; {names}: {EQUAL_ROWS}")
        # What decides this claim is the comparison that needs most.
        needs = {row: self.bench.need(self.differences[row], self.row, row, None, 1) for row in left}
        hardest = max(left, key=lambda row: _effort(needs[row]))
        return replace(verdict, reason=f"{verdict.reason}; {self.bench.name(hardest)}: {needs[hardest].sentence}")


def _effort(found: Need) -> tuple[int, int, int]:
    order = (Remedy.NONE, Remedy.SEEDS, Remedy.IMAGES, Remedy.BOTH, Remedy.UNKNOWN)
    return order.index(found.remedy), found.seeds or 0, found.images or 0


def published_difference(space: Space, a: object, b: object) -> float | None:
    """Return the published accuracy of row a minus that of row b, a fraction; None where the file does not tell."""
    published = space.report.published
    if published is None or not counts_images(published.metric):
        return None
    figures = [of_row(space.report, published.values, space.report.meant(row)) for row in (a, b)]
    one, other = (None if text is None else share(text, published.values.values()) for text in figures)
    return one - other if one is not None and other is not None else None
