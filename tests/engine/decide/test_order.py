"""First answer first: earlier seeds go before later ones, and the study ends as soon as with the longest work first."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.core import order
from search.core.order import MAX_LOSS, Candidate, Choice, Order, by_length, costs_nothing, ends
from search.core.schedule import Model, Tail, longest, model_of
from search.core.trial import State
from search.engine.decide import lending
from search.space.model import Space
from tests.engine.clock import Timed, equal, mixed
from tests.engine.decide.test_driver import check, ledger, space_of

MAX_SLOWER = 1.03
"""How many times longer a study may take than with the longest work first."""


@dataclass
class LongestFirst(Order):
    """The order that knows no seeds."""

    def choose(
        self, candidates: Sequence[Candidate], moment: Callable[[], Model | None], passed: float, free: bool = False
    ) -> Choice:
        return Choice(min(candidates, key=lambda each: (-each.length, each.number)).number)


def design(chance: random.Random) -> tuple[list[Tail], int]:
    """Trials of a random grid that share prefixes, under two to five seeds; and how many workers there are."""
    epochs = chance.choice([5, 10, 20, 50, 100])
    lengths = {epochs, *(chance.randint(2, epochs) for _ in range(chance.choice([0, 0, 0, 1, 2])))}
    switches = [None, *chance.sample(range(1, epochs), min(epochs - 1, chance.choice([0, 1, 2, 3, 4])))]
    turns = [None, *chance.sample(range(1, epochs), min(epochs - 1, chance.choice([0, 0, 1, 2, 3])))]
    roots, seeds = range(chance.randint(1, 4)), range(chance.randint(2, 5))
    tails = []
    for root, length, switch, turn, seed in product(roots, lengths, switches, turns, seeds):
        key, keys = hash((root, seed)), []
        for epoch in range(length):
            key = hash((key, switch is not None and epoch >= switch, turn is not None and epoch >= turn))
            keys.append(str(key))
        tails.append(Tail(len(tails), seed, keys))
    return tails, chance.choice([1, 2, 2, 3, 4, 8])


def both_orders(tails: Sequence[Tail], workers: int) -> tuple[float, float, float, float]:
    """Return when all ends and when all of the first seed does: by `search.core.order`, and the longest work first."""
    first = 0.0

    def start(now: Model) -> int:
        nonlocal first
        place = longest(now)
        if now.chains[place].rank == 0:
            first = max(first, now.now + now.chains[place].length)
        return place

    usual = model_of(tails, workers).end(start)
    return *ends(model_of(tails, workers)), usual, first


def compare(designs: int, seed: int) -> str:
    """Hold the order to its bound on so many designs; return a line on what it costs and brings."""
    chance = random.Random(seed)
    slower, firsts, usual_firsts = [], [], []
    for _ in range(designs):
        wall, first, usual, usual_first = both_orders(*design(chance))
        slower.append(wall / usual)
        firsts.append(first / usual)
        usual_firsts.append(usual_first / usual)
        assert wall <= MAX_SLOWER * usual
    shares = f"{mean(firsts):.0%} of the time, with the longest work first after {mean(usual_firsts):.0%}"
    assert mean(firsts) < 0.75 * mean(usual_firsts), "an answer comes sooner, or the order is for nothing"
    return (
        f"{designs} designs: wall clock x {mean(slower):.4f}, at worst x {max(slower):.4f}; first seed after {shares}"
    )


def test_earlier_seeds_first_costs_next_to_no_time() -> None:
    print(compare(20, 1))


@pytest.mark.stress
def test_nor_does_it_in_a_thousand_designs() -> None:
    print(compare(1_000, 2))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_the_model_trains_every_epoch_once_and_keeps_grahams_bounds(seed: int) -> None:
    tails, workers = design(random.Random(seed))
    epochs = len({key for tail in tails for key in tail.keys})
    chain = max(len(tail.keys) for tail in tails)
    model = model_of(tails, workers)
    assert sum(one.length for one in model.chains) == epochs
    assert max(epochs / workers, chain) <= model.end() <= epochs / workers + (1 - 1 / workers) * chain


def test_the_model_goes_on_from_what_is_being_trained() -> None:
    """A chain of four epochs is two epochs before its end; one trial parts from it in a moment, one begins anew."""
    running = [["c", "d"]]
    tails = [Tail(0, 0, ["c", "d"]), Tail(1, 0, ["c", "x", "y", "z"]), Tail(2, 1, ["k", "l"])]
    model = model_of(tails, 2, running)
    assert [(chain.number, chain.length) for chain in model.chains] == [(-1, 2), (1, 3), (2, 2)]
    assert (model.free, model.ready) == (1, [2])
    assert model.end() == 5, "the new one ends with the running one, and who parted from it three epochs later"


def chosen(*needed: tuple[int, int], busy: int = 0) -> int:
    """The trial that one of two workers starts, of some that need so many epochs under a seed of this rank."""
    tails = [Tail(n, rank, [f"{n} {epoch}" for epoch in range(length)]) for n, (length, rank) in enumerate(needed)]
    candidates = [Candidate(tail.number, tail.rank, len(tail.keys)) for tail in tails]
    running = [[f"busy {epoch}" for epoch in range(busy)]] if busy else []
    return Order().choose(candidates, lambda: model_of(tails, 2, running), 0.0).number


def test_an_earlier_seed_goes_first_though_its_work_is_shorter() -> None:
    assert chosen((5, 0), (9, 1), (9, 1), (9, 1), (9, 1), (5, 1), busy=3) == 0


def test_the_longest_chain_goes_first_where_all_would_wait_for_it() -> None:
    assert chosen((5, 0), (20, 1), busy=9) == 1
    assert chosen((5, 0), (20, 1)) == 0, "the other worker takes it at once"


def test_of_equal_work_the_earlier_seed_goes_first() -> None:
    assert by_length([Candidate(3, 1, 9), Candidate(7, 0, 9), Candidate(8, 0, 9)]) == Candidate(7, 0, 9)


def test_what_choices_cost_is_added_up() -> None:
    tails = [Tail(0, 0, ["a"]), Tail(1, 1, ["b", "c"]), Tail(2, 1, ["d", "e"])]
    candidates = [Candidate(tail.number, tail.rank, len(tail.keys)) for tail in tails]
    rule = Order()
    choice = rule.choose(candidates, lambda: model_of(tails, 2), 1000.0)
    assert choice == Choice(0, 0.0), "two workers end after three epochs, whichever begins"
    rule.spent = 1e6
    assert rule.choose(candidates, lambda: model_of(tails, 2), 1000.0).number == 1


def test_a_moment_that_cannot_be_worked_out_leaves_the_longest_first() -> None:
    candidates = [Candidate(0, 0, 5), Candidate(1, 1, 9)]
    assert Order().choose(candidates, lambda: None, 0.0) == Choice(1)
    assert Order().choose(candidates, lambda: model_of([Tail(0, 0, ["a"]), Tail(1, 1, ["a", "b"])], 2), 0.0) == Choice(
        1
    )


def test_in_a_large_study_any_order_will_do() -> None:
    assert costs_nothing(10, 1, 10)
    assert costs_nothing(10, 3, int(2 * 20 / MAX_LOSS))
    assert not costs_nothing(10, 3, int(2 * 20 / MAX_LOSS) - 10)


# The driver ------------------------------------------------------------------------------------------------------


def grid(chance: random.Random) -> Space:
    epochs = chance.choice([5, 8, 12, 20])
    axes: dict[str, Any] = {"a": {"grid": list(range(chance.randint(1, 3)))}}
    if chance.random() < 0.8:
        axes["switch"] = {"grid": [None, *sorted(chance.sample(range(1, epochs), chance.randint(1, 3)))]}
    if chance.random() < 0.3:
        axes["epochs"] = {"grid": sorted({epochs, chance.randint(2, epochs - 1)})}
    return space_of(axes, chance.randint(2, 4), {"epochs": epochs})


def in_time(space: Space, workers: int, seed: int, rule: Order, duration: Callable[[str], float]) -> tuple[float, ...]:
    """When a study ends under the driver, when its first seed does, and what proofs can have put it off by."""
    with ledger() as opened:
        timed = Timed(space, opened, random.Random(seed), workers, duration=duration)
        timed.driver.lending.order = rule
        timed.run()
        trials = check(timed)
        assert {trial.state for trial in trials} == {State.FINISHED}
        first = max(timed.ended_at[trial.number] for trial in trials if trial.seed == space.seeds[0])
        return timed.now, first, timed.gates()


def drive(designs: int, seed: int) -> str:
    chance = random.Random(seed)
    slower, firsts, usual_firsts = [], [], []
    for _ in range(designs):
        space, workers, draw = grid(chance), chance.choice([1, 2, 2, 3, 4]), chance.randrange(2**32)
        wall, first, gates = in_time(space, workers, draw, Order(), equal)
        usual, usual_first, _ = in_time(space, workers, draw, LongestFirst(), equal)
        assert wall <= MAX_SLOWER * usual + gates, "proofs come at other moments; else nothing is put off"
        slower.append(wall / usual)
        firsts.append(first / usual)
        usual_firsts.append(usual_first / usual)
    assert mean(slower) <= MAX_SLOWER
    assert mean(firsts) < 0.75 * mean(usual_firsts)
    shares = f"{mean(firsts):.0%} of the time, with the longest work first after {mean(usual_firsts):.0%}"
    return (
        f"{designs} studies: wall clock x {mean(slower):.4f}, at worst x {max(slower):.4f}; first seed after {shares}"
    )


@pytest.mark.slow
def test_the_driver_gives_earlier_seeds_first() -> None:
    print(drive(4, 3))


@pytest.mark.stress
def test_so_it_does_in_two_hundred_studies() -> None:
    print(drive(200, 2))


@pytest.mark.slow
def test_earlier_seeds_go_first_in_a_large_study_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """More leaves than are looked at one by one: no time is lost, and the first seed is there after a third."""
    monkeypatch.setattr(lending, "MAX_LEAVES_FORESEEN", 20)
    monkeypatch.setattr(order, "MAX_LOSS", 0.04)
    space = space_of({"a": {"grid": list(range(14))}, "switch": {"grid": [None, 2]}}, 3, {"epochs": 3})
    wall, first, gates = in_time(space, 2, 1, Order(), mixed)
    usual, usual_first, _ = in_time(space, 2, 1, LongestFirst(), mixed)
    assert wall <= MAX_SLOWER * usual + gates
    assert first < 0.5 * wall
    assert usual_first > 0.8 * usual


def test_a_search_knows_no_order_of_seeds() -> None:
    space = space_of({"a": {"choice": [1, 2, 3]}}, 2, sampler="tpe", trials=2)
    with ledger() as opened:
        assert Timed(space, opened, random.Random(1), 2).driver.lending._ranks == {}
