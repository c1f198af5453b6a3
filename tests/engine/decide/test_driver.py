"""The driver under a simulated executor: whatever happens, a study ends, and as its rows say it must."""

from __future__ import annotations

import random
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.core.prefix import fingerprint
from search.core.pruning import Asha, rungs
from search.core.trial import Row, State, Trial
from search.engine.decide.context import Context
from search.engine.decide.driver import Driver
from search.engine.decide.lease import Lease, Proof
from search.engine.live import Silent
from search.engine.machines.agreement import StudySample
from search.engine.run import _Steps
from search.ledger.ledger import Ledger, StudyRecord
from search.space.model import Space
from search.space.reader import space_from_mapping
from search.study.leaf import longest
from search.study.opened import OpenStudy
from search.workload.form import Form
from tests.engine.simulation import CLASS, Nature, Simulation, end_of, study, verdicts_of
from tests.engine.workloads import Synthetic
from tests.surroundings import HANG_S

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
WORKLOAD = "tests.engine.workloads:Synthetic"
fast = settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))


@contextmanager
def ledger() -> Iterator[Ledger]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        opened = Ledger(str(Path(folder) / "search.db"))
        try:
            yield opened
        finally:
            opened.close()


def space_of(axes: Mapping[str, Any], seeds: Any = 1, fixed: Mapping[str, Any] | None = None, **search: Any) -> Space:
    content = {
        "workload": WORKLOAD,
        "fixed": {"epochs": 5, **(fixed or {})},
        "space": dict(axes),
        "seeds": seeds,
        "search": {"objective": {"metric": "val_loss", "direction": "minimize"}, **search},
    }
    for name in axes:
        content["fixed"].pop(name, None)
    return space_from_mapping(content, "made up")


def asha(grace: int = 1, factor: float = 2) -> dict[str, Any]:
    return {"asha": {"grace_period": grace, "reduction_factor": factor}}


LENGTHS = st.lists(st.integers(2, 9), min_size=1, max_size=3, unique=True)
FLOAT = {"float": {"low": 0.0, "high": 1.0}}


@st.composite
def spaces(draw: st.DrawFn, samplers: tuple[str, ...] = ("grid", "random", "tpe")) -> Space:
    """Studies with every word of the space file the driver must cope with."""
    sampler = draw(st.sampled_from(samplers))
    kind = "grid" if sampler == "grid" else "choice"
    axes: dict[str, Any] = {"a": {kind: draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))}}
    fixed: dict[str, Any] = {"epochs": draw(st.integers(2, 9))}
    if draw(st.booleans()):
        axes["epochs"] = {kind: draw(LENGTHS)}
    rule = draw(st.sampled_from(["none", "generalisation_loss", "patience"]))
    fixed["stop.rule"] = rule
    if rule == "generalisation_loss":
        axes["stop.alpha"] = {kind: draw(st.sampled_from([[5, 40, None], [20], [80, 10, 3, 25]]))}
    if rule == "patience":
        axes["stop.patience"] = {kind: [1, 3]}
    if draw(st.booleans()):
        axes["switch"] = {kind: draw(st.sampled_from([[1, 3], [None, 2], [2, 4, None]]))}
    if sampler != "grid" and draw(st.booleans()):
        axes["turn"] = {"int": {"low": 1, "high": draw(st.integers(2, 9))}}
    if draw(st.booleans()):
        axes["kind"] = {kind: ["plain", "rich"]}
        axes["extra"] = {kind: [1, 2], "when": {"kind": "rich"}}
    if sampler != "grid" and draw(st.booleans()):
        axes["x"] = FLOAT
    objective = draw(
        st.sampled_from([("val_loss", "minimize"), ("score", "maximize")]),
    )
    search: dict[str, Any] = {
        "sampler": sampler,
        "objective": dict(zip(("metric", "direction"), objective, strict=True)),
    }
    if sampler != "grid":
        search["trials"] = draw(st.integers(1, 8))
        search["seed"] = draw(st.integers(0, 3))
    grace = draw(st.integers(0, 3))
    if 0 < grace < max([*axes.get("epochs", {}).get(kind, []), 0] if "epochs" in axes else [fixed["epochs"]]):
        search["pruning"] = asha(grace, draw(st.sampled_from([2, 3, 1.5])))
    return space_of(axes, draw(st.sampled_from([1, 2, [7, 3]])), fixed, **search)


