"""Trials that pause at rungs: the paper's jobs in the paper's order, from saved states, and after a crash too."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.trial import State
from search.engine.decide import ahead
from search.engine.decide.lease import Lease
from search.report.views import show_trial
from search.space.model import Space
from search.study.opened import OpenStudy
from search.study.pruner import pruner, rungs_on_record
from search.study.revision import identity
from tests.core.test_promotion import Pseudocode
from tests.engine.decide.test_driver import fast, ledger, space_of
from tests.engine.simulation import Nature, Simulation
from tests.engine.test_numbers import printed

GRID: dict[str, Any] = {"a": {"grid": list(range(7))}, "switch": {"grid": [None, 3]}}
PRIOR: dict[str, Any] = {"x": {"float": {"low": 0, "high": 1}}}


def promoted(axes: dict[str, Any] = GRID, **search: Any) -> Space:
    asha = {"grace_period": 1, "reduction_factor": 2, "promote": True}
    return space_of(axes, fixed={"epochs": 8}, pruning={"asha": asha}, **search)


def check(simulation: Simulation) -> None:
    """The order log holds the jobs that the pseudo-code of the paper gives, and trials ended where it leaves them."""
    opened, paper = simulation.ledger, Pseudocode([1, 2, 4], 2)
    for entry in opened.decisions(simulation.record.id, ["rung", "promoted"]):
        assert entry.epoch is not None
        assert entry.key is not None
        if entry.kind == "rung":
            assert entry.key not in paper.rungs[entry.epoch], "it came there twice"
            assert entry.detail["value"] == simulation.nature.row(entry.key).metrics["val_loss"]
            paper.rungs[entry.epoch][entry.key] = -entry.detail["value"]
        else:
            assert paper.get_job() == (entry.epoch, entry.key)
            paper.promoted[entry.epoch].add(entry.key)
    assert paper.get_job() is None, "somebody was left paused who belongs to the best"
    paths = opened.paths(simulation.record.id)
    for trial in opened.trials(simulation.record.id):
        path = paths[trial.number][0]
        stays = [epoch for epoch in paper.rungs if path[epoch - 1] not in paper.promoted[epoch]]
        expected = (State.PRUNED, stays[0], f"rung {stays[0]}") if stays else (State.FINISHED, 8, "last epoch")
        assert (trial.state, trial.last_epoch, trial.ended_by) == expected


@pytest.mark.slow
@settings(fast, max_examples=12)
@given(
    st.booleans(),
    st.integers(0, 2**32),
    st.integers(1, 4),
    st.lists(st.integers(0, 90), max_size=2),
    st.sampled_from([0.0, 0.1]),
)
def test_the_jobs_are_those_of_the_paper_whenever_the_driver_is_killed(
    listed: bool, seed: int, workers: int, kills: list[int], dying: float
) -> None:
    space = promoted() if listed else promoted(PRIOR, sampler="random", trials=12)
    rng = random.Random(seed)
    with ledger() as opened:
        for steps in kills:
            killed = Simulation(space, opened, rng, workers, dying=dying)
            killed.run(steps)
            killed.abandon()
        simulation = Simulation(space, opened, rng, workers)
        simulation.run()
        check(simulation)
        again = Simulation(space, opened, rng, workers)
        again.run()
        check(again)
        assert again.trained == []


def test_paused_trials_take_no_room_from_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a search of more trials than are laid out ahead as many may pause, and nothing could start any more."""
    monkeypatch.setattr(ahead, "MAX_LEAVES_AHEAD", 3)
    axes = {"x": {"float": {"low": 0.0, "high": 1.0}}}
    with ledger() as opened:
        simulation = Simulation(promoted(axes, sampler="random", trials=20), opened, random.Random(1), 1)
        simulation.run()
        assert len(opened.trials(simulation.record.id)) == 20
        check(simulation)


def test_a_promoted_trial_goes_on_from_its_state() -> None:
    with ledger() as opened:
        simulation = Simulation(promoted(), opened, random.Random(1), 1)
        given, start = [], simulation.driver.next_lease
        simulation.driver.next_lease = lambda: given.append(start()) or given[-1]  # type: ignore[method-assign]
        simulation.run()
        check(simulation)
        leases = [lease for lease in given if isinstance(lease, Lease)]
        revived = [lease for lease in leases if lease.trial in {one.trial for one in leases[: leases.index(lease)]}]
        assert len(revived) >= 5
        assert {lease.offset for lease in revived} >= {1, 2, 4}, "at first none is proven, and one begins anew"
        distinct = len({key for _, key, _ in simulation.trained})
        assert len(simulation.trained) - distinct <= 8, "a few, until a state of each depth was proven"


def test_more_trials_later_revive_what_had_been_left_paused() -> None:
    with ledger() as opened:
        first = Simulation(promoted(PRIOR, sampler="random", trials=6), opened, random.Random(1), 2)
        first.run()
        before = {trial.number: trial for trial in opened.trials(first.record.id)}
        more = Simulation(promoted(PRIOR, sampler="random", trials=24), opened, random.Random(1), 2)
        more.run()
        check(more)
        after = {trial.number: trial for trial in opened.trials(first.record.id)}
        assert any(after[number].last_epoch > trial.last_epoch for number, trial in before.items())


def test_what_is_on_record_is_promoted_without_training() -> None:
    with ledger() as opened:
        Simulation(space_of(GRID, fixed={"epochs": 8}), opened, random.Random(1), 2).run()
        opened.update_study(1, name="trained at full length", base_name="trained at full length")
        simulation = Simulation(promoted(), opened, random.Random(1), 2)
        simulation.run()
        check(simulation)
        assert simulation.trained == []
        assert simulation.driver.progress.epochs_reused == sum(
            trial.last_epoch for trial in opened.trials(simulation.record.id)
        )


def test_a_paused_trial_says_what_it_was_measured_by_and_the_log_tells_the_rest() -> None:
    with ledger() as opened:
        space = promoted()
        simulation = Simulation(space, opened, random.Random(3), 2, Nature())
        simulation.run()
        study = OpenStudy(opened, simulation.record, space)
        paused = next(trial for trial in opened.trials(study.record.id) if trial.state is State.PRUNED)
        shown = " ".join(printed(show_trial(study, paused.number)).split())
        assert "trainings that came there: one in 2 goes on" in shown
        rule = pruner(space, rungs_on_record(opened, study.record.id))
        assert rule is not None
        assert rule.resumes


def test_promotion_makes_another_study_and_its_absence_does_not() -> None:
    asha = {"grace_period": 1, "reduction_factor": 2}
    plain = space_of(GRID, fixed={"epochs": 8}, pruning={"asha": asha})
    off = space_of(GRID, fixed={"epochs": 8}, pruning={"asha": {**asha, "promote": False}})
    assert identity(plain) == identity(off) != identity(promoted())
