"""Stop rules as folds over recorded curves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.stopping import GeneralisationLoss, Never, Patience, stop_rule, stopping_epoch

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
        ([1.0, 0.0, 0.0], 2, None),  # E_opt is 0 and stays
        ([1.0, 0.0, 1e-300], 2, 3),
        ([0.0, 1e-9], 1e9, 2),
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
    ],
)
def test_settings_name_a_rule_in_its_starting_state(settings, rule):
    assert stop_rule(settings) == rule


def test_every_rule_is_made_afresh():
    settings = {"stop.rule": "patience", "stop.patience": 2}
    stop_rule(settings).update(1.0)
    assert stop_rule(settings) == Patience(2)


def test_stopping_epoch_reads_no_further_than_it_must():
    curve = iter([1.0, 2.0, 3.0])
    assert stopping_epoch(GeneralisationLoss(2), curve) == 2
    assert list(curve) == [3.0]
