"""Clocks that are set and time zones that change in mid-study: nothing depends on them, and no duration is negative."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import optuna
import pytest

from search.core.trial import State
from search.ledger.ledger import Ledger
from search.ledger.lock import study_lock
from search.ledger.urls import sqlite_url
from search.logs.content import read_study
from search.report.record.curves import read_curves
from search.report.record.frames import epochs_frame, trials_frame
from search.study.mirror import Mirror
from search.study.opened import OpenStudy
from tests.engine.decide.test_driver import asha, check, space_of
from tests.engine.jumpy import set_all_the_time
from tests.engine.simulation import Nature, Simulation

SPACE = space_of(
    {"a": {"grid": [1, 2, 3]}, "switch": {"grid": [None, 2]}},
    2,
    {"epochs": 5, "stop.rule": "patience", "stop.patience": 2},
    pruning=asha(2),
)
UTC_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+00:00")
TIMES = {"study": "created", "run": "started ended", "epoch": "recorded", "state": "made", "decision": "at"}
"""table -> its columns that hold a time of day."""


def simulated(folder: Path) -> Simulation:
    simulation = Simulation(SPACE, Ledger(str(folder / "search.db")), random.Random(1), nature=Nature(diverging=0.1))
    simulation.run()
    simulation.ledger.end_run(simulation.run_id, "done", 1.0)
    return simulation


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    simulation = simulated(tmp_path_factory.mktemp("steady"))
    yield simulation
    simulation.ledger.close()


@pytest.fixture(scope="module")
def jumping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with set_all_the_time():
        simulation = simulated(tmp_path_factory.mktemp("jumping"))
    yield simulation
    simulation.ledger.close()


def timeless(simulation: Simulation) -> list[Any]:
    """What a study decided, without its times of day."""
    ledger, study = simulation.ledger, simulation.record.id
    log = [(e.seq, e.kind, e.trial, e.epoch, e.key, dict(e.detail)) for e in ledger.decisions(study)]
    paths = ledger.paths(study)
    rows = {key: row.row for key, row in ledger.rows([key for path, _ in paths.values() for key in path]).items()}
    return [ledger.trials(study), log, paths, rows]


def test_a_study_is_the_same_whatever_the_clock_says(steady: Simulation, jumping: Simulation) -> None:
    check(jumping)
    assert timeless(jumping) == timeless(steady)
    assert jumping.events == steady.events, "no worker was given up, no trial started twice"


def test_every_time_on_record_is_utc_and_they_did_jump(jumping: Simulation) -> None:
    for table, columns in TIMES.items():
        for column in columns.split():
            with sqlite3.connect(jumping.ledger.storage) as connection:
                texts = [text for (text,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY rowid")]
            connection.close()
            assert texts, column
            assert all(UTC_TEXT.fullmatch(text) for text in texts), column
            if len(texts) > 10:
                assert texts != sorted(texts), f"the clock of {table} never went back, so nothing was tested"


def test_no_duration_of_a_report_is_negative(jumping: Simulation) -> None:
    trials = trials_frame(read_curves(OpenStudy(jumping.ledger, jumping.record, SPACE)))
    epochs = epochs_frame(read_curves(OpenStudy(jumping.ledger, jumping.record, SPACE)))
    assert (trials["seconds"] > 0).all()
    assert (epochs["seconds"] >= 0).all()
    assert all(run["seconds"] >= 0 for run in jumping.ledger.runs())


def test_trackers_are_told_times_that_do_not_go_back(jumping: Simulation) -> None:
    logged = read_study(OpenStudy(jumping.ledger, jumping.record, SPACE))
    times = [[point.at for point in trial.points] for trial in logged.trials]
    assert max(len(each) for each in times) > 1
    assert all(each == sorted(each) for each in times)


@pytest.mark.slow
@pytest.mark.parametrize("followed", [False, True], ids=["at the end", "while it runs"])
def test_the_dashboard_shows_the_time_that_training_took(jumping: Simulation, tmp_path: Path, followed: bool) -> None:
    url = sqlite_url(tmp_path / "optuna.db")
    with set_all_the_time():
        mirror = Mirror(OpenStudy(jumping.ledger, jumping.record, SPACE), url)
        if followed:  # it first sees every trial running
            ended = jumping.ledger.trials(jumping.record.id)
            with jumping.ledger.step(jumping.record.id) as step:
                for trial in ended:
                    step.set_trial(trial.number, state=State.RUNNING, last_epoch=1, ended_by="")
            mirror.sync()
            with jumping.ledger.step(jumping.record.id) as step:
                for trial in ended:
                    values = {"state": trial.state, "last_epoch": trial.last_epoch, "ended_by": trial.ended_by}
                    step.set_trial(trial.number, **values)
        assert mirror.stop() == ""
    seconds = trials_frame(read_curves(OpenStudy(jumping.ledger, jumping.record, SPACE))).set_index("trial")["seconds"]
    for trial in optuna.load_study(study_name=jumping.record.name, storage=url).trials:
        assert trial.state.is_finished()
        assert trial.duration is not None
        assert abs(trial.duration - timedelta(seconds=seconds[trial.number])) < timedelta(milliseconds=1)


def test_a_lock_says_since_when_in_utc(jumping: Simulation) -> None:
    with set_all_the_time(), study_lock(jumping.ledger.engine, "a study"):
        (text,) = [path.read_text() for path in Path(jumping.ledger.storage).parent.glob("*.lock")]
    assert UTC_TEXT.search(text)


def test_hours_are_counted_by_the_clock_that_nobody_sets(tmp_path: Path) -> None:
    """A limit of an hour holds under a clock that jumps by weeks: nothing is cut off, nothing goes on for ever."""
    space = space_of({"a": {"grid": list(range(8))}}, hours=1)
    with set_all_the_time():
        simulation = Simulation(space, Ledger(str(tmp_path / "search.db")), random.Random(1), lasting=1.0)
        simulation.run()
    assert not simulation.driver.out_of_time
    assert {trial.state for trial in check(simulation)} == {State.FINISHED}
    simulation.ledger.close()


def test_the_clock_of_these_tests_jumps() -> None:
    import time

    with set_all_the_time():
        seen = [time.time() for _ in range(12)]
        started = time.monotonic()
        assert time.monotonic() >= started
    assert any(later < earlier - 3000 for earlier, later in pairwise(seen))
    assert abs(time.time() - datetime.now().timestamp()) < 5, "it is put back"
