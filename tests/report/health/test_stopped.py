"""Stops that cost the winner, or would have: by replay of rows on record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from search.core.median import MedianRule
from search.core.promotion import Promotion
from search.core.pruning import Asha, Pruner
from search.core.trial import Row, State, Trial
from search.ledger.ledger import Recorded
from search.report.health.stopped import ended_behind, stopped
from search.report.record.curves import Curve
from search.space.model import AshaSettings, Axis, Float, Grid, Objective, Search
from tests.report.builder import GAMMAS, Study, key_of
from tests.report.health.doctored import found, names
from tests.report.judging import SPACE, Bench

RULES = replace(GAMMAS, axes=[Axis("gamma", Grid([0, 2])), Axis("stop.rule", Grid(["none", "patience"]))], seeds=(0, 1))
PATIENCE = {"stop.rule": "patience", "stop.patience": 1, "stop.metric": "val_loss", "stop.direction": "minimize"}


def rules(study: Study, dip: float) -> Study:
    """The winner has no rule, and dips at its second epoch; another setting has one."""
    for seed in (0, 1):
        none = {"gamma": 2, "stop.rule": "none"}
        study.trial(none, seed, [0.5, dip, 0.9], settings=none)
        other = {"gamma": 0, "stop.rule": "patience"}
        study.trial(other, seed, [0.5, 0.4], State.STOPPED, settings={"gamma": 0, **PATIENCE}, ended_by="no lower loss")
    return study


def test_a_rule_of_the_study_would_have_ended_the_winner(make):
    (finding,) = found(stopped, rules(make(RULES), 0.45))
    assert (finding.name, finding.severity) == ("stop-costs-winner", "note")
    assert finding.seen == (
        "The best setting is gamma=2, stop.rule=none, with 90.00 %. Replayed on its rows, stop.rule=patience, "
        "stop.patience=1, stop.metric=val_loss, stop.direction=minimize would have ended 2 of its 2 runs at epoch 2, "
        "with 45.00 %."
    )
    assert "at least 3 epochs" in finding.remedy


def test_a_rule_that_would_not_have_ended_it_says_nothing(make):
    assert found(stopped, rules(make(RULES), 0.6)) == []


def test_at_the_best_epoch_a_stop_behind_it_costs_nothing(make):
    space = replace(RULES, report=replace(RULES.report, value="best"))
    study = make(space)
    none, other = {"gamma": 2, "stop.rule": "none"}, {"gamma": 0, "stop.rule": "patience"}
    for seed in (0, 1):
        study.trial(none, seed, [0.9, 0.4, 0.5], settings=none)
        study.trial(other, seed, [0.5, 0.4], State.STOPPED, settings={"gamma": 0, **PATIENCE})
    assert found(stopped, study) == []


def ended_early(study: Study, beyond: float, *, recorded: bool = True) -> Study:
    """The setting 0 was ended at its first epoch; another study trained the same keys to their end."""
    for seed in study.space.seeds:
        keys = [key_of("shared", seed, epoch) for epoch in range(3)]
        study.trial({"gamma": 0}, seed, [0.3], State.PRUNED, keys=keys, ended_by="rung 1")
        study.trial({"gamma": 2}, seed, [0.4, 0.5, 0.8 + 0.01 * seed])
        if recorded:
            other = Study(study.ledger, study.space, name=f"other {seed}")
            other.trial({"gamma": 0}, seed, [0.3, 0.6, beyond], keys=keys)
    return study


def test_a_setting_that_was_ended_and_is_the_best_at_full_length(make):
    (finding,) = found(stopped, ended_early(make(), 0.95))
    assert (finding.name, finding.severity) == ("winner-was-ended", "flaw")
    assert finding.seen == (
        "gamma=0: 3 of 3 runs ended early (rung 1), at full length 95.00 %. The best setting of the table has 81.00 %. "
        "What these runs would have come to is on record, for other trials trained the same epochs further."
    )


@pytest.mark.parametrize(("beyond", "recorded"), [(0.7, True), (0.95, False)])
def test_one_that_is_worse_at_full_length_or_that_nobody_trained_further(make, beyond, recorded):
    assert found(stopped, ended_early(make(), beyond, recorded=recorded)) == []


def test_an_objective_that_predictions_tell_is_followed_as_well(ledger):
    space = replace(SPACE, search=Search(objective=Objective("val_macro_f1", "maximize")))
    bench, right = Bench(ledger, space), np.arange(40)
    for seed in space.seeds:
        keys = [key_of("shared", seed, epoch) for epoch in range(2)]
        bench.run({"gamma": 0}, seed, right < 40, keys=keys, state=State.PRUNED, last=1)
        bench.run({"gamma": 2}, seed, right < 20 + seed)
        Bench(ledger, replace(space, name=f"other {seed}")).run({"gamma": 0}, seed, right < 40, keys=keys)
    (finding,) = found(stopped, bench)
    assert finding.name == "winner-was-ended"
    assert "at full length 1. The best setting" in finding.seen


def pruned(study: Study, values: list[tuple[float, float]]) -> Study:
    """Settings under a pruner, with their objective at the rung and at the end; the rung saw them in this order."""
    for place, (at_rung, last) in enumerate(values):
        number = study.trial({"lr": 0.1 + place / 100}, 0, [at_rung, last, last])
        key = key_of(study.name, {"lr": 0.1 + place / 100}, 0, 1)
        with study.ledger.step(study.record.id) as step:
            step.log("rung", trial=number, epoch=1, key=key, value=at_rung, goes_on=True)
    return study


def asha(make: Any) -> Study:
    search = Search("random", trials=6, asha=AshaSettings(1, 2.0))
    space = replace(GAMMAS, axes=[Axis("lr", Float(0.1, 1))], seeds=(0,), search=search)
    return make(space)


def test_a_winner_that_the_pruner_let_pass_because_it_came_early(make):
    (finding,) = found(stopped, pruned(asha(make), [(0.2, 0.9), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8)]))
    assert (finding.name, finding.severity) == ("winner-passed-by-order", "note")
    assert finding.seen == (
        "The best setting, lr=0.1, went on at epoch 1 with 20.00 % (seed 0) because others came later. Behind all of "
        "them it would have been pruned, worse than 60.00 %: the cutoff from the 3 trainings that were there before: "
        "one in 2 goes on."
    )
    assert "`grace_period` of `search.pruning` above 1" in finding.remedy


def test_a_winner_that_is_good_enough_in_any_order(make):
    assert found(stopped, pruned(asha(make), [(0.65, 0.9), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8)])) == []


def test_a_study_without_rules_or_a_winner(make):
    study = make()
    assert found(stopped, study) == []
    study.trial({"gamma": 0}, 0, [0.1, 0.2, 0.3])
    assert names(found(stopped, study)) == []


def run_of(values: list[float]) -> Curve:
    rows = {epoch: Recorded(Row({"val_accuracy": value}), epoch, 1.0, 1) for epoch, value in enumerate(values, start=1)}
    trial = Trial(9, 9, 0, {}, {}, len(values), State.FINISHED, "last epoch", len(values))
    return Curve(trial, [f"own {epoch}" for epoch in rows], "data", rows, frozenset(), None)


def seen(rule: Pruner, curves: list[list[float]]) -> Pruner:
    """Return a pruner that other trials have passed, all of which came to their end."""
    for number, curve in enumerate(curves):
        keys = [f"{number} {epoch}" for epoch in range(len(curve))]
        for epoch in range(1, len(curve)):
            rule.judge(epoch, keys[epoch - 1], curve[:epoch], number)
        rule.finished(keys)
    return rule


OTHERS = [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5]]


@pytest.mark.parametrize(
    ("rule", "values", "epoch"),
    [
        (lambda: Asha(1, 2.0, 3), [0.15, 0.5, 0.9], 1),
        (lambda: Asha(1, 2.0, 3), [0.2, 0.25, 0.9], 2),
        (lambda: Asha(1, 2.0, 3), [0.2, 0.3, 0.1], None),
        (lambda: MedianRule(2, 1, 3), [0.0, 0.1, 0.9], 2),
        (lambda: MedianRule(2, 1, 3), [0.0, 0.4, 0.9], None),
    ],
)
def test_a_run_is_judged_behind_all_others_by_the_pruner_itself(rule, values, epoch):
    end = ended_behind(run_of(values), "val_accuracy", seen(rule(), OTHERS))
    assert (None if end is None else end.epoch) == epoch


def test_nothing_is_said_where_nothing_prunes():
    assert ended_behind(run_of([0.1, 0.2]), "val_accuracy", None) is None
    assert ended_behind(run_of([0.1, 0.2]), "val_loss", seen(Asha(1, 2.0, 3), OTHERS)) is None


def test_a_rung_where_trials_pause_ends_none():
    assert ended_behind(run_of([0.15, 0.5, 0.9]), "val_accuracy", seen(Promotion(1, 2.0, 3), OTHERS)) is None
