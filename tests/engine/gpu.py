"""A toy that trains on a make-believe GPU: a lock that one process at a time may hold, and memory that runs out.

An epoch takes at least the seconds that its settings say, so that runs are there at the same time. What the worker
measures of it are these seconds and no others: a busy machine changes no figure and no decision.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from search.engine.worker import trainable
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
        if fixed["log"]:
            run.place = taken_place(Path(f"{fixed['log']}.here"))
            vars(trainable)["time"] = SimpleNamespace(monotonic=lambda: MadeUpClock.now_s)
        return run


class MadeUpClock:
    """Seconds of all epochs of this process, as settings say them: what a worker reads instead of the time."""

    now_s = 0.0


class FitOnGpu(Fit):
    """One run of `OnGpu`.

    Attributes:
        place: file that is locked as long as the run lives, so that others see it.
        neighbours: runs on the GPU in the last epoch, this one too.
    """

    fixed: Settings
    gpus: float
    place: IO[str]
    neighbours = 0

    def train_epoch(self, settings: Settings) -> dict[str, float]:
        host, device = self.fixed["host"], self.fixed["device"]
        time.sleep(host)
        row = super().train_epoch(settings)
        row["val_loss"] = float(abs(self.epoch - self.fixed["best"]))
        if log := self.fixed["log"]:
            with open(f"{log}.lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.neighbours = places_taken(Path(f"{log}.here"))
                turn = device + self.fixed["switching"] * (self.neighbours - 1)
                time.sleep(turn)
                with open(log, "a") as file:
                    file.write(f"{os.getpid()} {self.fixed['degree']} {self.epoch}\n")
            MadeUpClock.now_s += max(host + turn, self.neighbours * turn)
        return row

    def usage(self) -> Mapping[str, Any] | None:
        if not self.gpus:
            return None
        wanted = self.fixed["memory"] * max(1, self.neighbours)
        return {"memory": min(wanted, self.fixed["room"]), "refused": int(wanted > self.fixed["room"])}


def taken_place(folder: Path) -> IO[str]:
    """Return a file of a run's own, locked until it is closed, which is at the latest when the process has ended."""
    folder.mkdir(exist_ok=True)
    number = len(list(folder.iterdir()))
    place = (folder / f"{os.getpid()}-{number}").open("w")
    fcntl.flock(place, fcntl.LOCK_EX)
    return place


def places_taken(folder: Path) -> int:
    """Return how many files there are locked."""
    return sum(map(locked, folder.iterdir()))


def locked(file: Path) -> bool:
    with file.open() as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
