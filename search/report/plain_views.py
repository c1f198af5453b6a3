"""What `list` and `show` print, as plain data: JSON can hold it, and names are stable (``docs/reference/json.md``)."""

from __future__ import annotations

import json
from typing import Any

from search.ledger.ledger import Ledger
from search.ledger.sequences import members
from search.report.briefs import brief_of, kept_briefs
from search.report.record.curves import read_curves
from search.report.record.trust import trust_sentences
from search.report.text import plain
from search.report.views import curve_of, trial_numbered
from search.study.opened import OpenStudy


def studies(ledger: Ledger) -> dict[str, Any]:
    """Return all studies of a ledger, with the sequence of changes that one belongs to, and what saved states take."""
    count, size = ledger.states.size()
    of_sequences, kept = members(ledger.engine), kept_briefs(ledger)
    rows = []
    for record in ledger.studies():
        brief = kept.get(record.id) or brief_of(ledger, record)
        rows.append(
            {
                "study": record.name,
                "base_name": record.base_name,
                "revision": record.revision,
                "workload": record.workload,
                "created": record.created,
                "trials": dict(brief.trials),
                "best_single_trial": None if brief.best is None else {"metric": brief.best[0], "value": brief.best[1]},
                "distrusted": list(trust_sentences(ledger, record)),
                "sequence": of_sequences.get(record.id),
            }
        )
    states = {"files": count, "bytes": size, "folder": str(ledger.states.folder)}
    return {"studies": plain(rows), "states": states}


def study(opened: OpenStudy) -> dict[str, Any]:
    """Return what is known of one study: its facts, its runs, and one row per trial, as in ``trials.csv``."""
    from search.report.formats.render import frame_json
    from search.report.record.frames import trials_frame

    ledger, record, space = opened.ledger, opened.record, opened.space
    read = read_curves(opened)
    objective = space.search.objective
    runs = [
        {name: run[name] for name in ("id", "started", "seconds", "outcome")} for run in ledger.runs(study_id=record.id)
    ]
    facts = {
        "study": record.name,
        "base_name": record.base_name,
        "revision": record.revision,
        "title": space.title,
        "workload": record.workload,
        "created": record.created,
        "sampler": space.search.sampler,
        "objective": {"metric": objective.metric, "direction": objective.direction},
        "objectives": [{"metric": one.metric, "direction": one.direction} for one in space.search.objectives],
        "seeds": list(space.seeds),
        "data": [{"name": card.name, "fingerprint": card.fingerprint} for card in read.cards.values()],
        "execution_class": record.execution_class,
        "distrusted": list(trust_sentences(ledger, record)),
        "runs": runs,
    }
    return {**plain(facts), "trials": json.loads(frame_json(trials_frame(read)))}


def trial(opened: OpenStudy, number: int) -> dict[str, Any]:
    """Return what is known of one trial, with its metrics at the last and at the best epoch.

    Raises:
        UserError: the study has no such trial.
    """
    curve = curve_of(opened, trial_numbered(opened, number))
    row = curve.trial
    metrics = {
        name: plain(curve.rows[epoch].row.metrics) if epoch is not None and epoch in curve.rows else None
        for name, epoch in (("last", curve.last_epoch), ("best", curve.best_epoch))
    }
    return {
        "study": opened.record.name,
        "trial": row.number,
        "configuration": row.configuration,
        "seed": row.seed,
        "parameters": plain(row.parameters),
        "settings": plain(row.settings),
        "state": row.state.value,
        "ended_by": row.ended_by,
        "epochs": row.epochs,
        "last_epoch": row.last_epoch,
        "best_epoch": curve.best_epoch,
        "attempts": row.attempts,
        "seconds": plain(curve.seconds),
        "metrics": metrics,
        "error": row.error,
    }
