"""Scores per example that a row carries: what is taken, what is refused, and with which sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.directions import better_by_name
from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row
from search.workload.form import form_of, form_on_record
from search.workload.measured import row_of

CARD = DataCard("f", "four", ["a", "b"], {"val": np.array([0, 1, 1, 0])})
LOSSES = np.array([0.5, 0.25, 1.0, 2.25], np.float32)
SCORES_RULE = "train_epoch must return split -> name -> one float per example"


def row(scores: Any = None, rules: Any = None, card: DataCard | None = CARD, **metrics: Any) -> Row:
    scores = {"val": {"loss": LOSSES}} if scores is None else scores
    measured = {"val_loss": 1.0, **metrics, "scores": scores}
    return row_of(measured if rules is None else {**measured, "score_rules": rules}, card)


def refused(scores: Any = None, rules: Any = None, card: DataCard | None = CARD, **metrics: Any) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        row(scores, rules, card, **metrics)
    return str(caught.value)


def test_a_loss_is_the_mean_of_its_scores_without_a_word() -> None:
    taken = row()
    assert taken.metrics == {"val_loss": 1.0}
    assert taken.scores["val"]["loss"].dtype == np.float32
    assert taken.score_rules == {"val_loss": ScoreRule("val", "loss", better="lower")}


@pytest.mark.parametrize(("form", "value"), [("mean", 1.0), ("root_mean", 1.0), ("exp_mean", math.e)])
def test_a_metric_may_be_declared_a_function_of_a_mean(form: str, value: float) -> None:
    rules = {"val_of": {"score": "loss", "form": form, "better": "lower", "low": 0, "unit": "m", "untrained": 3}}
    taken = row(rules=rules, val_of=value)
    assert taken.score_rules["val_of"] == ScoreRule("val", "loss", "lower", form, 0.0, None, 3.0, "m")
    assert taken.score_rules["val_loss"].form == "mean"
    assert row_of({"val_loss": 1.0, "val_of": value, **taken.per_example()}).score_rules == taken.score_rules


def test_integers_booleans_and_lists_are_scores_in_double_precision() -> None:
    for values in ([0, 1, 1, 2], np.array([False, True, True, True]), np.array([1, 2, 3, 4], np.float16)):
        mean = float(np.mean(np.asarray(values, np.float64)))
        assert row({"val": {"loss": values}}, val_loss=mean).scores["val"]["loss"].dtype == np.float64


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (3, f"scores are 3; {SCORES_RULE}"),
        ({"val": [1.0]}, f"scores of 'val' are [1.0]; {SCORES_RULE}"),
        ({3: {}}, f"scores of 3 are {{}}; {SCORES_RULE}"),
        ({"val": {1: LOSSES}}, "scores of 'val' have the name 1; scores are named by text"),
        (
            {"val": {"loss": np.zeros((4, 1))}},
            f"scores 'loss' of 'val' have the shape (4, 1) and the type float64; {SCORES_RULE}: .reshape(-1) where "
            "there is one per example",
        ),
        (
            {"val": {"loss": ["a"]}},
            f"scores 'loss' of 'val' have the shape (1,) and the type <U1; {SCORES_RULE}",
        ),
        (
            {"val": {"loss": LOSSES[:3]}},
            "scores 'loss' of 'val' are of 3 examples, but the data card has 4; train_epoch must return one for each "
            "of them, in the card's order",
        ),
        (
            {"vall": {"loss": LOSSES}},
            "there are scores of 'vall', but the data card has examples of 'val' alone; did you mean 'val'?",
        ),
        (
            {"val": {"loss": np.array([0.5, np.nan, 1, 2.25])}},
            "scores 'loss' of 'val' hold nan (example 1; 1 of 4 are not finite), but val_loss is 1; each example must "
            "have a finite score",
        ),
        (
            {"val": {"loss": LOSSES, "other": np.array([1, np.inf, 1, 1])}},
            "scores 'other' of 'val' hold inf (example 1; 1 of 4 are not finite), but every metric of the row is "
            "finite; each example must have a finite score",
        ),
        (
            {"val": {"loss": 2 * LOSSES}},
            "val_loss is 1.0, but the mean of the scores 'loss' of 'val' is 2.0; a metric must be what its scores say "
            "(to 1e-05 of its size; a mean of batch means counts a last, smaller batch too much)",
        ),
    ],
)
def test_scores_that_are_none(scores: Any, said: str) -> None:
    assert refused(scores) == said


def test_scores_of_different_lengths_are_of_different_examples() -> None:
    assert refused({"val": {"loss": LOSSES, "b": LOSSES[:2]}}, card=None) == (
        f"scores of 'val' are of different examples: 'loss' of 4, 'b' of 2; {SCORES_RULE}"
    )


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (3, "score_rules are 3; train_epoch must return a mapping of metrics to rules"),
        (
            {"val_los": {}},
            "score_rules speak of 'val_los', which is no metric of this row: 'val_loss', 'val_time'; did you mean "
            "'val_loss'?",
        ),
        ({"val_loss": 3}, "score_rules of 'val_loss' are 3; they must be a mapping such as {'better': 'lower'}"),
        (
            {"val_loss": {"beter": "lower"}},
            "score_rules of 'val_loss' hold 'beter', must be among 'better', 'example', 'examples', 'form', 'high', "
            "'label', 'low', 'score', 'split', 'unit', 'untrained'; did you mean 'better'?",
        ),
        ({"val_loss": {"better": "less"}}, "score_rules of 'val_loss': better is 'less', must be one of lower, higher"),
        (
            {"val_loss": {"form": "median"}},
            "score_rules of 'val_loss': form is 'median', must be one of mean, root_mean, exp_mean, "
            "influence, macro_f1, balanced_accuracy, auc",
        ),
        ({"val_loss": {"unit": 3}}, "score_rules of 'val_loss': unit is 3, must be text"),
        (
            {"val_loss": {"low": math.nan}},
            "score_rules of 'val_loss': low is nan, must be a finite number or None",
        ),
        ({"val_loss": {"low": 2, "high": 1}}, "score_rules of 'val_loss': the range from 2 to 1 is empty"),
        (
            {"val_loss": {"high": 1}},
            "scores 'loss' of 'val' hold 2.25 (example 3); the largest that is declared is 1",
        ),
        (
            {"val_loss": {"form": "root_mean", "low": -1}},
            "score_rules of 'val_loss': low is -1, and the root of a mean needs scores of 0 or more",
        ),
        ({"val_loss": {"low": 0.5}}, "scores 'loss' of 'val' hold 0.25 (example 1); the least that is declared is 0.5"),
        (
            {"val_time": {"score": "los", "better": "lower"}},
            "score_rules of 'val_time' speak of scores 'los' of 'val', which this row has not: 'loss of val'",
        ),
        (
            {"val_time": {"score": "loss"}},
            "metric 'val_time' comes from scores, and nothing says whether more of it is better; return "
            "score_rules={'val_time': {'better': 'lower'}} beside it, or 'higher'",
        ),
        (
            {"val_time": {"score": "loss", "better": "lower", "form": "exp_mean"}},
            "val_time is 1.0, but the exponential of the mean of the scores 'loss' of 'val' is 2.718281828459045; a "
            "metric must be what its scores say (to 1e-05 of its size; a mean of batch means counts a last, smaller "
            "batch too much)",
        ),
    ],
)
def test_rules_that_are_none(rules: Any, said: str) -> None:
    assert refused(rules=rules, val_time=1.0) == said


def test_groups_say_how_many_examples_there_are_and_of_which_split() -> None:
    """Groups that fit nothing would be left out, and intervals be too narrow, without a word."""
    card = DataCard("f", groups={"val": ["p1", "p1", "p2"]})
    assert refused(card=card).startswith("scores 'loss' of 'val' are of 4 examples, but the data card has 3;")
    card = DataCard("f", groups={"vall": ["p1", "p1", "p2", "p3"]})
    said = "there are scores of 'val', but the data card has groups of 'vall'; did you mean 'vall'?"
    assert refused(card=card) == said
    assert row(card=DataCard("f", groups={"test": ["p1"]})).scores["val"]["loss"].tolist() == LOSSES.tolist()


def test_the_root_of_a_mean_needs_scores_that_are_not_negative() -> None:
    scores = {"val": {"square": np.array([4.0, 4, -1, 9])}}
    said = "scores 'square' of 'val' hold -1.0 (example 2); the root of a mean needs scores of 0 or more"
    assert refused(scores, {"val_rmse": {"score": "square", "form": "root_mean"}}, val_rmse=2.0) == said


def test_a_perplexity_beyond_single_precision_is_that_of_a_run_that_diverged() -> None:
    """Computed from scores in single precision it is infinite, where its scores say 1e43."""
    rules = {"val_perplexity": {"score": "nll", "form": "exp_mean"}}
    scores = {"val": {"nll": np.full(4, 100, np.float32)}}
    assert row(scores, rules, val_perplexity=math.inf).metrics["val_perplexity"] == math.inf
    scores = {"val": {"nll": np.full(4, 10, np.float32)}}
    assert refused(scores, rules, val_perplexity=math.inf).startswith("val_perplexity is inf, but the exponential")


def test_large_scores_of_either_sign_do_not_make_every_perplexity_right() -> None:
    rules = {"val_perplexity": {"score": "nll", "form": "exp_mean"}}
    scores = {"val": {"nll": np.array([800.0, -800.0, 800.0, -800.0])}}
    assert row(scores, rules, val_perplexity=1.0).score_rules["val_perplexity"].form == "exp_mean"
    assert refused(scores, rules, val_perplexity=5.0).startswith("val_perplexity is 5.0, but the exponential")


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        *((name, "lower") for name in ("val_loss", "val_rmse", "mae", "val_nll", "val_perplexity", "test_error_rate")),
        *((name, "higher") for name in ("val_accuracy", "val_iou", "val_macro_f1", "r2", "val_auc")),
        *((name, None) for name in ("val_time", "val_merit", "val_loss_auc", "val_maestro")),
    ],
)
def test_which_values_are_better_is_read_off_names_that_tell_everybody(metric: str, better: str | None) -> None:
    assert better_by_name(metric) == better


def test_a_run_that_diverged_has_scores_that_are_not_finite() -> None:
    scores = {"val": {"loss": np.array([1, np.nan, 1, 1])}}
    assert math.isnan(row(scores, val_loss=math.nan).metrics["val_loss"])
    assert row(scores, val_loss=math.inf).metrics["val_loss"] == math.inf
    assert refused(None, val_loss=math.nan).startswith(
        "val_loss is nan, but the mean of the scores 'loss' of 'val' is 1.0;"
    )


def test_no_example_has_no_mean() -> None:
    assert row({"val": {"loss": []}}, card=None, val_loss=math.nan).score_rules["val_loss"].better == "lower"


SAME = "every epoch must measure the same"


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({}, f"this epoch has no scores of 'val: loss', which the epochs before it have; {SAME}"),
        (
            {"val": {"loss": LOSSES, "x": LOSSES}},
            f"this epoch has the scores of 'val: x', which the epochs before it have not; {SAME}",
        ),
        (
            {"val": {"loss": np.ones(3)}},
            f"scores 'loss' of 'val' are of 3 examples, but of 4 in the epochs before this one; {SAME}",
        ),
    ],
)
def test_every_epoch_has_the_same_scores(scores: Any, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole text is compared
        row_of({"val_loss": 1.0, "scores": scores}, None, form_of(row()))
    assert str(caught.value) == said


def test_a_run_goes_on_from_a_row_that_was_recorded_before_there_were_scores() -> None:
    before = row_of({"val_loss": 2.0}, CARD)
    assert row_of({"val_loss": 1.0, "scores": {"val": {"loss": LOSSES}}}, CARD, form_on_record(before)).scores
    with pytest.raises(ValueError, match="this epoch has the scores of 'val: loss'"):
        row_of({"val_loss": 1.0, "scores": {"val": {"loss": LOSSES}}}, CARD, form_of(before))


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200), st.sampled_from([np.float32, np.float64]))
def test_a_mean_in_the_precision_of_its_scores_is_taken(values: list[float], kind: type) -> None:
    scores = np.array(values, kind)
    assert row({"val": {"loss": scores}}, card=None, val_loss=scores.mean()).scores
