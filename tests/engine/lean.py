"""A workload whose rows tell whether its process has imported Tune, or what of Ray Train Tune builds on."""

from __future__ import annotations

import sys
from typing import Any

from search.workload import Settings
from tests.contracts.toy import SineFit


class Telling(SineFit):
    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return TellingRun(super().start(fixed, cpus, gpus))


class TellingRun:
    def __init__(self, run: Any) -> None:
        self._run = run
        self.save, self.load = run.save, run.load

    def train_epoch(self, settings: Settings) -> dict[str, Any]:
        return {
            **self._run.train_epoch(settings),
            IMPORTED: float(not {"ray.tune", "ray.train"}.isdisjoint(sys.modules)),
        }


IMPORTED = "tune_imported"
"""Metric that is 1 where it has."""
