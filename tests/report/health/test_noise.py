"""Noise larger than every effect, by the analysis of variance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.health.ahead import lead_of_seeds, residual
from search.report.health.noise import effect, noise
from tests.report.health.doctored import found


def by_loops(values: np.ndarray) -> tuple[float, float]:
    """Return mean squares of settings and of the residual, by plain loops."""
    settings, seeds = values.shape
    mean = math.fsum(values.ravel()) / values.size
    rows = [math.fsum(row) / seeds for row in values]
    columns = [math.fsum(column) / settings for column in values.T]
    between = seeds * math.fsum((row - mean) ** 2 for row in rows) / (settings - 1)
    rest = math.fsum((values[a, s] - rows[a] - columns[s] + mean) ** 2 for a in range(settings) for s in range(seeds))
    return between, rest / ((settings - 1) * (seeds - 1))


@given(st.integers(2, 5), st.integers(2, 5), st.integers(0, 10**6))
def test_the_effect_is_what_loops_say(settings, seeds, seed):
    values = np.random.default_rng(seed).normal(size=(settings, seeds))
    between, rest = by_loops(values)
    assert residual(values) == (pytest.approx(rest), (settings - 1) * (seeds - 1))
    assert effect(values) == pytest.approx(max((between - rest) / seeds, 0.0))


def test_rows_with_gaps_and_tables_too_small_have_no_residual():
    gap = np.array([[1.0, 2.0], [2.0, math.nan], [3.0, 5.0]])
    assert residual(gap) == (pytest.approx(0.25), 1)
    assert residual(gap[:1]) == (0.0, 0)
    assert residual(gap[:, :1]) == (0.0, 0)


def test_a_lead_by_seeds_alone_counts_the_comparisons():
    values = np.array([[0.90, 0.92, 0.91], [0.80, 0.81, 0.83], [0.5, 0.52, 0.51]])
    lead = lead_of_seeds("val_accuracy", values, (0, 1), 1)
    assert lead is not None
    assert lead.amount == "9.67 pt"
    assert lead_of_seeds("val_accuracy", values, (0, 1), round(0.06 / lead.p)) is None
    assert lead_of_seeds("val_accuracy", values[:, :1], (0, 1), 1) is None


def test_a_setting_that_is_repeated_makes_no_lead_clearer():
    values = np.random.default_rng(2).normal(size=(3, 3)) + np.array([[6.0], [0.0], [0.0]])
    lead = lead_of_seeds("val_loss", values, (0, 1), 1)
    assert lead is not None
    assert lead_of_seeds("val_loss", np.concatenate([values, np.repeat(values[1:2], 9, axis=0)]), (0, 1), 1) == lead


def study_of(make, table):
    study = make()
    for gamma, values in zip((0, 0.5, 2), table, strict=True):
        for seed, value in enumerate(values):
            study.trial({"gamma": gamma}, seed, [0.1, 0.2, value])
    return study


def test_settings_no_farther_apart_than_runs(make):
    table = [[0.5, 0.6, 0.7], [0.7, 0.5, 0.61], [0.6, 0.7, 0.5]]
    _, rest = by_loops(np.array(table))
    assert (f"{100 * math.sqrt(rest):.2f}", f"{100 * math.sqrt(rest / 3):.2f}") == ("12.25", "7.07")
    (finding,) = found(noise, study_of(make, table))
    assert (finding.name, finding.severity) == ("noise-above-effects", "note")
    assert finding.seen == (
        "The means of 3 settings in validation accuracy lie 0.19 points apart (sd). Runs of one setting lie 12.25 "
        "points apart, which alone puts means of 3 seeds 7.07 points apart."
    )


def test_settings_farther_apart_than_runs(make):
    assert found(noise, study_of(make, [[0.5, 0.51, 0.52], [0.6, 0.62, 0.61], [0.7, 0.72, 0.73]])) == []


def test_a_difference_as_large_as_the_spread_of_runs_is_no_matter_of_noise_alone(make):
    table = [[0.58, 0.63, 0.57], [0.63, 0.51, 0.7], [0.46, 0.52, 0.62]]
    between, rest = by_loops(np.array(table))
    means = [math.fsum(row) / 3 for row in table]
    assert (between < rest, max(means) - min(means) > math.sqrt(rest)) == (True, True)
    assert found(noise, study_of(make, table)) == []


def test_what_seeds_do_to_all_settings_alike_is_no_noise(make):
    assert found(noise, study_of(make, [[0.5, 0.6, 0.7], [0.51, 0.61, 0.711], [0.52, 0.62, 0.722]])) == []


def test_settings_that_are_one_training_tell_nothing(make):
    study = make()
    for gamma in (0, 0.5, 2):
        for seed in range(3):
            study.trial({"gamma": gamma}, seed, [0.1, 0.2, 0.5 + seed / 10], keys=[f"{seed}{e}" * 20 for e in range(3)])
    assert found(noise, study) == []
