"""A ledger that is filled for the benchmark of a server is one as runs leave it, and is measured as it should be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import record, servers, service
from search.core.trial import State
from search.ledger.answers import listed, stale
from search.ledger.ledger import Ledger
from search.ledger.queue import Queue

TRIALS, EPOCHS = 40, 3


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    service.prepared(folder, 2, TRIALS, EPOCHS)
    return folder


def test_studies_are_settled_and_share_no_row(filled: Path) -> None:
    ledger = Ledger(str(filled / "search.db"))
    keys = set()
    for study in ledger.studies():
        trials = ledger.trials(study.id)
        assert {(trial.state, trial.last_epoch) for trial in trials} == {(State.FINISHED, EPOCHS)}
        assert len({(trial.configuration, trial.seed) for trial in trials}) == len(trials) == TRIALS
        rows = ledger.rows([key for path, _ in ledger.paths(study.id).values() for key in path])
        assert len(rows) == TRIALS * EPOCHS
        keys |= rows.keys()
    assert len(keys) == 2 * TRIALS * EPOCHS
    ledger.close()


def test_they_have_answers_that_are_up_to_date_and_entries_that_ended(filled: Path) -> None:
    ledger = Ledger(str(filled / "search.db"))
    assert stale(ledger.engine) == []
    assert all(study.fresh and study.answer["headline"] for study in listed(ledger.engine))
    queue = Queue(ledger.engine)
    assert [entry.name for entry in queue.entries()] == ["study-0000", "study-0001"]
    assert queue.open_entries() == []
    ledger.close()


def test_a_folder_that_is_filled_is_not_filled_again(filled: Path) -> None:
    assert record.fill(filled, 2, TRIALS, EPOCHS) == ["study-0000", "study-0001"]


def test_processor_time_is_that_of_a_process_and_of_those_that_it_waited_for() -> None:
    before = servers.processor_s(os.getpid())
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    assert servers.processor_s(os.getpid()) - before > 0.4
    assert servers.processor_s(2**22 + 1) == 0.0, "there is none of that number"
