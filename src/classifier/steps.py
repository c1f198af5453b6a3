"""How the steps of an epoch are run: one by one, or on a GPU recorded once and replayed.

A small network on a GPU waits for its host: starting a kernel takes longer than the kernel. A CUDA graph holds all
kernels of a step and starts them at once. It runs on fixed memory, so what changes from step to step is copied in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Work = Callable[..., None]
"""A step, given its tensors: reads and writes nothing else that moves, and never waits for the device."""

STEPS_BEFORE_RECORDING = 3
"""Steps of a shape that are run one by one before one is recorded: libraries set themselves up in the first ones."""


@dataclass(frozen=True)
class RecordedStep:
    """A step on memory of its own: copy into `inputs`, then call `replay`."""

    inputs: tuple[Tensor, ...]
    replay: Callable[[], None]


class Graphed:
    """Runs a step's kernels from a recording, one for each shape of its tensors.

    Recorded and other steps run the same kernels on the same numbers, so that a run goes on from a state as if nothing
    had happened. On a CPU nothing is recorded: a replay is the step itself, on the same fixed memory.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._seen: Counter[tuple[torch.Size, ...]] = Counter()
        self._recorded: dict[tuple[torch.Size, ...], RecordedStep] = {}

    def __call__(self, *tensors: Tensor) -> None:
        """Run the step on these tensors, all on one device."""
        shapes = tuple(tensor.shape for tensor in tensors)
        if shapes not in self._recorded:
            self._seen[shapes] += 1
            if self._seen[shapes] <= STEPS_BEFORE_RECORDING:
                return self._aside(*tensors)
            self._recorded[shapes] = self._record(tensors)
        recorded = self._recorded[shapes]
        for place, tensor in zip(recorded.inputs, tensors, strict=True):
            place.copy_(tensor)
        return recorded.replay()

    def _aside(self, *tensors: Tensor) -> None:
        """Run the step on a stream of its own, as PyTorch asks of steps before a recording."""
        if tensors[0].device.type != "cuda":
            return self._work(*tensors)
        present, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(present)
        with torch.cuda.stream(aside):
            self._work(*tensors)
        present.wait_stream(aside)
        return None

    def _record(self, tensors: tuple[Tensor, ...]) -> RecordedStep:
        inputs = tuple(torch.empty_like(tensor).copy_(tensor) for tensor in tensors)
        if inputs[0].device.type != "cuda":
            return RecordedStep(inputs, lambda: self._work(*inputs))
        graph = torch.cuda.CUDAGraph()
        # By default any other thread that uses the device meanwhile fails, as the one that fetches images does.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._work(*inputs)
        return RecordedStep(inputs, graph.replay)
