"""What a state lacks: which of the things that differ are needed for right rows, and copies of them in another run."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.proof.causes import left
from search.proof.lacking import MAX_EXPERIMENTS, needed_of, unsaved
from search.proof.look import Differing, Seen, Variable, differing, look
from search.proof.transplant import copies, put


def groups_of(count: int) -> list[list[Differing]]:
    return [[Differing(f"run.{number}", Seen("value", "a"), Seen("value", "b"))] for number in range(count)]


@given(st.integers(1, 8).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_nothing_is_named_but_what_is_needed(drawn: tuple[int, set[int]]) -> None:
    count, causes = drawn
    paths = {f"run.{number}" for number in causes}
    asked: list[int] = []

    def cured_by(chosen: Any) -> bool:
        asked.append(len(chosen))
        return paths <= {each.path for each in chosen}

    named = {each.path for each in needed_of(groups_of(count), cured_by)}
    assert paths <= named
    if len(asked) < MAX_EXPERIMENTS:
        assert named == (paths or {"run.0"})  # of what all helps, the likeliest is named
    assert len(asked) <= MAX_EXPERIMENTS


@pytest.mark.parametrize("cause", [0, 7, 39])
def test_one_of_many_is_found_in_few_experiments(cause: int) -> None:
    def cured_by(chosen: Any) -> bool:
        return f"run.{cause}" in {each.path for each in chosen}

    assert [each.path for each in needed_of(groups_of(40), cured_by)] == [f"run.{cause}"]


def test_of_two_that_both_help_the_likelier_is_named_and_of_none_that_does_nothing() -> None:
    either = needed_of(groups_of(5), lambda chosen: bool({"run.1", "run.4"} & {each.path for each in chosen}))
    assert [each.path for each in either] == ["run.1"]
    assert needed_of(groups_of(5), lambda chosen: False) == []
    assert needed_of([], lambda chosen: True) == []


def test_of_what_a_process_keeps_a_counter_comes_last() -> None:
    """Most of them count and change nothing; where nothing else differs, it is named."""
    looks = [look({"module": SimpleNamespace(COUNT=count, DATA=np.full(3, 1.0 * count))}) for count in (1, 2)]
    counters, everything = ({path: seen for path, seen in one.items() if "DATA" not in path} for one in looks), looks
    assert left(*counters).startswith("process global: a counter that goes on from trial to trial: `module.COUNT`")
    assert left(*everything).startswith("data changed in place, or a cache of them that the first trial filled: `mod")


def test_what_a_run_holds_comes_first_of_a_state_and_last_of_a_process() -> None:
    """However the module is called."""
    one, other = (
        look({"run": SimpleNamespace(best=value), "runs.COUNT": Variable(SimpleNamespace(), "COUNT", value)})
        for value in (1, 2)
    )
    assert unsaved(one, other) == "not saved: `run.best` (1 and 2)"
    assert left(one, other) == "process global: a counter that goes on from trial to trial: `runs.COUNT` (1 and 2)"


# Copies --------------------------------------------------------------------------------------------------------


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value


@pytest.mark.parametrize(
    "make",
    [
        lambda number: number,
        lambda number: np.full(3, number),
        lambda number: {"a": [1, Slotted(number)], "b": (np.arange(2) + number, 3)},
        lambda number: {"velocity": np.ones(2)} if number == 1 else {},
        lambda number: np.ones(2) if number == 1 else None,
        lambda number: {"a": np.ones(2)} if number == 1 else None,
        random.Random,
        np.random.default_rng,
        np.random.RandomState,
    ],
)
def test_a_copy_makes_two_runs_equal(make: Callable[[int], Any]) -> None:
    one, other = ({"run": SimpleNamespace(thing=make(number), same=5)} for number in (1, 2))
    paths = [each.path for each in differing(look(one), look(other))]
    assert paths
    put(other, copies(one, paths))
    assert differing(look(one), look(other)) == []


def test_a_variable_of_a_module_is_copied_into_that_module_and_nothing_else_is() -> None:
    def roots(module: SimpleNamespace) -> dict[str, object]:
        return {"m.STEPS": Variable(module, "STEPS", module.STEPS), "m.LEFT": Variable(module, "LEFT", module.LEFT)}

    one, other = SimpleNamespace(STEPS=1, LEFT=[1]), SimpleNamespace(STEPS=2, LEFT=[2])
    put(roots(other), copies(roots(one), ["m.STEPS"]))
    assert (other.STEPS, other.LEFT) == (1, [2])


def test_what_cannot_be_copied_or_looked_at_is_left_out() -> None:
    class Torn:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    @functools.cache
    def cached() -> None:
        pass

    run = SimpleNamespace(cached=cached, torn=Torn(), best=1)
    roots = {"run": run}
    assert [path for path in look(roots) if path != "run.cached"] == ["run.best"]
    copied = copies(roots, ["run.cached", "run.best"])
    assert list(copied) == ["run.best"]
    put({"run": SimpleNamespace()}, copied)


@pytest.mark.slow
def test_what_torch_holds_is_copied_in_place() -> None:
    import torch

    def net(seed: int) -> SimpleNamespace:
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
        return SimpleNamespace(m=model, o=optimizer, s=scheduler, g=torch.Generator().manual_seed(seed))

    one, other = net(1), net(2)
    one.m(torch.ones(3, 2)).sum().backward()
    one.o.step()
    one.s.step()
    weight = other.m[0].weight
    paths = [each.path for each in differing(look({"run": one}), look({"run": other}))]
    put({"run": other}, copies({"run": one}, paths))
    assert differing(look({"run": one}), look({"run": other})) == []
    assert other.m[0].weight is weight
    assert torch.equal(weight, one.m[0].weight)
