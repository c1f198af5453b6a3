"""Scripts with mistakes that a look at their locals cannot see, for `verify`: each has a state that lacks something."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from search.adapters.torch import ScriptRun, workload
from search.proof.cases import BEHIND, LOADED, TWICE
from tests.adapters.scripts import LR, load, net

ORDER = torch.Generator().manual_seed(1)
SEEN = {"epochs": 0}


@workload(settings={"lr": LR}, data=load)
def generator_of_the_module(run: ScriptRun, x: Tensor, y: Tensor):
    """Seeded once, when the module is imported."""
    model = net()
    run.keep(model=model)
    for _ in run:
        order = torch.randperm(64, generator=ORDER)
        loss = descend(model, x[order[:32]], y[order[:32]], run["lr"])
        yield run.measured(val_loss=loss)


@workload(settings={"lr": LR}, data=load)
def momentum_in_an_attribute(run: ScriptRun, x: Tensor, y: Tensor):
    """Of the model, where its state_dict does not look."""
    model = net()
    model.velocity = [torch.zeros_like(parameter) for parameter in model.parameters()]
    run.keep(model=model)
    for _ in run:
        loss = (model(x) - y).square().mean()
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, velocity, gradient in zip(model.parameters(), model.velocity, gradients, strict=True):
                parameter -= run["lr"] * velocity.mul_(0.9).add_(gradient)
        yield run.measured(val_loss=loss)


@workload(settings={"lr": LR}, data=load)
def chance_of_the_system(run: ScriptRun, x: Tensor, y: Tensor):
    """A generator that nobody seeds."""
    model = net()
    run.keep(model=model)
    for _ in run:
        noise = torch.from_numpy(np.random.default_rng().normal(size=(64, 1))).float()
        loss = descend(model, x, y + 0.1 * noise, run["lr"])
        yield run.measured(val_loss=loss)


@workload(settings={"lr": LR}, data=load)
def counter_of_the_module(run: ScriptRun, x: Tensor, y: Tensor):
    """A mapping of the module, which all trials of a process share."""
    model = net()
    run.keep(model=model)
    for _ in run:
        SEEN["epochs"] += 1
        loss = descend(model, x, y, run["lr"] / SEEN["epochs"])
        yield run.measured(val_loss=loss)


def descend(model: nn.Module, x: Tensor, y: Tensor, rate: float) -> Tensor:
    loss = (model(x) - y).square().mean()
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter -= rate * gradient
    return loss


@workload(settings={"lr": LR, "drop": 1, "hidden": 3}, data=load)
def read_in_the_loop(run: ScriptRun, x: Tensor, y: Tensor):
    """No mistake: `drop` is fixed, and read by epochs alone; `hidden` is read before."""
    model, hidden = net(), run["hidden"]
    run.keep(model=model)
    for epoch in run:
        rate = run["lr"] * (1.0 if epoch <= run["drop"] else 0.5)
        loss = descend(model, x, y, rate / hidden)
        yield run.measured(val_loss=loss)


MISTAKES = {
    "generator_of_the_module": (LOADED, "generator"),
    "momentum_in_an_attribute": (LOADED, "velocity"),
    "chance_of_the_system": (TWICE, ""),
    "counter_of_the_module": (BEHIND, "SEEN"),
}
"""Name -> the case of `verify` that does not hold, and a word of the cause that it names."""
