"""Stop rules as folds over recorded curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.core.stopping import GeneralisationLoss, Never, Patience, stop_rule
from tests.core.stops import stopping_epoch

LOSSES = st.lists(st.floats(0.01, 10), max_size=30)
TIED = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.25, 1.5, 2.0, math.nan, math.inf]), max_size=20)
ALPHAS = st.sampled_from([0.1, 0.5, 1.0, 2.0, 25.0, 50.0, 100.0]) | st.floats(0.01, 200)


def by_hand(losses: list[float], alpha: float) -> int | None:
    """Equation of Prechelt 1998 over the whole curve at once; for positive, finite losses."""
    curve = np.array(losses)
    gl = 100 * (curve / np.minimum.accumulate(curve) - 1)
    above = np.flatnonzero(gl > alpha)
    return int(above[0]) + 1 if len(above) else None


@given(LOSSES, ALPHAS)
def test_generalisation_loss_equals_the_equation(losses, alpha):
    assert stopping_epoch(GeneralisationLoss(alpha), losses) == by_hand(losses, alpha)


@pytest.mark.parametrize(
    ("losses", "alpha", "epoch"),
    [
        ([2.0, 2.5], 25, None),  # exactly alpha: the inequality is strict
        ([2.0, math.nextafter(2.5, 3)], 25, 2),
        ([2.0, 2.0, 2.0], 0.0, None),
        ([2.0, math.nextafter(2.0, 3)], 0.0, 2),
        ([4.0, 2.0, 2.5], 20, 3),  # against the lowest so far, not the first
        ([4.0, 2.0, 3.9, 1.0], 20, 3),
        ([1.0, 0.0, 0.0], 2, None),  # no share of 0: `fault` says so
        ([1.0, 0.0, 1e-300], 2, None),
        ([0.0, 1e-9], 1e9, None),
        ([1.0, 1.5, -1.0], 2, 2),  # stopped before
        ([1.0, math.nan, 1.0], 2, None),
        ([math.nan, 1.0, 1.5], 2, 3),
        ([1.0, math.nan, 1.5], 2, 3),
        ([math.nan] * 3, 2, None),
        ([1.0, math.inf], 1e308, 2),
        ([math.inf, math.inf, 3.0, 2.9], 2, None),
        ([math.inf, 3.0, 3.2], 2, 3),
        ([5e-324, 1e300], 2, 2),
        ([], 2, None),
        ([1.0, 100.0], None, None),
        ([0.0, math.inf], None, None),
    ],
)
def test_generalisation_loss_at_the_edges(losses, alpha, epoch):
    assert stopping_epoch(GeneralisationLoss(alpha), losses) == epoch


NOT_POSITIVE = st.floats(max_value=0.0, allow_nan=False, allow_infinity=False)


@given(LOSSES, NOT_POSITIVE, LOSSES, ALPHAS)
def test_from_the_first_loss_that_is_not_positive_nothing_stops_and_it_is_said(before, first, after, alpha):
    rule = GeneralisationLoss(alpha)
    for loss in before:
        rule.update(loss)
        assert rule.fault == ""
    for loss in (first, *after, 0.0):
        assert rule.update(loss) == ""
        assert rule.fault == f"generalisation_loss needs a val_loss above 0, found {first:g}"


def test_without_a_threshold_any_loss_will_do():
    rule = GeneralisationLoss(None)
    assert [rule.update(loss) for loss in (0.0, -1.0, 5.0)] == ["", "", ""]
    assert (rule.fault, rule.metric) == ("", "")


@given(TIED | LOSSES, ALPHAS, ALPHAS)
def test_a_smaller_alpha_never_stops_later(losses, one, other):
    strict, lenient = sorted([one, other])
    never = len(losses) + 1
    first = stopping_epoch(GeneralisationLoss(strict), losses) or never
    assert first <= (stopping_epoch(GeneralisationLoss(lenient), losses) or never)


@given(TIED, ALPHAS)
def test_a_nan_loss_changes_nothing_but_the_count(losses, alpha):
    rule, without = GeneralisationLoss(alpha), GeneralisationLoss(alpha)
    reasons = [rule.update(loss) for loss in losses]
    known = [(loss, reason) for loss, reason in zip(losses, reasons, strict=True) if not math.isnan(loss)]
    assert [without.update(loss) for loss, _ in known] == [reason for _, reason in known]
    assert len([reason for reason in reasons if reason]) == len([reason for _, reason in known if reason])


@given(LOSSES.filter(bool), ALPHAS, st.integers(-8, 8))
def test_the_unit_of_the_loss_does_not_matter(losses, alpha, power):
    scaled = [loss * 2.0**power for loss in losses]
    assert stopping_epoch(GeneralisationLoss(alpha), scaled) == stopping_epoch(GeneralisationLoss(alpha), losses)


def a7() -> list[float]:
    """A curve of 100 epochs like the one behind a table of thresholds: two early bumps, then down with small ones."""
    early = [3.0, 3.0 * 1.007, 2.9, 2.88, 2.88 * 1.015]
    late = [2.8 * 0.99**epoch * (1.018 if epoch % 10 == 9 else 1.0) for epoch in range(95)]
    return early + late


def test_one_recorded_curve_answers_every_alpha():
    curve = a7()
    assert len(curve) == 100
    answers = {alpha: stopping_epoch(GeneralisationLoss(alpha), curve) for alpha in (None, 3, 2, 1, 0.5)}
    assert answers == {None: None, 3: None, 2: None, 1: 5, 0.5: 2}


@pytest.mark.parametrize(("alpha", "text"), [(2, "2"), (0.5, "0.5"), (2.0, "2"), (12.5, "12.5")])
def test_generalisation_loss_says_why(alpha, text):
    rule = GeneralisationLoss(alpha)
    assert rule.update(1.0) == ""
    assert rule.update(2.0) == f"generalisation loss > {text} %"


@pytest.mark.parametrize(
    ("losses", "patience", "epoch"),
    [
        ([3, 2, 1], 1, None),
        ([3, 3], 1, 2),  # a tie is not lower
        ([3, 2, 2.5, 2.4, 1.9, 2, 2, 2], 3, 8),
        ([3, 2, 2.5, 2.4, 1.9, 2, 2], 3, None),
        ([3, math.nan, math.nan], 2, 3),
        ([math.nan, math.nan, 3, 2], 3, None),
        ([math.inf, 3], 1, 1),
        ([], 1, None),
    ],
)
def test_patience_counts_epochs_in_a_row_without_a_lower_loss(losses, patience, epoch):
    assert stopping_epoch(Patience(patience), losses) == epoch


@given(TIED, st.integers(1, 5))
def test_patience_equals_a_look_back_over_the_curve(losses, patience):
    expected = None
    for epoch in range(patience, len(losses) + 1):
        window = losses[epoch - patience : epoch]
        before = min((loss for loss in losses[: epoch - patience] if not math.isnan(loss)), default=math.inf)
        if not any(loss < before for loss in window):
            expected = epoch
            break
    assert stopping_epoch(Patience(patience), losses) == expected


def test_patience_says_why():
    rule = Patience(2)
    assert [rule.update(loss) for loss in (1.0, 1.0, 1.0)] == ["", "", "no lower loss for 2 epochs"]


VALUES = st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, math.nan]), max_size=20)


@given(VALUES, st.integers(1, 4))
def test_patience_of_a_score_is_that_of_its_negative(values, patience):
    score = Patience(patience, "val_accuracy", maximize=True)
    assert stopping_epoch(score, values) == stopping_epoch(Patience(patience), [-value for value in values])


@given(VALUES, st.integers(1, 4), st.sampled_from([0.0, 0.25, 0.3]))
def test_patience_with_a_smallest_difference_by_hand(values, patience, delta):
    best, waited, expected = math.inf, 0, None
    for epoch, value in enumerate(values, start=1):
        if value < best and best - value > delta:
            best, waited = value, 0
        elif (waited := waited + 1) == patience:
            expected = epoch
            break
    assert stopping_epoch(Patience(patience, min_delta=delta), values) == expected


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Patience(2, "val_accuracy", True), "no higher val_accuracy for 2 epochs"),
        (Patience(2, "val_error", min_delta=0.01), "no lower val_error by more than 0.01 for 2 epochs"),
        (Patience(2, min_delta=0.5), "no lower loss by more than 0.5 for 2 epochs"),
    ],
)
def test_patience_says_what_did_not_get_better(rule, reason):
    assert [rule.update(0.5) for _ in range(3)] == ["", "", reason]


@given(TIED)
def test_never_never_stops(losses):
    assert stopping_epoch(Never(), losses) is None


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, Never()),
        ({"stop.rule": "none", "stop.alpha": 1}, Never()),
        ({"stop.rule": "generalisation_loss", "stop.alpha": 0.5}, GeneralisationLoss(0.5)),
        ({"stop.rule": "generalisation_loss", "stop.alpha": None}, GeneralisationLoss(None)),
        ({"stop.rule": "generalisation_loss"}, GeneralisationLoss(2.0)),
        ({"stop.rule": "patience", "stop.patience": 3}, Patience(3)),
        ({"stop.rule": "patience"}, Patience(10)),
        (
            {"stop.rule": "patience", "stop.metric": "val_f1", "stop.direction": "maximize", "stop.min_delta": 0.01},
            Patience(10, "val_f1", True, 0.01),
        ),
    ],
)
def test_settings_name_a_rule_in_its_starting_state(settings, rule):
    assert stop_rule(settings) == rule


def test_every_rule_is_made_afresh():
    settings = {"stop.rule": "patience", "stop.patience": 2}
    stop_rule(settings).update(1.0)
    assert stop_rule(settings) == Patience(2)
