"""Objective and test that disagree on the winner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.report.health.disagree import disagree
from search.space.model import Objective, Search
from tests.report.builder import GAMMAS
from tests.report.health.doctored import found
from tests.report.judging import Bench


def bench_of(ledger, val, test):
    bench = Bench(ledger)
    for gamma in (0, 1, 2):
        for seed in range(3):
            bench.run(
                {"gamma": gamma}, seed, np.arange(40) < val[gamma] + seed % 2, np.arange(30) < test[gamma] + seed % 2
            )
    return bench


def test_another_setting_is_clearly_better_on_test(ledger):
    (finding,) = found(disagree, bench_of(ledger, (20, 25, 35), (28, 20, 10)))
    assert (finding.name, finding.severity) == ("test-disagrees", "note")
    assert finding.seen.startswith(
        "validation accuracy is best for gamma=2, test accuracy for gamma=0: 94.44 % against 34.44 %, ahead by 60 pt "
        "(p "
    )


@pytest.mark.parametrize("test", [(10, 20, 28), (10, 28, 28), (21, 20, 20)], ids=["agree", "equally good", "noise"])
def test_none(ledger, test):
    assert found(disagree, bench_of(ledger, (20, 25, 35), test)) == []


@pytest.mark.parametrize("same", [True, False])
def test_copies_of_one_run_under_several_seeds_decide_nothing(ledger, same):
    bench = Bench(ledger)
    for gamma, (val, test) in enumerate(zip((20, 25, 35), (28, 20, 10), strict=True)):
        for seed in range(3):
            more = 0 if same else seed % 2
            right = np.arange(40) < val + more, np.arange(30) < test + more
            bench.run({"gamma": gamma}, seed, *right, settings={"gamma": gamma, "seed": seed})
    assert len(found(disagree, bench)) == (0 if same else 1)


def test_a_metric_whose_direction_nobody_says(make):
    study = make(replace(GAMMAS, search=Search(objective=Objective("val_score", "maximize"))))
    for gamma in (0, 0.5, 2):
        for seed in range(3):
            value = gamma + seed / 100
            study.trial({"gamma": gamma}, seed, [value] * 3, metrics=lambda _, v: {"val_score": v, "test_score": -v})
    (finding,) = found(disagree, study)
    assert "val score" not in finding.seen
    assert finding.seen.startswith("validation score is best for gamma=2, test score for gamma=0: ")
