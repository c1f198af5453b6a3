"""Databases written by earlier versions are opened, read to the last bit and gone on with.

``layouts/layout_<n>.sql`` is the dump of a database that the last version with that layout wrote: a study of four
trials of three epochs.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from search.api import open_study
from search.core.trial import State
from search.ledger.files import write_state
from search.ledger.ledger import Ledger
from search.ledger.states import KeptState, Role
from search.ledger.tables import VERSION

LAYOUTS = Path(__file__).parent / "layouts"
OLD = sorted(path.stem for path in LAYOUTS.glob("*.sql"))


@pytest.fixture(params=OLD)
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A results folder with the database of an earlier version."""
    with sqlite3.connect(tmp_path / "search.db") as connection:
        connection.executescript((LAYOUTS / f"{request.param}.sql").read_text(encoding="utf-8"))
    connection.close()
    return tmp_path


def test_every_earlier_layout_is_tested() -> None:
    assert [f"layout_{number}" for number in range(1, int(VERSION))] == OLD


def test_its_tables_are_those_it_printed(results: Path) -> None:
    study = open_study("old", results=results)
    trials, epochs = study.trials(), study.epochs()
    assert list(trials["state"]) == ["finished"] * 4
    assert [round(value, 4) for value in trials["val_loss"]] == [0.2675, 0.2451, 0.2753, 0.2394]
    assert len(epochs) == 12
    assert list(epochs["epoch"]) == [1, 2, 3] * 4
    assert {path.name for path in study.write()} >= {"table.csv", "epochs.csv", "report.html"}
    study.ledger.close()


def test_it_is_of_this_layout_afterwards_and_can_be_written(results: Path) -> None:
    ledger = Ledger(str(results / "search.db"))
    (record,) = ledger.studies()
    before = ledger.trials(record.id)
    assert {trial.state for trial in before} == {State.FINISHED}
    (path, _), *_ = ledger.paths(record.id).values()
    ledger.states.make_folder()
    kept = KeptState(write_state(ledger.states.folder, path[-1], b"state"), 3, Role.LAST)
    with ledger.step(record.id) as step:
        step.put_state(kept)
        seq = step.log("a test")
    assert seq == len(ledger.decisions(record.id)) - 1
    assert ledger.states.find(path) == {path[-1]: kept}
    ledger.close()
    again = Ledger(str(results / "search.db"))
    assert again.trials(record.id) == before
    again.close()
    with sqlite3.connect(results / "search.db") as connection:
        assert connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone() == (VERSION,)
    connection.close()
