"""Small workloads for the engine's tests: one that is never trained, and some that misbehave on real workers."""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path
from typing import Any

from search.workload import Description, Settings, Workload


class Synthetic(Workload):
    """For simulated executors, which make up the rows: `switch` changes `pull` after so many epochs."""

    recipe = "1"
    settings: Description = {
        "a": {"type": "integer", "default": 0},
        "x": {"type": "number", "default": 0.0},
        "kind": {"enum": ["plain", "rich"], "default": "plain"},
        "extra": {"type": "integer", "default": 0, "when": {"kind": ["rich"]}},
        "pull": {"type": "number", "default": 1.0, "epoch": True},
        "switch": {"type": ["integer", "null"], "minimum": 1, "default": None},
    }

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        fixed, each = super().schedule(settings, epochs)
        if switch := fixed.pop("switch"):
            for now in each[switch:]:
                now["pull"] = 2.0
        return fixed, each

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        raise AssertionError("no worker trains this")


class Scripted(Workload):
    """Does what its settings say, epoch by epoch, and writes one line per epoch it trains into the file `log`."""

    recipe = "1"
    settings: Description = {
        "act": {"enum": ["train", "raise", "diverge", "die once", "no loss", "square"], "default": "train"},
        "at": {"type": "integer", "default": 2, "description": "epoch in which it acts so"},
        "pause": {"type": "number", "default": 0.0, "description": "seconds of an epoch"},
        "log": {"type": "string", "description": "file for a line per epoch"},
        "x": {"type": "integer", "default": 0, "description": "decides the losses"},
    }

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Script:
        return Script(dict(fixed))


class Script:
    """One run of `Scripted`."""

    def __init__(self, fixed: dict[str, Any]) -> None:
        self.fixed, self.epoch = fixed, 0

    def train_epoch(self, settings: Settings) -> dict[str, Any]:
        self.epoch += 1
        x, seed = self.fixed["x"], self.fixed["seed"]
        with open(self.fixed["log"], "a") as file:
            file.write(f"{os.getpid()} {x} {seed} {self.epoch}\n")
        time.sleep(self.fixed["pause"])
        loss = math.sqrt(2) / (self.epoch + x + seed / 10)
        row: dict[str, Any] = {"train_loss": loss, "val_loss": 2 * loss}
        if self.epoch < self.fixed["at"]:
            return row
        match self.fixed["act"]:
            case "raise":
                if not Path(self.fixed["log"] + ".mended").exists():
                    raise ZeroDivisionError(f"x is {x} in epoch {self.epoch}")
            case "diverge":
                row["train_loss"] = math.nan
            case "no loss":
                row = {"train_loss": loss}
            case "square":
                row["predictions"] = {"val": [[1, 2], [3, 4]]}
            case "die once":
                marker = Path(self.fixed["log"] + ".died")
                if not marker.exists():
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return row

    def save(self) -> bytes:
        return str(self.epoch).encode()

    def load(self, state: bytes) -> None:
        self.epoch = int(state)
