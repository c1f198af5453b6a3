"""Scores in the JSON rows of a program: taken to the bit, or refused with the value, the rule and the place."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from search.adapters.command.rows import row_in
from search.core.trial import DataCard, Row
from search.workload.measured import row_of

CARD = DataCard("f", "four", ["a", "b"], {"val": np.array([0, 1, 1, 0])})
LOSSES = [0.5, 0.1, 1.0, 0.25]
MEAN = math.fsum(LOSSES) / 4


def read(**row: Any) -> Row:
    line = json.dumps({"val_loss": MEAN, **row}).encode()
    return row_of(row_in(line, 2, "its output"), CARD)


def refused(**row: Any) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read(**row)
    return str(caught.value)


def test_scores_and_metrics_that_are_no_means_come_from_a_line() -> None:
    row = read(
        val_f1=1.0,
        val_auc=0.5,
        predictions={"val": [0, 1, 1, 0]},
        scores={"val": {"loss": LOSSES, "belief": [0.2, 0.1, 0.9, 0.3]}},
        score_rules={
            "val_loss": {"unit": "nats", "low": 0},
            "val_f1": {"form": "macro_f1"},
            "val_auc": {"form": "auc", "score": "belief"},
        },
    )
    assert row.scores["val"]["loss"].tolist() == LOSSES
    assert {metric: rule.form for metric, rule in row.score_rules.items()} == {
        "val_loss": "mean",
        "val_f1": "macro_f1",
        "val_auc": "auc",
    }


def test_scores_of_another_length_are_refused() -> None:
    assert refused(scores={"val": {"loss": LOSSES[:3]}}) == (
        "scores 'loss' of 'val' are of 3 examples, but the data card has 4; train_epoch must return one for each of "
        "them, in the card's order"
    )


@pytest.mark.parametrize("hole", [None, math.nan])
def test_a_score_that_is_no_number_is_refused_where_its_metric_is_one(hole: float | None) -> None:
    assert refused(scores={"val": {"loss": [0.5, hole, 1.0, 0.25]}}) == (
        f"scores 'loss' of 'val' hold nan (example 1; 1 of 4 are not finite), but val_loss is {MEAN:.6g}; each example "
        "must have a finite score"
    )


def test_scores_of_a_run_that_diverged_may_have_holes() -> None:
    row = read(val_loss=None, scores={"val": {"loss": [0.5, None, None, 0.25]}})
    assert math.isnan(row.metrics["val_loss"])
    assert np.isnan(row.scores["val"]["loss"]).tolist() == [False, True, True, False]


def test_scores_of_an_unknown_split_are_refused() -> None:
    assert refused(scores={"vall": {"loss": LOSSES}}) == (
        "there are scores of 'vall', but the data card has examples of 'val' alone; did you mean 'val'?"
    )


def test_a_metric_that_is_no_function_of_its_scores_is_refused_with_both_values() -> None:
    assert refused(val_loss=0.5, scores={"val": {"loss": LOSSES}}).startswith(
        f"val_loss is 0.5, but the mean of the scores 'loss' of 'val' is {MEAN!r}; a metric must be what its scores say"
    )
