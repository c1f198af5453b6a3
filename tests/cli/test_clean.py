"""`clean` and `list`: what states cost, and how to be rid of them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from search.__main__ import run
from search.core.trial import Row
from search.engine.executor import folders
from search.ledger.files import write_state
from search.ledger.kept import KeptState, Role
from search.ledger.ledger import Ledger

KIND = "c" * 40


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A ledger with one state on record and one that a killed driver left."""
    ledger = Ledger(str(tmp_path / "search.db"), states=tmp_path / "states")
    ledger.states.make_folder()
    ledger.create_study("made up", "made up", 1, "", "id", "w")
    kept = write_state(tmp_path / "states", "ab" * 20, b"x" * 2_000_000)
    with ledger.step(ledger.study("made up").id) as step:
        step.put_state(KeptState(kept, 3, Role.BRANCH))
    orphan = write_state(tmp_path / "states", "cd" * 20, b"y" * 1_000_000)
    os.utime(tmp_path / "states" / orphan.name, (0, 0))
    run_id = ledger.begin_run(ledger.study("made up").id, {})
    ledger.distrust(KIND, "differs", True, run_id)
    ledger.close()
    return tmp_path


def files(results: Path) -> list[str]:
    return sorted(path.name[:2] for path in (results / "states").rglob("*-*"))


def test_only_what_nothing_names_is_freed(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "--results", str(results)]) == 0
    assert capsys.readouterr().out == "freed 1 file, 1.0 MB\nkept: 1 state, 2.0 MB\n"
    assert files(results) == ["ab"]
    assert list(Ledger(str(results / "search.db")).distrusted()) == [KIND]


def test_what_ray_left_of_a_dead_driver_goes_too(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "places", lambda: [(str(results), "")])
    left = results / "search-12345678"
    (left / "session").mkdir(parents=True)
    (left / folders.LOCK_FILE).write_text("1\n")
    assert run(["clean", "--results", str(results)]) == 0
    first = "removed 1 folder of runs that are gone, with what Ray left in them"
    assert capsys.readouterr().out.splitlines() == [first, "freed 1 file, 1.0 MB", "kept: 1 state, 2.0 MB"]
    assert not left.exists()


def test_what_was_just_written_may_be_about_to_be_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_state(results / "states", "ef" * 20, b"z")
    assert run(["clean", "--results", str(results)]) == 0
    assert files(results) == ["ab", "ef"]


def test_all_states_and_alarms(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "--states", "--alarms", "--results", str(results)]) == 0
    assert capsys.readouterr().out == "freed 2 files, 3.0 MB\nkept: 0 states, 0.0 MB\nalarms cleared: 1\n"
    assert files(results) == []
    assert Ledger(str(results / "search.db")).distrusted() == {}


def test_a_kind_that_is_distrusted_is_proven_anew(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger(str(results / "search.db"))
    study = ledger.study("made up").id
    run_id = ledger.begin_run(study, {})
    with ledger.step(study) as step:
        step.put_row("ab" * 20, 3, Row({"val_loss": 1.0}), 0.1, run_id, kind=KIND, origin="used")
    ledger.distrust(KIND, "it differs", True, run_id)
    assert run(["clean", "--results", str(results)]) == 0
    assert list(ledger.distrusted()) == [KIND]
    assert run(["clean", "--alarms", "--results", str(results)]) == 0
    assert capsys.readouterr().out.endswith("alarms cleared: 1\n")
    assert (ledger.distrusted(), ledger.rows(["ab" * 20])) == ({}, {})
    ledger.close()


def test_the_list_says_what_states_take(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--results", str(results)]) == 0
    out = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert f"1 saved states of training, 0.00 GB, in {results / 'states'}; `clean --states` frees them" in out
    run(["clean", "--states", "--results", str(results)])
    capsys.readouterr()
    run(["list", "--results", str(results)])
    assert "No state of training is kept." in capsys.readouterr().out


def test_the_list_says_where_states_were_not_copied(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(results / "states")
    assert run(["list", "--results", str(results)]) == 0
    out = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert f"1 saved states of training are on record, but {results / 'states'} is not there" in out
