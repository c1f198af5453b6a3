"""Frames against sums made by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from search.core.scores import ScoreRule
from search.core.trial import DataCard, Row, State, Trial
from search.report.record.curves import read_curves
from search.report.record.frames import decisions_frame, epochs_frame, predictions_frame, trials_frame
from search.space.model import Axis, Choice, Condition, Grid, Objective, Report, Search
from tests.report.builder import CARD, GAMMAS, full, guess, key_of


def test_trials_frame_columns_and_numbers(focal):
    frame = trials_frame(read_curves(focal.opened))
    assert list(frame.columns) == [
        *("trial", "configuration", "seed", "gamma", "state", "ended_by", "epochs", "epochs_trained", "epochs_reused"),
        *("best_epoch", "val_accuracy", "val_loss", "test_accuracy", "grad_norm", "lr", "train_accuracy", "train_loss"),
        *("test_loss", "seconds"),
    ]
    assert frame["trial"].tolist() == list(range(9))
    assert frame["gamma"].tolist() == [0, 0, 0, 0.5, 0.5, 0.5, 2, 2, 2]
    assert frame["val_accuracy"].tolist() == [(74 + 3 * c + 2 * s * s) / 137 for c in range(3) for s in range(3)]
    assert frame["best_epoch"].tolist() == [2] * 9
    assert frame["seconds"].tolist() == [0.75] * 9
    assert frame["epochs_trained"].tolist() == [3] * 9
    assert frame["epochs_reused"].tolist() == [0] * 9


def test_best_epoch_gives_the_values_where_the_report_reads_it(focal):
    focal.space = replace(GAMMAS, report=Report(value="best"))
    frame = trials_frame(read_curves(focal.opened))
    assert frame["val_accuracy"].tolist() == [(74 + 3 * c + 2 * s * s) / 137 + 0.01 for c in range(3) for s in range(3)]
    assert frame["lr"].tolist() == [0.1 / 2] * 9


@pytest.mark.parametrize(
    ("curve", "direction", "best"),
    [
        ([0.5, 0.7, 0.7], "maximize", 2),
        ([math.nan, 0.2, 0.1], "maximize", 2),
        ([math.nan, math.inf, math.nan], "maximize", None),
        ([0.5, 0.4, 0.4], "minimize", 2),
        ([-math.inf, 0.4, 0.5], "minimize", 2),
        ([], "maximize", None),
    ],
)
def test_best_epoch_is_the_first_of_equals_and_finite(make, curve, direction, best):
    study = make(replace(GAMMAS, search=Search(objective=Objective(direction=direction))))
    study.trial({"gamma": 0}, 0, curve, State.DIVERGED)
    found = trials_frame(read_curves(study.opened))["best_epoch"][0]
    assert (None if pd.isna(found) else found) == best


def test_reused_rows_are_told_from_trained_ones_and_cost_the_same_seconds(make):
    study = make()
    shared = [key_of("shared", epoch) for epoch in range(1, 3)]
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3], keys=[*shared, key_of("a")], seconds=0.5)
    study.trial({"gamma": 0.5}, 0, [0.1, 0.2, 0.4], keys=[*shared, key_of("b")], reused=[1, 2], seconds=0.25)
    trials, epochs = trials_frame(read_curves(study.opened)), epochs_frame(read_curves(study.opened))
    assert trials["epochs_trained"].tolist() == [3, 1]
    assert trials["epochs_reused"].tolist() == [0, 2]
    assert trials["seconds"].tolist() == [1.5, 1.25]
    assert epochs["reused"].tolist() == [False, False, False, True, True, False]
    assert epochs["epoch"].tolist() == [1, 2, 3, 1, 2, 3]


def test_rows_behind_the_last_epoch_are_not_counted(make):
    """A lease goes on for others: what it trained behind this trial's end belongs to their paths."""
    study = make()
    number = study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3])
    with study.ledger.step(study.record.id) as step:
        step.set_trial(number, last_epoch=2, state=State.STOPPED, ended_by="generalisation loss > 2")
    frame = trials_frame(read_curves(study.opened))
    assert frame.loc[0, ["epochs", "epochs_trained", "epochs_reused", "val_accuracy"]].tolist() == [2, 2, 0, 0.2]
    assert frame["seconds"][0] == 0.5


