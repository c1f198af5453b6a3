"""A workload of one's own, complete: a polynomial is fitted to a noisy sine by gradient descent.

A space file says ``workload: examples.sine:SineFit``, as `examples/sine.yaml` does.
"""

import numpy as np

from search.workload import Settings, Workload


class SineFit(Workload):
    recipe = "1"  # raise it when the same settings train other numbers
    settings = {
        "degree": {"type": "integer", "minimum": 0, "maximum": 20, "default": 5, "description": "of the polynomial"},
        "lr": {"type": "number", "exclusiveMinimum": 0, "description": "length of a step", "epoch": True},
        "momentum": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.9, "description": "of the steps"},
    }

    def start(self, fixed: Settings, cpus: int, gpus: float) -> "Fit":
        return Fit(fixed["degree"], fixed["momentum"], fixed["seed"])


class Fit:
    """One run; what it draws depends on the seed and the epoch, never on what was drawn before."""

    def __init__(self, degree: int, momentum: float, seed: int) -> None:
        nature = np.random.default_rng(0)  # the same data for every seed
        x = nature.uniform(-1, 1, 128)
        self.x, self.y = np.vander(x, degree + 1), np.sin(3 * x) + nature.normal(0, 0.1, 128)
        self.momentum, self.seed, self.epoch = momentum, seed, 0
        self.weights, self.velocity = np.random.default_rng(seed).normal(0, 0.1, degree + 1), np.zeros(degree + 1)

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        self.epoch += 1
        order = np.random.default_rng([self.seed, self.epoch]).permutation(64)  # the other 64 points validate
        for batch in order.reshape(-1, 8):
            slope = self.x[batch].T @ (self.x[batch] @ self.weights - self.y[batch]) / 8
            self.velocity = self.momentum * self.velocity - settings["lr"] * slope
            self.weights = self.weights + self.velocity
        errors = (self.x @ self.weights - self.y) ** 2
        return {"train_loss": errors[:64].mean(), "val_loss": errors[64:].mean()}

    def save(self) -> bytes:
        return np.concatenate([[self.epoch], self.weights, self.velocity]).tobytes()

    def load(self, state: bytes) -> None:
        numbers = np.frombuffer(state)
        self.epoch, self.weights, self.velocity = int(numbers[0]), *np.split(numbers[1:], 2)
