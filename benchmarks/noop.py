"""A workload whose epoch is a formula: whatever time a study of it takes is not spent on training."""

from __future__ import annotations

import math
from typing import Any

from search.workload import Description, Settings, Workload

LR = (1e-4, 1e-1)
DECAY = (0.0, 1.0)
GRACE, FACTOR = 1, 3  # of ASHA

SETTINGS: Description = {
    "lr": {"type": "number", "minimum": LR[0], "maximum": LR[1], "description": "searched on a log scale"},
    "decay": {"type": "number", "minimum": DECAY[0], "maximum": DECAY[1], "description": "searched on a linear scale"},
}


def loss(lr: float, decay: float, epoch: int) -> float:
    """Return the loss after that many epochs: it falls with each, towards a floor that the two floats set."""
    return (math.log10(lr) + 2) ** 2 + (decay - 0.3) ** 2 + 1 / epoch


def space(trials: int, epochs: int) -> dict[str, Any]:
    """Return what the space file would hold: TPE and ASHA over two floats."""
    return {
        "title": "No-op",
        "workload": "benchmarks.noop:Noop",
        "fixed": {"epochs": epochs},
        "space": {
            "lr": {"float": {"low": LR[0], "high": LR[1], "log": True}},
            "decay": {"float": {"low": DECAY[0], "high": DECAY[1]}},
        },
        "seeds": [0],
        "search": {
            "sampler": "tpe",
            "trials": trials,
            "objective": {"metric": "val_loss", "direction": "minimize"},
            "pruning": {"asha": {"grace_period": GRACE, "reduction_factor": FACTOR}},
        },
    }


class Noop(Workload):
    """Two floats; no data, no random numbers."""

    recipe = "1"
    settings = SETTINGS

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Run:
        return Run(fixed["lr"], fixed["decay"])


class Run:
    """One run; its state is the number of epochs."""

    def __init__(self, lr: float, decay: float) -> None:
        self.lr, self.decay, self.epoch = lr, decay, 0

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        self.epoch += 1
        return {"val_loss": loss(self.lr, self.decay, self.epoch)}

    def save(self) -> bytes:
        return self.epoch.to_bytes(8, "big")

    def load(self, state: bytes) -> None:
        self.epoch = int.from_bytes(state, "big")
