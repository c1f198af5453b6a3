"""The best value at the edge of its axis, where it is ahead by more than noise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from search.report.health.edge import EDGE_SHARE, OUTER_SHARE, TOP, TOP_AT_EDGE, edge, natural, share
from search.space.model import Axis, Choice, Float, Grid, Int
from tests.report.builder import GAMMAS
from tests.report.health.doctored import found, names, searched
from tests.report.judging import SPACE, Bench, levels

SEEDS = (0.0, 0.01, -0.01)


def test_the_largest_listed_value(ledger):
    (finding,) = found(edge, levels(ledger, [], (10, 20, 38)))
    assert finding.seen.startswith("gamma: the best setting has 2, the largest of the values listed (0 to 2), and is ")
    assert " better than with 1 by 44.2 pt (p " in finding.seen
    assert finding.remedy.startswith("Add values of gamma above 2 and run again")
    assert finding.severity == "note"


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ((10, 38, 20), "inside"),
        ((38, 20, 10), "0 is where the setting ends"),
        ((20, 37, 38), "no more than noise"),
        ((20, 38, 38), "two are equally good"),
    ],
)
def test_none(ledger, shares, why):
    assert found(edge, levels(ledger, [], shares)) == [], why


@pytest.mark.parametrize("values", [["a", "b", "c"], [True, False], [1, 2]])
def test_values_without_an_order_or_an_inside_have_no_edge(ledger, values):
    space = replace(SPACE, axes=[Axis("gamma", Grid(values))])
    bench = levels(ledger, [], (), space=replace(space, report=replace(space.report, baseline=values[0])))
    for place, value in enumerate(values):
        for seed in range(3):
            right = [image < 10 + 10 * place for image in range(40)]
            bench.run({"gamma": value}, seed, right, right[:30])
    assert found(edge, bench) == []


def test_figures_without_predictions_are_told_by_their_seeds(make):
    study = make(replace(GAMMAS, axes=[Axis("gamma", Grid([1, 2, 3]))]))
    for gamma, mean in ((1, 0.9), (2, 0.7), (3, 0.5)):
        for seed, by in enumerate(SEEDS):
            study.trial({"gamma": gamma}, seed, [0.1, 0.2, mean + by * gamma])
    (finding,) = found(edge, study)
    assert "has 1, the smallest of the values listed (1 to 3), and is better than with 2 by 20.00 pt" in finding.seen
    assert "below 1" in finding.remedy


@pytest.mark.parametrize(("gap", "expected"), [(0.08, ["best-at-edge"]), (0.06, [])])
def test_the_best_of_all_settings_was_picked_among_all_of_them(make, gap, expected):
    space = replace(GAMMAS, axes=[Axis("gamma", Grid([1, 2, 3])), Axis("other", Grid([*"abcd"]))])
    study, luck = make(space), np.random.default_rng(1)
    for parameters in space.grid():
        ahead = gap if parameters == {"gamma": 3, "other": "a"} else 0
        for seed in space.seeds:
            study.trial(parameters, seed, [0.1, 0.2, 0.5 + ahead + 0.02 * luck.normal()])
    assert names(found(edge, study)) == expected


@pytest.mark.parametrize("predicted", [True, False])
def test_copies_of_one_run_under_several_seeds_decide_nothing(ledger, make, predicted):
    space = replace(GAMMAS, axes=[Axis("gamma", Grid([1, 2, 3]))])
    bench = Bench(ledger, space) if predicted else make(space)
    for gamma, right in ((1, 38), (2, 20), (3, 10)):
        for seed in range(3):
            settings = {"gamma": gamma, "seed": seed}
            if predicted:
                bench.run({"gamma": gamma}, seed, np.arange(40) < right, settings=settings)
            else:
                bench.trial({"gamma": gamma}, seed, [0.1, 0.2, right / 41], settings=settings)
    assert found(edge, bench) == []


def test_one_run_without_predictions_tells_nothing(make):
    study = make(replace(GAMMAS, axes=[Axis("gamma", Grid([1, 2, 3]))], seeds=(0,)))
    for gamma, mean in ((1, 0.9), (2, 0.7), (3, 0.5)):
        study.trial({"gamma": gamma}, 0, [0.1, 0.2, mean])
    assert found(edge, study) == []


@pytest.mark.parametrize(
    ("best", "log", "expected"), [(1.0, False, ["best-at-edge"]), (0.5, False, []), (0.1, True, ["best-at-edge"])]
)
def test_the_best_settings_of_a_search(make, best, log, expected):
    study = make(searched("random", 0.1, 1.0 if best < 1 else 1.1, log))
    for place in range(30):
        lr = 0.1 * 10 ** (place / 29) if log else 0.1 + 0.9 * place / 29
        study.trial({"lr": lr}, 0, [0.1, 0.2, 0.9 - abs(lr - best) / 2])
    findings = found(edge, study)
    assert names(findings) == expected
    if expected and not log:
        assert findings[0].seen == (
            "lr: the best setting has 1, and 5 of the best 5 lie in the upper quarter of its range, 0.1 to 1.1."
        )


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [(Float(0, 2), 0.5, 0.25), (Float(0.001, 10, log=True), 0.1, 0.5), (Int(1, 5), 5, 1.0)],
)
def test_where_in_a_range_a_value_lies(domain, value, expected):
    assert share(domain, value) == pytest.approx(expected)


def test_values_that_do_not_matter_are_at_an_edge_in_1_of_100_searches():
    others = range(TOP_AT_EDGE - 1, TOP)
    rest = sum(math.comb(TOP - 1, k) * OUTER_SHARE**k * (1 - OUTER_SHARE) ** (TOP - 1 - k) for k in others)
    assert 2 * EDGE_SHARE * rest == pytest.approx(0.01, abs=0.0005)


def test_an_end_at_which_settings_end_is_no_edge():
    assert natural(0, 5, False)
    assert natural(0.2, 1, True)
    assert not natural(0.2, 5, True)
    assert not natural(0.2, 5, False)
    assert not natural(-1, 1, True)


def test_a_choice_has_no_order(make):
    space = searched("random")
    study = make(replace(space, axes=[Axis("lr", Choice([1, 2, 3]))]))
    for place in range(30):
        study.trial({"lr": 1 + place % 3}, 0, [0.1, 0.2, place % 3 / 4])
    assert found(edge, study) == []
