"""Workloads that show what their process is like; each is made by a function that another process finds by its name."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from examples.sine import SineFit
from search.workload import Settings, Workload

trained_here: list[int] = []


class Told(Workload):
    """Does in an epoch what its setting `do` says."""

    settings = {"do": {"type": "string", "default": "", "epoch": True}}

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return ToldRun(fixed, cpus)


class ToldRun:
    def __init__(self, fixed: Settings, cpus: int) -> None:
        self.epoch, self.cpus = 0, cpus

    def train_epoch(self, settings: Settings) -> dict[str, object]:
        what, _, argument = settings["do"].partition(" ")
        if what == "raise":
            raise ValueError(f"not {argument}")
        if what == "exit":
            sys.exit(int(argument))
        if what == "leave":
            os._exit(int(argument))
        if what == "kill":
            os.kill(os.getpid(), getattr(signal, argument))
        if what == "print":
            print(argument)
            print(argument, file=sys.stderr)
        if what == "sleep":
            Path(argument).write_text(str(os.getpid()))
            time.sleep(600)
        if what == "child":
            child = subprocess.Popen(["sleep", "600"])
            Path(argument).write_text(str(child.pid))
        self.epoch += 1
        trained_here.append(self.epoch)
        value: object = self.epoch
        if what == "read":
            value = len(sys.stdin.read())
        if what == "lambda":
            value = lambda: 0  # noqa: E731
        if what == "threads":
            import torch

            torch.set_num_threads(self.cpus)
            value = float((torch.ones(600, 600) @ torch.ones(600, 600)).sum())
        return {
            "value": value,
            "process": os.getpid(),
            "trained_here": len(trained_here),
            "chance": np.random.random(),
            "descriptors": len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0,
        }

    def save(self) -> bytes:
        return str(self.epoch).encode()

    def load(self, state: bytes) -> None:
        self.epoch = int(state)


class Torn(Told):
    def data(self, fixed: Settings) -> None:
        raise RuntimeError("the folder is empty")


def told() -> Workload:
    return Told()


def torn() -> Workload:
    return Torn()


def sine() -> Workload:
    return SineFit()


def lacking() -> Workload:
    raise ImportError("a library is not installed")


class Chance(Workload):
    """Its rows are chance and time."""

    settings = {}

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Any:
        return ChanceRun()


class ChanceRun:
    def train_epoch(self, settings: Settings) -> dict[str, object]:
        return {
            "python": random.random(),
            "numpy": np.random.random(),
            "time": time.time() + time.perf_counter(),
            "date": datetime.now(UTC).timestamp(),
            "new": np.random.default_rng().random(),
            "urandom": os.urandom(8),
        }


def chance() -> Workload:
    return Chance()