def check(simulation: Simulation, dying: bool = False) -> list[Trial]:
    """What must hold of every study that ended, however it came about; return its trials."""
    ledger, record, space, nature = simulation.ledger, simulation.record, simulation.space, simulation.nature
    trials = ledger.trials(record.id)
    paths = ledger.paths(record.id)
    verdicts = verdicts_of(ledger, record, space)
    log = ledger.decisions(record.id)
    assert [entry.seq for entry in log] == list(range(len(log)))
    assert [trial.number for trial in trials] == list(range(len(trials)))
    pairs = Counter((fingerprint(trial.parameters), trial.seed) for trial in trials)
    assert set(pairs.values()) <= {1}, "a configuration stands there twice under one seed"
    assert all(trial.state.ended for trial in trials)
    board = simulation.driver.context.board
    assert (board._waiting, board._paused, board._kin, board._turns) == ({}, {}, {}, {}), (
        "what is decided takes no room"
    )
    assert (len(board), len(board.untouched), [*board.touched()]) == (0, 0, [])
    on_rungs = set()
    asha_rungs = set()
    if space.search.asha:
        asha_rungs = set(rungs(space.search.asha.grace_period, space.search.asha.reduction_factor, longest(space)))
    for trial in trials:
        path = paths[trial.number][0]
        assert len(path) == trial.epochs
        end, last = end_of(trial, path, space, nature, verdicts)
        if dying and trial.error.startswith("the worker died"):
            deaths = simulation.deaths[trial.number]
            assert deaths >= space.search.attempts
            told = f"the worker died in each of {deaths} attempts; the last one exited without leaving a trace"
            assert (trial.error, trial.ended_by) == (told, told)
            assert (trial.state, trial.last_epoch < trial.epochs) == (State.FAILED, True)
            last = trial.last_epoch
        else:
            assert (trial.state, trial.last_epoch) == (end, last)
        rows = ledger.rows(path[:last])
        assert sorted(rows) == sorted(path[:last])
        assert all(rows[key].row == nature.row(key) and rows[key].epoch == t for t, key in enumerate(path[:last], 1))
        passed = last if trial.state in (State.PRUNED, State.FAILED) else last - 1
        on_rungs |= {(t, key) for t, key in enumerate(path[:passed], 1) if t in asha_rungs}
        ends = [entry for entry in log if entry.kind == "ended" and entry.trial == trial.number]
        assert [(entry.epoch, entry.detail["state"], entry.detail["ended_by"]) for entry in ends][-1] == (
            trial.last_epoch,
            trial.state,
            trial.ended_by,
        )
        assert sum(entry.detail["state"] != State.FAILED for entry in ends) == (trial.state != State.FAILED)
    assert set(verdicts) == on_rungs
    if space.search.asha:
        fold = Asha(
            space.search.asha.grace_period,
            space.search.asha.reduction_factor,
            longest(space),
            space.search.objective.maximize,
        )
        for entry in ledger.decisions(record.id, ["rung"]):
            assert fold.feed(entry.epoch, entry.key, entry.detail["value"]) is entry.detail["goes_on"]
    for trial in trials:
        for epoch in range(1, trial.last_epoch):
            assert verdicts.get((epoch, paths[trial.number][0][epoch - 1])) is not False, "pruned, and trained on"
    assert simulation.driver.progress.alarms == []
    assert simulation.driver.progress.done == len(trials)
    assert simulation.driver.progress.states[State.FAILED] == sum(trial.state == State.FAILED for trial in trials)
    assert {state for state, count in simulation.driver.progress.states.items() if count} == {t.state for t in trials}
    check_configurations(space, trials, simulation)
    return trials


def check_configurations(space: Space, trials: list[Trial], simulation: Simulation) -> None:
    """Every configuration under every seed; a grid whole, a sampler's distinct ones up to the number asked for."""
    found = {trial.configuration: trial.parameters for trial in trials}
    assert sorted(found) == list(range(len(found)))
    assert len({fingerprint(parameters) for parameters in found.values()}) == len(found)
    assert Counter(trial.configuration for trial in trials) == {number: len(space.seeds) for number in found}
    if space.search.sampler == "grid":
        assert [found[number] for number in range(len(found))] == list(space.grid())
        return
    wanted = space.search.trials
    assert wanted is not None
    assert len(found) <= wanted
    if "x" in {axis.name for axis in space.axes}:
        assert len(found) == wanted
    asked = simulation.ledger.decisions(simulation.record.id, ["asked"])
    assert [entry.detail["parameters"] for entry in asked] == [found[number] for number in range(len(found))]
    questions = [entry.detail["questions"] for entry in asked]
    assert questions == sorted(set(questions))


