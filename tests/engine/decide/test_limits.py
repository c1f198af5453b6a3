"""The limits of a study: never more than they allow, the same after a crash, and on from there where one is raised."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.trial import State
from search.engine.decide.lease import Lease, Trained
from search.engine.live import Silent
from search.engine.machines.agreement import StudySample
from search.engine.run import _Steps
from search.ledger.ledger import Ledger
from search.ledger.spending import spending
from search.report.record.complete import incomplete
from search.report.record.curves import read_curves
from search.report.table.build import comparison_table
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.limited import limit_reached
from search.study.opened import OpenStudy
from tests.engine.decide.test_driver import asha, check, fast, ledger
from tests.engine.simulation import Nature, Simulation
from tests.engine.workloads import Synthetic

AXES: dict[str, Any] = {"a": {"grid": [1, 2, 3]}, "switch": {"grid": [None, 2]}}


def limited(limits: Mapping[str, float], seeds: int = 2, axes: Mapping[str, Any] = AXES, **search: Any) -> Space:
    content = {
        "workload": "tests.engine.workloads:Synthetic",
        "fixed": {"epochs": 5},
        "space": dict(axes),
        "seeds": seeds,
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}, **search},
        "limits": dict(limits),
    }
    return space_from_mapping(content, "made up")


def ran(space: Space, opened: Ledger, seed: int = 1, workers: int = 2, **how: Any) -> Simulation:
    simulation = Simulation(space, opened, random.Random(seed), workers, **how)
    simulation.run()
    simulation.driver.close()
    return simulation


def trained(simulation: Simulation) -> list[str]:
    entries = simulation.ledger.decisions(simulation.record.id, ["row"])
    return [entry.key for entry in entries if entry.key is not None]


def states(simulation: Simulation) -> dict[int, tuple[State, bool]]:
    """Trial -> its state, and whether it has an epoch."""
    trials = simulation.ledger.trials(simulation.record.id)
    return {trial.number: (trial.state, trial.last_epoch > 0) for trial in trials}


@pytest.mark.slow
@settings(fast, max_examples=15)
@given(
    most=st.integers(5, 60),
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 4),
    kills=st.lists(st.integers(0, 40), max_size=2),
    dying=st.sampled_from([0, 0.1]),
    sampler=st.sampled_from(["grid", "random", "tpe"]),
    pruned=st.booleans(),
)
def test_a_limit_of_epochs_holds_exactly_and_after_crashes_too(
    most: int, seed: int, workers: int, kills: list[int], dying: float, sampler: str, pruned: bool
) -> None:
    axes = AXES if sampler == "grid" else {"x": {"float": {"low": 0, "high": 1}}, "switch": {"choice": [None, 2]}}
    search: dict[str, Any] = {} if sampler == "grid" else {"sampler": sampler, "trials": 6}
    if pruned:
        search["pruning"] = asha(2)
    rng, nature = random.Random(seed), Nature(diverging=0.02)
    with ledger() as opened:
        for steps in kills:
            killed = Simulation(limited({"epochs": most}, axes=axes, **search), opened, rng, workers, nature, dying)
            killed.run(steps)
            killed.abandon()
        simulation = Simulation(limited({"epochs": most}, axes=axes, **search), opened, rng, workers, nature)
        simulation.run()
        simulation.driver.close()
        rows = trained(simulation)
        assert len(rows) == len(set(rows)) == spending(opened, simulation.record.id).epochs <= most
        if simulation.driver.limit:
            assert len(rows) == most
            assert [entry.detail["limit"] for entry in opened.decisions(simulation.record.id, ["limit"])] == ["epochs"]
            notes = comparison_table(OpenStudy(opened, simulation.record, simulation.space)).notes
            assert f"Limits: this study has spent {most} of {most} epochs." in notes
        else:
            check(simulation)
        ended = states(simulation)
        assert [one for one in ended.values() if one == (State.WAITING, True)] == []  # what was begun is interrupted
        again = Simulation(limited({"epochs": most}, axes=axes, **search), opened, rng, workers, nature)
        again.run()
        again.driver.close()
        assert (trained(again), again.trained) == (rows, [])
        assert states(again) == ended
        raised = Simulation(limited({"epochs": 1000}, axes=axes, **search), opened, rng, workers, nature)
        raised.run()
        assert raised.driver.limit == ""
        assert trained(raised)[: len(rows)] == rows
        check(raised)


def test_a_run_that_finds_its_limit_reached_calls_interrupted_what_a_killed_one_had_begun() -> None:
    with ledger() as opened:
        killed = Simulation(space := limited({"epochs": 7}), opened, random.Random(1), 1)
        killed.run()  # to the limit, and killed before it could close
        killed.abandon()
        record = opened.study(killed.record.name)
        steps = _Steps(space, opened, Synthetic(), Silent(), True, "", StudySample({}, "", {}), [])
        driver, _ = steps._driver(record, 1, 0.0)
        assert not steps._settle(driver)
        begun = {state for state, has_epochs in states(killed).values() if has_epochs}
        assert begun == {State.FINISHED, State.INTERRUPTED}


@pytest.mark.parametrize("workers", [1, 3])
def test_core_hours_end_a_study_and_are_not_counted_anew(workers: int) -> None:
    """An epoch takes a second, of whoever trains it; those in progress are trained to their end."""
    with ledger() as opened:
        space = limited({"core_hours": 20 / 3600})
        simulation = ran(space, opened, workers=workers, lasting=0.0)
        assert simulation.driver.limit == "core_hours"
        seconds = spending(opened, simulation.record.id).seconds
        assert 20 <= seconds < 20 + workers
        (entry,) = opened.decisions(simulation.record.id, ["limit"])
        assert entry.detail["limit"] == "core_hours"
        assert 20 <= entry.detail["core_s"] <= seconds
        notes = comparison_table(OpenStudy(opened, simulation.record, space)).notes
        assert f"Limits: this study has spent {seconds / 3600:.3g} of 0.00555555555556 core hours of training." in notes
        rows = trained(simulation)
        with opened.writing() as connection:  # as if another clock had timed them: it was decided, and stays so
            connection.exec_driver_sql("UPDATE epoch SET seconds = 0.01")
        again = ran(space, opened, workers=workers)
        assert (again.driver.limit, trained(again)) == ("core_hours", rows)
        assert len(opened.decisions(simulation.record.id, ["limit"])) == 1
        raised = ran(limited({"core_hours": 1}), opened, workers=workers)
        assert {trial.state for trial in check(raised)} == {State.FINISHED}


def test_a_trial_is_cut_off_at_the_same_epoch_whoever_trained_it_and_goes_on_where_the_limit_is_raised() -> None:
    with ledger() as opened:
        space = limited({"trial_hours": 3 / 3600}, pruning=asha(1, 1.01))
        simulation = ran(space, opened)
        trials = opened.trials(simulation.record.id)
        ended = {(trial.state, trial.last_epoch, trial.ended_by) for trial in trials}
        assert (State.CUT_OFF, 3, "limits.trial_hours: 0.000833333333333") in ended
        assert {state for state, _, _ in ended} <= {State.CUT_OFF, State.PRUNED}
        again = ran(space, opened)
        assert {(trial.state, trial.last_epoch, trial.ended_by) for trial in opened.trials(again.record.id)} == ended
        assert again.trained == []
        assert len(opened.decisions(again.record.id, ["ended"])) == len(trials), "nothing is decided anew"
        table = comparison_table(OpenStudy(opened, simulation.record, space))
        count = sum(trial.state is State.CUT_OFF for trial in trials)
        note = f"{count} of 12 trials were cut off at epoch 3, behind the limit of 3.0 s of training"
        assert f"{note} (limits.trial_hours); such a run is in no mean." in list(table.notes)
        ran(limited({}, pruning=asha(1, 1.01)), opened)
        goes_on = {trial.number: trial.state for trial in opened.trials(simulation.record.id)}
        assert {goes_on[trial.number] for trial in trials if trial.state is State.CUT_OFF} == {
            State.FINISHED,
            State.PRUNED,
        }
        assert {goes_on[trial.number] for trial in trials if trial.state is State.PRUNED} == {State.PRUNED}


@pytest.mark.parametrize("distrusted", [False, True])
def test_an_epoch_on_record_counts_with_its_seconds_there_though_nobody_is_shown_it_any_more(distrusted: bool) -> None:
    """Another driver may have distrusted its kind since, of which the one that trains it again has not heard."""
    with ledger() as opened:
        simulation = Simulation(limited({"trial_hours": 1}, seeds=1), opened, random.Random(1), 1, own_process=False)
        while not simulation.start():
            simulation.plan()
        ((lease, _),) = simulation.running.values()
        assert isinstance(lease, Lease)
        key, row = lease.path[0], simulation.nature.row(lease.path[0])
        run = opened.begin_run(simulation.record.id, {})
        if distrusted:
            opened.distrust(lease.kind, "another row", True, run)
        with opened.step(simulation.record.id) as step:
            step.put_row(key, 1, row, 2.5, run, lease.kind, "used")
        assert (key in opened.rows([key])) is not distrusted
        simulation.driver.rows(lease.id, [Trained(row, 7.0)])
        fold = simulation.driver.context.board.get(lease.trial)
        assert fold is not None
        assert (fold.epoch, fold.trained_s) == (1, 2.5)
        simulation.abandon()


def test_the_search_ends_at_the_first_setting_that_is_good_enough_under_all_its_seeds() -> None:
    with ledger() as opened:
        space = limited({"target": 0.9})
        simulation = ran(space, opened, workers=1)
        study = OpenStudy(opened, simulation.record, space)
        assert simulation.driver.limit == limit_reached(study) == "target"
        read = read_curves(study)
        means = {}
        for configuration in range(6):
            runs = [curve for curve in read.curves if curve.trial.configuration == configuration]
            if all(curve.trial.state is State.FINISHED for curve in runs):
                means[configuration] = sum(curve.metric("val_loss", 5) for curve in runs) / 2
        (entry,) = opened.decisions(simulation.record.id, ["limit"])
        assert [number for number, value in means.items() if value <= 0.9] == [entry.detail["configuration"]]
        assert incomplete(read).endswith(" val_loss has reached the target 0.9 (limits.target).")
        assert limit_reached(OpenStudy(opened, simulation.record, limited({"target": 0.1}))) == ""
        assert ran(limited({"target": 0.1}), opened).driver.limit == ""


def test_no_lease_is_given_that_a_limit_of_epochs_would_not_let_train() -> None:
    with ledger() as opened:
        simulation = Simulation(limited({"epochs": 6}, seeds=1), opened, random.Random(1), 9)
        while not simulation.driver.context.course.grid_loaded:
            simulation.plan()
        while simulation.start():
            pass
        assert len(simulation.running) <= 6
        assert all(isinstance(lease, Lease) for lease, _ in simulation.running.values())
        simulation.abandon()


def test_limits_are_kept_by_a_study_that_is_read_again_and_make_no_revision() -> None:
    from search.space.recorded import rebuild
    from search.space.writing import dump
    from search.study.revision import identity

    space = limited({"epochs": 20, "core_hours": 1.5, "trial_hours": 0.5, "target": 0.2})
    assert rebuild(dump(space), space.name).limits == space.limits
    assert identity(space) == identity(limited({}))
