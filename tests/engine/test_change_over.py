"""The number of leases at once changes in mid-study: what others take over is trained once, each trial ends as it must.

A worker that saves its state behind every epoch, as it does where an epoch is long, leaves a pair behind: the state
before the last row. So others go on where it stood. They cannot where it had trained one epoch only: it saved no state
with a row behind it, so nothing may prove the depth of the one it stood in, and that epoch is trained again.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.core.trial import State
from search.engine.decide.lease import Lease
from search.engine.decide.outlook import Outlook
from search.ledger.kept import Role
from search.space.model import Space
from tests.engine.decide.test_driver import (
    FLOAT,
    check,
    check_sharing,
    fast,
    ledger,
    may_end_early,
    needed,
    space_of,
    spaces,
)
from tests.engine.simulation import Nature, Simulation


@dataclass
class Changing(Simulation):
    """All leases end now and then behind their epochs, and others take over from the states their workers leave.

    Attributes:
        change: chance of it, at each step.
    """

    change: float = 0.1
    changing: bool = False
    changes: int = 0

    def step(self) -> None:
        if self.changing and self.running:
            self.train(self.rng.choice(list(self.running)))
        elif self.changing:
            for key in self.left:
                self._leave(key)
            self.left, self.changing = [], False
            self.workers = self.rng.randint(1, 4)
            self.driver.go_on(self.workers)
            self.check_starts()
        elif self.running and self.rng.random() < self.change:
            self.driver.change_over()
            self.changing, self.changes = True, self.changes + 1
            assert self.driver.next_lease() is None
            if self.rng.random() < self.slow:
                self.plan()
        else:
            super().step()

    def check_starts(self) -> None:
        """Every leaf that was begun has the state it stands in; no state is kept that nobody can start from."""
        if self.full or self.dying:
            return
        known = self.ledger.states.find([key for fold in self.driver.context.board for key in fold.leaf.path])
        for fold in self.driver.context.board:
            if fold.leaf.trial.number in self.driver.context.board.first:
                assert fold.base == fold.epoch
        rolling = {key for key, kept in known.items() if kept.role == Role.ROLLING}
        assert rolling <= {key for fold in self.driver.context.board for key in fold.leaf.path[: fold.epoch]}


DRAWN = (spaces(), st.integers(0, 2**32), st.integers(1, 4), st.sampled_from([0.05, 0.3]), st.sampled_from([0.3, 1.0]))


def changed(space: Space, seed: int, workers: int, change: float, rolling: float) -> None:
    with ledger() as opened:
        simulation = Changing(space, opened, random.Random(seed), workers, Nature(0.02), change=change, rolling=rolling)
        simulation.run()
        trials = check(simulation)
        check_sharing(simulation, disturbed=True)
        assert {key for _, key, _ in simulation.trained} == needed(simulation)
        if rolling == 1.0 and not may_end_early(space):
            epochs = Counter(lease for lease, _, _ in simulation.trained)
            alone = {key for lease, key, _ in simulation.trained if epochs[lease] == 1}
            assert {key for _, key, known in simulation.trained if known} <= alone
        assert max((trial.attempts for trial in trials), default=0) <= 1, "a change is no attempt"
        assert State.FAILED not in {trial.state for trial in trials}


@pytest.mark.slow
@settings(fast, max_examples=12)
@example(space_of({"a": {"grid": [0, 1, 2]}}, fixed={"epochs": 6, "stop.rule": "none"}), 0, 1, 0.3, 1.0)
@given(*DRAWN)
def test_what_two_epochs_of_a_lease_brought_is_not_trained_twice(
    space: Space, seed: int, workers: int, change: float, rolling: float
) -> None:
    changed(space, seed, workers, change, rolling)


@pytest.mark.stress
@settings(fast, max_examples=1_000)
@given(*DRAWN)
def test_nor_is_it_in_a_thousand_studies(space: Space, seed: int, workers: int, change: float, rolling: float) -> None:
    changed(space, seed, workers, change, rolling)


@pytest.mark.slow
@settings(fast, max_examples=12)
@given(spaces(), st.integers(0, 2**32), st.sampled_from([0.05, 0.3]), st.sampled_from([0, 0.1]))
def test_with_deaths_bad_states_and_little_room(space: Space, seed: int, change: float, dying: float) -> None:
    rng = random.Random(seed)
    with ledger() as opened:
        simulation = Changing(
            space,
            opened,
            rng,
            3,
            Nature(0.02),
            dying,
            rotten=rng.choice([0, 0.3]),
            full=rng.choice([0.1, 0.5]),
            rolling=0.3,
            room=rng.choice([0, 2, 1_000_000]),
            change=change,
        )
        simulation.run()
        check(simulation, dying=True)
        check_sharing(simulation, disturbed=True)


@pytest.mark.slow
@settings(fast, max_examples=10)
@given(spaces(("grid",)), st.integers(0, 2**32))
def test_rows_and_keys_are_those_of_a_study_that_never_changed(space: Space, seed: int) -> None:
    if space.search.asha:
        return  # who is pruned depends on the order of arrival, with or without a change
    ends = []
    for change in (0.0, 0.3):
        with ledger() as opened:
            simulation = Changing(space, opened, random.Random(seed), change=change)
            simulation.run()
            rows = {key: found.row.metrics for key, found in opened.rows(sorted(needed(simulation))).items()}
            trials = {trial.number: (trial.state, trial.last_epoch) for trial in check(simulation)}
            ends.append((rows, trials, opened.paths(simulation.record.id)))
    assert ends[0] == ends[1]


def test_what_was_begun_goes_on_first() -> None:
    """It is measured in both ways, and a person sees it end."""
    space = space_of({"a": {"grid": [1, 2, 3, 4, 5, 6]}}, fixed={"epochs": 9})
    with ledger() as opened:
        simulation = Changing(space, opened, random.Random(0), workers=2, change=0)
        while not simulation.start():
            simulation.plan()
        assert simulation.start()
        begun = [lease.trial for lease, _ in simulation.running.values()]
        for lease in list(simulation.running):
            simulation.train(lease)
            simulation.train(lease)
        simulation.driver.change_over()
        for lease in list(simulation.running):
            simulation.train(lease)
        simulation.changing = True
        simulation.step()
        simulation.workers = 4
        simulation.driver.workers = 4
        simulation.driver.context.trust.proven = lambda kind, what: True  # type: ignore[method-assign]
        given = [simulation.driver.next_lease() for _ in range(4)]
        assert [lease.trial for lease in given if isinstance(lease, Lease)][:2] == begun


@pytest.mark.parametrize(
    ("sampler", "outlook"),
    [
        ({}, Outlook(trials=6, epochs=5 + 2 + 5 + 2 + 5 + 2, more=True)),
        ({"sampler": "tpe", "trials": 9}, Outlook(trials=9, epochs=45, more=True)),
    ],
)
def test_outlook(sampler: dict[str, object], outlook: Outlook) -> None:
    """Of a grid each epoch counts once; a sampler is asked as it goes, and its trials may be as long as they can be."""
    kind = "choice" if sampler else "grid"
    axes = {"a": {kind: [1, 2, 3]}, **({"x": FLOAT} if sampler else {"switch": {kind: [3, None]}})}
    with ledger() as opened:
        simulation = Simulation(space_of(axes, **sampler), opened, random.Random(0), workers=1)
        simulation.driver.progress.total = outlook.trials
        while not simulation.driver.lending.ready():
            simulation.plan()
        assert simulation.driver.outlook == outlook


def test_outlook_of_a_trunk() -> None:
    """While one lease brings what all wait for, no other could start."""
    space = space_of({"switch": {"grid": [3, None]}})
    with ledger() as opened:
        simulation = Simulation(space, opened, random.Random(0), workers=1)
        while not simulation.start():
            simulation.plan()
        assert simulation.driver.outlook == Outlook(trials=2, epochs=7, more=False)
        (lease,) = simulation.running
        for _ in range(3):
            simulation.train(lease)
        assert simulation.driver.outlook == Outlook(trials=2, epochs=4, more=True)
