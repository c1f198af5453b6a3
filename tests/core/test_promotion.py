"""Promoted ASHA: the paper's pseudo-code on any order, and what it finds for its epochs beside the stopping kind."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.pruners import simulated
from search.core.hyperband import Hyperband
from search.core.median import MedianRule
from search.core.promotion import Promotion
from search.core.pruning import Asha, Pruner

EPOCHS = 300
"""Of a simulated search; each kind tries as many configurations as it comes to."""


class Pseudocode:
    """Algorithm 2 of Li et al. 2020, as it is printed; more is better."""

    def __init__(self, rungs: Sequence[int], eta: float) -> None:
        self.eta, self.rungs = eta, {epoch: {} for epoch in rungs}  # type: ignore[var-annotated]
        self.promoted: dict[int, set[str]] = {epoch: set() for epoch in rungs}

    def get_job(self) -> tuple[int, str] | None:
        for epoch in reversed(self.rungs):
            came = self.rungs[epoch]
            top = int(len(came) / self.eta)  # top_k(rung, |rung| / eta)
            candidates = sorted(came, key=lambda key: -came[key])[:top]
            promotable = [key for key in candidates if key not in self.promoted[epoch]]
            if promotable:
                return epoch, promotable[0]
        return None


def test_a_golden_sequence() -> None:
    """Rungs at 1, 2 and 4 of 8 epochs, one in two goes on."""
    rule = Promotion(1, 2, 8)
    assert rule.judge(1, "a1", [0.5]) is False
    assert rule.next() is None, "half of one is none"
    assert rule.judge(1, "b1", [0.7]) is False
    assert rule.next() == (1, "b1")
    rule.promote(1, "b1")
    assert rule.judge(1, "b1", [0.7]) is True
    assert rule.judge(2, "b2", [0.7, 0.6]) is False
    assert rule.next() is None
    assert rule.judge(1, "c1", [0.6]) is False
    assert rule.next() is None, "a half of three is one, and that one went on"
    assert rule.judge(1, "d1", [0.9]) is False
    assert rule.next() == (1, "d1")
    rule.promote(1, "d1")
    assert rule.judge(2, "d2", [0.9, 0.8]) is False
    assert rule.next() == (2, "d2"), "the highest rung first"
    rule.promote(2, "d2")
    assert rule.judge(1, "e1", [0.1]) is False
    assert rule.judge(1, "f1", [0.1]) is False
    assert rule.next() == (1, "c1"), "paused long ago, and now it belongs to the best three of six"
    assert rule.judge(3, "d3", [0.9, 0.8, 0.8]) is None
    assert rule.because(1, "a1") == (0.6, "the last of the 3 best of the 6 trainings that came there: one in 2 goes on")


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-5, 5).map(float)) | st.none(), max_size=60), st.booleans())
@settings(max_examples=80, deadline=None)
def test_it_is_the_pseudo_code_of_the_paper_and_a_replay_goes_on_alike(
    events: list[tuple[int, float] | None], maximize: bool
) -> None:
    """None asks for a job; else a trial comes to a rung, whose best the paper does not order where they are equal."""
    rule, paper, log = Promotion(1, 3, 27, maximize), Pseudocode([1, 3, 9], 3), []
    for number, event in enumerate(events):
        if event is None:
            job = rule.next()
            assert job == paper.get_job()
            if job is not None:
                rule.promote(*job)
                paper.promoted[job[0]].add(job[1])
                log.append((*job, None))
            continue
        epoch, key = [1, 3, 9][event[0]], f"{number}"
        value = event[1] if maximize else -event[1]
        assert rule.judge(epoch, key, [value]) is False
        paper.rungs[epoch][key] = event[1]
        log.append((epoch, key, value))
    again = Promotion(1, 3, 27, maximize)
    for epoch, key, came in log:
        if came is None:
            again.promote(epoch, key)
        else:
            again.restore(epoch, key, {"value": came})
    while (job := rule.next()) is not None:
        assert again.next() == job
        rule.promote(*job)
        again.promote(*job)
    assert again.next() is None


# What it finds --------------------------------------------------------------------------------------------------


def check(studies: int) -> None:
    found = simulated(studies, EPOCHS, EPOCHS, ["asha", "promote"])
    assert {outcome.epochs for outcomes in found.values() for outcome in outcomes} == {EPOCHS}
    stopped, promoted = (fmean(outcome.regret for outcome in found[name]) for name in ("asha", "promote"))
    print(f"{studies} studies of {EPOCHS} epochs: mean regret stopped {stopped:.4f}, promoted {promoted:.4f}")
    assert promoted < stopped


def test_it_finds_a_better_setting_for_the_same_epochs() -> None:
    check(30)


@pytest.mark.stress
def test_it_finds_a_better_setting_in_a_thousand_studies() -> None:
    check(1000)


@pytest.mark.parametrize("rule", [Asha(1, 2, 9), Hyperband(1, 2, 9), MedianRule(1, 1, 9)], ids=type)
def test_a_rule_that_ends_trials_for_good_promotes_none(rule: Pruner) -> None:
    for key, value in (("a", 0.9), ("b", 0.1)):
        rule.judge(1, key, [value], 0)
    assert not rule.resumes
    assert rule.next() is None
