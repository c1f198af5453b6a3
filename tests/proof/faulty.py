"""Workloads that cannot be tried at all."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from search.workload import Settings
from tests.proof.mistakes import Fit, Right


class Diverging(Right):
    class run(Fit):  # as the attribute of its base is called
        def measured(self) -> dict[str, object]:
            return {**super().measured(), "val_loss": math.nan if self.epoch == 2 else 1.0}


class Raising(Right):
    class run(Fit):
        def train_epoch(self, settings: Settings) -> Mapping[str, object]:
            if self.epoch == 2:
                raise IndexError("no such batch")
            return super().train_epoch(settings)


class NotStarting(Right):
    class run(Fit):
        def __init__(self, fixed: Settings) -> None:
            import a_library_that_nobody_has  # noqa: F401


class Renaming(Right):
    class run(Fit):
        def measured(self) -> dict[str, object]:
            return {f"loss_{self.epoch}": 1.0}


class Texts(Right):
    class run(Fit):
        def measured(self) -> dict[str, object]:
            return {"val_loss": "low"}


class Dying(Right):
    class run(Fit):
        def measured(self) -> dict[str, object]:
            os._exit(9)


class Unloadable(Right):
    class run(Fit):
        def load(self, state: bytes) -> None:
            raise KeyError("velocity")


class Unsaveable(Right):
    class run(Fit):
        def save(self) -> bytes:
            raise TypeError("cannot pickle")


class Dataless(Right):
    def data(self, fixed: Settings) -> None:
        raise LookupError("no such table")


class Stateless(Right):
    class run(Fit):
        def save(self) -> bytes:
            raise NotImplementedError


class Predicting(Right):
    """Its predictions alone depend on an average that is not saved."""

    class run(Fit):
        ema: Any = 0.0

        def measured(self) -> dict[str, object]:
            self.ema = 0.9 * self.ema + self.weights.sum()
            return {
                **super().measured(),
                "predictions": {"val": np.array([0, int(abs(self.ema) * 1e6) % 2, self.epoch])},
            }


SENTENCES = {
    "Diverging": "val_loss is nan in epoch 2, and what is not finite proves nothing",
    "Raising": "epoch 3 failed: IndexError('no such batch') (",
    "NotStarting": "it could not be started: No module named 'a_library_that_nobody_has' (",
    "Dataless": "its data cannot be read: LookupError('no such table') (",
    "Renaming": "epoch 2: this epoch has no metric 'loss_1', which the epochs before it have; every epoch must measure "
    "the same",
    "Texts": "epoch 1: metric 'val_loss' is 'low'; train_epoch must return numbers",
    "Dying": "epoch 1 failed: the process ended with exit status 9",
}
"""Workload -> what is said of it, and perhaps more of the place in its source."""