def needed(simulation: Simulation) -> set[str]:
    """The distinct epochs of a study: those that some trial went through."""
    paths = simulation.ledger.paths(simulation.record.id)
    trials = simulation.ledger.trials(simulation.record.id)
    return {key for trial in trials for key in paths[trial.number][0][: trial.last_epoch]}


def may_end_early(space: Space) -> bool:
    """Whether a chain may end in a state that another one starts from: nobody trained the row behind it then."""
    return space.search.asha is not None or space.fixed.get("stop.rule", "none") != "none"


def check_sharing(simulation: Simulation, disturbed: bool = False) -> None:
    """What a lease trains a second time is only the way to something new, and nothing is trained twice at once."""
    fresh = Counter(key for _, key, known in simulation.trained if not known)
    assert set(fresh.values()) <= {1}
    for lease in {lease for lease, _, _ in simulation.trained}:
        known = [known for number, _, known in simulation.trained if number == lease]
        assert known == sorted(known, reverse=True), "known epochs behind new ones"
        if not simulation.nature.failing and not disturbed:
            assert not known[-1], "a lease that brought nothing new"


def undisturbed(space: Space, seed: int, workers: int, slow: float, diverging: float) -> None:
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(seed), workers, Nature(diverging), slow=slow)
        simulation.run()
        trials = check(simulation)
        check_sharing(simulation)
        assert {key for _, key, _ in simulation.trained} == needed(simulation)
        assert len(simulation.trained) == len(needed(simulation)) or may_end_early(space), "each once, no other"
        assert State.FAILED not in {trial.state for trial in trials}
        assert simulation.events["ended"] == len(trials)
        trained = [key for _, key, known in simulation.trained if not known]
        log = opened.decisions(simulation.record.id, ["row"])
        assert [entry.key for entry in log] == trained
        assert simulation.driver.progress.epochs_trained == len(trained)
        if space.search.sampler == "tpe":
            assert max(simulation.sampler.seen) < workers


DRAWN = (
    spaces(),
    st.integers(0, 2**32),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.3, 0.9]),
    st.sampled_from([0, 0.04]),
)


@pytest.mark.slow
@settings(fast, max_examples=15)
@given(*DRAWN)
def test_an_undisturbed_study(space: Space, seed: int, workers: int, slow: float, diverging: float) -> None:
    undisturbed(space, seed, workers, slow, diverging)


@pytest.mark.stress
@settings(fast, max_examples=1_000)
@given(*DRAWN)
def test_a_thousand_undisturbed_studies(space: Space, seed: int, workers: int, slow: float, diverging: float) -> None:
    undisturbed(space, seed, workers, slow, diverging)


MORTAL = (
    spaces(),
    st.integers(0, 2**32),
    st.integers(1, 4),
    st.sampled_from([0.05, 0.3]),
    st.sampled_from([0, 0.05]),
)


def mortal(space: Space, seed: int, workers: int, dying: float, failing: float) -> None:
    """Run a study whose workers die and whose trials fail, and check how each trial ended."""
    with ledger() as opened:
        nature = Nature(0.02, failing)
        simulation = Simulation(space, opened, random.Random(seed), workers, nature, dying)
        simulation.run()
        for trial in check(simulation, dying=True):
            assert trial.attempts <= space.search.attempts
            if trial.state == State.FAILED and "died" not in trial.error:
                key = opened.paths(simulation.record.id)[trial.number][0][trial.last_epoch]
                assert trial.error == f"Traceback\nZeroDivisionError: {key}"
                assert trial.ended_by == f"ZeroDivisionError: {key}"


@pytest.mark.slow
@fast
@given(*MORTAL)
def test_dying_workers_and_failing_trials(space: Space, seed: int, workers: int, dying: float, failing: float) -> None:
    mortal(space, seed, workers, dying, failing)


