"""What Ray Tune reads of the actor of a local Ray: as `ray.tune.Trainable` tells it, and without an import of Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from search.engine.worker import actor
from tests.surroundings import HANG_S


class Acting(actor.LeaseActor):
    """Takes leases that are lists of results, and tells what was called."""

    def setup(self, config: dict[str, Any]) -> None:  # type: ignore[override]
        self.results = list(config["results"])
        self.ended = getattr(self, "ended", [])

    def reset_config(self, new_config: dict[str, Any]) -> bool:  # type: ignore[override]
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        clock.now += 2.0
        return dict(self.results.pop(0))

    def cleanup(self) -> None:
        self.ended.append(True)


clock = SimpleNamespace(now=0.0)


def test_a_result_has_what_tune_reads_and_seconds_begin_anew_with_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actor, "time", SimpleNamespace(monotonic=lambda: clock.now))
    acting = Acting({"results": [{"lease_id": 1}, {"lease_id": 1, "done": True}]}, storage=None, logger_creator=None)
    assert acting.get_auto_filled_metrics(debug_metrics_only=True) == {"pid": os.getpid()}
    first, last = acting.train(), acting.train()
    of_each = {"lease_id": 1, "time_this_iter_s": 2.0, "pid": os.getpid()}
    assert first == {**of_each, "done": False, "training_iteration": 1, "time_total_s": 2.0}
    assert last == {**of_each, "done": True, "training_iteration": 2, "time_total_s": 4.0}
    assert acting.reset({"results": [{"lease_id": 2}]}, storage=None) is True
    assert acting.train() == {**first, "lease_id": 2}
    assert acting.ended == []
    acting.stop()
    assert acting.ended == [True]


def test_no_ray_is_imported() -> None:
    script = "import sys, search.engine.worker.actor; print(sorted({'ray', 'pandas', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=HANG_S)
    assert (done.stdout, done.stderr) == ("[]\n", "")
