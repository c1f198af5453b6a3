"""Whether a study still is what was trained: the same data, code and weights as behind the trials that ended."""

from __future__ import annotations

import random
from collections.abc import Mapping

from search.core.errors import UserError
from search.core.shown import called
from search.core.trial import DataCard, Trial
from search.ledger.ledger import StudyRecord
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.workload import Workload

MAX_TRIALS_COMPARED = 1_000
"""Trials whose keys are compared, drawn at random where there are more: what changed mostly changed for many."""


class StudyChanged(UserError):
    """A study was trained on other data, or by other code, than there are now."""


def check_unchanged(study: OpenStudy, workload: Workload, execution_class: Mapping[str, str]) -> None:
    """Compare the keys of trials that ended with those that they would have now.

    Such trials are taken over as they are, so that a table would mix them with trials of other data or other code.

    Raises:
        StudyChanged: they differ; the message says in what.
    """
    ledger, record, space = study.ledger, study.record, study.space
    trials = ledger.trials(record.id)
    ended = [trial for trial in trials if trial.state.for_good and trial.last_epoch]
    if len(ended) > MAX_TRIALS_COMPARED:
        ended = random.Random(record.name).sample(ended, MAX_TRIALS_COMPARED)
    recorded = ledger.paths(record.id, [trial.number for trial in ended])
    now: dict[str, DataCard] = {}

    def planner(sharing: bool) -> Planner:
        return Planner(
            space, workload, execution_class, sharing, lambda card: now.update({card.fingerprint: card}), record.name
        )

    # A trial may have been trained alone, under a key of its own, before or after others were not.
    planners = [planner(True), planner(False)]
    for trial in ended:
        keys, data = recorded[trial.number]
        for either in planners:
            leaf = either.leaf(trial.number, trial.configuration, trial.seed, trial.parameters)
            if leaf.data != data:
                were, are = _shown(data, ledger.data(data)), _shown(leaf.data, now.get(leaf.data))
                raise _changed(record, trial, f"its data were {were}, and are {are}")
            if list(leaf.path[: trial.last_epoch]) == keys[: trial.last_epoch]:
                break
        else:
            what = "the code or the recipe of the workload, or weights that trials start from, are others"
            raise _changed(record, trial, f"{what} (workload {called(record.workload)!r})")


def _shown(fingerprint: str, card: DataCard | None) -> str:
    size = f"{card.notes[0]}, " if card is not None and card.notes else ""
    return f"{size}fingerprint {fingerprint[:12] or 'none'}"


def _changed(record: StudyRecord, trial: Trial, what: str) -> StudyChanged:
    return StudyChanged(
        f"study {record.name!r} is no longer what was trained: {what}, since trial {trial.number} ended; nothing was "
        "trained and what is finished stays: put back what was there, or train everything anew in a new revision with "
        "`run --new-revision`"
    )
