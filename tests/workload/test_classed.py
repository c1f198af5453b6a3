"""Metrics that are no means, declared of a row: checked against the classes and values that the row carries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search.core.influence import jackknife, macro_f1
from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row
from search.ledger.codec import encode_row, encode_scores, row_with_scores
from search.workload.measured import row_of

TRUTH = np.array([int(c) for c in "0000111220"])
PREDICTED = np.array([int(c) for c in "0010110210"])
F1, BALANCED = float(macro_f1(TRUTH, PREDICTED).mean()), (4 / 5 + 2 / 3 + 1 / 2) / 3
CARD = DataCard("f", "ten", ["a", "b", "c"], {"val": TRUTH})
LABELS = np.array([1.0, 1, 1, 0, 0, 0, 0])
BELIEF = np.array([0.9, 0.6, 0.4, 0.5, 0.4, 0.3, 0.1])
MACRO = {"val_f1": {"form": "macro_f1"}}
LABELLED = {"val_f1": {"form": "macro_f1", "label": "truth"}}
BY_BELIEF = {"val_auc": {"form": "auc", "score": "belief", "label": "label"}}


def taken(
    rules: Any, card: DataCard | None = CARD, scores: Any = None, predictions: Any = PREDICTED, **metrics: float
) -> Row:
    given = {} if predictions is None else {"predictions": {"val": predictions}}
    return row_of({**metrics, **given, "scores": scores or {}, "score_rules": rules}, card)


def auc_row(labels: np.ndarray = LABELS, belief: np.ndarray = BELIEF, val_auc: float = 0.875) -> Row:
    return taken(BY_BELIEF, None, {"val": {"belief": belief, "label": labels}}, None, val_auc=val_auc)


def test_macro_f1_and_balanced_accuracy_come_of_predictions_and_the_data_card() -> None:
    assert pytest.approx(0.679365, abs=1e-6) == F1
    rules = {"val_f1": {"form": "macro_f1"}, "val_recall": {"form": "balanced_accuracy", "example": "leaf"}}
    row = taken(rules, val_f1=F1, val_recall=BALANCED)
    assert row.score_rules == {
        "val_f1": ScoreRule("val", "", "higher", "macro_f1", 0.0, 1.0),
        "val_recall": ScoreRule("val", "", "higher", "balanced_accuracy", 0.0, 1.0, example="leaf"),
    }
    assert row.scores == {}


def test_an_auc_comes_of_a_score_and_a_label() -> None:
    rule = auc_row().score_rules["val_auc"]
    assert (rule.score, rule.label, rule.untrained, rule.better) == ("belief", "label", 0.5, "higher")


def test_any_other_metric_comes_of_influence_values_that_its_author_gives() -> None:
    def median(places: np.ndarray) -> float:
        return float(np.median(BELIEF[places]))

    scores = {"val": {"median": jackknife(median, len(BELIEF))}}
    rules = {"val_median": {"form": "influence", "better": "higher", "low": 0, "high": 1}}
    row = taken(rules, None, scores, None, val_median=median(np.arange(7)))
    assert row.score_rules["val_median"].form == "influence"
    with pytest.raises(ValueError, match=r"val_median is 0\.5, but the mean of the scores 'median' of 'val' is 0\.4"):
        taken(rules, None, scores, None, val_median=0.5)
    with pytest.raises(ValueError, match=r"val_median is 1\.6; the largest that is declared is 1$"):
        taken(rules, None, {"val": {"median": [1.5, 1.7]}}, None, val_median=1.6)


def test_a_row_keeps_rules_without_scores_and_its_bytes_else() -> None:
    row = taken(MACRO, val_f1=F1)
    again = row_with_scores(encode_row(row), encode_scores(row))
    assert (again.score_rules, again) == (row.score_rules, row)
    assert row_of({**again.metrics, **again.per_example()}, CARD).score_rules == row.score_rules
    assert encode_scores(Row({"val_f1": F1})) is None
    plain = Row({"val_loss": 1.0}, {}, {"val": {"loss": np.ones(2)}}, {"val_loss": ScoreRule("val", "loss")})
    assert b"label" not in (encode_scores(plain) or b"label")
    assert b'"label":"label"' in (encode_scores(auc_row()) or b"")


def test_a_class_that_is_never_true_is_wrong_and_no_class_of_the_mean() -> None:
    predicted = np.where(np.arange(10) == 9, 2, PREDICTED)
    assert taken(MACRO, predictions=predicted, val_f1=float(macro_f1(TRUTH, predicted).mean())).score_rules


HALF = {"val": {"truth": [0.5 * (i == 1) for i in range(10)]}}


@pytest.mark.parametrize(
    ("said", "arguments", "metrics"),
    [
        (
            f"val_f1 is 0.7, but the macro F1 of the predictions of 'val' is {F1!r}; a metric must be what its scores "
            "say (to 1e-05 of its size; classes count that occur among the true ones (labels=numpy.unique(truth) in "
            "scikit-learn))",
            (MACRO,),
            {"val_f1": 0.7},
        ),
        (
            "score_rules of 'val_f1': macro F1 needs predictions of 'val', which this row has not",
            (MACRO, CARD, None, None),
            {"val_f1": F1},
        ),
        (
            "score_rules of 'val_f1': macro F1 needs the true classes of 'val', which the data card has not; give it "
            "them, or name scores that hold them, as in {'label': 'truth'}",
            (MACRO, DataCard("f")),
            {"val_f1": F1},
        ),
        (
            "score_rules of 'val_auc': an AUC comes of a score per example; name it, as in {'score': 'probability'}",
            ({"val_auc": {"form": "auc"}},),
            {"val_auc": 0.5},
        ),
        (
            "score_rules of 'val_auc' speak of scores 'belief' of 'val', which this row has not: it has none",
            (BY_BELIEF,),
            {"val_auc": 0.5},
        ),
        (
            "score_rules of 'val_f1': label is 'x', which only macro_f1, balanced_accuracy, auc have; remove it",
            ({"val_f1": {"label": "x", "better": "higher"}},),
            {"val_f1": 0.5},
        ),
        (
            "score_rules of 'val_f1': predictions of 'val' are of 10 examples, scores 'truth' of 'val' of 3; they must "
            "agree",
            (LABELLED, None, {"val": {"truth": [0, 1, 2]}}),
            {"val_f1": F1},
        ),
        (
            "scores 'truth' of 'val' hold 0.5 (example 1), must be a class; classes are whole numbers from 0 on",
            (LABELLED, None, HALF),
            {"val_f1": F1},
        ),
    ],
)
def test_a_declaration_that_does_not_fit_the_row_is_refused(
    said: str, arguments: tuple[Any, ...], metrics: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        taken(*arguments, **metrics)
    assert str(caught.value) == said


OTHER = "an AUC needs examples of both classes, 0 and 1, and no other"


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        (
            "val_auc is 0.8, but the area under the ROC curve of the scores 'belief' of 'val' is 0.875; a metric must "
            "be what its scores say (to 1e-05 of its size; the larger a score, the more positive its example)",
            {"val_auc": 0.8},
        ),
        (f"score_rules of 'val_auc': scores 'label' of 'val' hold 1; {OTHER}", {"labels": np.ones(7)}),
        (
            f"score_rules of 'val_auc': scores 'label' of 'val' hold 0, 1, 2; {OTHER}",
            {"labels": np.array([0, 1, 2, 0, 0, 0, 0])},
        ),
        (
            "scores 'belief' of 'val' hold nan (example 2), must be a finite number; each example must have a finite "
            "score",
            {"belief": np.where(np.arange(7) == 2, np.nan, BELIEF)},
        ),
    ],
)
def test_an_auc_that_cannot_be_is_refused(said: str, changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        auc_row(**changed)
    assert str(caught.value) == said


def test_the_auc_of_a_run_that_diverged_may_come_of_scores_that_are_no_numbers() -> None:
    lost = np.where(np.arange(7) == 2, np.nan, BELIEF)
    assert np.isnan(auc_row(belief=lost, val_auc=float("nan")).metrics["val_auc"])
    with pytest.raises(ValueError, match="val_auc is nan, but the area under the ROC curve"):
        auc_row(val_auc=float("nan"))
