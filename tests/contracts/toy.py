"""The workload of `examples/sine.py` by the name that spaces of tests, and databases stored with them, have for it; and
one like it that takes its time and says how far it is off at each point."""

import time
from typing import Any

from examples.sine import Fit, SineFit
from search.workload import Settings

PAUSE_S = 0.02
"""Seconds of an epoch that takes its time."""


class Scored(SineFit):
    """Has intervals, and is slow enough to be watched."""

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return ScoredFit(super().start(fixed, cpus, gpus))


class ScoredFit:
    """One run of it."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    def train_epoch(self, settings: Settings) -> dict[str, object]:
        time.sleep(PAUSE_S)
        metrics = self._fit.train_epoch(settings)
        return {**metrics, "scores": {"val": {"loss": ((self._fit.x @ self._fit.weights - self._fit.y) ** 2)[64:]}}}

    def save(self) -> bytes:
        return self._fit.save()

    def load(self, state: bytes) -> None:
        self._fit.load(state)


__all__ = ["Fit", "Scored", "SineFit"]
