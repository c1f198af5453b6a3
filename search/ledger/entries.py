"""Entries of a queue as rows of a database, and rows as entries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from search.core.queue import Entry, Outcome, Phase
from search.ledger.tables import entry

HEAD = [column for column in entry.columns if column.name != "files"]
"""What lists read of entries: all but the texts of their files, which may be megabytes."""

OPEN = entry.c.phase.in_([phase.value for phase in (Phase.HELD, Phase.QUEUED, Phase.RUNNING)])
"""Entries that wait or run, as the index on phases takes it."""


def heads(connection: sa.Connection, query: sa.Select[Any]) -> list[Entry]:
    """Return entries without the texts of their files."""
    rows = [dict(row._mapping) for row in connection.execute(query)]
    lacking = [values["id"] for values in rows if values["names"] is None]  # of a server that noted no names yet
    files = sa.select(entry.c.id, entry.c.files).where(entry.c.id.in_(lacking))
    older = {row.id: list(json.loads(row.files)) for row in connection.execute(files)} if lacking else {}
    return [
        read(values, dict.fromkeys(older[values["id"]] if values["names"] is None else json.loads(values["names"]), ""))
        for values in rows
    ]


def values_of(made: Entry) -> dict[str, object]:
    """Return what of an entry may change, and who submitted what when."""
    values = {item.name: getattr(made, item.name) for item in fields(Entry) if item.name not in ("id", "files")}
    outcome = None if made.outcome is None else made.outcome.value
    return {
        **values,
        "options": json.dumps(dict(made.options)),
        "phase": made.phase.value,
        "outcome": outcome,
        "price": None if made.price is None else json.dumps(dict(made.price)),
    }


def texts_of(made: Entry) -> dict[str, object]:
    """Return the files of an entry, which never change."""
    return {"files": json.dumps(dict(made.files)), "names": json.dumps(list(made.files))}


def read(values: Mapping[str, Any], files: Mapping[str, str]) -> Entry:
    """Return the entry of a row, given the files that belong to it."""
    parsed = {
        "files": files,
        "options": json.loads(values["options"]),
        "price": None if values["price"] is None else json.loads(values["price"]),
        "phase": Phase(values["phase"]),
        "outcome": None if values["outcome"] is None else Outcome(values["outcome"]),
        "released": values["released"] or "",
    }
    return Entry(**{**{name: value for name, value in values.items() if name != "names"}, **parsed})
