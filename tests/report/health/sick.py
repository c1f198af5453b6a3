"""A workload with faults to be found: a setting that nobody reads, one without effect, and splits that overlap."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from search.workload import ACROSS_SPLITS, DataCard, Description, Settings, Workload

CURVES = {0.1: (0.5, 0.6, 0.7, 0.72), 0.2: (0.5, 0.4, 0.9, 0.95)}
"""Accuracy by rate and epoch: the better rate dips."""


class Sick(Workload):
    recipe = "1"
    metrics = ("val_accuracy", "val_loss")
    settings: Description = {
        "rate": {"type": "number", "default": 0.1},
        "momentum": {"type": "number", "default": 0.9, "description": "that nobody reads"},
        "clip": {"type": "number", "default": 1.0, "description": "that is never reached"},
    }

    def data(self, fixed: Settings) -> DataCard:
        return DataCard("sick", "sick", notes=[f"3 pairs of identical images {ACROSS_SPLITS}"])

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return Training(fixed)


class Training:
    def __init__(self, fixed: Settings) -> None:
        self.fixed, self.epoch = fixed, 0

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        step = min(CURVES[self.fixed["rate"]][self.epoch], self.fixed["clip"])
        self.epoch += 1
        accuracy = step + 0.001 * float(np.random.default_rng([self.fixed["seed"], self.epoch]).normal())
        return {"val_accuracy": accuracy, "val_loss": 1 - accuracy}

    def save(self) -> bytes:
        return struct.pack("<q", self.epoch)

    def load(self, state: bytes) -> None:
        (self.epoch,) = struct.unpack("<q", state)
