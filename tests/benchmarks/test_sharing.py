"""The pieces of the benchmark of sharing: its baseline stops and trains as ours does, and its ratios are what they say.

Nothing here starts Ray.
"""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import factorial, shares
from benchmarks.sharing import fixed_of, name_of, options_of, space_of
from search.core.stopping import GeneralisationLoss
from search.study.leaf import Planner
from search.workload import load_workload
from search.workload.scored import PER_EXAMPLE
from tests.core.stops import stopping_epoch

FILE = "spaces/factorial_small.yaml"
LOSSES = st.lists(st.floats(0, 10) | st.sampled_from([0.0, 0.5, 1.0, 1.25, 1.5]), max_size=30)
ALPHAS = st.none() | st.sampled_from([25.0, 50.0, 100.0]) | st.floats(0.01, 200)


def config(alpha, **option):
    fixed = {"stop.rule": "generalisation_loss", "stop.alpha": 3}
    return {"fixed": fixed, "axes": {"alpha": {"stop.alpha": alpha}, "other": option}}


def stopped(stopper, name, losses, alpha):
    """The epoch at which Ray would end a trial."""
    for epoch, loss in enumerate(losses, start=1):
        if stopper(name, {"val_loss": loss, "train_loss": 1.0, "config": config(alpha)}):
            return epoch
    return None


@given(LOSSES, LOSSES, ALPHAS)
def test_the_baselines_stop_rule_is_ours(losses, others, alpha):
    stopper = factorial.GeneralisationLoss()
    stopped(stopper, "another trial", others, alpha)
    assert stopped(stopper, "this trial", losses, alpha) == stopping_epoch(GeneralisationLoss(alpha), losses)
    assert not stopper.stop_all()


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_the_baseline_ends_a_trial_that_diverged(odd):
    stopper = factorial.GeneralisationLoss()
    assert stopped(stopper, "a", [2.0, odd, 1.0], None) == 2
    assert stopper("b", {"val_loss": 1.0, "train_loss": odd, "config": config(None)})


def test_an_option_overrides_what_is_fixed():
    assert factorial.alpha_of(config(None)) is None
    assert factorial.alpha_of(config(0.5)) == 0.5
    assert factorial.alpha_of(config(0.5, **{"stop.rule": "none"})) is None


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 41, 95])
def test_the_baseline_trains_the_bits_of_ours(number, tmp_path, monkeypatch):
    """One trial, two epochs: what the driver would ask a worker for, against what the plain script does by itself."""
    space = space_of(FILE, {"epochs": "2", "data.limit": "[96,20,20]"})
    parameters = list(grid(space))[number]
    leaf = Planner(space, load_workload(space.workload), {"machine": "this"}).leaf(number, number, 7, parameters)
    ours = factorial.workload.start(leaf.fixed, 1, 0.0)
    asked = {
        "fixed": fixed_of(space),
        "axes": {axis.name: axis.settings(parameters[axis.name]) for axis in space.axes},
        "seed": 7,
        "epochs": 2,
    }
    monkeypatch.setenv(factorial.EPOCHS, str(tmp_path / "ours"))
    expected = [ours.train_epoch(settings) for settings in leaf.schedule]
    monkeypatch.setenv(factorial.EPOCHS, str(tmp_path / "theirs"))
    found = list(factorial.rows(asked))
    assert len(found) == 2
    assert found == [{name: value for name, value in row.items() if name not in PER_EXAMPLE} for row in expected]
    (hashes, seconds), (others, _) = (factorial.epochs_of(tmp_path / name) for name in ("ours", "theirs"))
    assert hashes == others == [factorial.digest(row) for row in expected]
    assert seconds > 0
    assert factorial.alpha_of(asked) == leaf.trial.settings["stop.alpha"]


def grid(space):
    """Parameters of every trial, in the order of the axes."""
    found = [{}]
    for axis in space.axes:
        found = [{**known, axis.name: value} for known in found for value in axis.domain.values]
    return found


def test_both_sides_name_every_trial_alike():
    space = space_of(FILE, {})
    options = options_of(space)
    theirs = [{}]
    for axis, values in options.items():
        theirs = [{**known, axis: value} for known in theirs for value in values]
    names = [name_of(chosen, 0) for chosen in theirs]
    ours = [
        name_of({axis.name: axis.settings(parameters[axis.name]) for axis in space.axes}, 0)
        for parameters in grid(space)
    ]
    assert ours == names
    assert len(set(names)) == 96


@pytest.mark.parametrize(
    ("file", "sets", "text"),
    [
        ("spaces/prior.yaml", {}, "the plain side knows grids"),
        ("spaces/focal.yaml", {"stop.rule": "patience"}, "the plain side knows the stop rule generalisation_loss"),
    ],
)
def test_what_the_plain_side_cannot_do_is_refused(file, sets, text):
    with pytest.raises(SystemExit, match=text):
        space_of(file, sets)


def test_trials_of_several_lengths_are_refused(tmp_path):
    file = tmp_path / "lengths.yaml"
    file.write_text("workload: classifier\nspace: {epochs: {grid: [1, 2]}}\nseeds: [0]\n")
    with pytest.raises(SystemExit, match="the plain side knows trials of one length"):
        space_of(str(file), {})


