"""Small workloads for the engine's tests: one that is never trained, and some that misbehave on real workers."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import time
from pathlib import Path
from typing import Any

from classifier.workload import ClassifierWorkload
from search.workload import Description, Run, Settings, Workload


class Synthetic(Workload):
    """For simulated executors, which make up the rows: `switch` changes `pull` after so many epochs, `turn` `push`."""

    recipe = "1"
    settings: Description = {
        "a": {"type": "integer", "default": 0},
        "x": {"type": "number", "default": 0.0},
        "kind": {"enum": ["plain", "rich"], "default": "plain"},
        "extra": {"type": "integer", "default": 0, "when": {"kind": ["rich"]}},
        "pull": {"type": "number", "default": 1.0, "epoch": True},
        "push": {"type": "number", "default": 1.0, "epoch": True},
        "switch": {"type": ["integer", "null"], "minimum": 1, "default": None},
        "turn": {"type": ["integer", "null"], "minimum": 1, "default": None},
    }

    def schedule(self, settings: Settings, epochs: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        fixed, each = super().schedule(settings, epochs)
        for name, changed in (("switch", "pull"), ("turn", "push")):
            if epoch := fixed.pop(name):
                for now in each[epoch:]:
                    now[changed] = 2.0
        return fixed, each

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        raise AssertionError("no worker trains this")


class Costed(Synthetic):
    """The same with a cost that no training changes."""

    cost_metrics = ("size",)

    def costs(self, fixed: Settings) -> dict[str, float]:
        return {"size": 10.0 * fixed["a"] + fixed["x"]}


ACTS = ["train", "raise", "diverge", "die once", "no loss", "square", "float"]
ACTS += ["die", "crash", "hang", "memory", "leave"]


class Scripted(Workload):
    """Does what its settings say, epoch by epoch, and writes one line per epoch it trains into the file `log`."""

    recipe = "1"
    settings: Description = {
        "act": {"enum": ACTS, "default": "train"},
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
            file.write(f"{os.getpid()} {x} {seed} {self.epoch} {os.getppid()}\n")
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
            case "float":
                row["predictions"] = {"val": [0.0, 1.0]}
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "hang":
                time.sleep(1_000)
            case "memory":
                bytearray(10**18)
            case "leave":
                raise SystemExit("the workload left")
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


class Held(Scripted):
    """Trains no epoch while the file ``<log>.hold`` is there, but the first."""

    def start(self, fixed: Settings, cpus: int, gpus: float) -> HeldScript:
        return HeldScript(dict(fixed))


class HeldScript(Script):
    """One run of `Held`."""

    def train_epoch(self, settings: Settings) -> dict[str, Any]:
        while self.epoch and Path(f"{self.fixed['log']}.hold").exists():
            time.sleep(0.1)
        return super().train_epoch(settings)


COUNTED = "TEST_EPOCHS_LOG"
"""Environment variable with the name of the file that `Counted` writes into."""

PAUSE = "TEST_EPOCHS_PAUSE"
"""Environment variable with the seconds that `Counted` makes an epoch longer."""


class Counted(ClassifierWorkload):
    """The classifier, which writes a line per epoch it trains: what is really done, whoever keeps books of it.

    A line is a fingerprint of everything that was trained up to there, made without the service's keys, and the epoch.
    """

    def start(self, fixed: Settings, cpus: int, gpus: float) -> CountedRun:
        return CountedRun(super().start(fixed, cpus, gpus), digest("", dict(fixed)))


def digest(before: str, what: Any) -> str:
    return hashlib.md5(f"{before} {json.dumps(what, sort_keys=True)}".encode()).hexdigest()


class CountedRun:
    """One run of `Counted`."""

    def __init__(self, run: Run, chain: str) -> None:
        self.run, self.chain, self.epoch = run, chain, 0

    def train_epoch(self, settings: Settings) -> Any:
        self.chain, self.epoch = digest(self.chain, dict(settings)), self.epoch + 1
        with open(os.environ[COUNTED], "a") as file:
            file.write(f"{self.chain} {self.epoch}\n")
        time.sleep(float(os.environ.get(PAUSE, "0")))
        return self.run.train_epoch(settings)

    def save(self) -> bytes:
        return f"{self.chain}{self.epoch:8}".encode() + self.run.save()

    def load(self, state: bytes) -> None:
        self.chain, self.epoch = state[:32].decode(), int(state[32:40])
        self.run.load(state[40:])


DECODED = "TEST_DECODED_LOG"
"""Environment variable with the name of the file that `Decoding` writes into."""


class Decoding(Counted):
    """`Counted`, which also writes down where images are decoded: a line with the cache folder for each time."""

    def __init__(self) -> None:
        from classifier.data import decode

        if decode.decode_all is not noted:
            noted.usual, decode.decode_all = decode.decode_all, noted  # type: ignore[attr-defined]


def noted(*arguments: Any) -> Any:
    with open(os.environ[DECODED], "a") as file:
        file.write(f"{os.environ['SEARCH_CACHE']}\n")
    return noted.usual(*arguments)  # type: ignore[attr-defined]
