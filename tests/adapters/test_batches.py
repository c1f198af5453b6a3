"""Batches: order and random items by (seed, epoch), with any number of workers; the loop's own draws stay."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset, Subset, TensorDataset

from search.adapters.torch import ScriptError
from search.adapters.torch.batches import batches, plan


def listed(count: int, size: int, epochs: int, steps: int | None, shuffle: bool, drop_last: bool) -> list[list[int]]:
    return [
        indices.tolist()
        for epoch in range(1, epochs + 1)
        for _, indices in plan(count, size, shuffle, drop_last, 3, epoch, steps, "")
    ]


sizes = st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda pair: pair[1] <= pair[0])


@given(sizes, st.integers(1, 4), st.booleans(), st.booleans())
def test_a_pass_has_every_item_once_and_chunks_cut_the_same_stream(pair, epochs, shuffle, drop_last):
    count, size = pair
    whole = listed(count, size, epochs, None, shuffle, drop_last)
    per_pass = len(whole) // epochs
    for turn in range(epochs):
        items = sum(whole[turn * per_pass : (turn + 1) * per_pass], [])  # noqa: RUF017
        assert len(set(items)) == len(items) == (count // size * size if drop_last else count)
        assert shuffle or items == list(range(len(items)))
    for steps in (1, 2, 3):
        chunked = listed(count, size, len(whole) // steps, steps, shuffle, drop_last)
        assert chunked == whole[: len(chunked)]


class Augmented(Dataset[Any]):
    """Items with random numbers of every library."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[int, float, float, float]:
        return index, random.random(), np.random.rand(), torch.rand(()).item()


def run(data: Any, epoch: int = 1, **named: Any) -> list[Any]:
    made = list(batches(data, 4, 3, epoch, shuffle=True, **named))
    return [[torch.as_tensor(part).tolist() for part in batch] for batch in made]


@pytest.mark.slow
def test_batches_are_the_same_with_any_number_of_workers():
    alone = run(Augmented())
    for workers in (1, 2):
        assert run(Augmented(), workers=workers) == alone
    assert run(Augmented(), 2, workers=2) == run(Augmented(), 2)


def test_random_items_depend_on_seed_and_epoch_and_differ_among_each_other():
    random.seed(1), torch.manual_seed(1)
    first = run(Augmented())
    random.random(), torch.rand(3), np.random.rand(2)
    assert run(Augmented()) == first
    assert run(Augmented(), 2) != first
    draws = [number for batch in [*first, *run(Augmented(), 2)] for part in batch[1:] for number in part]
    assert len(set(draws)) == len(draws) == 60


def test_the_loops_own_draws_are_not_moved():
    torch.manual_seed(5), random.seed(5), np.random.seed(5)
    wanted = [(torch.rand(()).item(), random.random(), np.random.rand()) for _ in range(3)]
    for data in (Augmented(), torch.arange(10)):
        torch.manual_seed(5), random.seed(5), np.random.seed(5)
        drawn = [
            (torch.rand(()).item(), random.random(), np.random.rand()) for _ in batches(data, 4, 3, 1, shuffle=True)
        ]
        assert drawn == wanted


def test_data_of_every_kind_are_batched_alike():
    x, y = torch.arange(10), torch.arange(10) * 2
    kinds = [TensorDataset(x, y), [x, y], (x.numpy(), y.numpy()), Subset(TensorDataset(x, y), range(10))]
    kinds += [Subset(Augmented(), range(10))]
    order = run(kinds[0])
    assert [run(kind) for kind in kinds[:4]] == [order] * 4
    assert [batch[0] for batch in run(kinds[4])] == [batch[0] for batch in order]
    assert [batch.tolist() for batch in batches(x, 4, 3, 1, shuffle=True)] == [batch[0] for batch in order]


def test_items_are_put_together_as_it_is_asked():
    assert list(batches([torch.arange(5), torch.arange(5)], 2, 0, 1, collate=len)) == [2, 2, 1]
    pairs = list(batches([torch.arange(3), torch.arange(3) * 2], 2, 0, 1, collate=lambda items: items))
    assert pairs == [[(0, 0), (1, 2)], [(2, 4)]]


def test_streams_of_two_purposes_have_orders_of_their_own():
    assert run([torch.arange(10)]) == run([torch.arange(10)])
    assert run([torch.arange(10)], purpose="second") != run([torch.arange(10)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"size": 0}, "found size 0, must be a whole number of at least 1"),
        ({"size": 2.0}, "found size 2.0, must be a whole number of at least 1"),
        ({"size": 2, "steps": 0}, "found steps 0, must be a whole number of at least 1"),
        ({"size": 11, "drop_last": True}, "there are 10 items, which make no full batch of 11; take fewer"),
    ],
)
def test_what_makes_no_batch_is_told(arguments, said):
    with pytest.raises(ScriptError) as refused:
        list(batches(torch.arange(10), seed=0, epoch=1, **arguments))
    assert str(refused.value) == f"run.batches: {said}"
    with pytest.raises(ScriptError) as refused:
        list(batches(torch.arange(0), 1, 0, 1))
    assert str(refused.value) == "run.batches: there are 0 items, which make no full batch of 1; take fewer"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("num_workers", "run.batches: num_workers is called workers here; write workers=..."),
        ("collate_fn", "run.batches: collate_fn is called collate here; write collate=..."),
        ("sampler", "run.batches takes no sampler: seed and epoch decide order and random items; leave it out, "),
        ("worker_init_fn", "run.batches takes no worker_init_fn: seed and epoch decide order and random items; "),
    ],
)
def test_words_of_the_data_loader_that_are_others_here_are_named(name: str, told: str) -> None:
    with pytest.raises(ScriptError) as refused:
        next(batches(torch.arange(8), 4, seed=0, epoch=1, **{name: 2}))
    assert str(refused.value).startswith(told)
