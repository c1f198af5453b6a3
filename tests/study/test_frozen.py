"""Claims frozen before results: what is recorded, and what the table says of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.__main__ import run
from search.ledger.ledger import Ledger
from search.report.health.claims import claims
from search.report.page.page import report_page
from search.report.record.frozen import Freeze
from search.report.results import conditions
from search.report.table.build import comparison_of
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.space.writing import dump
from search.study import frozen as room
from search.study.frozen import CODE, changed_keys, code_of, freeze, frozen_of
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.workload import load_workload
from search.workload.measured import row_of

FILE: dict[str, Any] = {
    "workload": "tests.inspect.recorded:Weighed",
    "fixed": {"epochs": 2},
    "space": {"lr": {"grid": [0.1, 0.05]}},
    "search": {"objective": {"metric": "val_loss", "direction": "minimize"}},
    "report": {"rows": "lr", "baseline": 0.1, "claims": [{"better": [0.05, 0.1]}]},
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(str(tmp_path / "search.db"))
    yield opened
    opened.close()


def space_of(**report: Any) -> Space:
    return space_from_mapping({**FILE, "report": {**FILE["report"], **report}}, "toy")


def train(ledger: Ledger, space: Space, code: str | None = None) -> OpenStudy:
    """Train a study as a run does, by hand."""
    workload = load_workload(space.workload)
    record = room.find_study(ledger, space)
    ledger.update_study(record.id, space=dump(space), execution_class=dict(workload.execution_class(1, 0.0)))
    began = {CODE: code_of(space.workload, workload) if code is None else code}
    run_id = ledger.begin_run(record.id, began)
    planner = Planner(space, workload, {"machine": "here"})
    for number, parameters in enumerate(space.grid()):
        leaf = planner.leaf(number, number, 0, parameters)
        started = workload.start(leaf.fixed, 1, 0)
        with ledger.step(record.id) as step:
            trial = leaf.trial
            step.add_trial(trial, leaf.path, leaf.data)
            for epoch, settings in enumerate(leaf.schedule, start=1):
                step.put_row(leaf.path[epoch - 1], epoch, row_of(dict(started.train_epoch(settings))), 1.0, run_id)
            step.set_trial(number, state="finished", last_epoch=2)
    return OpenStudy(ledger, ledger.study(record.name))


def said(study: OpenStudy) -> str:
    sentence = comparison_of(OpenStudy(study.ledger, study.ledger.study(study.record.name))).table.frozen.said
    assert sentence
    return sentence


def found(study: OpenStudy) -> list[str]:
    """Return the kinds of findings on the claims of a study as it is on record now."""
    now = OpenStudy(study.ledger, study.ledger.study(study.record.name))
    return [finding.name for finding in claims(comparison_of(now))]


def test_a_study_that_nobody_froze_says_nothing(ledger):
    assert comparison_of(train(ledger, space_of())).table.frozen == Freeze("", True)


def test_frozen_before_training(ledger):
    entry = freeze(ledger, space_of())
    time.sleep(0.002)  # the clock of the record counts milliseconds
    study = train(ledger, space_of())
    at = entry.at[:16].replace("T", " ")
    same = f"file, data, code and claims are the same (hash {entry.digest[:12]})."
    expected = f"Claims frozen before training, on {at} UTC; {same}"
    assert said(study) == expected
    compared = comparison_of(study)
    assert expected in compared.table.notes
    assert found(study) == []
    assert expected in report_page(compared, conditions(compared.read), None)


def test_what_changed_since_is_named(ledger):
    freeze(ledger, space_of())
    time.sleep(0.002)
    study = train(ledger, space_of(), code="other")
    later = space_of(margin=0.1, claims=[{"better": [0.1, 0.05]}])
    ledger.update_study(study.record.id, space=dump(later))
    (entry,) = frozen_of(ledger, study.record)
    assert said(study).partition("UTC")[2].rpartition(" (hash")[0] == (
        f". Changed since: the file (report.margin: was not there, is 0.1); the code (was {entry.code[:12]}, is "
        "other); "
        "the claim “lr=0.05 is better than lr=0.1” is gone; the claim “lr=0.1 is better than lr=0.05” is new"
    )
    assert found(study) == ["claims-after-results"]


def test_other_data_are_named(ledger):
    freeze(ledger, space_of())
    time.sleep(0.002)
    study = train(ledger, space_of())
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE trial SET data = 'others'")
    assert ". Changed since: the data (were none, are others) (hash " in said(study)
    assert found(study) == []  # it is said, and the claims came before all the same


def test_rows_that_were_there_before(ledger):
    study = train(ledger, space_of())
    time.sleep(0.002)
    entry = freeze(ledger, space_of())
    assert entry.rows_before == 4
    assert "too late: 4 rows of this study were on record before, the first from " in said(study)
    assert found(study) == ["claims-after-results"]


def test_the_last_one_before_the_first_row_counts(ledger):
    first = freeze(ledger, space_of())
    second = freeze(ledger, space_of(claims=[{"better": [0.1, 0.05]}]))
    time.sleep(0.002)
    study = train(ledger, space_of(claims=[{"better": [0.1, 0.05]}]))
    third = freeze(ledger, space_of(claims=[]))
    assert [one.digest for one in frozen_of(ledger, study.record)] == [one.digest for one in (first, second, third)]
    assert len({first.digest, second.digest, third.digest}) == 3
    assert f"are the same (hash {second.digest[:12]})" in said(study)


def test_another_revision_of_the_file_is_compared_with_it(ledger):
    freeze(ledger, space_of())
    time.sleep(0.002)
    other = space_from_mapping({**FILE, "fixed": {"epochs": 2, "degree": 3}}, "toy")
    study = train(ledger, other)
    assert study.record.name == "toy (rev 2)"
    assert ". Changed since: the file (fixed.degree: was not there, is 3) (hash " in said(study)


def test_keys_that_differ_are_told_by_their_dotted_names():
    before = "fixed: {epochs: 2, lr: 0.1}\nseeds: [0]\nreport: {claims: [{best: 1}]}\n"
    now = "fixed: {epochs: 3, lr: 0.1}\nseeds: [0, 1]\ntitle: New\nreport: {claims: []}\n"
    assert changed_keys(before, now) == [
        ("fixed.epochs", "2", "3"),
        ("seeds", "[0]", "[0, 1]"),
        ("title", None, '"New"'),
    ]
    assert changed_keys(before, before) == []


@pytest.mark.slow
def test_the_verb_says_what_it_froze(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("toy.yaml").write_text(dump(space_of()))
    assert run(["plan", "toy.yaml", "--no-probe", "--freeze"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("frozen at 20")
    assert "too late" not in err
    ledger = Ledger("results/search.db")
    (entry,) = frozen_of(ledger, ledger.study("toy"))
    assert f"hash of all {entry.digest}\n" in err
    assert ledger.trials(ledger.study("toy").id) == []
    train(ledger, space_of())
    ledger.close()
    assert run(["plan", "toy.yaml", "--no-probe", "--freeze", "--json"]) == 0
    said_now = capsys.readouterr()
    assert "too late: 4 rows of this study are on record, and its table says so" in said_now.err
    assert '"frozen": {' in said_now.out
