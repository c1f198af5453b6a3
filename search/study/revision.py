"""Which study a space continues: the same question goes on, another one makes a new revision."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from search.core.errors import UserError
from search.core.prefix import fingerprint
from search.ledger.ledger import Ledger, StudyRecord
from search.space.model import AshaSettings, Objective, Space
from search.space.writing import dump
from search.study.opened import OpenStudy


def identity(space: Space) -> str:
    """Return the hash of what makes a study this study: axes, settings, lengths, objective, stop and pruning rules.

    More seeds, trials or hours, another report or title change nothing of what is on record, and are not in it.
    """
    search = space.search
    return fingerprint(
        {
            "workload": space.workload,
            "fixed": dict(space.fixed),
            "axes": [_plain(axis) for axis in space.axes],
            "sampler": search.sampler,
            "sampler_seed": search.seed,
            "objective": _objective(search.objective),
            **({"further": [_objective(one) for one in search.further]} if search.further else {}),
            "asha": _asha(search.asha) if search.asha else None,
            **{name: _plain(rule) for name in ("hyperband", "median") if (rule := getattr(search, name))},
            **({"where": search.where} if search.where else {}),
        }
    )


def continued_study(ledger: Ledger, space: Space) -> StudyRecord | None:
    """Return the study a space continues, or None; nothing is changed."""
    return next(reversed(_kin(ledger, space)), None)


def _kin(ledger: Ledger, space: Space) -> list[StudyRecord]:
    """Return the revisions that ask the same question, in their order."""
    wanted = identity(space)
    return [record for record in ledger.studies(space.name) if record.identity == wanted]


def latest_revision(ledger: Ledger, record: StudyRecord) -> StudyRecord:
    """Return the last revision of a study, which is the study itself where no later one was made."""
    return max(ledger.studies(record.base_name), key=lambda other: other.revision, default=record)


def find_study(ledger: Ledger, space: Space) -> StudyRecord:
    """Return the study a space continues, made where there is none."""
    return continued_study(ledger, space) or new_revision(ledger, space)


def bring_up_to_date(ledger: Ledger, record: StudyRecord, space: Space) -> StudyRecord:
    """Store the file a study is run with now; for whoever holds its lock."""
    text = dump(space)
    if record.space != text:
        ledger.update_study(record.id, space=text)
    return ledger.study(record.name)


def new_revision(ledger: Ledger, space: Space) -> StudyRecord:
    """Add the next revision of a study."""
    wanted = identity(space)
    while True:
        kin = [record.revision for record in ledger.studies(space.name)]
        revision = max(kin, default=0) + 1
        name = space.name if revision == 1 else f"{space.name} (rev {revision})"
        ledger.create_study(name, space.name, revision, dump(space), wanted, space.workload)
        record = ledger.study(name)
        if record.identity == wanted:  # else another driver made it in the meantime, of another file
            return record


def study_in_class(study: OpenStudy, found: Mapping[str, str], other_class: str) -> StudyRecord:
    """Return the study to work on in this execution class; with another revision than `study`, lock that one, too.

    Raises:
        UserError: the study is pinned to another class, and no new revision was asked for.
    """
    ledger, record, space = study.ledger, study.record, study.space
    pinned = record.execution_class
    if pinned is None or dict(pinned) == dict(found):
        return record
    for kin in reversed(_kin(ledger, space)):  # two machines may have a revision each
        if kin.execution_class is not None and dict(kin.execution_class) == dict(found):
            return bring_up_to_date(ledger, kin, space)
    if other_class == "new":
        return new_revision(ledger, space)
    differing = [
        f"{name} was {pinned.get(name, 'not there')!r}, is {found.get(name, 'not there')!r}"
        for name in sorted({*pinned, *found})
        if pinned.get(name) != found.get(name)
    ]
    raise UserError(
        f"study {record.name!r} was run in another execution class ({'; '.join(differing)}), where the same settings "
        "give other bits; nothing was trained and what is finished stays: go on there, or start a new revision here "
        "with --new-revision"
    )


def _asha(asha: AshaSettings) -> object:
    """Return these settings as earlier versions had them, which knew no promotion, where there is none."""
    fields = {field.name: getattr(asha, field.name) for field in dataclasses.fields(asha)}
    return {"kind": "AshaSettings", **{name: value for name, value in fields.items() if name != "promote" or value}}


def _objective(objective: Objective) -> object:
    """Return an objective as it is written; whether it is a cost follows from its name."""
    return {"kind": "Objective", "metric": objective.metric, "direction": objective.direction}


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
