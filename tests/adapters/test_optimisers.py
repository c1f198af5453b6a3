"""Every optimiser and every scheduler of torch goes on from its state to the bit."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch.optim import Optimizer, lr_scheduler, swa_utils

from search.adapters.torch import workload
from tests.adapters.scripts import load, net, resumed, rows

OTHER_GRADIENTS = {"SparseAdam", "Muon"}
"""Optimisers of sparse gradients, or of matrices alone."""

OPTIMISERS = {
    name: kind
    for name, kind in vars(torch.optim).items()
    if inspect.isclass(kind) and issubclass(kind, Optimizer) and kind is not Optimizer and name not in OTHER_GRADIENTS
}
SCHEDULERS = {
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 2),
    "MultiStepLR": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [2, 3]),
    "ExponentialLR": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.9),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 5),
    "ReduceLROnPlateau": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, patience=0),
    "LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
    "MultiplicativeLR": lambda optimizer: lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.95),
    "CyclicLR": lambda optimizer: lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, cycle_momentum=False),
    "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=50),
    "CosineAnnealingWarmRestarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2),
    "LinearLR": lr_scheduler.LinearLR,
    "PolynomialLR": lr_scheduler.PolynomialLR,
    "SWALR": lambda optimizer: swa_utils.SWALR(optimizer, 0.05),
    "SequentialLR": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.ConstantLR(optimizer, 0.1, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)], [2]
    ),
    "ChainedScheduler": lambda optimizer: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(optimizer, 0.1, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)]
    ),
}


@workload(settings={"optimizer": "SGD", "scheduler": "StepLR"}, data=load)
def fit(run, x, y):
    model = net()
    optimizer = OPTIMISERS[run["optimizer"]](model.parameters(), lr=0.01)
    scheduler = SCHEDULERS[run["scheduler"]](optimizer)
    run.keep(model=model, optimizer=optimizer, scheduler=scheduler)
    for _ in run:
        for inputs, targets in run.batches([x, y], 16, shuffle=True):

            def closure():
                optimizer.zero_grad()
                loss = (model(inputs) - targets).square().mean()  # noqa: B023
                loss.backward()
                return loss

            loss = optimizer.step(closure)
        scheduler.step(*([loss.detach()] if run["scheduler"] == "ReduceLROnPlateau" else []))
        yield run.measured(loss=loss, rate=optimizer.param_groups[0]["lr"])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_goes_on_from_its_state(name):
    assert rows(fit, {"optimizer": name}) == resumed(fit, {"optimizer": name})


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_goes_on_from_its_state(name):
    assert rows(fit, {"scheduler": name}) == resumed(fit, {"scheduler": name})


def test_all_of_them_are_tried():
    assert {"SGD", "Adam", "AdamW", "LBFGS", "RMSprop"} <= set(OPTIMISERS)
    assert len(OPTIMISERS) >= 12
