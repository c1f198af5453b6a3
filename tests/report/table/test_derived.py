"""Metrics that predictions on record tell, though no row measured them: columns with intervals, differences, claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from search.core.influence import macro_f1
from search.report.formats import render
from search.report.record.curves import read_curves
from search.report.table.build import comparison_table
from search.space.model import Objective, Search
from search.statistics.cell import cell
from search.statistics.crossed import compare
from search.statistics.measure import Form, Measure
from search.statistics.scores import make_scores
from tests.report.judging import CLASSES, SPACE, Bench, card, pattern, wrong_elsewhere

F1 = Measure(0.0, 1.0, example="image", examples="images", form=Form.INFLUENCE)
COLUMNS = ("val_macro_f1", "val_balanced_accuracy")
BY_F1 = replace(SPACE, search=Search(objective=Objective("val_macro_f1", "maximize")))


def predictions(a: int, s: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    truth = np.arange(n) % CLASSES
    return truth, wrong_elsewhere(pattern(a, s, n), truth)


def test_a_column_of_predictions_has_intervals_and_differences(ledger):
    table = comparison_table(Bench(ledger).grid().reported(metrics=COLUMNS).opened)
    assert table.metrics == ["val_accuracy", *COLUMNS, "test_accuracy"]
    assert table.scored == [*COLUMNS]
    phi = [[macro_f1(*predictions(a, s)) for s in range(3)] for a in range(3)]
    scores = make_scores(phi, measure=F1)
    (expected,) = compare(scores, [(2, 0)])
    line = table.lines[2]
    found = line.scored["val_macro_f1"]
    by_hand = [metrics.f1_score(*predictions(2, s), average="macro") for s in range(3)]
    assert line.cells["val_macro_f1"].mean == pytest.approx(np.mean(by_hand))
    assert (found.cell.low, found.cell.high) == (cell(scores, 2).low, cell(scores, 2).high)
    assert (found.difference.estimate, found.difference.low, found.difference.p) == (
        expected.estimate,
        expected.low,
        expected.p,
    )
    recalls = [metrics.balanced_accuracy_score(*predictions(2, s)) for s in range(3)]
    assert line.cells["val_balanced_accuracy"].mean == pytest.approx(np.mean(recalls))
    assert line.scored["val_balanced_accuracy"].interval is not None
    frame = render.table_frame(table)
    assert frame["val_macro_f1_low"].tolist()[2] == found.cell.low


def test_figures_of_other_metrics_stay_what_they_were(ledger):
    bench = Bench(ledger).grid()
    before = comparison_table(bench.opened)
    after = comparison_table(bench.reported(metrics=COLUMNS).opened)
    assert [line.judged for line in after.lines] == [line.judged for line in before.lines]
    assert "val_macro_f1" not in read_curves(bench.reported(metrics=()).opened).metrics


def test_the_objective_may_be_one(ledger):
    bench = Bench(ledger, BY_F1).grid().reported(claims=[{"better": [2, 0]}])
    read = read_curves(bench.opened)
    assert {curve.best_epoch for curve in read.curves} == {2}
    table = comparison_table(bench.opened)
    assert (table.metrics[0], table.judged) == ("val_macro_f1", "val_macro_f1")
    bench.space = replace(bench.space, search=Search())
    cells = [line.judged.cell for line in comparison_table(bench.opened).lines]
    assert [line.scored["val_accuracy"].cell for line in table.lines] == cells
    phi = [[macro_f1(*predictions(a, s)) for s in range(3)] for a in range(3)]
    (expected,) = compare(make_scores(phi, measure=F1), [(2, 0)])
    (claim,) = table.verdicts
    assert claim.measure == F1
    assert claim.evidence["estimate"] == expected.estimate
    assert table.lines[2].cells["val_macro_f1"].mean == pytest.approx(
        np.mean([metrics.f1_score(*predictions(2, s), average="macro") for s in range(3)])
    )


@pytest.mark.parametrize("metric", COLUMNS)
def test_a_claim_may_name_one_which_then_has_a_column(ledger, metric):
    bench = Bench(ledger).grid()
    shown = comparison_table(bench.reported(metrics=COLUMNS).opened).lines[2].scored[metric].difference
    claimed = bench.reported(metrics=(), claims=[{"better": [2, 0], "metric": metric}])
    table = comparison_table(claimed.opened)
    assert table.metrics == ["val_accuracy", metric, "test_accuracy"]
    (claim,) = table.verdicts
    assert (claim.metric, claim.evidence["estimate"], claim.evidence["p"]) == (metric, shown.estimate, shown.p)


def test_a_class_of_few_images_is_told(ledger):
    few = comparison_table(Bench(ledger, data=card(39)).grid().reported(metrics=COLUMNS).opened)
    text = "val_macro_f1: level biased, a class has fewer than 10 images, and counts as much as any other: d (9)."
    assert [note for note in few.notes if "level biased" in note] == [f"{text} Differences are less so."]


def test_without_true_classes_there_is_no_such_column(ledger):
    bench = Bench(ledger, data=replace(card(), truth={})).reported(metrics=COLUMNS)
    bench.data = card()
    bench.grid()
    assert comparison_table(bench.opened).metrics == ["val_accuracy", "test_accuracy"]
