"""A run goes on with what an earlier one of its shape recorded, to the bit; of any other nothing is left."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import machinery
from classifier.machinery import Machinery, Shape
from classifier.steps import Graphed
from classifier.training import Training
from classifier.workload import workload
from tests.classifier import made_up_graph
from tests.classifier.rows import differences

EPOCHS = 3
SETTINGS = {
    **{"data": "digits", "data.size": 8, "batch_size": 32, "model.name": "example_cnn", "cuda_graphs": True},
    **{"augment.hflip": 0.5, "augment.crop": True, "loss.class_weights": "balanced"},
}
"""Eight steps an epoch, seven of one shape and one of another."""

KINDS: list[dict[str, Any]] = [
    {"model.name": "model_c", "optimizer.momentum": 0.9, "optimizer.weight_decay": 0.01},
    {"model.name": "example_cnn", "optimizer.momentum": 0},
]
"""Adam's steps are numbers that a CPU reads; on a GPU they lie there, and `test_cuda` has them."""


@pytest.fixture(autouse=True)
def _recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Graphed, "_record", made_up_graph.record)
    machinery.taken_over(None)
    made_up_graph.recordings.clear()
    gc.disable()  # what is freed is freed at once
    yield
    gc.enable()
    machinery.taken_over(None)
    made_up_graph.recordings.clear()


def started(**told: Any) -> tuple[Training, list[dict[str, Any]]]:
    fixed, each = workload.schedule(workload.canonical({**SETTINGS, "seed": 0, **told}), EPOCHS)
    return workload.start(fixed, 1, 0.0), each


def trained(**told: Any) -> tuple[list[dict[str, Any]], bytes]:
    run, each = started(**told)
    return [run.train_epoch(now) for now in each], run.save()


def same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    return not [name for one, other in zip(ours, theirs, strict=True) for name in differences(one, other)]


@pytest.mark.slow
@pytest.mark.parametrize("how", KINDS, ids=["momentum", "none"])
def test_a_run_that_takes_over_trains_the_bits_of_one_that_does_not(how: dict[str, Any]) -> None:
    rows, state = trained(**how, cuda_graphs=False)
    others = trained(**how, cuda_graphs=False, seed=1)

    run, each = started(**how)
    assert same([run.train_epoch(each[0])], rows[:1])
    middle = run.save()
    del run
    assert (same(others[0], rows), others[1] == state) == (False, False)
    taken = trained(**how, seed=1)
    assert (same(taken[0], others[0]), taken[1] == others[1]) == (True, True)
    run, _ = started(**how)
    run.load(middle)
    assert same([run.train_epoch(now) for now in each[1:]], rows[1:])
    assert run.save() == state
    run.load(middle)
    assert same([run.train_epoch(now) for now in each[1:]], rows[1:])
    assert run.save() == state
    del run
    taken = trained(**how)
    assert (same(taken[0], rows), taken[1] == state) == (True, True)
    assert len(made_up_graph.recordings) == 2, "one for each shape of a batch, by whoever came to it first"


@pytest.fixture(scope="module")
def eager() -> dict[int, tuple[list[dict[str, Any]], list[bytes]]]:
    """Seed -> rows of a run that records nothing, and its states: before the first epoch, and behind each."""
    found = {}
    for seed in (0, 1):
        run, each = started(cuda_graphs=False, seed=seed)
        states, rows = [run.save()], []
        for now in each:
            rows.append(run.train_epoch(now))
            states.append(run.save())
        found[seed] = rows, states
    return found


LEASE = st.tuples(st.sampled_from([0, 1]), st.sampled_from([None, 0, 1, 2]), st.integers(1, EPOCHS), st.booleans())
"""Seed, epoch of the state it starts from, most epochs, and whether it breaks off."""


