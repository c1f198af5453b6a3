"""A toy that trains on a make-believe GPU: a lock that one process at a time may hold, and memory that runs out."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search.workload import Description, Settings
from tests.contracts.toy import Fit, SineFit


class OnGpu(SineFit):
    """`SineFit` with epochs that take the time and the GPU that its settings say, and a line per epoch in `log`."""

    recipe = "1"
    settings: Description = {
        **SineFit.settings,
        "host": {"type": "number", "default": 0.0, "description": "seconds of an epoch that the GPU is not needed for"},
        "device": {"type": "number", "default": 0.0, "description": "seconds of an epoch that the GPU works"},
        "switching": {"type": "number", "default": 0.0, "description": "seconds the GPU loses by another run's turn"},
        "memory": {"type": "number", "default": 0.25, "description": "of the GPU that a run needs, as a fraction"},
        "room": {"type": "number", "default": 1.0, "description": "of the GPU that there is before memory is refused"},
        "best": {"type": "integer", "default": 100, "description": "epoch after which validation gets worse"},
        "log": {"type": "string", "default": "", "description": "file for a line per epoch"},
    }

    def execution_class(self, cpus: int, gpus: float) -> Mapping[str, str]:
        return {"gpus": str(gpus)}  # the same in every process; whoever looks sees no share

    def start(self, fixed: Settings, cpus: int, gpus: float) -> FitOnGpu:
        run = FitOnGpu(fixed["degree"], fixed["momentum"], fixed["seed"])
        run.fixed, run.gpus = fixed, gpus
        return run


class FitOnGpu(Fit):
    """One run of `OnGpu`."""

    fixed: Settings
    gpus: float
    neighbours = 0

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        time.sleep(self.fixed["host"])
        row = super().train_epoch(settings)
        row["val_loss"] = float(abs(self.epoch - self.fixed["best"]))
        if log := self.fixed["log"]:
            with _present(Path(f"{log}.here")) as self.neighbours, open(f"{log}.lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                time.sleep(self.fixed["device"] + self.fixed["switching"] * (self.neighbours - 1))
                with open(log, "a") as file:
                    file.write(f"{os.getpid()} {self.fixed['degree']} {self.epoch}\n")
        return row

    def usage(self) -> Mapping[str, Any] | None:
        if not self.gpus:
            return None
        wanted = self.fixed["memory"] * max(1, self.neighbours)
        return {"memory": min(wanted, self.fixed["room"]), "refused": int(wanted > self.fixed["room"])}


@contextmanager
def _present(folder: Path) -> Iterator[int]:
    """Be seen in a folder; give the number of those that are there."""
    folder.mkdir(exist_ok=True)
    mine = folder / str(os.getpid())
    mine.touch()
    try:
        yield len(list(folder.iterdir()))
    finally:
        mine.unlink()
