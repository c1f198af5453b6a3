"""What is to be said of a study whose rows cannot all be believed: rows are withdrawn, trials are trained alone."""

from __future__ import annotations

from search.core.shown import counted
from search.ledger.ledger import Ledger, StudyRecord

SHOWN_DIGITS = 8
"""Digits of a kind that are shown."""


def trust_sentences(ledger: Ledger, record: StudyRecord) -> list[str]:
    """Return a sentence on each kind of training of a study that is distrusted, or was: which, how many rows, and why.

    Args:
        ledger: the ledger.
        record: the study.
    """
    distrusted = ledger.distrusted()
    entries = ledger.decisions(record.id, ["withdrawn"])
    if not distrusted and not entries:
        return []
    sentences = []
    withdrawn = dict.fromkeys(str(entry.detail["kind_of_training"]) for entry in entries)
    for kind in withdrawn:
        mine = [entry.detail for entry in entries if entry.detail["kind_of_training"] == kind]
        rows = sum(detail["rows"] for detail in mine)
        trials = len({number for detail in mine for number in detail["trials"]})
        what = f"{counted(rows, 'row')} of {counted(trials, 'trial')} {_named(kind)} that this study had shown"
        alone = ", and trials of that kind are trained alone since" if kind in distrusted else ""
        sentences.append(f"{what} {'is' if rows == 1 else 'are'} withdrawn{alone}: {_reason(mine[0]['text'])}.")
    for kind in sorted(_kinds(ledger, record) & distrusted.keys()) if distrusted else ():
        distrust = distrusted[kind]
        rule = "are trained alone, from the first epoch to the last in a process of their own"
        if not distrust.repeatable:
            rule = "are not repeatable, so no other trial reuses their rows"
        if kind not in withdrawn or not distrust.repeatable:
            sentences.append(f"Trials {_named(kind)} {rule}: {_reason(distrust.text)}.")
    return sentences


def _kinds(ledger: Ledger, record: StudyRecord) -> set[str]:
    """Return the kinds of a study's trials, by the last row of each one."""
    paths, trials = ledger.paths(record.id), ledger.trials(record.id)
    last = [paths[trial.number][0][trial.last_epoch - 1] for trial in trials if trial.last_epoch]
    return {recorded.kind for recorded in ledger.rows(list(dict.fromkeys(last))).values()}


def _named(kind: str) -> str:
    return f"(kind {kind[:SHOWN_DIGITS]})"


def _reason(text: str) -> str:
    return text.strip().rstrip(".")
