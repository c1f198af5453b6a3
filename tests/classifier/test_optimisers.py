"""What optimisers read of the settings of an epoch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from classifier.optimisers import optimiser, rate_read, set_rate

PLAIN = {"optimizer.name": "sgd", "optimizer.momentum": 0.9, "optimizer.nesterov": False, "optimizer.weight_decay": 0.0}


@pytest.mark.parametrize("rate", [0.1, 0.005, 1e-4, 1 / 3, 100.0, 1e-30])
def test_on_a_gpu_every_step_reads_the_rate_that_a_recorded_one_has(rate: float) -> None:
    place = torch.zeros(())
    place.fill_(rate)  # as `set_rate` changes it where steps are recorded
    assert rate_read(rate, on_gpu=True) == place.item() == float(np.float32(rate))


def test_on_a_cpu_the_rate_is_that_of_the_settings() -> None:
    made = optimiser(torch.nn.Linear(2, 2), PLAIN)
    set_rate(made, 0.1)
    assert [group["lr"] for group in made.param_groups] == [0.1]
