"""Errors as answers of HTTP."""

from __future__ import annotations

from search.core.errors import Faults, StorageFailed, StudyNotFound, UserError
from search.core.queue import NotNow
from search.ledger.queue import EntryNotFound
from search.service.people import NotAllowed


def status_of(error: UserError) -> int:
    """Return the status of HTTP that says what kind of error it is."""
    kinds = {
        Faults: 422,
        EntryNotFound: 404,
        StudyNotFound: 404,
        NotNow: 409,
        NotAllowed: 403,
        StorageFailed: 503,
    }
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 400)


def complaint(error: UserError) -> dict[str, object]:
    """Return an error as plain data: its reason, and faults with their addresses."""
    faults = error.faults if isinstance(error, Faults) else ()
    return {"reason": str(error), "faults": [vars(fault) for fault in faults]}
