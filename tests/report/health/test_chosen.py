"""A sampler against its own random settings, and importances that are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from search.core.trial import State
from search.report.health.chosen import chosen, drawn_at_random, mann_whitney
from search.report.health.importances import importances
from search.space.model import AshaSettings, Axis, Float
from tests.report.builder import Study
from tests.report.health.doctored import compared, found, searched


def run(study: Study, values: list[float]) -> Study:
    for place, value in enumerate(values):
        study.trial({"lr": 0.1 + place / 100}, 0, [0.1, 0.2, value])
    return study


def like(seed: int, count: int, add: float = 0.0) -> list[float]:
    return (np.random.default_rng(seed).uniform(0.2, 0.6, count) + add).tolist()


@pytest.mark.parametrize(("sampler", "words"), [("tpe", "TPE"), ("gp", "a Gaussian process")])
def test_settings_no_better_than_the_random_ones(make, sampler, words):
    (finding,) = found(chosen, run(make(searched(sampler)), [*like(0, 10), *like(1, 20)]))
    assert (finding.name, finding.severity) == ("sampler-like-random", "note")
    assert finding.seen.startswith(
        f"The 20 settings that {words} chose are better than the 10 random ones it began with in "
    )
    assert "cannot tell" in finding.why


def test_settings_that_are_better(make):
    assert found(chosen, run(make(searched("tpe")), [*like(0, 10), *like(1, 20, 0.3)])) == []


@pytest.mark.parametrize("sampler", ["random", "qmc", "cmaes"])
def test_samplers_that_draw_all_or_one_at_random(make, sampler):
    assert found(chosen, run(make(searched(sampler)), [*like(0, 10), *like(1, 20)])) == []


def test_of_few_settings_and_under_a_pruner_nothing_is_said(make):
    assert found(chosen, run(make(searched("tpe")), [*like(0, 10), *like(1, 9)])) == []
    pruning = run(make(searched("tpe", asha=AshaSettings(1)), name="pruned"), [*like(0, 10), *like(1, 20)])
    assert found(chosen, pruning) == []


def test_which_settings_were_drawn_at_random_is_read_in_the_log(make):
    study = make(searched("tpe"))
    with study.ledger.step(study.record.id) as step:
        for configuration in range(3):
            step.log("asked", configuration=configuration)  # before any had ended: three at once
    for place in range(15):
        number = study.count
        study.trial({"lr": 0.1 + place / 100}, 0, [0.1, 0.2, 0.3], State.FAILED if place == 0 else State.FINISHED)
        assert number == place
    assert drawn_at_random(study.read) == frozenset(range(14))  # the failed one told nothing


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 12))
def test_the_rank_test_is_that_of_scipy(seed, n, m):
    draws = np.random.default_rng(seed)
    own, others = draws.integers(0, 6, n).tolist(), draws.integers(0, 6, m).tolist()
    ranks = mann_whitney(own, others)
    if len({*own, *others}) == 1:
        assert ranks == (0.5, 1.0)
        return
    expected = stats.mannwhitneyu(own, others, alternative="greater", method="asymptotic")
    assert ranks.p == pytest.approx(float(expected.pvalue))
    assert ranks.share == pytest.approx(float(expected.statistic) / (n * m))


def test_no_importances_in_the_words_of_the_table(make):
    space = replace(searched("random"), axes=[Axis("lr", Float(0.1, 1)), Axis("width", Float(1, 9))])
    study = make(space)
    for place in range(5):
        study.trial({"lr": 0.1 + place / 10, "width": 1 + place % 3}, 0, [0.1, 0.2, place / 10])
    (finding,) = found(importances, study)
    assert finding.seen == "No importances of the axes; too few: 5 complete settings, importances need 30."
    assert finding.seen in compared(study).table.notes


def test_a_grid_and_a_search_of_one_axis_need_none(make, focal):
    assert found(importances, focal) == []
    assert found(importances, run(make(searched("random"), name="one"), like(0, 5))) == []
