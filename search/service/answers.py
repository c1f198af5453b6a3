"""What a study came to: one line, a few figures and its table in short; made where files are examined, and kept."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from search.core.errors import UserError
from search.ledger.answers import keep_answer
from search.ledger.ledger import Ledger
from search.report.paths import study_folder


def make_answer(ledger: Ledger, name: str, results: Path) -> dict[str, object]:
    """Make the answer of a study, keep it, and return it; write its report where there is none.

    Whoever reads the answer has looked at the table: that is recorded.

    Raises:
        StudyNotFound: there is no such study.
    """
    from search.judge.shown import headline_of, history_of, told_proposals
    from search.report.briefs import brief_of
    from search.report.page.headline import headline
    from search.report.record.complete import states
    from search.report.record.looks import record_look, seeds_finished
    from search.report.results import write_comparison
    from search.report.table.build import comparison_of
    from search.service.kept_table import kept_table
    from search.study.opened import OpenStudy

    opened = OpenStudy(ledger, ledger.study(name))
    sequence = history_of(opened)
    record_look(opened)
    compared = comparison_of(opened)
    stage = opened.confirm_stage()
    again = None if stage is None else comparison_of(stage)
    read, table = compared
    trials = [curve.trial for curve in read.curves]
    seconds = {curve.keys[epoch - 1]: row.seconds for curve in read.curves for epoch, row in curve.rows.items()}
    content: dict[str, object] = {
        "title": opened.space.title,
        "headline": headline(compared, again) if sequence is None else headline_of(sequence),
        "data": ", ".join(card.name or card.fingerprint[:12] for card in read.cards.values()),
        "metric": opened.space.search.objective.metric,
        "state": states(trials) if sequence is None else "in the studies of its proposals",
        "searched": opened.space.search.sampler != "grid",
        "complete": bool(trials) and all(trial.state.ended for trial in trials),
        "seeds": seeds_finished(trials),
        "settings": len(table.lines),
        "epochs": len(seconds),
        "seconds": sum(seconds.values()),
        "verdicts": [
            {"claim": claim.text, "verdict": str(claim.kind), "reason": claim.reason} for claim in table.verdicts
        ],
        "table": kept_table(table),
        "brief": brief_of(ledger, opened.record).plain(),
        "proposals": [] if sequence is None else told_proposals(opened, sequence),
    }
    folder = study_folder(results, name)
    if not (folder / "report.html").exists():  # a copy of a database comes without
        with suppress(OSError, UserError):
            write_comparison(compared, folder, again)
    keep_answer(ledger.engine, opened.record.id, content)
    return content
