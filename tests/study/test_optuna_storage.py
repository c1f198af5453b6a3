"""An Optuna database is opened by many at once, and a broken one is not tried for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from search.ledger.urls import sqlite_url
from search.study.optuna_storage import open_optuna
from tests.surroundings import HANG_S

EIGHT = """
import multiprocessing, sys
from search.study.optuna_storage import open_optuna

def open_it():
    together.wait()
    patient = {"connect_args": {"timeout": 60}} if sys.argv[1].startswith("sqlite") else {}
    storage = open_optuna(sys.argv[1], **patient)
    sys.exit(len(storage.get_all_studies()))

several = multiprocessing.get_context("fork")
together = several.Barrier(8)
openers = [several.Process(target=open_it) for _ in range(8)]
for opener in openers: opener.start()
for opener in openers: opener.join(600)
print([opener.exitcode for opener in openers])
"""


def opened_by_eight(url: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-c", EIGHT, url], capture_output=True, text=True, timeout=HANG_S)
    return done.stdout, done.stderr


@pytest.mark.slow
def test_eight_processes_open_a_new_database_at_once(tmp_path: Path) -> None:
    """Optuna alone fails in every other process."""
    assert opened_by_eight(sqlite_url(tmp_path / "optuna.db")) == (f"{[0] * 8}\n", "")


@pytest.mark.slow
def test_eight_processes_open_a_new_postgresql_database_at_once(postgres_database: str) -> None:
    assert opened_by_eight(postgres_database) == (f"{[0] * 8}\n", "")


def test_a_database_that_cannot_be_used_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not(seconds: float) -> None:
        raise AssertionError(f"waited {seconds} s")

    monkeypatch.setattr("time.sleep", must_not)
    (tmp_path / "optuna.db").write_bytes(b"no database " * 100)
    with pytest.raises(sa.exc.DatabaseError, match="not a database"):
        open_optuna(sqlite_url(tmp_path / "optuna.db"))
