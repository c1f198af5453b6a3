"""What may be concluded from a study and what may not, for whoever reads no table: the sentences of its own page.

Nothing is judged here. What is decided says the table (`Table.verdicts`, `Judged.better`), in the words of its notes,
the headline and the answer; what speaks against it say the same notes and the flaws of the audit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.report.health.examine import examine
from search.report.page.answer import answer
from search.report.page.headline import facts, headline
from search.report.page.question import question, scope
from search.report.record.curves import Curves
from search.report.table.build import Comparison
from search.report.table.judged_text import claim_note, evidence_text
from search.report.table.model import Claim, Table

UNDECIDED = (
    "Undecided means that these runs do not tell: it is neither evidence that the settings are equal nor that one of "
    "them is better"
)
CONTRADICTED = (
    "Contradicted refutes a claim as it is written, with its margin; it shows neither the opposite nor that settings "
    "are equal"
)
SCOPE = "All of this holds for these data, these settings and this number of epochs; of others these runs say nothing"
NO_CLAIMS = "The file states no claims: what the answer does not call better or worse is not decided"


def conclusions(compared: Comparison, confirmed: Comparison | None = None) -> dict[str, object]:
    """Return what may be concluded, as plain data. Names are stable.

    Args:
        compared: the study, with its table judged.
        confirmed: its confirm stage, where there is one.

    Returns:
        ``study``, ``title``, ``question``, ``answer`` (one sentence), ``answer_in_full``, ``rests_on`` (facts),
        ``complete``, ``claims`` (claim, verdict, reason, figures, evidence), ``may_be_concluded`` and
        ``may_not_be_concluded`` (sentences), ``cite`` (what to quote), ``notes`` of the table, and ``confirm_stage``,
        the same of that.
    """
    read, table = compared
    short, flaws = headline(compared, confirmed), [one for one in examine(compared) if one.severity == "flaw"]
    rests_on = [f"{fact.term}: {fact.said}" for fact in facts(compared, confirmed)]
    further = [flaw for flaw in flaws if not any(sentence.startswith(flaw.seen) for sentence in table.unmoved)]
    against = [*_against(table), *(f"A flaw of this study ({flaw.name}): {flaw.seen}" for flaw in further)]
    return {
        "study": read.record.name,
        "title": table.title,
        "question": question(read),
        "answer": short,
        "answer_in_full": answer(table, read),
        "rests_on": rests_on,
        "complete": not table.incomplete,
        "claims": [_claim(claim) for claim in table.verdicts],
        "may_be_concluded": [claim_note(claim) for claim in table.verdicts if claim.kind != "undecided"] or [short],
        "may_not_be_concluded": against,
        "cite": _cite(read, short, table, rests_on, len(flaws)),
        "notes": table.notes,
        "confirm_stage": None if confirmed is None else conclusions(confirmed),
    }


def _claim(claim: Claim) -> dict[str, object]:
    return {
        "claim": claim.text,
        "verdict": str(claim.kind),
        "reason": claim.reason,
        "figures": evidence_text(claim),
        "evidence": dict(claim.evidence),
    }


def _against(table: Table) -> Iterator[str]:
    """Yield what nobody may read out of a table: what is missing or doubted first, then what it leaves undecided."""
    yield from (
        sentence for sentence in (table.incomplete, table.banner, *table.distrusted, *table.unmoved) if sentence
    )
    undecided = [claim for claim in table.verdicts if claim.kind == "undecided"]
    yield from map(claim_note, undecided)
    if undecided:
        yield f"{UNDECIDED}."
    if any(claim.kind == "contradicted" for claim in table.verdicts):
        yield f"{CONTRADICTED}."
    if not table.verdicts:
        yield f"{NO_CLAIMS}."
    yield f"{SCOPE}."


def _cite(read: Curves, short: str, table: Table, rests_on: Sequence[str], flaws: int) -> str:
    """Return what to quote: the verdicts with their figures, or the answer, what it holds for and what it rests on."""
    said = " ".join(map(claim_note, table.verdicts)) or short
    basis = f" {'; '.join(rests_on)}." if rests_on else ""
    doubts = " The study is not complete." if table.incomplete else ""
    doubts += f" The audit finds {flaws} flaw{'s' * (flaws != 1)}, which the citation must name." if flaws else ""
    where = f" ({held})" if (held := scope(read)) else ""
    return f"Study “{read.record.name}”{where}: {said}{basis}{doubts}"
