"""A run that is over is freed at once, with its images and weights: workers keep their process. What it recorded stays
for one of its shape alone: `test_machinery`."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from classifier.steps import STEPS_BEFORE_RECORDING, Graphed
from classifier.workload import workload

SETTINGS = {"data": "digits", "data.size": 8, "batch_size": 30, "seed": 0}
"""Eight steps an epoch: more than are run before one is recorded."""

LEASES = 5


@pytest.fixture(autouse=True)
def _nobody_looks_for_garbage() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_run_that_nobody_holds_is_freed_at_once(optimiser: str) -> None:
    fixed, each = workload.schedule(workload.canonical({**SETTINGS, "optimizer.name": optimiser}), 2)
    alive: list[weakref.ref[object]] = []
    state = None
    for _ in range(LEASES):
        run = workload.start(fixed, 1, 0.0)
        if state is not None:
            run.load(state)
        for now in each:
            run.train_epoch(now)
        state = run.save()
        alive += [weakref.ref(part) for part in (run, run.model, run._optimizer, run._total, run._network)]
        del run
    assert [reference() for reference in alive] == [None] * len(alive)


def test_recordings_go_with_what_made_them() -> None:
    import torch

    graphed = Graphed(lambda tensor: tensor.add_(1))
    for _ in range(STEPS_BEFORE_RECORDING + 1):
        graphed(torch.zeros(3))
    gone = weakref.ref(graphed)
    inputs = weakref.ref(next(iter(graphed._recorded.values())).inputs[0])
    del graphed
    assert (gone(), inputs()) == (None, None)
