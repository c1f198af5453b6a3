"""Batches whose order and whose random items depend on (seed, epoch) alone, however many workers load them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from search.adapters.torch.errors import ScriptError
from search.adapters.torch.seeding import generator, left_alone, seed_all

OWN_NAMES = {"num_workers": "workers", "collate_fn": "collate", "batch_size": "size", "dataset": "data"}
"""What torch's DataLoader calls what has a name of its own here."""

DECIDED_NAMES = ("sampler", "batch_sampler", "generator", "worker_init_fn")
"""What DataLoader takes that seed and epoch decide here."""


def order(count: int, seed: int, turn: int, purpose: str) -> Tensor:
    """Return the order of one pass over so many items, int64 [count]."""
    return torch.randperm(count, generator=generator(seed, turn, "order", purpose))


def plan(
    count: int, size: int, shuffle: bool, drop_last: bool, seed: int, epoch: int, steps: int | None, purpose: str
) -> Iterator[tuple[int, Tensor]]:
    """Yield the pass and the indices, int64 [at most size], of every batch of an epoch.

    Args:
        count: items of the data.
        size: of a batch.
        shuffle: whether items come in another order in every pass.
        drop_last: whether a last batch that is not full is left out.
        seed: of the run.
        epoch: counted from 1.
        steps: batches of an epoch that is a chunk of an endless stream of passes; None where an epoch is one pass.
        purpose: tells streams of one run apart.
    """
    per_pass = count // size if drop_last else -(-count // size)
    first = (epoch - 1) * (per_pass if steps is None else steps)
    turn, indices = -1, torch.empty(0)
    for step in range(first, first + (per_pass if steps is None else steps)):
        if step // per_pass != turn:
            turn = step // per_pass
            indices = order(count, seed, turn + 1, purpose) if shuffle else torch.arange(count)
        place = step % per_pass * size
        yield turn + 1, indices[place : place + size]


def batches(
    data: Any,
    size: int,
    seed: int,
    epoch: int,
    shuffle: bool = False,
    drop_last: bool = False,
    workers: int = 0,
    steps: int | None = None,
    collate: Callable[[list[Any]], Any] | None = None,
    purpose: str = "",
    **loading: Any,
) -> Iterator[Any]:
    """Yield the batches of an epoch; see `search.adapters.torch.run.ScriptRun.batches`.

    Raises:
        ScriptError: there is no item, no full batch, a batch or step size below 1, or a word of DataLoader's that has
            another name here, or none.
    """
    for name in loading:
        if name in OWN_NAMES:
            raise ScriptError(f"run.batches: {name} is called {OWN_NAMES[name]} here; write {OWN_NAMES[name]}=...")
        if name in DECIDED_NAMES:
            raise ScriptError(
                f"run.batches takes no {name}: seed and epoch decide order and random items; leave it out, "
                "or give a dataset that has the items in the order you want"
            )
    tensors = _tensors(data)
    count = len(data) if tensors is None else len(tensors[0])
    for noun, number in (("size", size), ("steps", 1 if steps is None else steps)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ScriptError(f"run.batches: found {noun} {number!r}, must be a whole number of at least 1")
    if not count or (drop_last and count < size):
        raise ScriptError(f"run.batches: there are {count} items, which make no full batch of {size}; take fewer")
    listed = plan(count, size, shuffle, drop_last, seed, epoch, steps, purpose)
    if tensors is not None and collate is None:
        single = isinstance(data, (Tensor, np.ndarray))
        for _, indices in listed:
            picked = [part[indices] if isinstance(part, Tensor) else part[indices.numpy()] for part in tensors]
            yield picked[0] if single else picked
        return
    items = data if tensors is None or isinstance(data, (Tensor, np.ndarray)) else _Rows(tensors)
    loader: DataLoader[Any] = DataLoader(
        _Items(items, seed, purpose),
        batch_sampler=[[(turn, index) for index in indices.tolist()] for turn, indices in listed],
        num_workers=workers,
        collate_fn=collate,
        generator=generator(seed, epoch, "loader", purpose),
        **loading,
    )
    iterator = iter(loader)
    while True:
        with left_alone():  # items draw from the global generators, which the loop's own draws go on from
            batch = next(iterator, _END)
        if batch is _END:
            return
        yield batch


_END = object()


def _tensors(data: object) -> Sequence[Tensor | np.ndarray] | None:
    """Return tensors or arrays whose rows are the items; None where items are made one by one."""
    if isinstance(data, (Tensor, np.ndarray)):
        return [data]
    if isinstance(data, (list, tuple)) and data and all(isinstance(part, (Tensor, np.ndarray)) for part in data):
        return data if len({len(part) for part in data}) == 1 else None
    if type(data) is TensorDataset:
        return data.tensors
    if type(data) is Subset and type(data.dataset) is TensorDataset:
        indices = torch.as_tensor(data.indices)
        return [part[indices] for part in data.dataset.tensors]
    return None


class _Rows(Dataset[Any]):
    """The rows of tensors or arrays, side by side."""

    def __init__(self, parts: Sequence[Tensor | np.ndarray]) -> None:
        self.parts = parts

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(part[index] for part in self.parts)


class _Items(Dataset[Any]):
    """The items of a data set, each made under seeds of its own."""

    def __init__(self, data: Any, seed: int, purpose: str) -> None:
        self.data, self.seed, self.purpose = data, seed, purpose

    def __getitem__(self, place: tuple[int, int]) -> Any:
        turn, index = place
        seed_all(self.seed, turn, "item", self.purpose, index)
        return self.data[index]
