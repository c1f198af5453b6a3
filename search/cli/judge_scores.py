"""`judge` of a file of scores: what is asked of runs that were trained elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.ended import answered
from search.cli.options import Command, print_report, print_table, say
from search.core.errors import UserError
from search.core.outside import SCORE_FILES

if TYPE_CHECKING:
    from search.judge.asked import Question
    from search.judge.score_file import ScoreFile
    from search.notebook import Study

OTHER_TABLES = (".tsv", ".xlsx", ".xls", ".jsonl", ".ndjson", ".txt", ".feather", ".arrow", ".pq", ".gz", ".eval")
"""Endings of tables and logs that are not read."""

_OPTIONS = {
    "metric": click.option("--metric", metavar="NAME", help="Of scores: what their mean is called."),
    "better": click.option("--better", type=click.Choice(["higher", "lower"]), help="Of scores: which are better."),
    "range": click.option(
        "--range", type=(float, float), metavar="LOW HIGH", help="Of scores: the least and the largest there can be."
    ),
    "baseline": click.option("--baseline", metavar="SETTING", help="Of scores: what the others are compared with."),
    "margin": click.option("--margin", type=float, help="Of scores: the smallest difference that matters."),
    "claims": click.option(
        "--claim",
        "claims",
        multiple=True,
        metavar="'A > B'",
        help="Of scores: what is claimed; repeatable; or 'A = B'.",
    ),
}


def score_options(command: Command) -> Command:
    """Add the options that ask something of a file of scores."""
    for option in reversed(_OPTIONS.values()):
        command = option(command)
    return command


def holds_scores(file: str) -> bool:
    """Whether a file is one of scores, by its ending.

    Raises:
        UserError: it is a table or a log of another kind.
    """
    ending = Path(file).suffix.lower()
    if ending in OTHER_TABLES:
        raise UserError(
            f"{file}: scores of runs trained elsewhere are read from {' and '.join(SCORE_FILES)}, not from {ending}; "
            "docs/how-to/runs-elsewhere.md shows how logs become such a file"
        )
    return ending in SCORE_FILES


def refuse_other_options(file: str, wishes: Mapping[str, Any], others: Mapping[str, object]) -> None:
    """Refuse options of scores for a space file, and those of a space file for scores.

    Args:
        file: what is judged.
        wishes: option -> value, of those of scores.
        others: the same of those of a space file.

    Raises:
        UserError: one was given for the other kind of file.
    """
    scores = holds_scores(file)
    for name, value in (others if scores else wishes).items():
        if value not in (None, ()):
            what, kind = (
                ("a space file", "scores") if scores else ("scores", "a space file, which says it under `report`")
            )
            raise UserError(
                f"--{'claim' if name == 'claims' else name}: is for {what}, and {file} holds {kind}; leave it out"
            )


def judge_file(file: str, wishes: Mapping[str, Any], results: str, storage: str | None, as_json: bool) -> None:
    """Judge a file of scores, and print its table or its verdicts.

    Raises:
        ClaimContradicted, ClaimUndecided: as for a space file.
    """
    from search.judge.asked import Wishes
    from search.judge.outside import judge_scores

    study, question, scores = judge_scores(file, Wishes(**wishes), Path(results), storage)
    for text in [*question.assumed, *(f"column {name!r} is not read" for name in scores.unread)]:
        say(text, err=as_json)
    assert study.written is not None
    if as_json:
        click.echo(json.dumps(_as_json(study, question, scores), indent=2))
    else:
        print_table(study)
        print_report(study.folder / "report.html")
    answered(study.written.verdicts)


def _as_json(study: Study, question: Question, scores: ScoreFile) -> dict[str, object]:
    """Return the verdicts as plain data. Names are stable."""
    assert study.written is not None
    return {
        "study": study.name,
        "file": scores.path,
        "sha256": scores.digest,
        "settings": list(scores.settings),
        "seeds": len(scores.seeds),
        "metric": question.space.search.objective.metric,
        "assumed": list(question.assumed),
        "claims": [
            {"claim": claim.text, "verdict": str(claim.kind), "reason": claim.reason, "evidence": dict(claim.evidence)}
            for claim in study.written.verdicts
        ],
    }