@pytest.mark.stress
@settings(fast, max_examples=1_000)
@given(*MORTAL)
def test_dying_workers_and_failing_trials_a_thousand_times(
    space: Space, seed: int, workers: int, dying: float, failing: float
) -> None:
    mortal(space, seed, workers, dying, failing)


@pytest.mark.slow
@fast
@given(
    spaces(),
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 4), st.booleans()), min_size=1, max_size=3),
    st.sampled_from([0, 0.04]),
    st.sampled_from([0, 0.1]),
)
def test_restarts_at_any_moment(
    space: Space, seed: int, runs: list[tuple[int, int, bool]], failing: float, dying: float
) -> None:
    rng, nature = random.Random(seed), Nature(0.02, failing)
    states: dict[str, Any] = {"rotten": rng.choice([0, 0.3]), "full": rng.choice([0, 0.3]), "rolling": 0.3}
    with ledger() as opened:
        before: dict[int, Any] = {}
        for steps, workers, in_order in runs:
            room = rng.choice([0, 2, 1_000_000])
            simulation = Simulation(space, opened, rng, workers, nature, dying, room=room, **states)
            simulation.run(steps)
            if in_order:
                simulation.driver.stop("a test")
                simulation.driver.close()
                assert State.RUNNING not in {trial.state for trial in opened.trials(simulation.record.id)}
            simulation.abandon()
            found = {
                t.number: (t.configuration, t.seed, dict(t.parameters)) for t in opened.trials(simulation.record.id)
            }
            assert before.items() <= found.items(), "numbers changed"
            before = found
        simulation = Simulation(space, opened, rng, 3, nature)
        simulation.run()
        trials = check(simulation)
        assert before.items() <= cells(trials).items()
        again = Simulation(space, opened, rng, 3, nature)
        again.run()
        assert [trial for trial in check(again) if trial.state != State.FAILED] == [
            trial for trial in trials if trial.state != State.FAILED
        ]
        if not any(trial.state == State.FAILED for trial in trials):
            assert again.trained == []


@pytest.mark.slow
@fast
@given(spaces(("grid", "random")), st.integers(0, 2**32), st.integers(0, 50))
def test_a_restarted_study_equals_an_undisturbed_one(space: Space, seed: int, steps: int) -> None:
    if space.search.asha:
        return
    ends = []
    for stops in ([], [steps, steps // 2]):
        rng = random.Random(seed)
        with ledger() as opened:
            for stop in stops:
                simulation = Simulation(space, opened, rng)
                simulation.run(stop)
                simulation.abandon()
            simulation = Simulation(space, opened, rng)
            simulation.run()
            paths = opened.paths(simulation.record.id)
            # Numbers are given in the order configurations are admitted, which a restart does not change.
            ends.append(
                [
                    (
                        t.number,
                        t.configuration,
                        t.seed,
                        t.parameters,
                        t.state,
                        t.ended_by,
                        t.last_epoch,
                        paths[t.number],
                    )
                    for t in check(simulation)
                ]
            )
    assert ends[0] == ends[1]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "qmc", "tpe", "gp", "cmaes"])
def test_a_sampler_goes_on_after_a_restart(sampler: str) -> None:
    axes = {"x": FLOAT, "a": {"int": {"low": 0, "high": 50}}}
    trials = 6 if sampler == "gp" else 12
    sequences = []
    for stops in ([], [25, 30]):
        with ledger() as opened:
            space = space_of(axes, 2, {"epochs": 3}, sampler=sampler, trials=trials)
            for stop in stops:
                simulation = Simulation(space, opened, random.Random(stop), 2)
                assert not simulation.run(stop)
                simulation.abandon()
            simulation = Simulation(space, opened, random.Random(5), 2)
            simulation.run()
            check(simulation)
            sequences.append([e.detail["parameters"] for e in opened.decisions(simulation.record.id, ["asked"])])
    assert len(sequences[1]) == trials
    assert sequences[0][0] == sequences[1][0]
    if sampler in ("random", "qmc"):
        assert sequences[0] == sequences[1]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc"])
def test_a_tiny_space_is_exhausted(sampler: str) -> None:
    space = space_of({"a": {"choice": [1, 2]}, "kind": {"choice": ["plain", "rich"]}}, 2, sampler=sampler, trials=50)
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(1), 3)
        simulation.run()
        assert len(check(simulation)) == 8