def test_an_epoch_logged_twice_was_trained_once(make):
    study = make()
    number = study.trial({"gamma": 0}, 0, [0.1, 0.2])
    with study.ledger.step(study.record.id) as step:
        step.log("row", trial=number, epoch=2, key=key_of("x"), trained=True)
        step.log("row", trial=number, epoch=1, key=key_of("x"), trained=False)
    assert trials_frame(read_curves(study.opened))[["epochs_trained", "epochs_reused"]].values.tolist() == [[2, 0]]


def test_no_trials_give_empty_frames_with_columns(make):
    study = make()
    trials = trials_frame(read_curves(study.opened))
    assert len(trials) == 0
    assert {"trial", "gamma", "val_accuracy", "best_epoch"} <= set(trials.columns)
    assert list(epochs_frame(read_curves(study.opened)).columns) == ["trial", "epoch", "reused", "seconds"]
    assert len(predictions_frame(read_curves(study.opened))) == 0
    assert len(decisions_frame(study.opened)) == 0


def test_a_trial_that_never_started_has_no_figures(make):
    study = make()
    study.trial({"gamma": 0}, 0, [], State.WAITING, ended_by="")
    frame = trials_frame(read_curves(study.opened))
    assert frame.loc[0, ["epochs", "epochs_trained", "epochs_reused", "seconds"]].tolist() == [0, 0, 0, 0.0]
    assert frame[["best_epoch", "val_accuracy"]].isna().all().all()


def test_inactive_axes_are_missing_and_null_is_a_value(make):
    axes = [
        Axis("act", Choice(["relu", "leaky"])),
        Axis("slope", Choice([0.1, None]), Condition("act", ["leaky"])),
    ]
    study = make(replace(GAMMAS, axes=axes))
    study.trial({"act": "relu"}, 0, [0.1])
    study.trial({"act": "leaky", "slope": None}, 0, [0.1])
    study.trial({"act": "leaky", "slope": 0.1}, 0, [0.1])
    slope = trials_frame(read_curves(study.opened))["slope"].tolist()
    assert slope[0] is pd.NA
    assert slope[1:] == [None, 0.1]


def test_axes_whose_names_are_taken_get_names_of_their_own(make):
    study = make(replace(GAMMAS, axes=[Axis("epochs", Grid([2, 3])), Axis("val_accuracy", Grid([7]))]))
    study.trial({"epochs": 2, "val_accuracy": 7}, 0, [0.1, 0.2], metrics=lambda *_: {"val_accuracy": 0.5, "seed": 3.0})
    frame = trials_frame(read_curves(study.opened))
    assert frame.columns.is_unique
    named = ["axis.epochs", "epochs", "axis.val_accuracy", "val_accuracy", "metric.seed", "seed"]
    assert frame.loc[0, named].tolist() == [2, 2, 7, 0.5, 3.0, 0]


def test_epochs_frame_orders_metrics_test_last(focal):
    frame = epochs_frame(read_curves(focal.opened))
    assert list(frame.columns) == [
        *("trial", "epoch", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "grad_norm"),
        *("test_accuracy", "test_loss", "reused", "seconds"),
    ]
    last = (74 + 6 + 8) / 137
    assert frame[frame["trial"] == 8]["val_accuracy"].tolist() == [last - 0.1, last + 0.01, last]
    assert frame["grad_norm"].tolist() == [full(epoch, 0)["grad_norm"] for _ in range(9) for epoch in (1, 2, 3)]


def test_decisions_frame_is_the_order_log(make):
    study = make()
    study.trial({"gamma": 0}, 0, [0.1])
    with study.ledger.step(study.record.id) as step:
        step.log("rung", epoch=1, key=key_of("x"), value=math.nan, goes_on=False)
    frame = decisions_frame(study.opened)
    assert frame["kind"].tolist() == ["asked", "row", "ended", "rung"]
    assert frame["seq"].tolist() == [0, 1, 2, 3]
    assert frame["trial"].isna().tolist() == [True, False, False, True]
    assert json.loads(frame["detail"][3]) == {"value": None, "goes_on": False}
    assert frame["key"][3] == key_of("x")


