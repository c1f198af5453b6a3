"""Decay as a function of the epoch, against PyTorch's own schedulers."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from classifier.config import canonical, schedule
from classifier.schedule import learning_rate

MULTISTEP = {"decay.name": "multistep", "decay.start": 50, "decay.every": 30, "decay.factor": 0.1}


def torch_rates(epochs: int, make: Any) -> list[float]:
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=0.005)
    scheduler = make(optimiser)
    rates = []
    for _ in range(epochs):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


def test_multistep_from_epoch_50_every_30_epochs() -> None:
    ours = [learning_rate(epoch, 0.005, MULTISTEP) for epoch in range(1, 141)]
    theirs = torch_rates(140, lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [50, 80, 110], 0.1))
    assert ours == pytest.approx(theirs, rel=1e-11)
    assert [ours[49], ours[50], ours[79], ours[80]] == [0.005, 0.0005, 0.0005, 0.00005]


def test_exponential_from_an_epoch_on() -> None:
    decay = {"decay.name": "exponential", "decay.start": 3, "decay.factor": 0.3}
    rates = [learning_rate(epoch, 0.005, decay) for epoch in range(1, 7)]
    assert rates == [0.005, 0.005, 0.005, 0.0015, 0.00045, 0.000135]


def test_rates_have_twelve_digits_so_that_two_spellings_are_one() -> None:
    assert 0.005 * 0.1 * 0.1 != 0.005 * 0.1**2
    assert learning_rate(81, 0.005, MULTISTEP) == 5e-05
    assert math.isclose(learning_rate(81, 1 / 3, MULTISTEP), 1 / 300, rel_tol=1e-11)


def test_two_decays_share_the_epochs_before_they_fall() -> None:
    settings = {"data": "digits", "seed": 0}
    plain = schedule(canonical(settings), 60)
    falling = schedule(canonical({**settings, "decay.name": "multistep", "decay.start": 50}), 60)
    assert plain[0] == falling[0]
    assert plain[1][:50] == falling[1][:50]
    assert plain[1][50] != falling[1][50]
