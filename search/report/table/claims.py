"""The claims of a space file against its runs: which are supported, which contradicted, which undecided.

What this file promises:

* a claim is judged by the metric it names, else by the objective, in that metric's direction and unit; the p values of
  all `better` claims are one family of their own (Holm), whatever their metrics are;
* a run that diverged counts at chance, because it is an outcome; a pruned, failed or missing one decides nothing;
* what is undecided names the difference that is assumed and how many seeds would find it;
* with an axis beside the rows, a claim is judged at each of its values by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from search.core.shown import is_accuracy
from search.report.record.curves import Curve
from search.report.record.panel import Evidence
from search.report.table.labels import row_text
from search.report.table.model import Claim, Table
from search.report.table.row_claims import Bench, RowClaim
from search.report.table.run_claims import judge_runs
from search.report.text import value_text
from search.space.model import Space
from search.space.report_keys import RUN_KINDS
from search.statistics.families import ONE_LOOK, Level, holm_once
from search.statistics.measure import ACCURACY, Measure

SEARCHED = "a search chose what it shows, so it decides no claim; `search.confirm` runs the best under fresh seeds"
"""Why no difference of a sampled study is judged."""

EQUAL_SEEDS = "the seed changed no bit, so that all runs of a setting are one; a verdict needs 3 that are drawn anew"
"""Why copies of one run decide nothing."""


class JudgedBy(NamedTuple):
    """What claims are judged by.

    Attributes:
        default: metric of claims that name none.
        gathered: metric -> what says it; its `why` says why differences cannot be judged by it.
    """

    default: str
    gathered: Callable[[str], Evidence]

    def evidence(self, metric: str) -> Evidence:
        """Return what says a metric; where nothing does, nobody knows its unit, unless it is an accuracy."""
        found = self.gathered(metric)
        unknown = found.why and found.measure == ACCURACY and not is_accuracy(metric)
        return replace(found, measure=Measure()) if unknown else found


def verdicts(
    space: Space, table: Table, lines: Sequence[Sequence[Curve]], by: JudgedBy, level: Level = ONE_LOOK
) -> list[Claim]:
    """Judge the claims of a space file, in its order; those about other data than the study's are not judged.

    Args:
        lines: per line of the table its runs, one per seed; fewer than finished where seeds are copies of one run.
        by: what the claims are judged by.
        level: at which the table decides.
    """
    if table.elsewhere is not None:
        return []
    copies = any(0 < len(runs) < line.finished for line, runs in zip(table.lines, lines, strict=True))
    benches: dict[str, Bench] = {}
    compared: list[RowClaim] = []
    for claim in space.report.claims:
        metric = claim.get("metric", by.default)
        if any(word in claim for word in RUN_KINDS):
            continue
        if metric not in benches:
            # `report.margin` is a size of the objective.
            own = metric == by.default or (is_accuracy(metric) and is_accuracy(by.default))
            margin = space.report.margin if own else None
            benches[metric] = Bench(
                space, table, metric, by.evidence(metric), margin, level, EQUAL_SEEDS if copies else ""
            )
        compared += [RowClaim(claim, where, benches[metric]) for where in benches[metric].strata]
    names = [*_comparisons(compared)]
    adjusted, tests = holm_once([one.p for one in compared], names)
    claims: list[Claim] = []
    for claim in space.report.claims:
        if any(word in claim for word in RUN_KINDS):
            text, missed = claim_text(space, claim), by.evidence(table.judged or by.default).missed
            claims.append(Claim(text=text, **vars(judge_runs(space, table, lines, claim, missed))))
        for judged_claim, p, name in zip(compared, adjusted, names, strict=True):
            if judged_claim.claim is claim:
                bench = judged_claim.bench
                named = bench.metric if "metric" in claim or bench.metric != (table.judged or by.default) else ""
                text = claim_text(space, claim, bench.evidence.measure, named)
                claims.append(
                    Claim(
                        text=f"{text} ({judged_claim.where})" if len(bench.strata) > 1 else text,
                        about=judged_claim.about,
                        comparison=name,
                        best="best" in claim,
                        metric=bench.metric,
                        measure=judged_claim.measure,
                        **vars(judged_claim.verdict(p, max(tests, 1))),
                    )
                )
    return claims


def _comparisons(compared: Sequence[RowClaim]) -> Iterator[Hashable]:
    """Yield what names each claim's comparison: pairs of settings with equal rows share theirs.

    Several claims about one pair of settings stay several: each was asked for.
    """
    seen: Counter[Hashable] = Counter()
    for one in compared:
        name = one.comparison
        if name is not None:
            pair = one.bench.metric, frozenset(one.about)
            name = (one.bench.metric, seen[pair], name)
            seen[pair] += 1
        yield name


def claim_text(space: Space, claim: Mapping[str, Any], measure: Measure = ACCURACY, metric: str = "") -> str:
    """Return a claim for people: rows by what the table calls them, margins in the unit of what is judged.

    Args:
        measure: what is judged.
        metric: its name, "" where nobody asks for it.
    """
    by = f" in {metric}" if metric else ""
    if "better" in claim:
        a, b = (row_text(space, value) for value in claim["better"])
        return f"{a} is better than {b}{by}" + (f" by at least {measure.amount(claim['by'])}" if "by" in claim else "")
    if "equal" in claim:
        a, b = (row_text(space, value) for value in claim["equal"])
        return f"{a} equals {b}{by} within {measure.amount(claim['within'])}"
    if "best" in claim:
        return f"{row_text(space, claim['best'])} is the best{by}"
    word = next(word for word in RUN_KINDS if word in claim)
    parts = [
        key.replace("_", " ") + (f" {value_text(value)}" if value is not True else "")
        for key, value in claim[word].items()
        if key != "where"
    ]
    where = [
        f"{axis}={' or '.join(value_text(value) for value in values)}"
        for axis, values in claim[word].get("where", {}).items()
    ]
    return f"{word}: {' '.join(parts)}" + (f" where {', '.join(where)}" if where else "")
