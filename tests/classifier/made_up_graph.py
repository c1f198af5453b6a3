"""A graph for a machine without a GPU: records the operations of a step, and replays them on the memory they had.

As with a CUDA graph, nothing has been done when a step is recorded, a replay reads and writes the tensors of the
recording and no others, and numbers that were read on the way stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from classifier.steps import Graphed, RecordedStep


class MadeUpGraph(TorchDispatchMode):
    """A context manager that records; then `replay`."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[Any, Any, Any, Any]] = []
        self._made: set[int] = set()  # addresses of what operations made
        self._before: dict[int, tuple[Tensor, Tensor]] = {}  # address -> a tensor from outside, and what it held

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        for tensor in tensors((args, named)):
            address = tensor.data_ptr()
            if address not in self._made and address not in self._before:
                self._before[address] = tensor.detach(), tensor.detach().clone()
        result = func(*args, **named)
        self._made |= {tensor.data_ptr() for tensor in tensors(result)} - set(self._before)
        self._calls.append((func, args, named, result))
        return result

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        with torch.no_grad():
            for tensor, held in self._before.values():
                tensor.copy_(held)

    def replay(self) -> None:
        with torch.no_grad():
            for func, args, named, recorded in self._calls:
                for place, result in zip(tensors(recorded), tensors(func(*args, **named)), strict=True):
                    if place.data_ptr() != result.data_ptr():  # neither changed in place nor a view
                        place.copy_(result)


def tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors among arguments or results of an operation."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        yield from tensors(list(values.values()))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from tensors(value)


recordings: list[MadeUpGraph] = []
"""Every graph that was recorded; emptied by whoever counts."""


def record(graphed: Graphed, given: tuple[Tensor, ...]) -> RecordedStep:
    """Stand in for `Graphed._record`."""
    inputs = tuple(torch.empty_like(tensor).copy_(tensor) for tensor in given)
    graph = MadeUpGraph()
    with graph:
        graphed._work(*inputs)
    recordings.append(graph)
    return RecordedStep(inputs, graph.replay)
