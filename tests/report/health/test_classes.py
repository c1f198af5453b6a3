"""Classes that no run gets right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.report.health.classes import classes, never_right
from tests.report.health.doctored import found
from tests.report.judging import Bench, levels


def test_a_class_that_every_setting_misses(ledger):
    bench = Bench(ledger)
    truth = bench.data.truth["val"]
    for gamma in (0, 1, 2):
        for seed in range(3):
            right = (truth != 3) & (np.arange(40) > 2 * gamma)
            bench.run({"gamma": gamma}, seed, right, right[:30])
    (finding,) = found(classes, bench)
    assert (finding.name, finding.severity) == ("classes-never-right", "note")
    assert finding.seen == "No run of 9 has a validation example right of d (10) (examples in brackets)."


def test_one_hit_of_one_run_is_enough(ledger):
    bench = Bench(ledger)
    truth = bench.data.truth["val"]
    for gamma in (0, 1, 2):
        for seed in range(3):
            right = (truth != 3) | ((gamma, seed) == (1, 1))
            bench.run({"gamma": gamma}, seed, right, right[:30])
    assert found(classes, bench) == []


def test_a_study_in_which_all_classes_are_learned(ledger):
    assert found(classes, levels(ledger, [])) == []


@pytest.mark.parametrize(
    ("share", "size", "expected"),
    [(0.9, 10, {1: 10}), (0.2, 3, {}), (0.9, 1, {}), (0.0, 10, {})],
    ids=["clear", "most are missed anyway", "a single example", "nothing is ever right"],
)
def test_few_examples_are_missed_by_chance(share, size, expected):
    truth = np.array([0] * 100 + [1] * size)
    guess = np.where(np.arange(len(truth)) < 100 * share, truth, 7)
    assert never_right(truth, [guess]) == expected


@given(st.integers(0, 10**6))
def test_it_is_what_loops_say(seed):
    draws = np.random.default_rng(seed)
    truth = draws.integers(0, 4, 60)
    guesses = [np.where(draws.random(60) < 0.8, truth, 9) for _ in range(2)]
    guesses = [np.where(truth == seed % 5, 9, guess) for guess in guesses]
    hit = {i for i in range(60) if any(guess[i] == truth[i] for guess in guesses)}
    share = 1 - len(hit) / 60
    known = sorted(set(truth.tolist()))
    expected = {}
    for label in known:
        members = [i for i in range(60) if truth[i] == label]
        if not hit & set(members) and len(known) * share ** len(members) <= 0.05:
            expected[label] = len(members)
    assert never_right(truth, guesses) == expected


def test_reading_ends_with_the_first_row_that_has_every_class():
    truth = np.array([0, 1, 2])

    def rows():
        yield truth
        raise AssertionError("a row too many was read")

    assert never_right(truth, rows()) == {}
