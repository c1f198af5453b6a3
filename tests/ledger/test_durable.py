"""What is committed to an SQLite file is on the disk: a power failure takes nothing that was acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.ledger import opening
from search.ledger.ledger import Ledger

FULL = 2


def test_a_commit_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = opening._tune_sqlite.__wrapped__  # type: ignore[attr-defined]  # other tests' ledgers wait for none
    monkeypatch.setattr(opening, "_tune_sqlite", usual)
    ledger = Ledger(str(tmp_path / "search.db"))
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    ledger.close()
