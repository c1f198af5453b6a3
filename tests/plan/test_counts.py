"""Counts of epochs: as counted by hand on small spaces, and as a simulated run then trains them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.trial import Row, State
from search.ledger.kept import Role
from search.ledger.ledger import Ledger
from search.plan.place import Place
from search.plan.plan import Plan, plan_of
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.leaf import Planner
from search.study.revision import continued_study
from tests.engine.decide.test_driver import asha, fast, ledger, space_of, spaces
from tests.engine.simulation import CLASS, Nature, Simulation, study
from tests.engine.workloads import Synthetic

PLACE = Place(CLASS, 1, 0.0, 2, "a test")


def planned(space: Space, opened: Ledger, sharing: bool = True) -> Plan:
    planner = Planner(space, Synthetic(), CLASS, sharing)
    kin = [record for record in opened.studies() if record.name == space.name]
    return plan_of(space, opened, planner, PLACE, kin[0] if kin else None)


def trained(simulation: Simulation) -> tuple[int, int]:
    """Epochs a run trained, and those it trained again, as its driver counted them."""
    progress = simulation.driver.progress
    assert progress.epochs_trained + progress.epochs_retrained == len(simulation.trained)
    return progress.epochs_trained, progress.epochs_retrained


def proved(simulation: Simulation) -> int:
    """Epochs a run trained in fresh processes, to prove others."""
    return simulation.driver.progress.epochs_proved


def bounded(plan: Plan, simulation: Simulation) -> int:
    """The same without samples where configurations are still to be chosen: of those the plan says one in a hundred."""
    samples = sum(what.startswith("sample") for _, what, _ in simulation.proved)
    return proved(simulation) - (samples if plan.unasked else 0)


def simulated(space: Space, opened: Ledger, seed: int = 0, **how: Any) -> Simulation:
    simulation = Simulation(space, opened, random.Random(seed), **how)
    assert simulation.run()
    simulation.driver.close()
    return simulation


def grid(axes: Mapping[str, Any], seeds: Any = 1, **more: Any) -> Space:
    return space_of(axes, seeds, **more)


@pytest.fixture
def opened(tmp_path: Any) -> Any:
    found = Ledger(str(tmp_path / "search.db"))
    yield found
    found.close()


def test_counts_by_hand(opened: Ledger) -> None:
    # Two values of a: nothing shared. Switches behind 1 and 3 of 5 epochs: 1 shared, then one goes on to 3 alone.
    space = grid({"a": {"grid": [1, 2]}, "switch": {"grid": [1, 3, None]}}, seeds=2)
    epochs = planned(space, opened).epochs
    assert epochs.full == epochs.alone == 2 * 2 * 3 * 5
    # per a and seed: 1-5 without switch; behind 3: 2 more; behind 1: 4 more
    assert epochs.distinct == epochs.needed == epochs.train == epochs.least == 2 * 2 * (5 + 2 + 4)
    assert (epochs.recorded, epochs.again, epochs.expected) == (0, 0, None)
    assert epochs.exact


def test_lengths_and_stop_rules_share_a_curve(opened: Ledger) -> None:
    space = grid(
        {"epochs": {"grid": [3, 5]}, "stop.alpha": {"grid": [None, 5, 40]}},
        fixed={"stop.rule": "generalisation_loss"},
    )
    plan = planned(space, opened)
    assert (plan.trials, plan.epochs.full, plan.epochs.distinct, plan.epochs.train) == (6, 3 * 3 + 3 * 5, 5, 5)
    assert plan.epochs.exact, "the trials without a threshold go to their end whatever happens"
    assert plan.known_ends == 0
    simulated(space, opened)
    after = planned(space, opened)
    assert after.known_ends == 6
    assert (after.epochs.train, after.epochs.again, after.epochs.recorded) == (0, 0, 5)
    assert after.epochs.alone < after.epochs.full


def test_bounds_where_a_stop_rule_may_end_every_trial(opened: Ledger) -> None:
    space = grid({"a": {"grid": [1, 2]}}, fixed={"stop.rule": "patience", "stop.patience": 1})
    epochs = planned(space, opened).epochs
    assert (epochs.train, epochs.least) == (10, 2)
    assert not epochs.exact


def test_rungs_of_withdrawn_rows_prune_nobody(opened: Ledger) -> None:
    """As the driver has it: a value that is shown to nobody is not one to be measured by."""
    space = grid({"a": {"grid": [1, 2]}}, pruning=asha(1, 2))
    record = study(opened, space)
    run = opened.begin_run(record.id, {})
    better, worse = [known.leaf for known in planned(space, opened).stock.trials]
    with opened.step(record.id) as step:
        for leaf, loss, origin in ((better, 0.1, "used"), (worse, 0.9, "fresh")):
            step.put_row(leaf.path[0], 1, Row({"val_loss": loss, "train_loss": loss}), 0.1, run, leaf.kind, origin)
        step.add_trial(replace(better.trial, state=State.INTERRUPTED, last_epoch=1), better.path, better.data)
        step.log("rung", trial=0, epoch=1, key=better.path[0], value=0.1, goes_on=True)
    assert [known.ended for known in planned(space, opened).stock.trials] == [False, True]
    opened.distrust(worse.kind, "it differs", True, run)
    assert [known.ended for known in planned(space, opened).stock.trials] == [False, False]


def test_asha_in_expectation(opened: Ledger) -> None:
    # Rungs at 1, 2, 4 of 5 epochs, eta 2: 1 + 1/2 + 2 x 1/4 + 1/8 epochs of each of four values
    space = grid({"a": {"grid": [1, 2, 3, 4]}}, pruning=asha(1, 2))
    epochs = planned(space, opened).epochs
    assert (epochs.train, epochs.least) == (20, 4)
    assert epochs.expected == pytest.approx(4 * (1 + 0.5 + 0.5 + 0.125))


def test_an_adaptive_sampler_is_bounded_by_its_trials(opened: Ledger) -> None:
    space = grid({"x": {"float": {"low": 0, "high": 1}}}, seeds=2, sampler="tpe", trials=4)
    plan = planned(space, opened)
    assert (plan.trials, plan.configurations, plan.unasked) == (8, 4, 4)
    assert (plan.epochs.full, plan.epochs.train, plan.epochs.least) == (40, 40, 0)
    run = simulated(space, opened)
    after = planned(space, opened)
    assert (after.trials, after.unasked, after.epochs.train) == (8, 0, 0)
    assert after.epochs.recorded == trained(run)[0]


@pytest.mark.slow
def test_a_sampler_that_does_not_learn_is_as_exact_as_a_grid(opened: Ledger) -> None:
    axes = {"a": {"choice": [1, 2, 3]}, "switch": {"choice": [2, None]}}
    space = grid(axes, sampler="random", trials=4)
    epochs = planned(space, opened).epochs
    assert epochs.exact
    assert trained(simulated(space, opened)) == (epochs.train, 0)


def test_states_that_are_not_kept_are_paid_for(opened: Ledger) -> None:
    content = dict(grid({"switch": {"grid": [1, 3, None]}}).source)
    space = space_from_mapping({**content, "resources": {"states_gb": 0}}, "made up")
    plan = planned(space, opened)
    assert (plan.epochs.train, plan.epochs.again, plan.room.kept) == (11, 4, 0)
    assert trained(simulated(space, opened, room=0)) == (11, 4)


def test_without_sharing_every_trial_is_trained(opened: Ledger) -> None:
    space = grid({"switch": {"grid": [1, 3, None]}})
    assert planned(space, opened, sharing=False).epochs.train == 15
    assert trained(simulated(space, opened, sharing=False)) == (15, 0)


def test_a_longer_study_starts_from_the_states_of_a_shorter_one(opened: Ledger) -> None:
    short = grid({"switch": {"grid": [2, None]}})
    simulated(short, opened)
    longer = space_from_mapping(
        {**short.source, "name": "longer", "fixed": {**short.source["fixed"], "epochs": 8}}, "longer"
    )
    # The state of epoch 2 proves nothing that starts behind epoch 5: one trial goes back to it, and brings what does.
    plan = planned(longer, opened)
    assert (plan.epochs.recorded, plan.epochs.train, plan.epochs.again, plan.epochs.prove) == (8, 6, 3, 1)
    opened.states.clean(everything=True)
    plan = planned(longer, opened)
    assert (plan.epochs.train, plan.epochs.again) == (6, 8), "what both share is passed once"
    run = simulated(longer, opened)
    assert (*trained(run), proved(run)) == (6, 8, plan.epochs.prove)


@pytest.mark.slow
@settings(fast, max_examples=12)
@given(spaces(samplers=("grid",)), st.integers(0, 2**32 - 1), st.booleans())
def test_what_is_planned_is_what_a_run_trains(space: Space, seed: int, sharing: bool) -> None:
    with ledger() as opened:
        plan = planned(space, opened, sharing)
        run = simulated(space, opened, seed, workers=1 + seed % 3, sharing=sharing)
        epochs, again = trained(run)
        assert plan.epochs.least <= epochs <= plan.epochs.train
        assert bounded(plan, run) <= plan.epochs.prove
        if plan.epochs.exact:
            assert (epochs, again, proved(run)) == (plan.epochs.train, plan.epochs.again, plan.epochs.prove)
        after = planned(space, opened, sharing)
        assert (after.epochs.train, after.epochs.again, after.epochs.prove) == (0, 0, 0)
        assert after.epochs.recorded == after.epochs.needed == epochs
        assert after.known_ends == after.trials


@pytest.mark.slow
@fast
@given(spaces(samplers=("grid", "random", "tpe")), st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_what_is_planned_in_the_middle_is_what_is_left(space: Space, seed: int, steps: int) -> None:
    with ledger() as opened:
        first = Simulation(space, opened, random.Random(seed), workers=2, rolling=0.3)
        ended = first.run(steps)
        first.abandon()
        if not ended:
            first.driver.close()
        plan = planned(space, opened)
        run = simulated(space, opened, seed + 1, workers=1 + seed % 3, rolling=0.3)
        epochs, again = trained(run)
        assert plan.epochs.least <= epochs <= plan.epochs.train
        assert bounded(plan, run) <= plan.epochs.prove
        if plan.epochs.exact and not plan.unasked:
            assert (epochs, again, proved(run)) == (plan.epochs.train, plan.epochs.again, plan.epochs.prove)


@st.composite
def parted(draw: st.DrawFn, name: str) -> Space:
    """Grids whose trials part at many epochs, and which have epochs in common with one another."""
    epochs = draw(st.integers(2, 12))
    switches = st.lists(st.sampled_from([*range(1, 9), None]), min_size=1, max_size=4, unique=True)
    axes: dict[str, Any] = {"switch": {"grid": draw(switches)}, "a": {"grid": draw(st.sampled_from([[0], [1, 0]]))}}
    if draw(st.booleans()):
        axes["epochs"] = {"grid": [epochs, epochs + 3]}
    found = space_of(axes, seeds=draw(st.integers(1, 2)), fixed={"epochs": epochs})
    return space_from_mapping({**found.source, "name": name}, name)


@pytest.mark.slow
@settings(fast, max_examples=30)
@given(parted("mine"), st.lists(parted("other"), max_size=2), st.integers(0, 2**32 - 1), st.integers(0, 60), st.data())
def test_what_is_planned_is_what_a_run_trains_whatever_is_on_record(
    space: Space, others: list[Space], seed: int, steps: int, data: st.DataObject
) -> None:
    """A run of the study was killed, others have trained some of its epochs, some of their states have gone."""
    rng = random.Random(seed)
    with ledger() as opened:
        for number, earlier in enumerate([space, *others]):
            earlier = (
                space_from_mapping({**earlier.source, "name": f"{earlier.name} {number}"}, "") if number else space
            )
            begun = Simulation(earlier, opened, rng, workers=rng.randint(1, 3), rolling=0.3)
            begun.run(steps if not number or data.draw(st.booleans()) else None)
            begun.abandon()
        keys = [key for record in opened.studies() for path, _ in opened.paths(record.id).values() for key in path]
        opened.states.forget([key for key in sorted(opened.states.find(keys)) if rng.random() < 0.3])
        plan, workers = planned(space, opened), 1 + seed % 3
        run = simulated(space, opened, seed + 1, workers=workers)
        assert plan.epochs.exact
        assert trained(run)[0] == plan.epochs.train
        if workers == 1:  # several may let a leaf start earlier, where one waits for the pair that another chain brings
            assert (trained(run)[1], proved(run)) == (plan.epochs.again, plan.epochs.prove)


@pytest.mark.slow
@settings(fast, max_examples=30)
@given(spaces(samplers=("grid",)), st.integers(0, 2**32 - 1))
def test_states_are_counted_before_they_are_kept(space: Space, seed: int) -> None:
    with ledger() as opened:
        plan = planned(space, opened)
        if not plan.epochs.exact:
            return
        run = simulated(space, opened, seed, nature=Nature())
        keys = {key for path, _ in opened.paths(run.record.id).values() for key in path}
        kept = [state for state in opened.states.find(sorted(keys)).values() if state.role != Role.SPACED]
        assert plan.room.kept == len(kept)


def test_nothing_is_written(opened: Ledger) -> None:
    space = grid({"a": {"grid": [1, 2]}})
    planned(space, opened)
    assert opened.studies() == []
    assert continued_study(opened, space) is None
