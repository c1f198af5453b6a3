"""Which limit of its file a study has come to, by its order log; for a run that goes on, and for what is said of it."""

from __future__ import annotations

from collections.abc import Iterable

from search.ledger.ledger import Decision
from search.space.model import Space
from search.study.opened import OpenStudy

LIMIT = "limit"
"""Kind of the entries of the order log that say which limit was reached."""


def limit_reached(study: OpenStudy) -> str:
    """Return the name of the limit that a study has come to, "" where it has come to none that still holds."""
    entries = study.ledger.decisions(study.record.id, [LIMIT])
    return next((name for name in reversed(_holding(study.space, entries))), "")


def still_reached(space: Space, entries: Iterable[Decision]) -> str:
    """Return the name of the limit of epochs or hours that these entries of an order log reached, as far as it was not
    raised since. A target is left out: rows that reached it may have been withdrawn."""
    return next((name for name in _holding(space, entries) if name != "target"), "")


def _holding(space: Space, entries: Iterable[Decision]) -> list[str]:
    names = []
    for entry in entries:
        name, value = entry.detail["limit"], entry.detail["value"]
        now = getattr(space.limits, name)
        sign = -1 if name == "target" and not space.search.objective.maximize else 1
        if now is not None and sign * now <= sign * value:
            names.append(name)
    return names
