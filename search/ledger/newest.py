"""Studies and runs from the newest on: whoever has found what they look for reads no further."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from search.ledger.ledger import Ledger, StudyRecord, study_of
from search.ledger.tables import run, study

READ_AT_ONCE = 20


def studies_newest(ledger: Ledger, workload: str) -> Iterator[StudyRecord]:
    """Yield the studies of a workload, the newest first."""
    query = sa.select(study).where(study.c.workload == workload)
    yield from map(study_of, _newest(ledger, query, study.c.id))


def runs_newest(ledger: Ledger, workload: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield runs, of one workload or of all, the newest first.

    Returns:
        for each the columns of a run, its conditions read, and ``study`` and ``workload``, those of its study.
    """
    query = sa.select(run, study.c.name.label("study"), study.c.workload).join(study, study.c.id == run.c.study_id)
    if workload is not None:
        query = query.where(study.c.workload == workload)
    for row in _newest(ledger, query, run.c.id):
        yield {**row._mapping, "conditions": json.loads(row.conditions)}


def _newest(ledger: Ledger, query: sa.Select[Any], number: sa.Column[int]) -> Iterator[sa.Row[Any]]:
    query, last = query.order_by(number.desc()).limit(READ_AT_ONCE), None
    while True:
        with ledger.engine.connect() as connection:
            rows = connection.execute(query if last is None else query.where(number < last)).all()
        yield from rows
        if len(rows) < READ_AT_ONCE:
            return
        last = rows[-1].id
