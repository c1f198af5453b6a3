"""What Ray Tune calls: a searcher that pops leases, a scheduler that commits rows, and a pulse between two turns.

The searcher takes leases off the driver's queue; the scheduler commits rows through the driver and passes the answer
on. The fold and the commit of one row take about 2 ms together; whatever takes longer (asking a sampler) is done
in the driver's own thread.

`search.engine.executor.tune` imports this module: it sets first what Ray reads when it is imported.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from search.engine.decide.death import UNKNOWN
from search.engine.decide.driver import Driver
from search.engine.decide.lease import Assignment, WorkerSetup
from search.engine.decide.roster import Roster
from search.engine.executor import private
from search.engine.executor.servers import fallen
from search.engine.machines.gauge import Gauge
from search.engine.worker.deaths import Deaths, alive
from search.engine.worker.trainable import (
    DIED,
    ERROR,
    GPUS,
    LEASE,
    MISS,
    PROVED,
    SHORT,
    TRAINED,
    USAGE,
)

WORKER_EXIT_TIMEOUT_S = 10.0
"""Seconds that workers are given to end before others take their place; they have saved their states by then."""

LEASE_WAIT_S = 5.0
"""Seconds the searcher waits for a lease while nothing runs; Tune would sleep a second per empty answer."""

LOOK_SPACING_S = 1.0
"""Seconds between two looks at what workers do."""

WORKER_START_S = 1.0
"""Seconds in which no worker gets ready: for leases that are over sooner, another one is not started."""


@contextmanager
def giving_up(driver: Driver) -> Iterator[None]:
    """Let the driver keep an error of its own: Tune logs it, or raises another one with its text."""
    try:
        yield
    except Exception as error:
        driver.give_up(error)
        raise


class NotSaved:
    """Tune pickles what it is given, for `Tuner.restore`; here a restart reads the ledger."""

    def __getstate__(self) -> dict[str, object]:
        return {}


class LeaseQueue(NotSaved, Searcher):
    """Ray Tune's searcher: pops leases, and hears which ones ended."""

    def __init__(self, driver: Driver, setup: WorkerSetup, gauge: Gauge | None = None) -> None:
        super().__init__(metric=TRAINED, mode="max")
        self._driver, self._setup, self._gauge = driver, setup, gauge
        self._leases: dict[str, int] = {}
        self._given: dict[str, float] = {}
        self._workers: set[int] = set()  # those that brought a lease to its end
        self._quick = False
        self.deaths = Deaths(setup.signs, here=not setup.elsewhere)
        self.roster = Roster(self.deaths.note_of)
        self.said: dict[str, str] = {}  # of a worker that died, by Ray

    @property
    def running(self) -> list[int]:
        """Leases that workers have."""
        return list(self._leases.values())

    def suggest(self, trial_id: str) -> dict[str, object] | str | None:
        """Return the next lease, None while there is none, or that there will be none."""
        if self._gauge is not None and self._gauge.next is not None:
            return str(Searcher.FINISHED)
        if self._in_vain():
            return None
        try:
            with giving_up(self._driver):
                lease = self._driver.next_lease(LEASE_WAIT_S if self._driver.idle else 0.0)
        except Exception:  # Tune would go on asking
            return str(Searcher.FINISHED)
        if lease is None:
            return str(Searcher.FINISHED) if self._driver.finished else None
        self._leases[trial_id], self._given[trial_id] = lease.id, time.monotonic()
        return {"assignment": Assignment(lease, self._setup)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Pass on that a lease ended; an error here is a worker that died, for exceptions come as results."""
        if trial_id in self._leases:
            result = result or {}
            self._quick = result.get("time_total_s", math.inf) < WORKER_START_S
            if "pid" in result:
                self._workers.add(result["pid"])
            del self._given[trial_id]
            reason, miss = str(result.get(ERROR, "")), str(result.get(MISS, ""))
            lease = self._leases.pop(trial_id)
            self.roster.end(lease)
            said = self.said.pop(trial_id, "")
            if error and (fall := fallen(said)):
                self._driver.give_up_at_once(fall)  # it is no fault of the trial, and no attempt
            how = str(result.get(DIED, ""))
            death = self.deaths.of(lease, said, how) if error or how else UNKNOWN
            error = error or bool(how)
            with giving_up(self._driver):
                if self._short(result.get(SHORT, False) or (error and death.memory)):
                    reason, error = "", False  # it is no fault of the trial; it goes on with fewer beside it
                self._driver.lease_ended(lease, reason, lost=error, miss=miss, death=death)

    def heard(self, trial: int, result: Mapping[str, Any]) -> None:
        """Let the gauge take note of epochs; before the driver does, so that this lease, too, ends where all are to."""
        if self._gauge is None:
            return
        for one, usage in zip(result[TRAINED], result[USAGE], strict=True):
            if self._gauge.row(result[LEASE], trial, result["pid"], one.seconds, usage, self.running):
                self._driver.change_over()

    def _short(self, memory: bool) -> bool:
        """Have fewer leases share a GPU where one ended for want of memory; return whether that is so."""
        if not memory or self._gauge is None or self._gauge.number == 1:
            return False
        self._gauge.short("a trial found too little memory beside the others")
        self._driver.change_over()
        return True

    def wait_for_ends(self) -> None:
        """Wait until the workers have ended and what they had of a GPU is free: others are to be measured there."""
        until = time.monotonic() + WORKER_EXIT_TIMEOUT_S
        while time.monotonic() < until and any(map(alive, self._workers)):
            time.sleep(0.1)

    def _in_vain(self) -> bool:
        """Whether a lease given now would start a worker for nothing.

        A worker that is done takes over a lease whose own worker is still starting, and Tune then ends that start: with
        leases shorter than a start there would be one in vain for each lease, and never a second worker.
        """
        busy = len(self._leases) >= max(1, len(self._workers))
        return self._quick and busy and time.monotonic() - min(self._given.values()) < WORKER_START_S

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: the ledger is the state."""


class RowScheduler(NotSaved, FIFOScheduler):
    """Ray Tune's scheduler: commits all rows through the driver and passes its answer on."""

    def __init__(self, driver: Driver, queue: LeaseQueue) -> None:
        super().__init__()
        self._driver, self._queue = driver, queue
        self._error_of = private.WORKER_ERROR.get()

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Keep what Ray says of a worker that died; the queue is told of it next."""
        self._queue.said[trial.trial_id] = str((self._error_of and self._error_of(trial)) or "")

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Commit rows; go on with the lease or stop it. A proof is over with its rows."""
        node = str(result.get("hostname") or socket.gethostname())
        self._queue.roster.report(result[LEASE], node, result.get("pid"), str(result.get(GPUS, "")))
        if PROVED in result:
            with giving_up(self._driver):
                self._driver.proved(result[LEASE], result[PROVED])
        if TRAINED not in result:
            return str(TrialScheduler.STOP)
        with giving_up(self._driver):
            self._queue.heard(trial.config["assignment"].lease.trial, result)
            goes_on = self._driver.rows(result[LEASE], result[TRAINED])
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class Pulse(NotSaved, tune.Callback):
    """Between two turns of Tune's loop: ends a run that was told to end at once, and workers that hang; and says who
    trains what.

    Nowhere else is it certain that no row is being committed.
    """

    def __init__(self, driver: Driver, queue: LeaseQueue, limited: bool) -> None:
        self._driver, self._queue, self._limited = driver, queue, limited
        self._next = 0.0

    def on_trial_start(self, iteration: int, trials: list[object], trial: object, **info: object) -> None:
        """The process of a lease is there."""
        self._driver.worker_started()

    def on_step_begin(self, iteration: int, trials: list[object], **info: object) -> None:
        """Look.

        Raises:
            KeyboardInterrupt: the run is to end now; Tune does not wait for workers then.
        """
        if self._driver.dropping:
            raise KeyboardInterrupt
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_SPACING_S
        self._driver.show_workers(self._queue.roster.look(self._driver.tasks))
        if self._limited:
            self._queue.deaths.end_late(self._queue.running)
