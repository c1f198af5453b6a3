"""The tables of results/reference, rebuilt from the database beside them, and a trial of each trained again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from search import api
from search.inspect.revive import revive
from search.ledger.ledger import Ledger
from search.report.formats import render
from search.report.table.build import comparison_table
from search.workload import load_workload
from tests.reference_page import COMMANDS, DATABASE, PAGE, REFERENCE, copied, page

STUDIES = sorted(path.parent.name for path in REFERENCE.glob("*/table.md"))
AGAIN = 2
"""Epochs of a trial that are trained again: differences show from the first one on."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database alone."""
    return copied(tmp_path_factory.mktemp("reference"))


def test_there_is_a_table_for_every_study_on_record(results: Path) -> None:
    recorded = sorted(record.name for record in Ledger(str(results / DATABASE)).studies())
    assert recorded == STUDIES == sorted(COMMANDS)


def test_the_page_is_what_the_database_says(results: Path) -> None:
    assert PAGE.read_text() == page(results), "python -m tests.reference_page writes it"


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_tables_are_those_of_the_database(results: Path, name: str) -> None:
    study = api.open_study(name, results=results)
    table = comparison_table(study.opened)
    rebuilt = {
        "space.yaml": study.record.space,
        "table.md": render.table_markdown(table),
        "table.csv": render.frame_csv(render.table_frame(table)),
        "trials.csv": render.frame_csv(study.trials()),
    }
    for file, text in rebuilt.items():
        assert (REFERENCE / name / file).read_text() == text, file


@pytest.mark.parametrize("name", STUDIES)
def test_no_path_of_a_machine_is_in_them(name: str) -> None:
    absolute = re.compile(r"""(^|[\s"'=,:])/[A-Za-z]\w*/""")
    for path in (REFERENCE / name).iterdir():
        assert not [line for line in path.read_text().splitlines() if absolute.search(line)], path


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_trial_of_each_trains_the_same_bits_again(results: Path, name: str) -> None:
    study = api.open_study(name, results=results)
    if study.space.fixed["data"].startswith("flowers") and not os.environ.get("SEARCH_DATA"):
        pytest.skip("SEARCH_DATA is not set: there are no flowers to train on")
    workload = load_workload(study.space.workload)
    pinned = dict(study.record.execution_class or {})
    here = workload.execution_class(study.space.resources.cpus, 0.0)
    if pinned != {str(key): str(value) for key, value in here.items()}:
        pytest.skip(f"recorded in another execution class: {pinned}")
    trial = study.ledger.trials(study.record.id)[-1]
    said: list[str] = []
    epochs = min(AGAIN, trial.last_epoch)
    revive(study.opened, workload, trial, epoch=epochs, say=said.append)
    assert said[-1] == f"all {epochs} epochs equal those on record, to the last bit"
