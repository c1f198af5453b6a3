"""Two at once: two drivers on one study, two studies on one ledger, many processes on fresh databases, readers."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from search.api import load_space, open_study
from search.core.errors import StudyLocked
from search.engine.live import Silent
from search.engine.run import run_study
from search.ledger.ledger import Ledger
from search.ledger.lock import study_lock
from search.ledger.urls import sqlite_url
from search.space.writing import dump
from search.study.revision import find_study
from tests.engine.test_run import Bench, wait_for
from tests.surroundings import HANG_S, ROOT

SPACE = {
    "workload": "tests.engine.workloads:Scripted",
    "name": "toy",
    "fixed": {"epochs": 2, "log": "nowhere"},
    "space": {"x": {"grid": [0, 1]}},
    "seeds": 1,
    "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
}


def test_a_second_driver_changes_nothing(tmp_path: Path) -> None:
    """Not even with an edited file: the study belongs to whoever holds its lock."""
    space = load_space(SPACE)
    ledger, other = Ledger(str(tmp_path / "search.db")), Ledger(str(tmp_path / "search.db"))
    record = find_study(ledger, space)
    edited = load_space({**SPACE, "seeds": 5, "title": "edited"})
    with study_lock(ledger.engine, record.name), pytest.raises(StudyLocked, match=f"by pid {os.getpid()} on .* since"):
        run_study(edited, other, sqlite_url(tmp_path / "optuna.db"), Silent())
    assert ledger.studies() == [record]
    assert record.space == dump(space)
    assert ledger.runs() == []
    assert not (tmp_path / "optuna.db").exists()
    ledger.close()
    other.close()


EIGHT = """
import multiprocessing, sys
from search.api import load_space, mirror_url, open_ledger
from search.study.mirror import Mirror
from search.study.opened import OpenStudy
from search.study.revision import find_study
from tests.engine.test_two import SPACE
from pathlib import Path

def drive(number):
    together.wait()
    place = Path(sys.argv[1])
    space = load_space({**SPACE, "name": f"study {number}"})
    ledger = open_ledger(place, None)
    record = find_study(ledger, space)
    sys.exit(Mirror(OpenStudy(ledger, record, space), mirror_url(place)).stop() or 0)

several = multiprocessing.get_context("fork")
together = several.Barrier(8)
drivers = [several.Process(target=drive, args=(number,)) for number in range(8)]
for driver in drivers: driver.start()
for driver in drivers: driver.join(600)
print([driver.exitcode for driver in drivers])
"""


@pytest.mark.slow
def test_eight_drivers_create_both_databases_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EIGHT, str(tmp_path)], capture_output=True, text=True, timeout=HANG_S, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == (f"{[0] * 8}\n", "")


class Reader(threading.Thread):
    """Reads a study anew, again and again, as long as it is run and once after."""

    def __init__(self, results: Path, study: str) -> None:
        super().__init__(daemon=True)
        self.results, self.study = results, study
        self.over = threading.Event()
        self.errors: list[BaseException] = []
        self.seen: list[int] = []

    def run(self) -> None:
        last = False
        while not last:
            last = self.over.wait(0.2)
            try:
                opened = open_study(self.study, results=self.results)
                self.seen.append(len(opened.epochs()))
                opened.table()
                opened.ledger.close()
            except BaseException as error:
                self.errors.append(error)


@pytest.mark.slow
def test_two_studies_at_once_on_a_fresh_ledger_with_readers(tmp_path: Path) -> None:
    """They share half their epochs: whoever comes second finds them, or trains them and finds them equal."""
    benches = [Bench(tmp_path / name, name) for name in ("one", "two")]
    log = tmp_path / "epochs.log"
    hold = Path(f"{log}.hold")
    hold.touch()  # no trial gets behind its first epoch before the readers have looked
    readers = []
    try:
        for bench, values in zip(benches, ([0, 1, 2], [1, 2, 3]), strict=True):
            bench.results = tmp_path / "results"
            bench.log = log
            held = {"workload": "tests.engine.workloads:Held", "log": str(bench.log)}
            bench.write({"x": {"grid": values}}, seeds=2, pause=0.3, **held)
        processes = [bench.start() for bench in benches]
        for bench, process in zip(benches, processes, strict=True):
            wait_for(lambda bench=bench: f"study {bench.name}: " in bench.out(), process=process)
            readers.append(Reader(bench.results, bench.name))
            readers[-1].start()
        wait_for(lambda: all(len(reader.seen) > 3 or reader.errors for reader in readers))
        hold.unlink()
        codes = [process.wait(HANG_S) for process in processes]
        for reader in readers:
            reader.over.set()
            reader.join(HANG_S)
            assert not reader.is_alive()
        assert codes == [0, 0], [bench.err() for bench in benches]
        for bench, reader in zip(benches, readers, strict=True):
            assert bench.err() == ""
            assert "behind" not in bench.out()
            assert reader.errors == []
            assert reader.seen == sorted(reader.seen), "rows never go away"
            assert len(set(reader.seen)) > 1
            assert not re.search("locked|ALARM", bench.out())
            rows = bench.table("epochs.csv")
            trials = {row["trial"]: (int(row["x"]), int(row["seed"])) for row in bench.table("trials.csv")}
            assert len(trials) == 6
            assert len(rows) == 6 * 5
            for row in rows:
                x, seed = trials[row["trial"]]
                assert float(row["val_loss"]) == 2 * math.sqrt(2) / (int(row["epoch"]) + x + seed / 10)
            assert len(bench.optuna().trials) == 6
        assert len(set(benches[0].trained())) >= 8 * 5, "four values under two seeds"
    finally:
        for reader in readers:
            reader.over.set()
        for bench in benches:
            for process in bench.started:
                bench.end(process)