@pytest.mark.slow
@pytest.mark.parametrize(
    "axes",
    [
        {"stop.alpha": {"choice": [1, 5, 10, 20, 40, 60, None]}, "a": {"choice": [1]}},
        {"switch": {"int": {"low": 1, "high": 9}}},
        {"switch": {"choice": [1, 3, 5]}, "turn": {"choice": [2, 4, None]}},
        {"kind": {"choice": ["plain", "rich"]}, "switch": {"choice": [3, 5], "when": {"kind": "rich"}}},
    ],
    ids=" ".join,
)
def test_a_sampler_that_comes_back_to_a_chain_finds_a_state(axes: Mapping[str, Any]) -> None:
    """Where a chain was stopped, and wherever a value that was not drawn yet would have parted from it."""
    fixed = {"epochs": 10, "stop.rule": "generalisation_loss" if "stop.alpha" in axes else "none"}
    for workers in (1, 2):
        with ledger() as opened:
            space = space_of(axes, 1, fixed, sampler="tpe", trials=8)
            simulation = Simulation(space, opened, random.Random(1), workers)
            simulation.run()
            check(simulation)
            assert not any(known for _, _, known in simulation.trained)


@pytest.mark.slow
@settings(fast, max_examples=8)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_leaves_on_one_chain_are_trained_once(seed: int, workers: int) -> None:
    axes = {"epochs": {"grid": [2, 8, 5]}, "stop.alpha": {"grid": [10, 50, None]}}
    space = space_of(axes, 2, {"stop.rule": "generalisation_loss"})
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(seed), workers)
        simulation.run()
        check(simulation)
        assert not any(known for _, _, known in simulation.trained)
        assert len({lease for lease, _, _ in simulation.trained}) == 2, "one lease per chain"
        assert len(simulation.trained) == 16


def test_a_second_study_trains_nothing_that_is_known() -> None:
    with ledger() as opened:
        first = space_of(
            {"a": {"grid": [1, 2]}, "stop.alpha": {"grid": [None]}}, 2, {"stop.rule": "generalisation_loss"}
        )
        simulation = Simulation(first, opened, random.Random(1))
        simulation.run()
        second = space_from_mapping(
            {**first.source, "name": "another", "space": {"a": {"grid": [2, 1]}, "stop.alpha": {"grid": [10, 30]}}}
        )
        simulation = Simulation(second, opened, random.Random(2))
        simulation.run()
        trials = check(simulation)
        assert len(trials) == 8
        assert simulation.trained == []
        assert simulation.driver.progress.epochs_trained == 0
        assert simulation.driver.progress.epochs_reused == sum(trial.last_epoch for trial in trials)


def test_without_sharing_every_trial_trains_alone() -> None:
    with ledger() as opened:
        space = space_of({"a": {"grid": [1, 2]}, "stop.patience": {"grid": [4, 5]}}, 2, {"stop.rule": "patience"})
        simulation = Simulation(space, opened, random.Random(1), sharing=False)
        simulation.run()
        trials = check(simulation)
        assert len(simulation.trained) == sum(trial.last_epoch for trial in trials)
        assert not any(known for _, _, known in simulation.trained)


def test_a_study_goes_on_under_other_keys() -> None:
    """Sharing switched off, or changed source: paths of unfinished trials are not what they were."""
    with ledger() as opened:
        space = space_of({"a": {"grid": [1, 2, 3]}}, 2)
        simulation = Simulation(space, opened, random.Random(1))
        simulation.run(12)
        simulation.abandon()
        states = Counter(trial.state for trial in opened.trials(simulation.record.id))
        assert states[State.RUNNING]
        simulation = Simulation(space, opened, random.Random(2), sharing=False)
        simulation.run()
        check(simulation)


def test_what_a_killed_driver_left_running_is_interrupted() -> None:
    with ledger() as opened:
        space = space_of({"a": {"grid": [1, 2, 3]}})
        simulation = Simulation(space, opened, random.Random(1))
        simulation.run(6)
        simulation.abandon()
        assert State.RUNNING in {trial.state for trial in opened.trials(simulation.record.id)}
        simulation = Simulation(space, opened, random.Random(1))
        simulation.driver.stop("Ctrl-C")
        simulation.driver.close()
        assert State.RUNNING not in {trial.state for trial in opened.trials(simulation.record.id)}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 9])