def test_counting_keeps_a_run_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv(factorial.EPOCHS, str(tmp_path / "epochs"))

    class Plain:
        def train_epoch(self, settings):
            return {"val_loss": 0.5, "predictions": {"val": [1, 2]}}

        def save(self):
            return b"state"

        def load(self, state):
            self.loaded = state

    inner = Plain()
    run = factorial.CountedRun(inner)
    assert run.train_epoch({}) == inner.train_epoch({})
    assert run.save() == b"state"
    run.load(b"other")
    assert inner.loaded == b"other"
    run.train_epoch({})
    hashes, _ = factorial.epochs_of(tmp_path / "epochs")
    assert hashes == [factorial.digest(inner.train_epoch({}))] * 2
    monkeypatch.delenv(factorial.EPOCHS)
    run.train_epoch({})
    assert len(factorial.epochs_of(tmp_path / "epochs")[0]) == 2
    assert factorial.epochs_of(tmp_path / "none") == ([], 0)


@pytest.mark.parametrize(
    "other",
    [
        {"val_loss": math.nextafter(0.5, 1), "predictions": {"val": [1, 2]}},
        {"val_loss": 0.5, "predictions": {"val": [1, 3]}},
        {"val_loss": 0.5, "predictions": {"test": [1, 2]}},
        {"val_loss": 0.5, "zero": 0.0, "predictions": {"val": [1, 2]}},
    ],
)
def test_a_hash_tells_rows_apart_that_differ_in_a_bit(other):
    row = {"val_loss": 0.5, "predictions": {"val": [1, 2]}}
    assert factorial.digest(row) != factorial.digest(other)
    assert factorial.digest({"z": 0.0}) != factorial.digest({"z": -0.0})


# What is printed ---------------------------------------------------------------------------------------------


def side(wall, rows, epochs=40, **more):
    trials = {
        "free": shares.Trial(40, False, {"val_loss": 0.5}),
        "stopped": shares.Trial(epochs, True, {"val_loss": 0.25, "odd": math.nan}),
    }
    return shares.Side(trials, rows, 10.0, wall, 5.0, **more)


OURS = side(15.0, ["a", "b"], distinct=10)


def changed(name, trial):
    return dataclasses.replace(OURS, trials={**OURS.trials, name: trial})


def test_equal_sides_have_no_differences():
    assert shares.differences(OURS, side(99.0, ["b", "a", "b"])) == []
    assert shares.differences(OURS, changed("free", shares.Trial(40, False, {"val_loss": 0.5, "time": 1.0}))) == []


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        (side(1.0, ["a", "b"], epochs=39), ["trial stopped: 40 epochs against 39"]),
        (side(1.0, ["a", "c"]), ["2 rows are on one side only"]),
        (
            dataclasses.replace(OURS, trials={}),
            ["trial free: on one side only", "trial stopped: on one side only"],
        ),
        (changed("free", shares.Trial(40, False, {"val_loss": math.nextafter(0.5, 1)})), ["trial free: val_loss"]),
        (changed("free", shares.Trial(40, False, {})), ["trial free: val_loss"]),
    ],
)
def test_a_difference_is_named(theirs, found):
    assert shares.differences(OURS, theirs) == found


def test_ratios_divide_into_sharing_and_service():
    sides = {shares.OURS: OURS, shares.PLAIN: side(90.0, ["a"] * 10), shares.ALONE: side(60.0, ["a"] * 10)}
    lines = shares.ratios(sides)
    assert lines[1].split() == ["plain", "Ray", "Tune", "5.00", "6.00", "1.20", "8.50", "1.70"]
    assert lines[-1].startswith("plain Ray Tune by ours, 6.00 = 4.00 sharing")
    assert "x 1.50 service" in lines[-1]


@pytest.mark.parametrize(
    ("wall", "rows", "distinct", "holds"),
    [
        (90.0, 10, 10, [True, True, True]),  # 6 times the time, 5 times the epochs, 40 against 10
        (75.0, 12, 10, [False, True, True]),  # 5 against 6
        (76.0, 10, 13, [True, True, True]),
        (74.0, 10, 14, [True, False, False]),
    ],
)
def test_targets_are_read_off_the_sides(wall, rows, distinct, holds):
    ours = dataclasses.replace(OURS, distinct=distinct)
    sides = {shares.OURS: ours, shares.PLAIN: side(wall, ["a"] * rows)}
    assert [found for _, found in shares.targets(sides, without_alpha=True)] == holds
    assert len(shares.targets(sides, without_alpha=False)) == 2


def test_the_table_has_a_line_per_side():
    lines = shares.table({shares.OURS: OURS, shares.PLAIN: side(90.0, ["a"] * 10, load=(0.5, 2.0))})
    assert lines[1].split() == ["ours", "2", "2", "15.0", "10.0", "10.0", "5000", "0.0-0.0"]
    assert lines[2].split()[3:] == ["10", "1", "90.0", "85.0", "10.0", "1000", "0.5-2.0"]
