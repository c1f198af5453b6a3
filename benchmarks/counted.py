"""The classifier, counting: every epoch that is really trained leaves a line, whoever asked for it.

The environment variable `EPOCHS` names the file; each line holds the hash of all that the epoch measured, predictions
included, and the seconds it took. Lines are the epochs trained, different hashes the different ones among them. A line
is one write at the end of the file, so processes do not mix theirs up.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from classifier.workload import ClassifierWorkload

EPOCHS = "SEARCH_BENCHMARK_EPOCHS"


class Counted(ClassifierWorkload):
    """The classifier; its runs are counted."""

    def start(self, fixed: Mapping[str, Any], cpus: int, gpus: float) -> Run:
        return Run(super().start(fixed, cpus, gpus))


class Run:
    """A run of the classifier."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def train_epoch(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        row: dict[str, Any] = self._run.train_epoch(settings)
        note(row, time.monotonic() - began)
        return row

    def save(self) -> bytes:
        saved: bytes = self._run.save()
        return saved

    def load(self, state: bytes) -> None:
        self._run.load(state)


workload = Counted()


def note(row: Mapping[str, Any], seconds: float) -> None:
    """Append an epoch to the file, where one is named."""
    if name := os.environ.get(EPOCHS):
        with Path(name).open("ab", buffering=0) as file:
            file.write(f"{digest(row)} {seconds!r}\n".encode())


def digest(row: Mapping[str, Any]) -> str:
    """Return the hash of all bits of a row."""
    found = hashlib.sha256()
    for name in sorted(row.keys() - {"predictions"}):
        found.update(f"{name}={float(row[name]).hex()};".encode())
    for split, classes in sorted(row.get("predictions", {}).items()):
        found.update(f"{split}:".encode() + np.ascontiguousarray(classes, dtype="<i8").tobytes())
    return found.hexdigest()[:32]


def read(path: Path) -> tuple[list[str], float]:
    """Return the hashes of the epochs in a file, in the order they were trained, and their seconds together."""
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [line[0] for line in lines], sum(float(line[1]) for line in lines)
