"""A database that fails at any transaction: the driver gives up, and the next one ends the study as if nothing was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core.errors import StorageFailed
from search.core.trial import Trial
from search.ledger.ledger import Ledger
from search.space.model import Space
from tests.engine.decide.test_driver import check, fast, ledger, space_of, spaces
from tests.engine.simulation import Nature, Simulation

WHERE = ("before it begins", "before it is committed", "behind its commit")


class Faulty:
    """Lets transactions of a ledger fail, one in `every` or so: what was committed is not known to who asked for it."""

    def __init__(self, opened: Ledger, rng: random.Random, every: int) -> None:
        self.rng, self.every, self.writes = rng, every, opened.writing
        self.failed: Counter[str] = Counter()
        opened.writing = self.writing  # type: ignore[method-assign]

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        where = self.rng.choice(WHERE) if self.rng.randrange(self.every) == 0 else ""
        if where == WHERE[0]:
            self.fail(where)
        with self.writes() as connection:
            yield connection
            if where == WHERE[1]:
                self.fail(where)
        if where == WHERE[2]:
            self.fail(where)

    def fail(self, where: str) -> None:
        self.failed[where] += 1
        raise StorageFailed("a place", f"failed {where}", "wait", passing=True)


def through(space: Space, opened: Ledger, rng: random.Random, faulty: Faulty, nature: Nature) -> list[Trial]:
    """Run a study as `through_outages` does: with a new driver after each failure.

    The database gets better now and then: each driver tries the failed trials again, and to end it must get through
    all of their transactions in a row.
    """
    for restart in range(1, 1000):
        if restart % 50 == 0:
            faulty.every *= 2
        simulation = None
        try:
            simulation = Simulation(space, opened, rng, 3, nature, rolling=0.3)
            simulation.run()
            return check(simulation)
        except StorageFailed as error:
            if simulation is None:
                continue
            driver = simulation.driver
            driver.give_up(error)
            before = opened.trials(simulation.record.id), len(opened.decisions(simulation.record.id))
            for lease in list(simulation.running):
                with pytest.raises(StorageFailed):
                    driver.row(lease, nature.row("ab" * 20), 1.0)
                driver.lease_ended(lease, lost=True)
            with pytest.raises(StorageFailed):
                driver.next_lease()
            driver.close()
            simulation.abandon()
            after = opened.trials(simulation.record.id), len(opened.decisions(simulation.record.id))
            assert before == after, "something was recorded behind the failure"
            assert faulty.failed
    raise AssertionError("no end")


def failing(space: Space, seed: int, every: int, failing: float) -> Counter[str]:
    rng, nature = random.Random(seed), Nature(0.02, failing)
    with ledger() as opened:
        faulty = Faulty(opened, rng, every)
        through(space, opened, rng, faulty, nature)
    return faulty.failed


few = settings(fast, max_examples=8)


@pytest.mark.slow
@few
@given(spaces(), st.integers(0, 2**32), st.sampled_from([8, 30]), st.sampled_from([0, 0.04]))
def test_a_database_that_fails_anywhere(space: Space, seed: int, every: int, failing_: float) -> None:
    failing(space, seed, every, failing_)


@pytest.mark.stress
@settings(fast, max_examples=200)
@given(spaces(), st.integers(0, 2**32), st.sampled_from([4, 12, 40]), st.sampled_from([0, 0.04]))
def test_a_database_that_fails_anywhere_hundreds_of_times(space: Space, seed: int, every: int, failing_: float) -> None:
    failing(space, seed, every, failing_)


@pytest.mark.slow
@few
@given(spaces(("grid", "random")), st.integers(0, 2**32))
def test_the_study_equals_an_undisturbed_one(space: Space, seed: int) -> None:
    if space.search.asha:  # rungs depend on the order of arrival
        return
    ends = []
    for every in (10, 10**9):
        rng = random.Random(seed)
        with ledger() as opened:
            trials = through(space, opened, rng, Faulty(opened, rng, every), Nature())
            found = [(t.number, t.configuration, t.seed, t.state, t.ended_by, t.last_epoch) for t in trials]
            ends.append((found, opened.paths(1)))
    assert ends[0] == ends[1]


def test_failures_are_met_everywhere() -> None:
    """What the tests above draw includes each place where a transaction can fail."""
    space = space_of(
        {"a": {"grid": [1, 2, 3]}, "stop.alpha": {"grid": [5, None]}}, fixed={"stop.rule": "generalisation_loss"}
    )
    failed = failing(space, 1, 5, 0)
    assert set(failed) == set(WHERE)
