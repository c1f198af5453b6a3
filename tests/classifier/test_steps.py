"""Recorded steps on a CPU, where a replay is the step itself on the recording's memory."""

from __future__ import annotations

import torch

from classifier.steps import STEPS_BEFORE_RECORDING, Graphed


def test_every_step_is_run_once_on_its_own_numbers() -> None:
    seen: list[list[float]] = []
    graphed = Graphed(lambda *tensors: seen.append([tensor.sum().item() for tensor in tensors]))
    for number in range(2 * STEPS_BEFORE_RECORDING):
        graphed(torch.full((3,), float(number)), torch.ones(number % 2 + 1))
    assert seen == [[3.0 * number, number % 2 + 1.0] for number in range(2 * STEPS_BEFORE_RECORDING)]


def test_each_shape_has_memory_of_its_own_behind_its_first_steps() -> None:
    places: dict[int, list[int]] = {2: [], 3: []}
    given = []

    def step(tensor: torch.Tensor) -> None:
        places[len(tensor)].append(tensor.data_ptr())

    graphed = Graphed(step)
    for _ in range(STEPS_BEFORE_RECORDING + 3):
        for size in (2, 3):
            given.append(torch.zeros(size))  # kept, so that no address is given out twice
            graphed(given[-1])
    for found in places.values():
        assert len(set(found[:STEPS_BEFORE_RECORDING])) == STEPS_BEFORE_RECORDING
        assert len(set(found[STEPS_BEFORE_RECORDING:])) == 1
    assert not {tensor.data_ptr() for tensor in given} & {found[-1] for found in places.values()}
