"""How long a run takes where no similar trial was on record: its first epochs are timed, as the probe of `plan` is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search.engine.decide.pace import Pace
from search.engine.live import View
from search.ledger.ledger import Ledger
from search.plan.plan import Plan
from search.plan.process import FIRST_EPOCHS, SECOND_EPOCH_LIMIT_S, Probe
from search.plan.text import timed
from search.study.leaf import longest


class FirstEpochs:
    """Hands events on to the view, and plans the time of the run as soon as an epoch has told how long one takes.

    As with a probe it is the second epoch of a trial that counts, or the first one where it takes long or is the last.

    Args:
        plan: of the run, made before its first epoch.
        ledger: where the run is on record, with its plan.
        run_id: the run.
        view: told of all events, and of the time.
        ray_s: seconds until a worker had said what it is.

    Attributes:
        plan: of the run, with its time once that is known.
        pace: of the driver, which has measured when its first worker was ready.
    """

    pace: Pace

    def __init__(self, plan: Plan, ledger: Ledger, run_id: int, view: View, ray_s: float) -> None:
        self.plan = plan.figures()
        self._timed = plan.timed if plan.seconds.wall is None else None
        self._ledger, self._run_id, self._view, self._ray_s = ledger, run_id, view, ray_s
        self._epoch = min(2, longest(plan.space))

    def event(self, kind: str, what: Mapping[str, Any]) -> None:
        """Something happened; see `search.engine.decide.outcomes.Event`."""
        self._view.event(kind, what)
        if self._timed is None or kind != "epoch":
            return
        if what["epoch"] < self._epoch and what["seconds"] <= SECOND_EPOCH_LIMIT_S:
            return
        worker = self.pace.overhead()["worker"]
        overhead = replace(self.plan.seconds.overhead, ray=self._ray_s, worker=worker, source=FIRST_EPOCHS)
        seconds = self._timed(Probe(what["seconds"], None, source=FIRST_EPOCHS), overhead)
        self.plan, self._timed = replace(self.plan, seconds=seconds), None  # lets all trials of the plan go
        self._ledger.amend_run(self._run_id, {"plan": self.plan.to_json()})
        if seconds.wall is not None:
            self._view.say(timed(self.plan))
