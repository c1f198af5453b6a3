"""What runs on a worker: trains the epochs of one lease after another and reports their rows.

A worker process serves many leases (starting one costs seconds). What must not leak from one to the next - random
state, thread counts, flags - is the workload's to set again when it starts a run; its contract says so.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np
from ray import tune

from search.engine.lease import Assignment
from search.engine.place import prepare, verify_class
from search.trial import Row
from search.workload import Run

ROW, SECONDS, ERROR, LEASE = "row", "row_seconds", "lease_error", "lease_id"


class LeaseTrainable(tune.Trainable):
    """A Ray Tune trial: one lease, one epoch a step."""

    def setup(self, config: Mapping[str, Any]) -> None:
        """Take the first lease; nothing is imported or built before the first step, where errors are told."""
        self._assignment: Assignment = config["assignment"]
        self._run: Run | None = None
        self._epoch = 0

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        """Take the next lease in the same process."""
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train the next epoch of the lease; an exception of the workload is a result, not a crash."""
        lease, setup = self._assignment.lease, self._assignment.setup
        try:
            if self._run is None:
                verify_class(setup)
                self._run = prepare(setup).start(lease.fixed, setup.cpus, setup.gpus)
            began = time.monotonic()
            measured = dict(self._run.train_epoch(lease.schedule[self._epoch]))
            seconds = time.monotonic() - began
            row = row_of(measured)
        except Exception:
            return {LEASE: lease.id, ERROR: traceback.format_exc(), "done": True}
        self._epoch += 1
        # Never "done": Tune would not show its scheduler a last result, and every row must be committed.
        return {LEASE: lease.id, ROW: row, SECONDS: seconds}

    def cleanup(self) -> None:
        """Let go of the run."""
        self._run = None


def row_of(measured: Mapping[str, Any]) -> Row:
    """Check what `train_epoch` returned and make it a row.

    Raises:
        TypeError: a metric is no number, or there is none; predictions are not one number per image.
    """
    predictions: dict[str, np.ndarray] = {}
    for split, classes in dict(measured.get("predictions", {})).items():
        array = predictions[str(split)] = np.asarray(classes)
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise TypeError(
                f"predictions of {split!r} have the shape {array.shape} and the type {array.dtype}; train_epoch must "
                "return one number per image"
            )
    metrics = {}
    for name, value in measured.items():
        if name == "predictions":
            continue
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError
            metrics[str(name)] = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"metric {name!r} is {value!r}; train_epoch must return numbers") from None
    if not metrics:
        raise TypeError("train_epoch returned no metric; it must return a mapping of metric names to numbers")
    return Row(metrics, predictions)
