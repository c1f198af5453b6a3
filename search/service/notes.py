"""The note of a study in the dashboard: what it is, and the way to its report."""

from __future__ import annotations

import hashlib
from collections import Counter

from search.report.record.trust import trust_sentences
from search.report.text import markdown_cell
from search.service.pictures import BEST_TRIALS_DRAWN
from search.service.reports import address
from search.study.opened import OpenStudy

NOTE_HASH_ATTRIBUTE = "search:note"
"""Study attribute that holds the hash of the note we wrote last."""


REPORT_ATTRIBUTE = "report"
"""Study attribute, shown on the study's first page, that holds the address of its report."""


def note(opened: OpenStudy) -> str:
    """Return a study's note, in Markdown."""
    record, space = opened.record, opened.space
    states = Counter(trial.state.value for trial in opened.ledger.trials(record.id))
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none yet"
    place = address(record.name)
    return "\n".join(
        [
            f"### {markdown_cell(space.title or record.name)}",
            "",
            f"**[Report: the table, what it shows, the figures]({place})**",
            "",
            *(f"- objective: {markdown_cell(one.metric)} ({one.direction})" for one in space.search.objectives),
            f"- axes: {', '.join(markdown_cell(axis.name) for axis in space.axes)}; {len(space.seeds)} seeds",
            f"- trials: {counts}",
            *(f"- {markdown_cell(said)}" for said in trust_sentences(opened.ledger, record)),
            "- pictures: of the study on its first page, under Artifacts; "
            f"of its {BEST_TRIALS_DRAWN} best trials on their pages",
            "",
            "This is a copy of what is on record: nothing that is edited or deleted here reaches the original.",
        ]
    )


def write_note(opened: OpenStudy, mirror: str) -> bool:
    """Write a study's note into the mirror, unless it is there or somebody wrote one of their own.

    Returns:
        whether it was written.
    """
    import optuna
    from optuna_dashboard import get_note, save_note

    record = opened.record
    study = optuna.load_study(study_name=record.name, storage=mirror)
    storage, number = study._storage, study._study_id
    if study.user_attrs.get(REPORT_ATTRIBUTE) != address(record.name):
        study.set_user_attr(REPORT_ATTRIBUTE, address(record.name))
    there, wanted = get_note(study), note(opened)
    last = storage.get_study_system_attrs(number).get(NOTE_HASH_ATTRIBUTE)
    if there == wanted or (there and _hash(there) != last):
        return False
    save_note(study, wanted)
    storage.set_study_system_attr(number, NOTE_HASH_ATTRIBUTE, _hash(wanted))
    return True


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
