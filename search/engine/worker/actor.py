"""The actor of a local Ray that trains leases: what Ray Tune asks of a trainable, without an import of Ray Tune.

That import takes a worker longer than all the rest of its start, and brings pandas and pyarrow into every process that
is forked from it.
"""

from __future__ import annotations

import os
import time
from typing import Any

from search.engine.worker.trainable import LeaseTrainable


class LeaseActor(LeaseTrainable):
    """Does what a lease needs of `ray.tune.Trainable`: these are the methods that Tune calls.

    Args:
        config: with the first lease.
        more: where Tune would have an actor write; nothing is written here. Which words these are hangs on the version.
    """

    def __init__(self, config: dict[str, Any], **more: object) -> None:
        self._steps, self._seconds = 0, 0.0
        self.setup(config)

    def get_auto_filled_metrics(self, **more: object) -> dict[str, Any]:
        """Return what stands for a result before the first one."""
        return {"pid": os.getpid()}

    def train(self) -> dict[str, Any]:
        """Return the result of the next step, with what Tune reads of it, and seconds of all steps of the lease."""
        began = time.monotonic()
        result = self.step()
        seconds = time.monotonic() - began
        self._steps, self._seconds = self._steps + 1, self._seconds + seconds
        return {
            "done": False,
            "training_iteration": self._steps,
            "time_this_iter_s": seconds,
            "time_total_s": self._seconds,
            "pid": os.getpid(),
            **result,
        }

    def reset(self, new_config: dict[str, Any], **more: object) -> bool:
        """Take the next lease; return whether that was possible."""
        self._steps, self._seconds = 0, 0.0
        return self.reset_config(new_config)

    def stop(self) -> None:
        """Let go of the run, at the end of the process."""
        self.cleanup()
