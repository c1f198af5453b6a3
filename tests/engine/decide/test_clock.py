"""The driver against the clock: no worker stands idle beside work, and a study takes no longer than theory allows.

With W workers, a list schedule of epochs whose only order is that of their chains ends within
(all epochs) / W + (1 - 1 / W) (longest chain), whichever is started first (Graham 1969, "Bounds on multiprocessing
timing anomalies"). A lease binds a worker for many epochs, but at no moment may an epoch that could be trained wait
beside an idle worker; so the bound holds. Proofs are epochs like others; where a chain parts from another it may have
to wait for the row behind the state and for the proof, which makes it so much longer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.core.trial import State
from search.engine.decide import pace
from search.engine.decide.lease import Lease
from search.space.model import Space
from tests.engine.clock import TICK, Timed, equal, mixed
from tests.engine.decide.test_driver import check, check_sharing, ledger, may_end_early, needed, space_of, spaces
from tests.engine.simulation import Nature

few = settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
many = settings(few, max_examples=1_000)
SEEDS = st.integers(0, 2**32)
WORKERS = st.integers(1, 5)


def within_the_bound(space: Space, seed: int, workers: int, duration: Callable[[str], float], diverging: float) -> None:
    with ledger() as opened:
        timed = Timed(space, opened, random.Random(seed), workers, Nature(diverging), duration=duration)
        timed.run()
        check(timed)
        check_sharing(timed)
        again = [key for _, key, known in timed.trained if known]
        assert {key for _, key, _ in timed.trained} == needed(timed)
        if not may_end_early(space):
            assert not again, "each once, no other"
        if not timed.sampler.adaptive:  # its next question may wait for an answer
            work = timed.work() + timed.proving() + sum(map(duration, again))
            longest = timed.chain() + timed.gates() + sum(map(duration, again))
            assert timed.now <= work / workers + (1 - 1 / workers) * longest + 1e-6


@pytest.mark.slow
@few
@given(spaces(), SEEDS, WORKERS, st.sampled_from([equal, mixed]), st.sampled_from([0, 0.04]))
def test_a_study_takes_no_longer_than_its_epochs_allow(
    space: Space, seed: int, workers: int, duration: Callable[[str], float], diverging: float
) -> None:
    within_the_bound(space, seed, workers, duration, diverging)


@pytest.mark.stress
@many
@given(spaces(), SEEDS, WORKERS, st.sampled_from([equal, mixed]), st.sampled_from([0, 0.04]))
def test_so_do_a_thousand_studies(
    space: Space, seed: int, workers: int, duration: Callable[[str], float], diverging: float
) -> None:
    within_the_bound(space, seed, workers, duration, diverging)


# Against training alone -----------------------------------------------------------------------------------------


@st.composite
def trees(draw: st.DrawFn) -> Space:
    """Grids of equal length that share prefixes: roots, and places where chains part."""
    axes: dict[str, Any] = {"switch": {"grid": draw(st.lists(st.integers(1, 7), min_size=1, max_size=4, unique=True))}}
    if draw(st.booleans()):
        axes["a"] = {"grid": list(range(draw(st.integers(1, 2))))}
    if draw(st.booleans()):
        axes["turn"] = {"grid": draw(st.lists(st.integers(1, 7), min_size=1, max_size=3, unique=True))}
    return space_of(axes, draw(st.sampled_from([1, 2])), {"epochs": 8})


def no_slower_than_alone(space: Space, seed: int, workers: int) -> None:
    walls = []
    for sharing in (True, False):
        with ledger() as opened:
            timed = Timed(space, opened, random.Random(seed), workers, sharing=sharing)
            timed.run()
            assert {trial.state for trial in check(timed)} == {State.FINISHED}
            walls.append(timed.now)
            if not sharing:
                assert len(timed.trained) == 8 * space.grid_size() * len(space.seeds)
                rounds = -(-space.grid_size() * len(space.seeds) // workers)
                assert 8 * rounds <= timed.now <= 8 * rounds + timed.proving()
            else:
                gates = timed.gates()
    assert walls[0] <= walls[1] + gates


@pytest.mark.slow
@few
@given(trees(), SEEDS, WORKERS)
def test_sharing_is_slower_than_training_alone_by_its_proofs_at_most(space: Space, seed: int, workers: int) -> None:
    no_slower_than_alone(space, seed, workers)


@pytest.mark.stress
@many
@given(trees(), SEEDS, WORKERS)
def test_nor_is_it_in_a_thousand_studies(space: Space, seed: int, workers: int) -> None:
    no_slower_than_alone(space, seed, workers)


# Workers that are slow, and workers that die --------------------------------------------------------------------


def test_nobody_waits_for_a_worker_that_stands_still() -> None:
    """One of two workers stalls in the trunk: its branches, its own one among them, are trained by the other one."""
    space = space_of({"switch": {"grid": [3, 5, 7]}}, fixed={"epochs": 9})
    with ledger() as opened:
        stalled = {0: 10_000.0}
        timed = Timed(space, opened, random.Random(1), 2, slowness=lambda lease: stalled.get(lease.id, 1.0))
        timed.driver.context.pace._recent.extend([1.0] * 9)
        timed.run()
        assert {trial.state for trial in check(timed)} == {State.FINISHED}
        assert max(timed.ended_at.values()) <= pace.MIN_SILENCE_S + TICK + 9 + 6 + 4 + timed.proving()
        assert [known for lease, _, known in timed.trained if lease == 0] == [True], "it came too late"


def test_a_lease_is_given_the_time_its_own_epochs_take() -> None:
    """Of a large model among small ones: nobody starts its epochs a second time because they take longer."""
    space = space_of({"a": {"grid": [1, 2]}, "switch": {"grid": [3, 5]}}, fixed={"epochs": 9})
    with ledger() as opened:
        slowness = {1: 1e3, 2: 1.0}
        timed = Timed(space, opened, random.Random(1), 3, slowness=lambda lease: slowness[lease.fixed["a"]])
        timed.reporting = 0.0  # epochs of seconds are reported one by one
        timed.run()
        check(timed)
        again = [key for _, key, known in timed.trained if known]
        assert len(again) <= 2, "the first one, by the two other workers, while nobody knows yet"


def test_the_way_to_a_state_is_trained_once() -> None:
    """Rows are known, states are gone: who parts from them waits for the one who gets there first."""
    with ledger() as opened:
        timed = Timed(space_of({"switch": {"grid": [None]}}, fixed={"epochs": 9}), opened, random.Random(1))
        timed.run()
        opened.states.clean(everything=True)
        space = space_of({"switch": {"grid": [6, 7, 8]}, "turn": {"grid": [None, 4]}}, fixed={"epochs": 9})
        timed = Timed(replace(space, name="another"), opened, random.Random(1), 6)
        timed.run()
        check(timed)
        assert sorted(Counter(key for _, key, known in timed.trained if known).values()) == [1] * 8


STALLS = (spaces(), SEEDS, st.integers(2, 5), st.sampled_from([0.02, 0.2]), st.sampled_from([0, 0.05]))


def stalled(space: Space, seed: int, workers: int, stalling: float, dying: float) -> None:
    chance = random.Random(seed)
    slow: dict[int, float] = {}

    def slowness(lease: Lease) -> float:
        return slow.setdefault(lease.id, 500.0 if chance.random() < stalling else 1.0)

    with ledger() as opened:
        timed = Timed(space, opened, random.Random(seed), workers, dying=dying, slowness=slowness, duration=mixed)
        timed.run()
        check(timed, dying=True)


@pytest.mark.slow
@settings(few, max_examples=12)
@given(*STALLS)
def test_stalled_and_dying_workers(space: Space, seed: int, workers: int, stalling: float, dying: float) -> None:
    stalled(space, seed, workers, stalling, dying)


@pytest.mark.stress
@many
@given(*STALLS)
def test_stalled_and_dying_workers_a_thousand_times(
    space: Space, seed: int, workers: int, stalling: float, dying: float
) -> None:
    stalled(space, seed, workers, stalling, dying)


TROUBLES = (
    spaces(),
    SEEDS,
    WORKERS,
    st.sampled_from([0, 0.05, 0.2]),
    st.sampled_from([0, 0.3]),
    st.sampled_from([0, 0.3]),
    st.sampled_from([0, 1, 3, 1_000_000]),
)


def troubled(space: Space, seed: int, workers: int, dying: float, rotten: float, full: float, room: int) -> None:
    with ledger() as opened:
        what = {"dying": dying, "rotten": rotten, "full": full, "room": room, "rolling": 0.3}
        timed = Timed(space, opened, random.Random(seed), workers, duration=mixed, **what)  # type: ignore[arg-type]
        timed.run()
        check(timed, dying=True)
        check_sharing(timed, disturbed=True)
        assert opened.states.size()[0] <= room


@pytest.mark.slow
@settings(few, max_examples=15)
@given(*TROUBLES)
def test_whatever_happens_to_workers_and_states(
    space: Space, seed: int, workers: int, dying: float, rotten: float, full: float, room: int
) -> None:
    troubled(space, seed, workers, dying, rotten, full, room)


@pytest.mark.stress
@many
@given(*TROUBLES)
def test_whatever_happens_to_them_a_thousand_times(
    space: Space, seed: int, workers: int, dying: float, rotten: float, full: float, room: int
) -> None:
    troubled(space, seed, workers, dying, rotten, full, room)
