"""Claims about runs, what never or always happens: every verdict of every predicate, and what is one run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.core.trial import State
from search.space.model import Objective
from tests.report.builder import key_of
from tests.report.judging import SPACE, Bench, card, levels, pattern, verdict_of


def stopping(ledger, claim, ends):
    """Thresholds 0, 1 and 2 that read one curve per seed and end it after these epochs of 6."""
    bench = Bench(ledger).reported(claims=(claim,))
    for s in range(3):
        keys = [key_of("curve", s, epoch) for epoch in range(6)]
        for a, last in enumerate(ends):
            state = State.STOPPED if last < 6 else State.FINISHED
            bench.run({"gamma": a}, s, pattern(0, s, 40), keys=keys, state=state, last=last)
    return verdict_of(bench)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "kind", "runs"),
    [
        ({"never": {"stops_before": 6, "where": {"gamma": [0]}}}, "supported", 3),
        ({"never": {"stops_before": 6, "where": {"gamma": [0, 1]}}}, "contradicted", 3),
        ({"never": {"stops_before": 5, "where": {"gamma": [0, 1]}}}, "supported", 3),
        ({"always": {"stops_by": 5, "where": {"gamma": [1, 2]}}}, "supported", 3),
        ({"always": {"stops_by": 5}}, "contradicted", 3),
        ({"never": {"stops_before": 50}}, "contradicted", 3),
        ({"never": {"stops_before": 50, "where": {"gamma": [0]}}}, "undecided", 0),
        ({"never": {"diverges": True}}, "supported", 3),
    ],
)
def test_what_is_read_off_one_curve_is_one_run(ledger, claim, kind, runs):
    found = stopping(ledger, claim, (6, 5, 2))
    assert (found.kind, found.evidence["runs"]) == (kind, runs)
    if kind == "supported":
        assert found.evidence["bound"] == pytest.approx(1 - 0.05 ** (1 / 3))


def test_runs_that_do_not_tell_are_no_evidence(ledger):
    bench = Bench(ledger).reported(claims=({"never": {"diverges": True}},))
    for s, state in enumerate([State.FAILED, State.PRUNED, State.WAITING]):
        bench.run({"gamma": 0}, s, pattern(0, s, 40), state=state)
    found = verdict_of(bench)
    assert (found.kind, found.reason) == ("undecided", "no run on record tells")


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        ({"always": {"reaches": 0.9, "where": {"gamma": [2]}}}, "supported"),
        ({"always": {"reaches": 0.9}}, "contradicted"),
        ({"never": {"reaches": 0.99}}, "supported"),
    ],
)
def test_levels_that_every_run_reaches(ledger, claim, kind):
    assert verdict_of(levels(ledger, [claim])).kind == kind


def test_a_diverged_run_reaches_nothing(ledger):
    bench = Bench(ledger).reported(claims=({"always": {"reaches": 0.1}},))
    bench.run({"gamma": 0}, 0, np.ones(40, dtype=bool), state=State.DIVERGED)
    assert verdict_of(bench).kind == "contradicted"


def test_classes_without_a_hit(ledger):
    claim = {"never": {"misses_a_class": True, "where": {"gamma": [0]}}}
    bench = Bench(ledger).reported(claims=(claim,))
    truth = card().truth["val"]
    for s in range(3):
        bench.run({"gamma": 0}, s, np.arange(40) < 4)
        bench.run({"gamma": 1}, s, truth != 3)
    assert verdict_of(bench).kind == "supported"
    bench.reported(claims=({"never": {"misses_a_class": True}},))
    assert verdict_of(bench).kind == "contradicted"


def did(bench, s, predicate, does):
    """Add a run of six epochs that did what a predicate says, did not, or (None) does not tell."""
    truth = np.asarray(card().truth["val"])
    right, state, last = np.arange(40) < 38, State.FINISHED, 6
    if does is None:
        state, last = (State.FAILED, State.PRUNED, State.WAITING)[s % 3], (3, 5, 0)[s % 3]
    elif predicate in ("stops_before", "stops_by") and does:
        state, last = State.STOPPED, 5
    elif predicate == "reaches" and not does:
        right = np.arange(40) < 20
    elif predicate == "misses_a_class" and does:
        right = truth != 3
    elif predicate == "diverges" and does:
        state, last = State.DIVERGED, 4
    keys = [key_of(predicate, s, epoch) for epoch in range(6)]
    bench.run({"gamma": 0}, s, right, keys=keys, state=state, last=last)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runs", "kind", "reason"),
    [  # True: as the claim has it; False: a counterexample; None: does not tell
        ((True, True, True), "supported", "in these 3 runs; up to 63 % of runs may do otherwise (95 % limit)"),
        ((True, True, False), "contradicted", "1 of 3 runs did otherwise"),
        ((False,), "contradicted", "1 of 1 run did otherwise"),
        ((True, True, None), "undecided", "only 2 runs; up to 78 % of runs may do otherwise (95 % limit)"),
        ((None, None, None), "undecided", "no run on record tells"),
    ],
)
@pytest.mark.parametrize("word", ["never", "always"])
@pytest.mark.parametrize(
    ("predicate", "argument"),
    [("stops_before", 6), ("stops_by", 5), ("reaches", 0.9), ("misses_a_class", True), ("diverges", True)],
)
def test_every_claim_about_runs_has_every_verdict(ledger, predicate, argument, word, runs, kind, reason):
    bench = Bench(ledger).reported(claims=({word: {predicate: argument}},))
    for s, holds in enumerate(runs):
        did(bench, s, predicate, holds if holds is None else holds is (word == "always"))
    found = verdict_of(bench)
    assert (found.kind, found.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        ({"always": {"reaches": 1.5}}, "supported"),
        ({"always": {"reaches": 0.5}}, "contradicted"),
        ({"never": {"reaches": 0.5}}, "supported"),
        ({"never": {"reaches": 1.0}}, "contradicted"),
    ],
)
def test_a_loss_is_reached_from_above(ledger, claim, kind):
    """The validation loss of these runs is 1."""
    space = replace(SPACE, search=replace(SPACE.search, objective=Objective("val_loss", "minimize")))
    assert verdict_of(levels(ledger, [claim], space=space)).kind == kind


def test_no_run_at_all(ledger):
    found = verdict_of(Bench(ledger).reported(claims=({"never": {"diverges": True}},)))
    assert (found.kind, found.reason) == ("undecided", "no run is on record")


def test_runs_of_several_settings_are_not_pooled(ledger):
    """What may still happen is said of each setting by its own runs: nine runs of three settings are no nine of one."""
    bench = levels(ledger, [{"never": {"diverges": True}}])
    found = verdict_of(bench)
    assert (found.kind, found.reason) == (
        "supported",
        "in these 9 runs of 3 settings; up to 63 % of the runs of a setting may do otherwise (95 % limit)",
    )
    assert (found.evidence["runs"], found.evidence["bound"]) == (9, pytest.approx(1 - 0.05 ** (1 / 3)))


def test_one_seed_of_many_settings_supports_nothing(ledger):
    found = verdict_of(levels(ledger, [{"never": {"diverges": True}}], shares=(20, 21, 22), seeds=(0,)))
    assert (found.kind, found.reason) == (
        "undecided",
        "only 1 run of gamma=0; up to 95 % of the runs of a setting may do otherwise (95 % limit)",
    )


def test_a_setting_of_which_no_run_tells_is_named(ledger):
    bench = levels(ledger, [{"never": {"diverges": True}}], shares=(20, 21))
    for s in range(3):
        bench.run({"gamma": 2}, s, pattern(2, s, 40), state=State.FAILED)
    found = verdict_of(bench)
    assert (found.kind, found.reason) == (
        "undecided",
        "none of 6 runs did otherwise, but no run of gamma=2 tells",
    )


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_what_pruning_left_supports_nothing(ledger, seeds):
    """The survivors were chosen by how well they did; a counterexample among them contradicts all the same."""
    bench = levels(ledger, [{"never": {"diverges": True}}], shares=(20, 21), seeds=(0, 1, 2))
    for s in range(3):
        state = State.PRUNED if s in seeds else State.FINISHED
        bench.run({"gamma": 2}, s, pattern(2, s, 40), state=state, last=1 if s in seeds else 2)
    found = verdict_of(bench)
    left, others = 9 - len(seeds), f"{len(seeds)} {'was' if len(seeds) == 1 else 'were'} pruned"
    no_run = (
        "no run of gamma=2 tells"
        if len(seeds) == 3
        else f"{others}: those that are left were chosen by how well they did"
    )
    assert (found.kind, found.reason) == ("undecided", f"none of {left} runs did otherwise, but {no_run}")
    bench.reported(claims=({"never": {"reaches": 0.1}},))
    assert verdict_of(bench).kind == "contradicted"
    bench.reported(claims=({"never": {"stops_before": 1}},))
    assert verdict_of(bench).kind == "supported", "where they were pruned, they had gone far enough to tell"