@pytest.mark.parametrize("sampler", ["grid", "tpe", "random"])
def test_more_seeds_train_only_those(sampler: str, workers: int) -> None:
    search = {} if sampler == "grid" else {"sampler": sampler, "trials": 5}
    axes = {"a": {"grid" if sampler == "grid" else "choice": [1, 2, 3, 4, 5, 6, 7, 8]}}
    with ledger() as opened:
        simulation = Simulation(space_of(axes, [4], **search), opened, random.Random(1))
        simulation.run()
        before = check(simulation)
        simulation = Simulation(space_of(axes, [4, 6], **search), opened, random.Random(1), workers)
        simulation.run()
        trials = check(simulation)
        assert trials[: len(before)] == before
        assert {trial.seed for trial in trials[len(before) :]} == {6}
        assert len(simulation.trained) == sum(trial.last_epoch for trial in trials[len(before) :])


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_more_trials_go_on(sampler: str) -> None:
    with ledger() as opened:
        for trials in (3, 7):
            space = space_of({"x": FLOAT}, 2, sampler=sampler, trials=trials)
            simulation = Simulation(space, opened, random.Random(1))
            simulation.run()
            assert len(check(simulation)) == 2 * trials


def test_a_failed_trial_is_tried_again_by_the_next_run() -> None:
    space = space_of({"a": {"grid": list(range(12))}})
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(1), nature=Nature(failing=0.1))
        simulation.run()
        failed = [trial.number for trial in check(simulation) if trial.state == State.FAILED]
        assert 0 < len(failed) < 12
        simulation = Simulation(space, opened, random.Random(1))
        simulation.run()
        for trial in check(simulation):
            assert trial.state == State.FINISHED
            assert (trial.ended_by, trial.error, trial.attempts) == ("last epoch", "", 1)
        assert {lease.trial for lease in leases(simulation)} == set(failed)


def leases(simulation: Simulation) -> list[Any]:
    """The leases of the last run, from the order log."""
    log = simulation.ledger.decisions(simulation.record.id, ["lease"])
    first = max(index for index, entry in enumerate(log) if entry.detail["lease"] == 0)
    return log[first:]


def cells(trials: list[Trial]) -> dict[int, Any]:
    return {trial.number: (trial.configuration, trial.seed, dict(trial.parameters)) for trial in trials}


class Metricless(Nature):
    def row(self, key: str) -> Row:
        return Row({"train_loss": 1.0, "accuracy": 0.5})


def test_a_row_without_the_objective_fails_with_a_reason() -> None:
    with ledger() as opened:
        simulation = Simulation(space_of({"a": {"grid": [1, 2]}}), opened, random.Random(1), nature=Metricless())
        simulation.run()
        for trial in opened.trials(simulation.record.id):
            assert (trial.state, trial.last_epoch) == (State.FAILED, 1)
            assert trial.ended_by == (
                "the row has no metric 'val_loss'; it has accuracy, train_loss; name one of them in search.objective"
            )


def test_a_lease_that_goes_on_is_told_what_rows_its_run_has() -> None:
    with ledger() as opened:
        axes = {"switch": {"grid": [2, None]}}
        simulation = Simulation(space_of(axes), opened, random.Random(1), workers=1)
        leases = []
        start = simulation.driver.next_lease
        simulation.driver.next_lease = lambda: leases.append(start()) or leases[-1]  # type: ignore[method-assign]
        simulation.run()
        given = {lease.offset: lease.form for lease in leases if isinstance(lease, Lease)}
        assert given == {0: None, 2: Form(frozenset({"train_loss", "val_loss", "score"}), {}, None)}


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_limit_that_left_nothing_undone_is_not_said(sampler: str) -> None:
    """The last trial ends behind it; nobody asks for another one."""
    with ledger() as opened:
        search = {"sampler": sampler, "trials": 3, "hours": 25 / 3600}
        space = space_of({"x": {"float": {"low": 0, "high": 1}}}, fixed={"epochs": 10}, **search)
        simulation = Simulation(space, opened, random.Random(1), workers=1)
        simulation.run()
        assert simulation.now > 25
        assert {trial.state for trial in opened.trials(simulation.record.id)} == {State.FINISHED}
        assert not simulation.driver.out_of_time


