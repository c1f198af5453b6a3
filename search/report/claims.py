"""The claims of a space file against its runs: which are supported, which contradicted, which undecided.

What this file promises:

* differences are those of the table's metric, their p values one family of their own (Holm over all `better` claims);
* a run that diverged counts at chance, because it is an outcome; a pruned, failed or missing one decides nothing;
* what is undecided names the difference that is assumed and how many seeds would find it;
* with an axis beside the rows, a claim is judged at each of its values by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from search.report.curves import Curve
from search.report.evidence import Evidence
from search.report.labels import row_text
from search.report.rows import Claim, Line, Table
from search.report.run_claims import judge_runs
from search.report.statistics.crossed import compare
from search.report.statistics.families import holm
from search.report.statistics.power import Remedy, assumed, need
from search.report.statistics.results import ALPHA, Difference, State
from search.report.statistics.scores import Ended, Scores
from search.report.statistics.verdicts import Kind, Verdict, best, better, equal, size
from search.report.text import is_accuracy, lookup, value_text
from search.space import Space

SEARCHED = "a search decides nothing about settings it chose itself; `search.confirm` runs the best under fresh seeds"


def verdicts(
    space: Space,
    table: Table,
    lines: Sequence[Sequence[Curve]],
    evidence: Evidence | None,
    *,
    why: str = "",
    looks: int = 1,
) -> list[Claim]:
    """Judge the claims of a space file, in its order.

    Args:
        space: the file.
        table: its table.
        lines: per line of the table its runs, one per seed.
        evidence: predictions of the validation images; None where differences cannot be judged.
        why: why they cannot.
        looks: looks that were planned; the level is divided by them.
    """
    bench = _Bench(space, table, evidence, why, ALPHA / max(looks, 1))
    waiting = [_Waiting(claim, where, bench) for claim in space.report.claims for where in bench.strata(claim)]
    adjusted = holm([one.p for one in waiting])
    tests = sum(p is not None for p in adjusted)
    found = []
    for one, p in zip(waiting, adjusted, strict=True):
        text = claim_text(space, one.claim) + bench.suffix(one.where)
        if "never" in one.claim or "always" in one.claim:
            found.append(Claim(text, judge_runs(space, table, lines, one.claim)))
        else:
            found.append(Claim(text, one.verdict(p, max(tests, 1))))
    return found


def claim_text(space: Space, claim: Mapping[str, Any]) -> str:
    """Return a claim for people: rows by what the table calls them."""
    if "better" in claim:
        a, b = (row_text(space, value) for value in claim["better"])
        return f"{a} is better than {b}" + (f" by at least {size(claim['by'])}" if "by" in claim else "")
    if "equal" in claim:
        a, b = (row_text(space, value) for value in claim["equal"])
        return f"{a} equals {b} within {size(claim['within'])}"
    if "best" in claim:
        return f"{row_text(space, claim['best'])} is the best"
    word = "never" if "never" in claim else "always"
    parts = [f"{key} {value_text(value)}" for key, value in claim[word].items() if key != "where"]
    where = [f"{axis} {' or '.join(map(value_text, values))}" for axis, values in claim[word].get("where", {}).items()]
    return f"{word} {parts[0].replace('_', ' ').removesuffix(' true')}" + (f" at {', '.join(where)}" if where else "")


@dataclass
class _Bench:
    """What all claims are judged by."""

    space: Space
    table: Table
    evidence: Evidence | None
    why: str
    alpha: float
    scores: dict[int, Scores] = field(default_factory=dict)

    def strata(self, claim: Mapping[str, Any]) -> list[str]:
        """Return what stands beside the rows, as text; one empty text where nothing does."""
        if "never" in claim or "always" in claim:
            return [""]
        return list(dict.fromkeys(self.beside(line) for line in self.table.lines)) or [""]

    def beside(self, line: Line) -> str:
        """Return the other axes of a line that vary, as text."""
        rows = self.space.report.rows
        axes = [a for a in self.space.axes if a.name != rows and (a.when is None or a.when.axis != rows)]
        parts = [f"{axis.name}={value_text(line.parameters[axis.name])}" for axis in axes if axis.name in line.parameters]
        return ", ".join(parts)

    def suffix(self, where: str) -> str:
        """Return where a claim is judged, "" where there is one place only."""
        return f" ({where})" if len({self.beside(line) for line in self.table.lines}) > 1 and where else ""

    def places(self, where: str) -> dict[str, list[int]]:
        """Return row, as text -> places of its lines."""
        found: dict[str, list[int]] = {}
        for place, line in enumerate(self.table.lines):
            if self.beside(line) == where and self.space.report.rows in line.parameters:
                found.setdefault(value_text(line.parameters[self.space.report.rows]), []).append(place)
        return found

    def difference(self, a: int, b: int) -> Difference:
        """Return line a minus line b, diverged runs at chance."""
        panel = self.evidence.panel(a) if self.evidence is not None else None
        if panel is None or b not in panel.places:
            return Difference(State.NOT_ESTIMABLE, reason="a setting has no predictions, or other images")
        key = id(panel)
        if key not in self.scores:
            diverged = any(Ended.DIVERGED in row for row in panel.scores.ended)
            self.scores[key] = panel.scores.at_chance(panel.classes) if diverged else panel.scores
        return compare(self.scores[key], [(panel.places[a], panel.places[b])])[0]


@dataclass
class _Waiting:
    """A claim about rows, before its p value is adjusted."""

    claim: Mapping[str, Any]
    where: str
    bench: _Bench
    differences: dict[str, Difference] = field(default_factory=dict)
    fault: str = ""

    def __post_init__(self) -> None:
        if "never" in self.claim or "always" in self.claim:
            return
        self.fault = self.bench.why
        places = self.bench.places(self.where)
        a, others = self._rows(places)
        for row in [a, *others]:
            if not self.fault and len(places.get(row, ())) != 1:
                count = "no setting" if row not in places else f"{len(places[row])} settings"
                self.fault = f"{count} on record in the row {row}"
        if not self.fault:
            self.differences = {row: self.bench.difference(places[a][0], places[row][0]) for row in others}

    def _rows(self, places: Mapping[str, Sequence[int]]) -> tuple[str, list[str]]:
        if "best" in self.claim:
            a = value_text(self.claim["best"])
            return a, [row for row in places if row != a]
        a, b = self.claim.get("better") or self.claim["equal"]
        return value_text(a), [value_text(b)]

    @property
    def p(self) -> float | None:
        """The p value that enters the family: of `better` alone."""
        one = next(iter(self.differences.values()), None) if "better" in self.claim else None
        return one.p if one is not None and one.decidable else None

    def verdict(self, adjusted: float | None, tests: int) -> Verdict:
        """Judge it."""
        if self.fault:
            return Verdict(Kind.UNDECIDED, self.fault)
        margin, space = self.bench.space.report.margin, self.bench.space
        if "best" in self.claim:
            found = best(self._named(), alpha=self.bench.alpha)
            if found.kind is not Kind.UNDECIDED or not found.open:
                return found
            hardest = self._hardest([row for row in self.differences if row_text_of(space, row) in found.open])
            return replace(found, reason=f"{found.reason}; {hardest}") if hardest else found
        (row, difference), *_ = self.differences.items()
        a = value_text((self.claim.get("better") or self.claim["equal"])[0])
        delta = self.claim.get("by", self.claim.get("within"))
        sentence = self._need(difference, a, row, delta, tests if "better" in self.claim else 1)
        if "equal" in self.claim:
            return equal(difference, self.claim["within"], sentence)
        return better(difference, adjusted, self.claim.get("by"), margin, sentence, self.bench.alpha)

    def _named(self) -> dict[str, Difference]:
        return {row_text_of(self.bench.space, row): one for row, one in self.differences.items()}

    def _need(self, difference: Difference, a: str, b: str, delta: float | None, tests: int) -> str:
        space = self.bench.space
        looks = round(ALPHA / self.bench.alpha)
        wanted = assumed(delta, published_difference(space, a, b), space.report.margin)
        return need(difference, wanted, tests, looks).sentence

    def _hardest(self, rows: Sequence[str]) -> str:
        """Return what the comparison that needs most would need."""
        space, a = self.bench.space, value_text(self.claim["best"])
        ranked = []
        for row in rows:
            wanted = assumed(None, published_difference(space, a, row), space.report.margin)
            found = need(self.differences[row], wanted, 1, round(ALPHA / self.bench.alpha))
            order = (Remedy.UNKNOWN, Remedy.NONE, Remedy.SEEDS, Remedy.IMAGES, Remedy.BOTH).index(found.remedy)
            ranked.append((order, found.seeds or 0, found.images or 0, row, found.sentence))
        if not ranked:
            return ""
        *_, row, sentence = max(ranked)
        return f"against {row_text_of(space, row)}: {sentence}"


def row_text_of(space: Space, row: str) -> str:
    """Return what the row of this value, given as text, is called."""
    for axis in space.axes:
        if axis.name == space.report.rows:
            for value in getattr(axis.domain, "values", ()):
                if value_text(value) == row:
                    return row_text(space, value)
    return row


def published_difference(space: Space, a: str, b: str) -> float | None:
    """Return the published accuracy of row a minus that of row b, a fraction; None where they are not published."""
    published = space.report.published
    if published is None or not is_accuracy(published.metric.replace(" ", "_")):
        return None
    figures = [lookup(published.values, _value(space, row)) for row in (a, b)]
    numbers = [float(text.rstrip(" %")) / 100 for text in figures if text is not None]
    return numbers[0] - numbers[1] if len(numbers) == 2 else None


def _value(space: Space, row: str) -> Any:
    for axis in space.axes:
        if axis.name == space.report.rows:
            for value in getattr(axis.domain, "values", ()):
                if value_text(value) == row:
                    return value
    return row
