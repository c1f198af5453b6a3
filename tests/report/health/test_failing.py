"""Runs that did not learn or diverged, as the notes of the table count them."""

from __future__ import annotations

import math

import numpy as np

from search.core.trial import State
from search.report.health.failing import failing
from tests.report.health.doctored import compared, found, names
from tests.report.judging import Bench, levels


def test_a_run_at_chance_among_runs_that_learned(ledger):
    bench = Bench(ledger)
    for gamma in (0, 1, 2):
        for seed in range(3):
            right = np.arange(40) < (10 if (gamma, seed) == (1, 2) else 34 + gamma)
            bench.run({"gamma": gamma}, seed, right, right[:30])
    (finding,) = found(failing, bench)
    assert (finding.name, finding.severity) == ("stuck-runs", "note")
    assert finding.seen == "1 of 3 runs of gamma=1 did not learn (25.0 %, siblings 87.5 %)."
    assert any(finding.seen.removesuffix(".") in note for note in compared(bench).table.notes)


def test_diverged_runs_are_counted_by_setting(make):
    study = make()
    for gamma in (0, 0.5, 2):
        for seed in range(3):
            lost = gamma == 2 and seed > 0
            study.trial(
                {"gamma": gamma},
                seed,
                [0.1, math.nan if lost else 0.5],
                State.DIVERGED if lost else State.FINISHED,
            )
    (finding,) = found(failing, study)
    assert finding.name == "diverged-runs"
    assert finding.seen == "2 runs diverged, their loss or objective no longer finite: gamma=2: 2 of 3 seeds."


def test_a_search_counts_them_as_well(make):
    from tests.report.health.doctored import searched

    study = make(searched("random"))
    study.trial({"lr": 0.5}, 0, [0.1, math.nan], State.DIVERGED)
    study.trial({"lr": 0.6}, 0, [0.1, 0.2, 0.3])
    assert names(found(failing, study)) == ["diverged-runs"]


def test_runs_that_learned(ledger):
    assert found(failing, levels(ledger, [])) == []
