"""The claims of a space file against its runs: which are supported, which contradicted, which undecided.

What this file promises:

* differences are those of the table's metric, their p values one family of their own (Holm over all `better` claims);
* a run that diverged counts at chance, because it is an outcome; a pruned, failed or missing one decides nothing;
* what is undecided names the difference that is assumed and how many seeds would find it;
* with an axis beside the rows, a claim is judged at each of its values by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from search.report.record.curves import Curve
from search.report.record.panel import Evidence
from search.report.table.labels import row_text
from search.report.table.model import Claim, Table
from search.report.table.row_claims import Bench, RowClaim
from search.report.table.run_claims import judge_runs
from search.report.text import value_text
from search.space.model import Space
from search.statistics.families import holm_once
from search.statistics.measure import ACCURACY, Measure
from search.statistics.verdicts import size

SEARCHED = "a search chose what it shows, so it decides no claim; `search.confirm` runs the best under fresh seeds"
"""Why no difference of a sampled study is judged."""

EQUAL_SEEDS = "the seed changed no bit, so that all runs of a setting are one; a verdict needs 3 that are drawn anew"
"""Why copies of one run decide nothing."""

_RUNS = ("never", "always")


def verdicts(
    space: Space,
    table: Table,
    lines: Sequence[Sequence[Curve]],
    evidence: Evidence,
    looks: int = 1,
) -> list[Claim]:
    """Judge the claims of a space file, in its order; those about other data than the study's are not judged.

    Args:
        lines: per line of the table its runs, one per seed; fewer than finished where seeds are copies of one run.
        evidence: predictions of the validation images; its `why` says why differences cannot be judged.
        looks: looks that were planned; the level is divided by them.
    """
    if table.elsewhere is not None:
        return []
    copies = any(0 < len(runs) < line.finished for line, runs in zip(table.lines, lines, strict=True))
    bench = Bench(space, table, evidence, looks, EQUAL_SEEDS if copies else "")
    compared: list[RowClaim] = []
    for claim in space.report.claims:
        if not any(word in claim for word in _RUNS):
            compared += [RowClaim(claim, where, bench) for where in bench.strata]
    names = [*_comparisons(compared)]
    adjusted, tests = holm_once([one.p for one in compared], names)
    claims: list[Claim] = []
    for claim in space.report.claims:
        text = claim_text(space, claim, evidence.measure)
        if any(word in claim for word in _RUNS):
            claims.append(Claim(text=text, **vars(judge_runs(space, table, lines, claim, evidence.missed))))
        for judged_claim, p, name in zip(compared, adjusted, names, strict=True):
            if judged_claim.claim is claim:
                claims.append(
                    Claim(
                        text=f"{text} ({judged_claim.where})" if len(bench.strata) > 1 else text,
                        about=judged_claim.about,
                        comparison=name,
                        best="best" in claim,
                        measure=judged_claim.measure,
                        **vars(judged_claim.verdict(p, max(tests, 1))),
                    )
                )
    return claims


def _comparisons(compared: Sequence[RowClaim]) -> Iterator[Hashable]:
    """Yield what names each claim's comparison: pairs of settings with equal rows share theirs.

    Several claims about one pair of settings stay several: each was asked for.
    """
    seen: Counter[frozenset[int]] = Counter()
    for one in compared:
        name = one.comparison
        if name is not None:
            pair = frozenset(one.about)
            name = (seen[pair], name)
            seen[pair] += 1
        yield name


def claim_text(space: Space, claim: Mapping[str, Any], measure: Measure = ACCURACY) -> str:
    """Return a claim for people: rows by what the table calls them, margins in the unit of what is judged."""
    if "better" in claim:
        a, b = (row_text(space, value) for value in claim["better"])
        return f"{a} is better than {b}" + (f" by at least {size(claim['by'], measure)}" if "by" in claim else "")
    if "equal" in claim:
        a, b = (row_text(space, value) for value in claim["equal"])
        return f"{a} equals {b} within {size(claim['within'], measure)}"
    if "best" in claim:
        return f"{row_text(space, claim['best'])} is the best"
    word = next(word for word in _RUNS if word in claim)
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
