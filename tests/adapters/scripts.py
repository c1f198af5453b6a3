"""A small regression as a script, and what tests do with scripts."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from search.adapters.torch import ScriptRun, ScriptWorkload, workload
from search.workload import Settings


def load() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    return x, torch.sin(3 * x)


def net(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Dropout(0.1), nn.Linear(width, 1))


NONE: Settings = MappingProxyType({})
LR = {"type": "number", "default": 0.05, "exclusiveMinimum": 0, "epoch": True}


@workload(settings={"lr": LR, "width": 4}, data=load)
def right(run: ScriptRun, x: torch.Tensor, y: torch.Tensor):
    model = net(run["width"])
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
    run.keep(model=model, optimizer=optimizer)
    for _ in run:
        optimizer.param_groups[0]["lr"] = run["lr"]
        for inputs, targets in run.batches([x, y], 16, shuffle=True):
            loss = (model(inputs) - targets).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield run.measured(val_loss=loss)


def begin(script: ScriptWorkload, settings: Settings = NONE, epochs: int = 4):
    fixed, each = script.schedule(script.canonical({"seed": 1, **settings}), epochs)
    return script.start(fixed, 1, 0), each


def rows(script: ScriptWorkload, settings: Settings = NONE, epochs: int = 4) -> list[dict[str, Any]]:
    run, each = begin(script, settings, epochs)
    return [dict(run.train_epoch(now)) for now in each]


def resumed(script: ScriptWorkload, settings: Settings = NONE, epochs: int = 4) -> list[dict[str, Any]]:
    """The rows of runs each of which trains one epoch, from the state that the one before it saved."""
    run, each = begin(script, settings, epochs)
    state, measured = run.save(), []
    for now in each:
        run, _ = begin(script, settings, epochs)
        torch.rand(7)
        run.load(state)
        measured.append(dict(run.train_epoch(now)))
        state = run.save()
    return measured


def text(measured: Sequence[object]) -> str:
    """Rows as text, so that NaN equals NaN; floats are written with all their digits."""
    return repr(measured)
