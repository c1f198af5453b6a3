"""How the steps of an epoch are run: one by one, or on a GPU recorded once and replayed.

A small network on a GPU waits for its host: starting a kernel takes longer than the kernel. A CUDA graph holds all
kernels of a step and starts them at once. It runs on fixed memory, so what changes from step to step is copied in.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Work = Callable[..., None]
"""A step, given its tensors: reads and writes nothing else that moves, and never waits for the device."""

STEPS_BEFORE_RECORDING = 3
"""Steps of a shape that are run one by one before one is recorded: libraries set themselves up in the first ones."""

_recording = threading.Lock()
"""PyTorch records one step at a time in a process; threads that train beside one another wait for it."""


@dataclass(frozen=True)
class RecordedStep:
    """A step on memory of its own: copy into `inputs`, then call `replay`."""

    inputs: tuple[Tensor, ...]
    replay: Callable[[], None]


class Graphed:
    """Runs a step's kernels from a recording, one for each shape of its tensors.

    Recorded and other steps run the same kernels on the same numbers, so that a run goes on from a state as if nothing
    had happened. On a CPU nothing is recorded: a replay is the step itself, on the same fixed memory.

    What is recorded goes with this object, as soon as nobody holds it: nothing it holds may hold it.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._seen: Counter[tuple[torch.Size, ...]] = Counter()
        self._recorded: dict[tuple[torch.Size, ...], RecordedStep] = {}
        self._pool: Any = None  # of the first recording: the others take the same memory, one after the other

    def __call__(self, *tensors: Tensor) -> None:
        """Run the step on these tensors, all on one device."""
        shapes = tuple(tensor.shape for tensor in tensors)
        if shapes not in self._recorded:
            self._seen[shapes] += 1
            if self._seen[shapes] <= STEPS_BEFORE_RECORDING:
                return self.aside(*tensors)
            self._recorded[shapes] = self._record(tensors)
        recorded = self._recorded[shapes]
        for place, tensor in zip(recorded.inputs, tensors, strict=True):
            place.copy_(tensor)
        return recorded.replay()

    def aside(self, *tensors: Tensor) -> None:
        """Run the step by itself, on another stream, as PyTorch asks of steps before a recording."""
        device = tensors[0].device
        if device.type != "cuda":
            return self._work(*tensors)
        present, aside = torch.cuda.current_stream(device), side_stream(device)
        aside.wait_stream(present)
        with torch.cuda.stream(aside):
            self._work(*tensors)
        present.wait_stream(aside)
        return None

    def _record(self, tensors: tuple[Tensor, ...]) -> RecordedStep:
        inputs = tuple(torch.empty_like(tensor).copy_(tensor) for tensor in tensors)
        device = inputs[0].device
        if device.type != "cuda":
            return RecordedStep(inputs, functools.partial(self._work, *inputs))
        graph = torch.cuda.CUDAGraph()
        # By default any other thread that uses the device meanwhile fails, as the one that fetches images does.
        how: dict[str, Any] = {"capture_error_mode": "thread_local", "stream": side_stream(device)}
        with _recording, torch.cuda.graph(graph, pool=self._pool, **how):
            self._work(*inputs)
        self._pool = graph.pool()
        return RecordedStep(inputs, graph.replay)


def side_stream(device: torch.device) -> torch.cuda.Stream:
    """Return the one stream beside the present one: for each stream that it sees, cuBLAS keeps 32 MiB of workspace."""
    present = torch.cuda.current_stream(device).stream_id
    if (device, present) not in _beside:
        _beside[device, present] = torch.cuda.Stream(device)
    return _beside[device, present]


_beside: dict[tuple[torch.device, int], torch.cuda.Stream] = {}