def test_predictions_of_the_last_and_the_best_epoch(make):
    study = make()
    number = study.trial({"gamma": 0}, 5, [0.1, 0.9, 0.3], predictions=True)
    study.trial({"gamma": 2}, 6, [0.1, 0.2], predictions=True)
    frame = predictions_frame(read_curves(study.opened))
    assert list(frame.columns) == ["trial", "seed", "split", "epoch", "image", "truth", "prediction"]
    assert len(frame) == (2 + 1) * (4 + 2)
    part = frame[(frame["trial"] == number) & (frame["epoch"] == 2) & (frame["split"] == "val")]
    assert part["image"].tolist() == list(CARD.images["val"])
    assert part["truth"].tolist() == CARD.truth["val"].tolist()
    assert part["prediction"].tolist() == guess(number, 2)["val"].tolist()
    assert frame[(frame["trial"] == 1) & (frame["split"] == "test")]["image"].tolist() == ["0", "1"]
    assert set(frame[frame["trial"] == number]["epoch"]) == {2, 3}


def test_scores_alone_have_no_empty_columns_of_classes_and_their_groups_beside_them(make):
    study = make()
    card = DataCard("bees", "hives", groups={"val": ["oak", "oak", "elm"]})
    study.ledger.put_data(card)
    rules = {"val_rmse": ScoreRule("val", "square", form="root_mean", unit="grams")}
    rules["val_size"] = ScoreRule("val", "square", form="exp_mean", unit="grams")
    trial = Trial(0, 0, 0, {"gamma": 0}, {"gamma": 0}, 1, State.FINISHED, "", 1)
    with study.ledger.step(study.record.id) as step:
        step.add_trial(trial, [key_of("bees")], "bees")
        row = Row({"val_rmse": 2.0}, {}, {"val": {"square": np.array([4.0, 4, 4])}}, rules)
        step.put_row(key_of("bees"), 1, row, 1.0, study.run)
    read = read_curves(study.opened)
    frame = predictions_frame(read)
    assert list(frame.columns) == ["trial", "seed", "split", "epoch", "image", "group", "score_square"]
    assert frame["group"].tolist() == ["oak", "oak", "elm"]
    units = [read.unit(name) for name in ("val_rmse", "val_size", "val_loss", "val_accuracy")]
    assert units == ["grams", "", "", "%"]


def test_scores_stand_beside_predictions_and_alone(make):
    study = make()
    study.trial({"gamma": 0}, 0, [0.1], predictions=True)
    losses = {"val": {"loss": np.array([0.5, 0.25, 1, 2], np.float32)}, "own": {"iou": np.array([1 / 3])}}
    study.trial({"gamma": 2}, 0, [])
    with study.ledger.step(study.record.id) as step:
        (path, _) = study.ledger.paths(study.record.id)[1]
        row = Row({"val_accuracy": 0.5}, {"val": np.array([1, 2, 0, 0])}, losses)
        step.put_row(path[0], 1, row, 1.0, study.run)
        step.set_trial(1, last_epoch=1)
    frame = predictions_frame(read_curves(study.opened))
    assert list(frame.columns)[-3:] == ["prediction", "score_iou", "score_loss"]
    val = frame[(frame["trial"] == 1) & (frame["split"] == "val")]
    assert (val["score_loss"].tolist(), val["prediction"].tolist()) == ([0.5, 0.25, 1, 2], [1, 2, 0, 0])
    own = frame[frame["split"] == "own"]
    assert (own["score_iou"].tolist(), own["image"].tolist(), own["prediction"].isna().all()) == ([1 / 3], ["0"], True)
    assert frame[frame["trial"] == 0]["score_loss"].isna().all()


def test_a_card_of_another_length_is_not_guessed_at(make):
    study = make()
    shape = {"val": np.array([1, 2])}
    study.trial({"gamma": 0}, 0, [])
    with study.ledger.step(study.record.id) as step:
        step.put_row(study.ledger.paths(study.record.id)[0][0][0], 1, Row({"val_accuracy": 0.5}, shape), 1.0, study.run)
        step.set_trial(0, last_epoch=1)
    frame = predictions_frame(read_curves(study.opened))
    assert frame["image"].tolist() == ["0", "1"]
    assert frame["truth"].isna().all()


def test_one_query_per_trial_is_avoided(focal, monkeypatch):
    calls = []
    found = type(focal.ledger).rows
    monkeypatch.setattr(type(focal.ledger), "rows", lambda self, *a, **k: calls.append(1) or found(self, *a, **k))
    trials_frame(read_curves(focal.opened))
    epochs_frame(read_curves(focal.opened))
    assert len(calls) == 2
