"""Where the table and the claims judge one difference differently, and why: each is a family of tests of its own.

A p value is adjusted for the comparisons of its family, so that one and the same test may be clear of chance among two
claims and not among the three comparisons of a table. Both are right in what they say; a reader is told which is which.
"""

from __future__ import annotations

import math

from search.report.table.model import Claim, Line, Table
from search.statistics.text import p_text


def claims_compared(table: Table) -> int:
    """Return how many comparisons the claims that one is better make, those of equal rows counted once."""
    return len({claim.comparison for claim in table.verdicts if "p_adjusted" in claim.evidence} - {None})


def families_apart(table: Table) -> list[str]:
    """Return a sentence for each claim that one test decides here and not there: in the table, or among the claims."""
    said = [_better(table, claim) for claim in table.verdicts if "p_adjusted" in claim.evidence]
    said += [_best(table, claim) for claim in table.verdicts if claim.best and claim.kind == "supported"]
    return [sentence for sentence in said if sentence]


def _better(table: Table, claim: Claim) -> str:
    line = next((table.lines[place] for place in claim.about if _same_test(table, table.lines[place], claim)), None)
    if line is None or (here := line.judgement(table, claim.metric).p_adjusted) is None:
        return ""
    p, claimed = claim.evidence["p"], claim.evidence["p_adjusted"]
    if (here <= table.level) is (claimed <= table.level) or (claim.kind == "undecided" and claimed <= table.level):
        return ""  # what is clear and yet undecided is so for the claim's margin
    return (
        f"“{claim.text}” is {claim.kind}, while the table calls the difference of {line.setting} "
        f"{'clear' if here <= table.level else 'not clear'} of chance: both rest on one test (p {p_text(p)}), which "
        f"the table adjusts over {table.comparisons[claim.metric]} comparisons (p {p_text(here)}) and the claims over "
        f"{claims_compared(table)} (p {p_text(claimed)})."
    )


def _best(table: Table, claim: Claim) -> str:
    own, *others = claim.about
    line = table.lines[own]
    told = [table.lines[place] for place in others] if line.baseline else [line]
    mine = [one.judgement(table, claim.metric) for one in told]
    if all(one.p_adjusted is None or one.p_adjusted <= table.level for one in mine):
        return ""
    return (
        f"“{claim.text}” is supported, while not every difference to it is clear of chance in the table: that one is "
        f"the best of all asks for each p at most {table.level:.3g} by itself, because all of them have to hold; the "
        f"table adjusts them over {table.comparisons[claim.metric]} comparisons, because any of them may be said."
    )


def _same_test(table: Table, line: Line, claim: Claim) -> bool:
    found = line.judgement(table, claim.metric).difference
    return found is not None and found.p is not None and math.isclose(found.p, claim.evidence["p"], rel_tol=1e-9)
