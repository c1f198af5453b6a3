"""Values that Python takes for one, such as 1 and true, have rows, labels, baselines and claims of their own."""

from __future__ import annotations

from dataclasses import replace

from search.core.trial import State
from search.ledger.ledger import Ledger
from search.report.record.curves import read_curves
from search.report.record.frames import trials_frame
from search.report.table.build import comparison_table
from search.report.table.groups import is_baseline
from search.report.text import csv_cell
from search.space.model import Axis, Grid, Report, Space
from tests.report.builder import Study, full

LABELS = {"1": "once", "true": "whenever"}
SPACE = Space("typed", "toy", [Axis("kind", Grid((1, True, 0)))], {"epochs": 1}, seeds=(0, 1))
CLAIM = {"never": {"diverges": True, "where": {"kind": [1]}}}


def test_rows_labels_baseline_claims_and_cells(tmp_path) -> None:
    report = Report(rows="kind", baseline=True, has_baseline=True, labels=LABELS, claims=(CLAIM,))
    space = replace(SPACE, report=report)
    ledger = Ledger(str(tmp_path / "search.db"))
    study = Study(ledger, space, "typed")
    for value in (True, 1, 0):
        for seed in space.seeds:
            ended = State.DIVERGED if value is True else State.FINISHED
            study.trial({"kind": value}, seed, [0.5], ended, metrics=full)
    table = comparison_table(study.opened)
    assert [line.setting for line in table.lines] == ["once", "whenever", "kind=0"]
    assert [is_baseline(space, line.parameters) for line in table.lines] == [False, True, False]
    assert [line.baseline for line in table.lines] == [False, True, False]
    (verdict,) = table.verdicts
    assert verdict.evidence["runs"] == 2, "the runs of true diverged, and are not meant"
    assert [csv_cell(value) for value in trials_frame(read_curves(study.opened))["kind"]] == ["true"] * 2 + [
        "1"
    ] * 2 + ["0"] * 2
    ledger.close()
