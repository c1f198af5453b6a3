"""A workload of one's own, complete: a polynomial is fitted to a noisy sine by gradient descent.

A space file says ``workload: tests.contracts.toy:SineFit``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from search.workload import Description, Settings, Workload, rounded

TRAINING = 64  # of 128 points; the others validate

SETTINGS: Description = {
    "degree": {"type": "integer", "minimum": 0, "maximum": 20, "default": 5, "description": "of polynomial"},
    "lr": {"type": "number", "exclusiveMinimum": 0, "epoch": True, "description": "length of a step"},
    "momentum": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.9, "epoch": True, "description": "inertia"},
    "l2": {"type": "number", "minimum": 0, "default": 0, "epoch": True, "description": "pull of weights to zero"},
    "drop_after": {"type": ["integer", "null"], "minimum": 1, "default": None, "description": "then lr is a tenth"},
}


class SineFit(Workload):
    """What can be set, how a trial's settings spread over its epochs, and how a run starts."""

    recipe = "1"
    settings = SETTINGS

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Trials that differ in `drop_after` alone share the epochs before it."""
        fixed, each = super().schedule(settings, epochs)
        if drop := fixed.pop("drop_after"):
            for now in each[drop:]:
                now["lr"] = rounded(now["lr"] / 10, SETTINGS["lr"])
        return fixed, each

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Fit:
        return Fit(fixed["degree"], fixed["seed"])


class Fit:
    """One run; what it draws depends on the seed and the epoch, never on what was drawn before."""

    def __init__(self, degree: int, seed: int) -> None:
        nature = np.random.default_rng(0)  # the same data for every seed
        x = nature.uniform(-1, 1, 2 * TRAINING)
        self.x, self.y = np.vander(x, degree + 1), np.sin(3 * x) + nature.normal(0, 0.1, len(x))
        self.seed, self.epoch = seed, 0
        self.weights, self.velocity = np.random.default_rng(seed).normal(0, 0.1, degree + 1), np.zeros(degree + 1)

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        self.epoch += 1
        order = np.random.default_rng([self.seed, self.epoch]).permutation(TRAINING)
        for batch in order.reshape(-1, 8):
            x, y = self.x[batch], self.y[batch]
            slope = x.T @ (x @ self.weights - y) / len(y) + settings["l2"] * self.weights
            self.velocity = settings["momentum"] * self.velocity - settings["lr"] * slope
            self.weights = self.weights + self.velocity
        errors = (self.x @ self.weights - self.y) ** 2
        return {"train_loss": errors[:TRAINING].mean(), "val_loss": errors[TRAINING:].mean()}

    def save(self) -> bytes:
        return np.concatenate([[self.epoch], self.weights, self.velocity]).tobytes()

    def load(self, state: bytes) -> None:
        numbers = np.frombuffer(state)
        self.epoch, self.weights, self.velocity = int(numbers[0]), *np.split(numbers[1:], 2)
