"""A workload whose epoch takes a given time and nothing else: what a study of it takes beyond that is the service's.

Asleep, a worker is to the cores what the worker of a GPU is: the service has them to itself, other programs do not
stretch an epoch, and seconds say what the service adds. Burning, it uses so much processor time as the service has to
make do beside trials on all cores.
"""

from __future__ import annotations

import time
from typing import Any

from search.workload import Description, Settings, Workload

SETTINGS: Description = {
    "x": {"type": "number", "minimum": 0, "maximum": 1, "description": "searched"},
    "y": {"type": "number", "minimum": 0, "maximum": 1, "description": "searched"},
    "seconds": {"type": "number", "minimum": 0, "maximum": 60, "description": "of an epoch", "unit": "s"},
    "how": {"enum": ["sleep", "burn"], "description": "how they pass: asleep, or using the processor for so long"},
}


def space(trials: int, epochs: int, seconds: float, how: str) -> dict[str, Any]:
    """Return what the space file would hold: TPE over two floats, no pruning, so that the ideal time is known."""
    return {
        "title": "Burning",
        "workload": "benchmarks.burning:Burning",
        "fixed": {"epochs": epochs, "seconds": seconds, "how": how},
        "space": {name: {"float": {"low": 0.0, "high": 1.0}} for name in ("x", "y")},
        "seeds": [0],
        "search": {
            "sampler": "tpe",
            "trials": trials,
            "objective": {"metric": "val_loss", "direction": "minimize"},
        },
    }


class Burning(Workload):
    """Two floats; no data, no random numbers."""

    recipe = "1"
    settings = SETTINGS

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Run:
        return Run(fixed)


class Run:
    """One run; its state is the number of epochs."""

    def __init__(self, fixed: Settings) -> None:
        self.fixed, self.epoch = fixed, 0

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        self.epoch += 1
        if self.fixed["how"] == "sleep":
            time.sleep(self.fixed["seconds"])
        else:
            until = time.thread_time() + self.fixed["seconds"]
            while time.thread_time() < until:
                pass
        return {"val_loss": (self.fixed["x"] - 0.3) ** 2 + (self.fixed["y"] - 0.6) ** 2 + 1 / self.epoch}

    def save(self) -> bytes:
        return self.epoch.to_bytes(8, "big")

    def load(self, state: bytes) -> None:
        self.epoch = int.from_bytes(state, "big")
