"""Pruners in a run: what is decided follows from the order log alone, and a crash changes nothing of it."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from statistics import fmean, median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.hyperband import Hyperband
from search.core.trial import State
from search.report.record.curves import read_curves
from search.report.table.rung_notes import best_run, places_of, rung_notes
from search.report.views import show_trial
from search.space.model import Space
from search.study.opened import OpenStudy
from search.study.pruner import decided_text, pruner, rungs_on_record, share_going_on
from tests.engine.decide.test_driver import fast, ledger, space_of
from tests.engine.simulation import Nature, Simulation, quantile
from tests.engine.test_numbers import printed

AXES: dict[str, Any] = {"a": {"grid": list(range(7))}, "switch": {"grid": [None, 3]}}
HYPERBAND = {"hyperband": {"grace_period": 1, "reduction_factor": 2}}
MEDIAN = {"median": {"grace_period": 2, "min_finished": 2}}


def verdicts(simulation: Simulation) -> dict[tuple[int, int, str], bool]:
    """What must have been decided, worked out anew from the order log: bracket (or 0), epoch and key -> goes on."""
    space, nature, opened = simulation.space, simulation.nature, simulation.ledger
    paths = opened.paths(simulation.record.id)
    configuration = {trial.number: trial.configuration for trial in opened.trials(simulation.record.id)}
    placing = Hyperband(1, 2, 8, maximize=False)
    seen: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    finished: dict[int, dict[str, float]] = defaultdict(dict)
    said: dict[tuple[int, int, str], bool] = {}
    for entry in opened.decisions(simulation.record.id, ["rung", "ended"]):
        assert entry.trial is not None
        path = paths[entry.trial][0]
        curve = [nature.row(key).metrics["val_loss"] for key in path[: entry.epoch]]
        if entry.kind == "ended":
            if entry.detail["state"] in (State.FINISHED, State.STOPPED):
                for epoch in range(1, len(curve) + 1):
                    finished[epoch][path[epoch - 1]] = fmean(curve[:epoch])
            continue
        assert entry.epoch is not None
        assert entry.key == path[entry.epoch - 1]
        if space.search.median is not None:
            others = list(finished[entry.epoch].values())
            name, goes_on = (0, entry.epoch, entry.key), len(others) < 2 or min(curve) <= median(others)
        else:
            bracket = placing.bracket_of(configuration[entry.trial])
            assert entry.detail["bracket"] == bracket
            earlier = seen[bracket, entry.epoch]
            name = bracket, entry.epoch, entry.key
            goes_on = not earlier or -curve[-1] >= quantile(earlier, 0.5)
            earlier.append(-curve[-1])
        assert name not in said, "decided twice"
        said[name] = goes_on
        assert entry.detail["goes_on"] is goes_on
    return said


def check(simulation: Simulation) -> None:
    """Every trial ended where its keys were decided to end, and nowhere else."""
    said, placing = verdicts(simulation), Hyperband(1, 2, 8, maximize=False)
    paths = simulation.ledger.paths(simulation.record.id)
    for trial in simulation.ledger.trials(simulation.record.id):
        bracket = 0 if simulation.space.search.median is not None else placing.bracket_of(trial.configuration)
        path = paths[trial.number][0]
        ends = [epoch for epoch, key in enumerate(path, start=1) if said.get((bracket, epoch, key)) is False]
        assert (trial.state, trial.last_epoch) == ((State.PRUNED, ends[0]) if ends else (State.FINISHED, 8))


@pytest.mark.slow
@settings(fast, max_examples=10)
@given(
    st.sampled_from([HYPERBAND, MEDIAN]),
    st.integers(0, 2**32),
    st.integers(1, 4),
    st.lists(st.integers(0, 90), max_size=2),
)
def test_decisions_follow_from_the_log_whenever_the_driver_is_killed(
    pruning: dict[str, Any], seed: int, workers: int, kills: list[int]
) -> None:
    space, rng = space_of(AXES, fixed={"epochs": 8}, pruning=pruning), random.Random(seed)
    with ledger() as opened:
        for steps in kills:
            killed = Simulation(space, opened, rng, workers)
            killed.run(steps)
            killed.abandon()
        simulation = Simulation(space, opened, rng, workers)
        simulation.run()
        check(simulation)
        rule = pruner(space, rungs_on_record(opened, simulation.record.id))
        assert rule is not None
        for entry in opened.decisions(simulation.record.id, ["rung"]):
            assert entry.trial is not None
            number = opened.trials(simulation.record.id)[entry.trial].configuration
            assert rule.decided(entry.epoch or 0, entry.key or "", number)


@pytest.mark.parametrize(
    ("pruning", "words"),
    [(HYPERBAND, "goes on, in bracket"), (MEDIAN, "trainings that had finished"), ({}, "")],
)
def test_a_pruned_trial_says_what_it_was_compared_with(pruning: dict[str, Any], words: str) -> None:
    with ledger() as opened:
        space = space_of(AXES, fixed={"epochs": 8}, **({"pruning": pruning} if pruning else {}))
        simulation = Simulation(space, opened, random.Random(3), 2, Nature())
        simulation.run()
        study = OpenStudy(opened, simulation.record, space)
        pruned = [trial.number for trial in opened.trials(study.record.id) if trial.state is State.PRUNED]
        assert bool(pruned) == bool(pruning)
        for number in pruned:
            assert words in " ".join(printed(show_trial(study, number)).split())


def test_what_is_expected_of_brackets_is_the_mean_over_them() -> None:
    """Of 22 configurations 8 come to rungs at 1, 2 and 4 epochs, 6 at 2 and 4, 4 at 4, and 4 at none."""
    share = share_going_on(space_of(AXES, fixed={"epochs": 8}, pruning=HYPERBAND))
    assert share is not None
    assert Hyperband(1, 2, 8).sizes == [4, 4, 6, 8]
    assert share(0, 1) == 1
    assert share(0, 2) == pytest.approx((4 + 4 + 6 + 8 / 2) / 22)
    assert share(0, 8) == pytest.approx((4 + 4 / 2 + 6 / 4 + 8 / 8) / 22)
    assert share_going_on(space_of(AXES, fixed={"epochs": 8}, pruning=MEDIAN)) is None


@pytest.mark.parametrize(
    ("pruning", "said"),
    [
        (HYPERBAND, "successive halving may end trials behind epochs 1, 2 and 4"),
        (MEDIAN, "the median rule may end trials behind each epoch from 2 on"),
        ({"asha": {"grace_period": 5}}, "successive halving may end trials behind epoch 5"),
        ({"asha": {"grace_period": 3, "promote": True}}, "successive halving pauses trials behind epoch 3"),
        ({"hyperband": {"grace_period": 7}}, ""),
    ],
)
def test_where_is_decided_is_said_beforehand(pruning: dict[str, Any], said: str) -> None:
    assert decided_text(space_of(AXES, fixed={"epochs": 8}, pruning=pruning)) == said
    assert decided_text(space_of(AXES, fixed={"epochs": 8})) == ""


def test_a_space_says_which_pruner_it_has_and_one_revision_is_not_another() -> None:
    from search.study.revision import identity

    def of(pruning: dict[str, Any] | None) -> Space:
        return space_of(AXES, fixed={"epochs": 8}, **({} if pruning is None else {"pruning": pruning}))

    each = [None, HYPERBAND, MEDIAN, {"asha": {"grace_period": 1, "reduction_factor": 2}}]
    assert len({identity(of(pruning)) for pruning in each}) == len(each)


def test_a_table_says_where_the_best_run_stood_on_each_rung_and_what_would_have_lost_it() -> None:
    with ledger() as opened:
        space = space_of(AXES, fixed={"epochs": 8}, pruning={"asha": {"grace_period": 2, "reduction_factor": 2}})
        simulation = Simulation(space, opened, random.Random(5), 1, Nature())
        simulation.run()
        read = read_curves(OpenStudy(opened, simulation.record, space))
        best = best_run(read)
        assert best is not None
        finished = [curve for curve in read.curves if curve.trial.state is State.FINISHED]
        assert best.metric("val_loss", 8) == min(curve.metric("val_loss", 8) or 9 for curve in finished)
        places = places_of(read, best)
        for epoch, place, count in places:
            keys = {entry.key for entry in opened.decisions(read.record.id, ["rung"]) if entry.epoch == epoch}
            losses = sorted(simulation.nature.row(key or "").metrics["val_loss"] for key in keys)
            assert (losses.index(best.metric("val_loss", epoch)), len(losses)) == (place - 1, count)
        assert [epoch for epoch, _, _ in places] == [2, 4]
        (note,) = [note.text for note in rung_notes(read)]
        least = min(count / place for _, place, count in places)
        assert note.startswith(f"Rungs: the best run (trial {best.trial.number}) stood ")
        assert note.endswith(f"were fewer than one in {least:.3g} let go on, it would have been lost.")


def test_a_table_says_where_the_best_run_came_nearest_to_the_median() -> None:
    with ledger() as opened:
        space = space_of(AXES, fixed={"epochs": 8}, pruning=MEDIAN)
        simulation = Simulation(space, opened, random.Random(5), 1, Nature())
        simulation.run()
        read = read_curves(OpenStudy(opened, simulation.record, space))
        best = best_run(read)
        assert best is not None
        ended: list[list[float]] = []
        leads: dict[int, float] = {}
        for entry in opened.decisions(read.record.id, ["rung", "ended"]):
            losses = [simulation.nature.row(key).metrics["val_loss"] for key in read.curves[entry.trial or 0].keys]
            if entry.kind == "rung" and entry.key in best.keys and len(ended) >= MEDIAN["median"]["min_finished"]:
                epoch = entry.epoch or 0
                leads[epoch] = median([fmean(one[:epoch]) for one in ended]) - min(losses[:epoch])
            elif entry.kind == "ended" and entry.detail["state"] == State.FINISHED and losses not in ended:
                ended.append(losses)
        (note,) = [note.text for note in rung_notes(read)]
        nearest = min(leads, key=lambda epoch: leads[epoch])
        assert leads[nearest] >= 0
        assert note.startswith(
            f"Median rule: the best run (trial {best.trial.number}) came nearest to its end at epoch {nearest}:"
        )
        assert re.search(r" and above [\d.]+ it would have been lost, the median of the averages up to there of", note)


def test_a_best_run_that_no_median_looked_at() -> None:
    with ledger() as opened:
        space = space_of(AXES, fixed={"epochs": 8}, pruning={"median": {"grace_period": 1, "min_finished": 900}})
        simulation = Simulation(space, opened, random.Random(5), 1, Nature())
        simulation.run()
        (note,) = rung_notes(read_curves(OpenStudy(opened, simulation.record, space)))
        assert note.text.endswith(" was compared with nothing, for fewer than 900 had finished before its last epochs.")
