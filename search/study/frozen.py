"""Claims before results: a study's file, data, code and claims as they were before the first row, in its order log.

``plan FILE --freeze`` appends an entry, and nothing changes or removes one. A study as it is now is compared with it:
the file as it was run last, the data of its rows, the code that its runs recorded, and the claims one by one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import yaml

from search.core.prefix import fingerprint
from search.core.trial import DataCard
from search.ledger.ledger import Decision, Ledger, StudyRecord
from search.space.model import Space
from search.space.writing import dump
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.study.revision import find_study
from search.workload import Workload, identity, load_workload
from search.workload.source import source_hash

KIND = "frozen"
"""Kind of the entry in the order log."""

CODE = "code"
"""Entry of a run's conditions: what `code_of` returned when it began. Only runs of frozen studies have it."""

MAX_CONFIGURATIONS = 1_000
"""Configurations of a grid whose data are looked at."""


@dataclass(frozen=True)
class Frozen:
    """What was frozen.

    Attributes:
        at: when (UTC).
        text: the resolved file.
        data: fingerprints of its data, sorted.
        code: as `code_of` returns it.
        digest: hash of all that, with the time.
        rows_before: rows of the study that were on record already.
    """

    at: str
    text: str
    data: Sequence[str]
    code: str
    digest: str
    rows_before: int = 0

    @property
    def claims(self) -> list[Mapping[str, Any]]:
        """The claims of the file, as plain data."""
        return claims_in(self.text)

    def hashes(self) -> dict[str, str]:
        """Return what a person may publish: the hashes of file, data, code and claims, and of all of them."""
        return {
            "file": hashlib.sha256(self.text.encode()).hexdigest(),
            "data": fingerprint(list(self.data)),
            "code": self.code,
            "claims": hashlib.sha256(json.dumps(self.claims, sort_keys=True).encode()).hexdigest(),
            "all": self.digest,
        }


def freeze(ledger: Ledger, space: Space) -> Frozen:
    """Record what a study is, before its first row; the study is made where there is none.

    Returns:
        what was recorded; `Frozen.rows_before` says whether it was too late.

    Raises:
        UserError: a configuration cannot be trained, or its data cannot be read.
    """
    workload = load_workload(space.workload)
    data, code, written = _data(space, workload), code_of(space.workload, workload), dump(space)
    record = find_study(ledger, space)
    paths = ledger.paths(record.id)
    shown = {key for trial in ledger.trials(record.id) for key in paths[trial.number][0][: trial.last_epoch]}
    rows = len(ledger.rows(sorted(shown)))
    with ledger.step(record.id) as step:
        step.log(KIND, file=written, data=data, code=code, rows_before=rows)
    return frozen_of(ledger, record)[-1]


def frozen_of(ledger: Ledger, record: StudyRecord) -> list[Frozen]:
    """Return what was frozen of a study, or of another revision of its file, in the order of time."""
    entries = [entry for other in ledger.studies(record.base_name) for entry in ledger.decisions(other.id, [KIND])]
    return [_frozen(entry) for entry in sorted(entries, key=lambda entry: entry.at)]


def code_of(name: str, workload: Workload) -> str:
    """Return the hash of a workload's code: its recipe and version, and its source where that can be read.

    Args:
        name: of the workload, in the space file.
        workload: it.
    """
    module = getattr(workload, "source_module", "") or type(workload).__module__
    return fingerprint([identity(name, workload), source_hash(module)])


def codes_of(study: OpenStudy, run_ids: Sequence[int]) -> set[str]:
    """Return what `code_of` returned when these runs began; "" for one that did not say."""
    return {str(run["conditions"].get(CODE, "")) for run in study.ledger.runs(run_ids)}


def claims_in(text: str) -> list[Mapping[str, Any]]:
    """Return the claims of a resolved file."""
    content = yaml.safe_load(text) or {}
    claims: list[Mapping[str, Any]] = (content.get("report") or {}).get("claims") or []
    return claims


class Changed(NamedTuple):
    """A key of a file that is another one now: what it was and is, as JSON; None for nothing."""

    key: str
    was: str | None
    now: str | None


def changed_keys(before: str, now: str) -> list[Changed]:
    """Return the dotted keys in which two resolved files differ, claims apart, in the order of the files."""
    one, other = (_flat(yaml.safe_load(text) or {}) for text in (before, now))
    keys = [key for key in dict.fromkeys([*one, *other]) if key != "report.claims" and one.get(key) != other.get(key)]
    return [Changed(key, one.get(key), other.get(key)) for key in keys]


def _flat(content: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Return dotted key -> value as JSON, of a mapping of mappings."""
    flat: dict[str, str] = {}
    for name, value in content.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and value and key != "report.claims":
            flat |= _flat(value, f"{key}.")
        else:
            flat[key] = json.dumps(value, sort_keys=True, default=str)
    return flat


def _data(space: Space, workload: Workload) -> list[str]:
    """Return the fingerprints of the data of a space, as its configurations read them."""
    cards: list[DataCard] = []
    planner = Planner(space, workload, {}, on_data=cards.append)
    grid = islice(space.grid(), MAX_CONFIGURATIONS) if space.search.sampler == "grid" else [space.example()]
    for number, parameters in enumerate(grid):
        planner.leaf(number, number, space.seeds[0], parameters)
    return sorted(card.fingerprint for card in cards)


def _frozen(entry: Decision) -> Frozen:
    detail = entry.detail
    digest = fingerprint([entry.at, detail["file"], list(detail["data"]), detail["code"]])
    return Frozen(entry.at, detail["file"], detail["data"], detail["code"], digest, int(detail["rows_before"]))