@pytest.mark.slow
@settings(max_examples=8)
@given(st.lists(LEASE, min_size=2, max_size=6))
def test_whatever_leases_follow_one_another_their_bits_are_their_own(
    eager: dict[int, tuple[list[dict[str, Any]], list[bytes]]], leases: list[tuple[int, int | None, int, bool]]
) -> None:
    machinery.taken_over(None)
    for seed, start, most, breaks in leases:
        rows, states = eager[seed]
        run, each = started(seed=seed)
        if start is not None:
            run.load(states[start])
        epochs = range(start or 0, min(EPOCHS, (start or 0) + most))
        assert same([run.train_epoch(each[epoch]) for epoch in epochs], [rows[epoch] for epoch in epochs])
        assert run.save() == states[epochs[-1] + 1]
        if breaks:
            with pytest.raises(KeyError):
                run.train_epoch({"optimizer.lr": 0.1})
        del run


@pytest.fixture
def living(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Machinery]]:
    """Every machinery that was made."""
    made: list[weakref.ref[Machinery]] = []
    init = Machinery.__init__

    def noting(self: Machinery, *arguments: Any) -> None:
        assert not alive(made), "whatever was left is freed first"
        init(self, *arguments)
        made.append(weakref.ref(self))

    monkeypatch.setattr(Machinery, "__init__", noting)
    return made


def alive(references: list[weakref.ref[Any]]) -> int:
    return sum(reference() is not None for reference in references)


def lease(**told: Any) -> weakref.ref[Training]:
    run, each = started(**told)
    run.train_epoch(each[0])
    return weakref.ref(run)


def test_leases_of_one_shape_have_one_machinery_and_no_run_stays(living: list[weakref.ref[Machinery]]) -> None:
    runs = [lease(seed=seed) for seed in range(4)]
    assert (len(living), alive(living), alive(runs)) == (1, 1, 0)
    assert len(made_up_graph.recordings) == 2, "a worker that records each time would have four"


@pytest.mark.parametrize(
    "other",
    [
        {"cuda_graphs": False},
        {"optimizer.momentum": 0.5},
        {"data.size": 9},
        {"model.activation": "tanh"},
        {"batch_size": 30},
    ],
    ids=str,
)
def test_what_a_run_of_another_shape_cannot_use_is_freed_before_it_begins(
    other: dict[str, Any], living: list[weakref.ref[Machinery]]
) -> None:
    lease()
    assert alive(living) == 1
    lease(**other)
    assert (len(living), alive(living)) == (2, int(other.get("cuda_graphs", True)))


def test_what_broke_off_or_is_held_elsewhere_is_not_left(living: list[weakref.ref[Machinery]]) -> None:
    run, each = started()
    with pytest.raises(KeyError):
        run.train_epoch({name: value for name, value in each[0].items() if name != "loss.gamma"})
    del run
    assert alive(living) == 0
    run, _ = started()
    model = run.model
    weights = model.get_parameter("conv1.weight").clone()
    del run
    lease(seed=1)
    assert torch.equal(model.get_parameter("conv1.weight"), weights)


def test_of_a_run_that_was_refused_memory_nothing_is_left() -> None:
    run, _ = started()
    data, device = workload_data(), torch.device("cpu")
    fixed, _ = workload.schedule(workload.canonical({**SETTINGS, "seed": 0}), 1)
    shape = Shape(data, fixed, device)
    for refused in (True, False):
        assert machinery.taken_over(shape) is None
        machinery.leave(shape, run._machinery, lambda times=int(refused): times)  # type: ignore[misc]
    assert machinery.taken_over(Shape(data, {**fixed, "seed": 7}, device)) is run._machinery


def test_a_run_that_ends_behind_the_start_of_another_leaves_what_that_one_can_use_alone() -> None:
    data, device = workload_data(), torch.device("cpu")
    fixed, _ = workload.schedule(workload.canonical({**SETTINGS, "seed": 0}), 1)
    old, new = Shape(data, fixed, device), Shape(data, {**fixed, "batch_size": 8}, device)
    run, _ = started()
    machinery.taken_over(new)
    machinery.leave(old, run._machinery, bool)
    assert machinery.taken_over(old) is None


def workload_data() -> Any:
    """Any data: shapes compare them by identity."""
    return object()
