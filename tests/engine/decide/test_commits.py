"""A driver that dies around a commit, in the simulation: what was acknowledged is there, what was not left no trace."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.trial import State
from search.engine.decide.death import Death
from search.ledger.kept import Role
from search.ledger.ledger import Ledger
from search.ledger.step import Step
from search.space.model import Space
from search.study.leaf import Planner
from tests.engine.decide.test_driver import cells, check, fast, ledger, space_of, spaces
from tests.engine.simulation import CLASS, Nature, Simulation
from tests.engine.workloads import Synthetic

MOMENTS = ("before", "within", "after")


class Killed(BaseException):
    """No `except Exception` gets hold of it, as of a SIGKILL."""


@contextmanager
def dying(opened: Ledger, commit: int, moment: str) -> Iterator[None]:
    """Let the driver die at its n-th commit: with the state on disk and nothing in the database, with everything
    written and not committed, or committed and nobody told."""
    usual, count = opened.step, [0]

    @contextmanager
    def step(study: int) -> Iterator[Step]:
        count[0] += 1
        if count[0] == commit and moment == "before":
            raise Killed
        with usual(study) as made:
            yield made
            if count[0] == commit and moment == "within":
                made.flush()
                raise Killed
        if count[0] == commit and moment == "after":
            raise Killed

    opened.step = step  # type: ignore[method-assign]
    try:
        yield
    finally:
        opened.step = usual  # type: ignore[method-assign]


def _kind(space: Space) -> str:
    return Planner(space, Synthetic(), CLASS).leaf(0, 0, 0, next(iter(space.grid()))).kind


def rows_and_trials(opened: Ledger, simulation: Simulation) -> tuple[Any, ...]:
    record = simulation.record.id
    keys = sorted({key for path, _ in opened.paths(record).values() for key in path})
    return opened.rows(keys), opened.trials(record), [entry.seq for entry in opened.decisions(record)]


@pytest.mark.slow
@settings(fast, max_examples=20)
@given(
    spaces(),
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from(MOMENTS)), min_size=1, max_size=4),
)
def test_a_driver_may_die_at_any_commit(space: Space, seed: int, deaths: list[tuple[int, str]]) -> None:
    rng, nature = random.Random(seed), Nature(0.02)
    with ledger() as opened:
        before: dict[int, Any] = {}
        rows: dict[str, Any] = {}
        for commit, moment in deaths:
            simulation = Simulation(space, opened, rng, rng.randint(1, 3), nature, rolling=0.5)
            with dying(opened, commit, moment), suppress(Killed):
                simulation.run()
            simulation.abandon()
            found = cells(opened.trials(simulation.record.id))
            known, _, order = rows_and_trials(opened, simulation)
            assert before.items() <= found.items(), "numbers changed"
            assert rows.items() <= known.items(), "a row that was acknowledged is gone"
            assert order == list(range(len(order)))
            before, rows = found, known
        simulation = Simulation(space, opened, rng, 2, nature)
        simulation.run()
        trials = check(simulation)
        assert before.items() <= cells(trials).items()
        assert rows.items() <= rows_and_trials(opened, simulation)[0].items()


@pytest.mark.parametrize("moment", MOMENTS)
def test_between_a_state_and_its_row(moment: str) -> None:
    """The state of epoch 3 is on disk when the driver dies; the study goes on behind it, or trains it again."""
    space = space_of({"a": {"grid": [1]}}, fixed={"epochs": 5})
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(0), 1, rolling=1.0)
        with dying(opened, 5, moment), pytest.raises(Killed):  # admitted, leased, epochs 1 and 2, epoch 3
            simulation.run()
        simulation.abandon()
        assert opened.distrusted() == {}
        (path, _) = opened.paths(simulation.record.id)[0]
        assert len(list(opened.states.folder.glob(f"*/{path[2]}-*"))) == 1, "written before its row is committed"
        committed = 3 if moment == "after" else 2
        assert set(opened.rows(path)) == set(path[:committed])
        kept = opened.states.find(path)
        assert {state.role for state in kept.values()} == {Role.ROLLING}
        assert set(kept) == ({*path[:3]} if moment == "after" else {*path[:2]}), "one more is freed behind the commit"
        assert [pair.row_key for pair in opened.states.pairs([_kind(space)])] == path[1:committed]
        again = Simulation(space, opened, random.Random(0), 1)
        again.run()
        check(again)
        assert [(key, known) for _, key, known in again.trained] == [(key, False) for key in path[committed:]]
        deep = "depth 1" if moment == "after" else "depth 0"
        assert {what for _, what, _ in again.proved} == {deep, "start"}, "the pair of the state before proves it"


def test_how_workers_died_is_on_record() -> None:
    space = space_of({"a": {"grid": [1]}}, attempts=2)
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(0), 1)
        while not simulation._planned:
            simulation.plan()
        deaths = [Death("died of SIGSEGV in epoch 1", "Fatal Python error"), Death("was killed in epoch 1", "by hand")]
        for death in deaths:
            lease = simulation.driver.next_lease()
            assert lease is not None
            simulation.driver.lease_ended(lease.id, lost=True, death=death)
        (trial,) = opened.trials(simulation.record.id)
        assert (trial.state, trial.attempts) == (State.FAILED, 2)
        assert trial.ended_by == "the worker died in each of 2 attempts; the last one was killed in epoch 1"
        assert trial.error == f"{trial.ended_by}\nby hand"
        log = opened.decisions(simulation.record.id, ["died"])
        assert [(entry.trial, entry.detail["how"]) for entry in log] == [(0, death.text) for death in deaths]
        assert simulation.events["died"] == 2
        assert simulation.driver.finished


def test_what_is_in_progress_and_when_it_is_due() -> None:
    space = space_of({"a": {"grid": [1, 2]}}, fixed={"epochs": 5})
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(0), 2)
        while not simulation._planned:
            simulation.plan()
        driver = simulation.driver
        assert (driver.in_progress, driver.due(10.0)) == ([], False)
        assert simulation.start()
        assert simulation.start()
        assert driver.in_progress == [(0, 1), (1, 1)]
        assert driver.due(0.0), "nothing is known yet"
        simulation.lasting = 30.0
        (one, other) = simulation.running
        lease, _ = simulation.running[one]
        simulation.now = 30.0
        assert driver.row(one, simulation.nature.row(lease.path[0]), 30.0)
        assert driver.in_progress == [(0, 2), (1, 1)]
        assert driver.due(0.0), "the other one has taken as long as the usual epoch"
        lease, _ = simulation.running[other]
        assert driver.row(other, simulation.nature.row(lease.path[0]), 8.0)
        assert not driver.due(7.0)
        assert driver.due(8.0)
        driver.stop("a test")
        assert not driver.row(other, simulation.nature.row(lease.path[1]), 8.0)
        assert driver.in_progress == [(0, 2)], "the other one was told to end"
        assert not driver.due(29.0)
