"""Databases written by earlier versions are opened, read to the last bit and gone on with.

``layouts/layout_<n>.sql`` is the dump of a database that the last version with that layout wrote: a study of four
trials of three epochs.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from search.api import open_study
from search.core.trial import Row, State
from search.ledger import opening
from search.ledger.files import write_state
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue
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
    assert ledger.states.find(path)[path[-1]] == kept
    (said,) = {(one.kind != "", one.origin) for one in ledger.rows(path).values()}
    assert said in ((False, ""), (True, "fresh"))  # nobody said before layout 5
    assert ledger.distrusted() == {}
    ledger.close()
    again = Ledger(str(results / "search.db"))
    assert again.trials(record.id) == before
    again.close()
    with sqlite3.connect(results / "search.db") as connection:
        assert connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone() == (VERSION,)
    connection.close()


def test_the_queue_that_the_last_layout_had_is_there_with_its_files(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "search.db") as connection:
        connection.executescript((LAYOUTS / "layout_5.sql").read_text(encoding="utf-8"))
    connection.close()
    ledger = Ledger(str(tmp_path / "search.db"))
    queue = Queue(ledger.engine)
    assert [(one.name, one.state, list(one.files), one.released) for one in queue.entries()] == [
        ("old", "done", ["old.yaml"], ""),
        ("next", "queued", ["next.yaml", "base/a.yaml"], ""),
    ]
    assert queue.entry(2).files["base/a.yaml"] == "workload: classifier\n"
    ledger.close()


def test_it_can_be_read_by_who_may_not_write_to_it(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (results / "search.db").read_bytes()
    monkeypatch.setattr(opening, "may_write", lambda file: False)
    ledger = Ledger(str(results / "search.db"), reading=True)
    (record,) = ledger.studies()
    (path, _), *_ = ledger.paths(record.id).values()
    assert ledger.read_only
    assert sorted(one.epoch for one in ledger.rows(path).values()) == [1, 2, 3]
    assert ledger.distrusted() == {}
    ledger.close()
    assert (results / "search.db").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("layout", OLD)
def test_a_server_of_an_earlier_layout_gets_what_it_lacks(layout: str, postgres_database: str, tmp_path: Path) -> None:
    """Statements of the dump that a server takes, too: its tables and its rows."""
    dump = (LAYOUTS / f"{layout}.sql").read_text(encoding="utf-8")
    dump = re.sub(r"\bX'([0-9A-F]*)'", r"'\\x\1'", dump).replace(" BLOB", " BYTEA").replace("BEGIN TRANSACTION;", "")
    tables = {name: text for text, name in re.findall(r"(?ms)^(CREATE TABLE (\w+) .*?^\);)", dump)}
    rows = re.findall(r"(?ms)^(INSERT INTO .*?\);)$", dump)
    order = [name for name in ("meta", "study", "run", "data", "trial", "epoch", "state", "decision") if name in tables]
    engine = sa.create_engine(postgres_database)
    with engine.begin() as connection:
        for name in order:
            connection.exec_driver_sql(tables[name])
        for name in order:
            for statement in rows:
                if statement.startswith(f'INSERT INTO "{name}" '):
                    connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    ledger = Ledger(postgres_database, states=tmp_path)
    (record,) = ledger.studies()
    paths = ledger.paths(record.id)
    found = ledger.rows([key for path, _ in paths.values() for key in path])
    run_id = found[paths[0][0][0]].run_id
    with ledger.step(record.id) as step:
        step.put_row("ab" * 20, 1, Row({"val_loss": 1.0}), 0.1, run_id, kind="c" * 40, origin="used")
    assert (len(paths), len(found), ledger.distrust("c" * 40, "differs", True, run_id)) == (4, 12, 1)
    ledger.close()
    again = Ledger(postgres_database, states=tmp_path)
    assert len(again.rows(list(found))) == 12
    again.close()
