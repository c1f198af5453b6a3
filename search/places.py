"""Where results lie: the ledger and the mirror of a results folder."""

from __future__ import annotations

from pathlib import Path

from search.core.errors import StudyNotFound, UserError
from search.ledger.ledger import Ledger
from search.ledger.urls import ledger_exists, sqlite_url

RESULTS = Path("results")
"""The results folder where none is named."""


def open_ledger(results: Path, storage: str | None) -> Ledger:
    """Open the ledger of a results folder, or the database given."""
    return Ledger(storage or str(results / "search.db"), states=results / "states")


def existing_ledger(results: Path, storage: str | None, *, reading: bool = True) -> Ledger:
    """Open the ledger of a results folder, or the database given; none is made where there is none.

    Args:
        results: the folder.
        storage: the database, where one is given.
        reading: it is enough to read it, where this user may not write to it.

    Raises:
        StudyNotFound: there is none.
        UserError: this user may not even read it.
    """
    named = storage or str(results / "search.db")
    if not ledger_exists(named):
        other = "--storage names another database" if storage else "--results names another folder"
        raise StudyNotFound(f"there is no ledger {named!r}; `python -m search run FILE` makes one, {other}")
    return Ledger(named, states=results / "states", reading=reading)


def mirror_url(results: Path) -> str:
    """Return the URL of the Optuna database of a results folder.

    Raises:
        UserError: the folder is not there and cannot be made, or its path is no text.
    """
    from search.study.mirror import MIRROR_FILE

    url = sqlite_url(results / MIRROR_FILE)
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"results {str(results)!r}: {error.strerror}; give another folder with --results") from error
    return url
