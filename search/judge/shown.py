"""A sequence of changes, as `show` lists it: what became of each proposal, and the study that says so."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType

from search.core.sequences import member_name, sequence_of
from search.core.shown import counted, is_accuracy, significant
from search.judge.sequence import KEPT, History, Proposal, Step, folded
from search.report.formats.terminal import Paragraph
from search.report.views import listing
from search.space.recorded import rebuild
from search.statistics.text import p_text
from search.study.opened import OpenStudy


def history_of(study: OpenStudy) -> History | None:
    """Return the sequence whose order log a study is; None where it is another study."""
    if not sequence_of(study.record.name):
        return None
    state = folded((entry.kind, entry.detail) for entry in study.ledger.decisions(study.record.id))
    return state if state.first is not None else None


def headline_of(state: History) -> str:
    """Return in one sentence what a sequence came to."""
    kept = sum(one.verdict == KEPT for one in state.proposals)
    return f"{counted(len(state.proposals), 'proposal')}, {kept} kept: the incumbent is {state.incumbent.name}."


def show_sequence(study: OpenStudy, state: History) -> RenderableType:
    """Return the proposals of a sequence, a line each.

    Args:
        study: its order log.
        state: as that tells it.
    """
    name, metric = sequence_of(study.record.name), _metric(study)
    rows = [tuple(one.values()) for one in told_proposals(study, state)]
    heads = {"number": 0, "proposal": 0, "verdict": 0, "screening": 2, "confirmation": 1, "study": 3}
    finals = [member_name(name, f"final {number}") for number in state.shown]
    shown = (
        [Paragraph(f"Test figures were shown {counted(state.looks, 'time')}, of {', '.join(finals)}.")]
        if finals
        else []
    )
    return Group(
        Paragraph(f"Sequence {name}, judged by {metric}; the incumbent is {state.incumbent.name}."),
        *([listing(heads, rows)] if rows else []),
        *shown,
    )


def told_proposals(study: OpenStudy, state: History) -> list[dict[str, str]]:
    """Return what is said of each proposal of a sequence: number, name, verdict, its two steps, and its study.

    Args:
        study: its order log.
        state: as that tells it.
    """
    name, metric = sequence_of(study.record.name), _metric(study)
    return [
        {
            "number": str(one.number),
            "name": one.candidate.name,
            "verdict": one.verdict or "open",
            "screening": _step(metric, one.screening),
            "confirmation": _step(metric, one.confirmation),
            "study": member_name(name, str(one.number)),
        }
        for one in state.proposals
    ]


def _metric(study: OpenStudy) -> str:
    return rebuild(study.record.space, "").search.objective.metric


def plain_sequence(study: OpenStudy, state: History) -> list[dict[str, Any]]:
    """Return the proposals of a sequence as plain data. Names are stable."""
    name = sequence_of(study.record.name)
    return [
        {"number": one.number, "name": one.candidate.name, "settings": dict(one.candidate.settings)}
        | {"verdict": one.verdict or "open", "against": one.against, **plain_steps(one)}
        | {"study": member_name(name, str(one.number))}
        for one in state.proposals
    ]


def plain_steps(proposal: Proposal | None) -> dict[str, object]:
    """Return what the steps of a proposal came to as plain data; None of a step that was not made."""
    steps = {} if proposal is None else {"screening": proposal.screening, "confirmation": proposal.confirmation}
    return {
        name: None if step is None else {"gain": step.gain, "p": step.p, "seeds": list(step.seeds)}
        for name, step in steps.items()
    }


def gain_text(metric: str, gain: float) -> str:
    """Return "+1.2 pt" of an accuracy, "better by 0.03" of any other metric."""
    return f"{100 * gain:+.1f} pt" if is_accuracy(metric) else f"better by {significant(gain)}"


def _step(metric: str, step: Step | None) -> str:
    if step is None:
        return ""
    return "nothing to compare" if step.gain is None else f"{gain_text(metric, step.gain)}, p {p_text(step.p)}"