def test_outages_do_not_begin_the_hours_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines: list[float] = []

    class Heard(Context):
        def __init__(self, *given: Any, deadline: float | None, **more: Any) -> None:
            assert deadline is not None
            deadlines.append(deadline)
            super().__init__(*given, deadline=deadline, **more)

    monkeypatch.setattr("search.engine.run.Context", Heard)
    with ledger() as opened:
        space = space_of({"x": {"grid": [1, 2]}}, hours=1)
        record = study(opened, space)
        opened.update_study(record.id, execution_class=CLASS)
        shared: list[float] = []
        for _ in range(3):
            steps = _Steps(space, opened, Synthetic(), Silent(), True, "", StudySample({}, "", {}), shared)
            steps._driver(opened.study(record.name), 1, 0.0, training=True)
    assert len(deadlines) == 3
    assert len(set(deadlines)) == 1


def test_hours_end_a_run() -> None:
    with ledger() as opened:
        space = space_of({"a": {"grid": list(range(30))}}, hours=0.01)  # 36 s, an epoch takes one
        simulation = Simulation(space, opened, random.Random(1))
        simulation.run()
        simulation.driver.close()
        trials = opened.trials(simulation.record.id)
        assert 36 <= len(simulation.trained) <= 46
        assert {trial.state for trial in trials} <= {State.FINISHED, State.WAITING}
        simulation = Simulation(space_of({"a": {"grid": list(range(30))}}), opened, random.Random(1))
        simulation.run()
        assert len(check(simulation)) == 30


def test_what_ends_the_planner_ends_the_run() -> None:
    with ledger() as opened:
        simulation = Simulation(space_of({"a": {"grid": [1]}}), opened, random.Random(1))

        def refuse(*_: Any) -> None:
            raise ValueError("these settings clash")

        simulation.driver.context.planner.leaf = refuse  # type: ignore[method-assign, assignment]
        with pytest.raises(ValueError, match=r"^these settings clash$"):
            simulation.run()
        with pytest.raises(ValueError, match=r"^these settings clash$"):
            simulation.driver.next_lease()
        with pytest.raises(ValueError, match=r"^these settings clash$"):
            simulation.driver.wait_for_work()


def test_nothing_is_admitted_once_a_run_is_ending() -> None:
    with ledger() as opened:
        simulation = Simulation(space_of({"x": FLOAT}, sampler="random", trials=9), opened, random.Random(1))
        simulation.plan()  # stands before its first question now
        simulation.driver.stop("Ctrl-C")
        simulation.driver.close()
        for _ in range(20):  # the questions of a batch
            simulation.plan()
        assert simulation._planned
        assert opened.trials(simulation.record.id) == []
        assert opened.decisions(simulation.record.id) == []


def test_the_planner_in_a_real_thread() -> None:
    """The same with real waiting: `next_lease` is patient, `wait_for_work` returns."""
    from search.engine.decide.context import Context
    from search.study.leaf import Planner
    from search.study.sampling import make_sampler
    from tests.engine.simulation import CLASS, study
    from tests.engine.workloads import Synthetic

    space = space_of({"x": FLOAT}, 2, sampler="tpe", trials=6, pruning=asha())
    nature = Nature()
    with ledger() as opened:
        record: StudyRecord = study(opened, space)
        run = opened.begin_run(record.id, {})
        planner = Planner(space, Synthetic(), CLASS)
        driver = Driver(Context(OpenStudy(opened, record, space), planner, make_sampler(space), run, 2))
        thread = threading.Thread(target=driver.plan_ahead, daemon=True)
        thread.start()
        assert driver.wait_for_work()
        while (lease := driver.next_lease(wait_s=20)) is not None:
            if isinstance(lease, Proof):
                driver.proved(lease.id, [nature.row(stretch.key) for stretch in lease.stretches])
            for key in getattr(lease, "path", ()):
                if not driver.row(lease.id, nature.row(key), 0.1):
                    break
            driver.lease_ended(lease.id)
        thread.join(HANG_S)
        assert not thread.is_alive()
        assert driver.finished
        assert not driver.wait_for_work()
        trials = opened.trials(record.id)
        verdicts = verdicts_of(opened, record, space)
        assert len(trials) == 12
        for trial in trials:
            path = opened.paths(record.id)[trial.number][0]
            assert (trial.state, trial.last_epoch) == end_of(trial, path, space, nature, verdicts)
