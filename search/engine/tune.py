"""Ray Tune as the executor of leases.

For Ray Tune a trial is a lease: no stop rule, pruner, retry or checkpoint of Ray's. Its searcher pops leases off the
driver's queue; its scheduler commits each row through the driver and passes the answer on. The fold and the commit of
one row take about 2 ms together; whatever takes longer (asking a sampler) is done in the driver's own thread.
"""

from __future__ import annotations

import os

# Before `import ray`: without the first, four sockets listen on every interface even for a local instance.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
# Ray's own 15 lets workers starve beside any other program, a report on this very study among them.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "1"  # a trial without GPUs must not see any
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
os.environ["TUNE_DISABLE_STRICT_METRIC_CHECKING"] = "1"
os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
os.environ["TUNE_WARN_THRESHOLD_S"] = "60"
os.environ["TUNE_PRINT_ALL_TRIAL_ERRORS"] = "0"
os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = "^(A worker died or was killed|Raylet is terminated)"  # we say it

import logging
import math
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from search.engine.cluster import Watch, joined, on_nodes
from search.engine.deaths import UNKNOWN, Deaths, alive
from search.engine.driver import Driver
from search.engine.forget import Forgetful, saving_nothing
from search.engine.gauge import Gauge
from search.engine.lease import Assignment, WorkerSetup
from search.engine.local import local_ray, session
from search.engine.nodes import Share, share_of
from search.engine.packing import fraction
from search.engine.place import execution_class
from search.engine.servers import listening
from search.engine.worker import (
    ERROR,
    LEASE,
    MISS,
    ROW,
    SECONDS,
    SHORT,
    STATE,
    UNKEPT,
    USAGE,
    LeaseTrainable,
)
from search.errors import InternalError, RayLost, UserError
from search.space import Resources

ENDING = 10.0
"""Seconds that workers are given to end before others take their place; they have saved their states by then."""

PATIENCE = 5.0
"""Seconds the searcher waits for a lease while nothing runs; Tune would sleep a second per empty answer."""

ASKED = 3
"""How many workers are asked what they are, where they die."""

FIRST = 900.0
"""Seconds in which one must have started, imported the workload and said what it is."""

STARTING = 1.0
"""Seconds in which no worker gets ready: for leases that are over sooner, another one is not started."""


@contextmanager
def ray_at(address: str) -> Iterator[None]:
    """Join the cluster at an address, or start a local Ray where there is none; leave or end it at exit.

    Raises:
        UserError: the cluster cannot be joined.
        KeyboardInterrupt: SIGTERM came while Ray started.
    """
    for name in ("ray", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # At its end Tune names every lease whose worker died as an error, though it was given out again.
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="ray")
    before = signal.getsignal(signal.SIGTERM)
    with ExitStack() as stack:
        try:
            stack.enter_context(joined(address) if address else local_ray())
        except SystemExit as ended:  # by the handler Ray has put there
            raise KeyboardInterrupt from ended
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
        yield


def share(resources: Resources) -> Share:
    """Return what one lease gets on this Ray, and on which nodes leases run.

    Raises:
        UserError: not even one lease fits.
    """
    return share_of(ray.nodes(), resources)


def ask_execution_class(workload: str, cpus: int, gpus: float) -> dict[str, str]:
    """Ask a worker what it is, before the first key is made.

    Raises:
        UserError: it cannot import the workload, or died of it.
    """
    setup = worker_setup(workload, cpus, gpus, {})
    task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(execution_class)
    for left in reversed(range(ASKED)):
        try:
            return dict(ray.get(task.remote(setup), timeout=FIRST))
        except ray.exceptions.RayTaskError as error:
            raise UserError(f"workload {workload!r} cannot be prepared on a worker: {error.cause!r}") from error
        except ray.exceptions.GetTimeoutError as error:
            raise UserError(
                f"workload {workload!r} cannot be prepared on a worker: none has answered within {FIRST / 60:g} "
                "minutes; see whether the machine is overloaded, and how long the workload takes to be imported"
            ) from error
        except ray.exceptions.RayError as error:  # the worker died: killed by hand, of the workload, for want of memory
            if not left:
                first = str(error).strip().partition("\n")[0]
                raise UserError(
                    f"workload {workload!r} cannot be prepared on a worker: it died {ASKED} times "
                    f"({type(error).__name__}: {first}); see whether the workload can be imported by itself, and "
                    "whether there is memory for it"
                ) from error
    raise InternalError("no worker was asked")


def worker_setup(workload: str, cpus: int, gpus: float, pinned: Mapping[str, str], **more: Any) -> WorkerSetup:
    """Return what workers must know, with this process's module path and folder."""
    folder = str(Path.cwd())
    return WorkerSetup(workload, cpus, gpus, dict(pinned), [folder, *(p for p in sys.path if p)], folder, **more)


def execute(driver: Driver, setup: WorkerSetup, given: Share, gauge: Gauge | None = None) -> None:
    """Run the driver's leases until it has no more. Returns when the driver is finished or was stopped.

    Args:
        driver: gives leases.
        setup: what workers must know.
        given: what a lease gets at first.
        gauge: says how many leases share a GPU, where that is to be measured; workers are started anew for each change.

    Raises:
        KeyboardInterrupt: the run ended at once: epochs in progress are dropped, or no node is left that could train.
        Exception: what the driver gave up for.
    """
    while True:
        _execute(driver, replace(setup, crowded=gauge is not None and gauge.number > 1), given, gauge)
        if gauge is None or gauge.next is None or driver.finished:
            return
        given = share(Resources(given.cpus, fraction(gauge.next)))
        gauge.go_on(given.workers)
        driver.go_on(given.workers)


def _execute(driver: Driver, setup: WorkerSetup, given: Share, gauge: Gauge | None) -> None:
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(given.workers)
    usual = {"cpu": given.cpus, "gpu": given.gpus}
    watch = [Watch(driver, given.nodes)] if setup.elsewhere else []
    with tempfile.TemporaryDirectory(prefix="search-tune-", dir=session() or None) as scratch:
        setup = setup if setup.elsewhere else replace(setup, signs=scratch)
        queue = LeaseQueue(driver, setup, gauge)
        tuner = tune.Tuner(
            on_nodes(LeaseTrainable, given) if setup.elsewhere else tune.with_resources(LeaseTrainable, usual),
            tune_config=tune.TuneConfig(
                search_alg=queue,
                scheduler=RowScheduler(driver, queue),
                num_samples=-1,
                reuse_actors=True,
                max_concurrent_trials=None,
                trial_dirname_creator=lambda trial: f"lease-{trial.trial_id}",
            ),
            run_config=tune.RunConfig(
                storage_path=scratch,
                name="leases",
                verbose=0,
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
                callbacks=[Pulse(driver, queue, setup.epoch_seconds is not None), Forgetful(), *watch],
            ),
        )
        try:
            with saving_nothing(Path(scratch, "leases")), listening(driver.give_up_at_once):
                tuner.fit()
        except Exception:
            if driver.error is None:
                raise
        except KeyboardInterrupt:
            if not isinstance(driver.error, RayLost):
                raise
    if driver.error is not None:
        raise driver.error
    if gauge is not None and gauge.next is not None:
        queue.wait_for_ends()


@contextmanager
def giving_up(driver: Driver) -> Iterator[None]:
    """Let the driver keep an error of its own: Tune logs it, or raises another one with its text."""
    try:
        yield
    except Exception as error:
        driver.give_up(error)
        raise


class _NotSaved:
    """Tune pickles what it is given, for `Tuner.restore`; here a restart reads the ledger."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class LeaseQueue(_NotSaved, Searcher):
    """Ray Tune's searcher: pops leases, and hears which ones ended."""

    def __init__(self, driver: Driver, setup: WorkerSetup, gauge: Gauge | None = None) -> None:
        super().__init__(metric=ROW, mode="max")
        self._driver, self._setup, self._gauge = driver, setup, gauge
        self._leases: dict[str, int] = {}
        self._given: dict[str, float] = {}
        self._workers: set[int] = set()  # those that brought a lease to its end
        self._quick = False
        self.deaths = Deaths(setup.signs, here=not setup.elsewhere)
        self.said: dict[str, str] = {}  # of a worker that died, by Ray

    @property
    def running(self) -> list[int]:
        """Leases that workers have."""
        return list(self._leases.values())

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the next lease, None while there is none, or that there will be none."""
        if self._gauge is not None and self._gauge.next is not None:
            return str(Searcher.FINISHED)
        if self._in_vain():
            return None
        try:
            with giving_up(self._driver):
                lease = self._driver.next_lease(PATIENCE if self._driver.idle else 0.0)
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
            self._quick = result.get("time_total_s", math.inf) < STARTING
            if "pid" in result:
                self._workers.add(result["pid"])
            del self._given[trial_id]
            reason, miss = str(result.get(ERROR, "")), str(result.get(MISS, ""))
            lease = self._leases.pop(trial_id)
            death = self.deaths.of(lease, self.said.pop(trial_id, "")) if error else UNKNOWN
            with giving_up(self._driver):
                if self._short(result.get(SHORT, False) or (error and death.memory)):
                    reason, error = "", False  # it is no fault of the trial; it goes on with fewer beside it
                self._driver.lease_ended(lease, reason, lost=error, miss=miss, death=death)

    def heard(self, trial: int, result: Mapping[str, Any]) -> None:
        """Let the gauge take note of a row; before the driver does, so that this lease, too, ends where all are to."""
        if self._gauge is None:
            return
        lease, seconds, usage = result[LEASE], result[SECONDS], result[USAGE]
        if self._gauge.row(lease, trial, result["pid"], seconds, usage, self.running):
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
        until = time.monotonic() + ENDING
        while time.monotonic() < until and any(map(alive, self._workers)):
            time.sleep(0.1)

    def _in_vain(self) -> bool:
        """Whether a lease given now would start a worker for nothing.

        A worker that is done takes over a lease whose own worker is still starting, and Tune then ends that start: with
        leases shorter than a start there would be one in vain for each lease, and never a second worker.
        """
        busy = len(self._leases) >= max(1, len(self._workers))
        return self._quick and busy and time.monotonic() - min(self._given.values()) < STARTING

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: the ledger is the state."""


class RowScheduler(_NotSaved, FIFOScheduler):
    """Ray Tune's scheduler: commits each row through the driver and passes its answer on."""

    def __init__(self, driver: Driver, queue: LeaseQueue) -> None:
        super().__init__()
        self._driver, self._queue = driver, queue

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Keep what Ray says of a worker that died; the queue is told of it next."""
        self._queue.said[trial.trial_id] = str(trial.get_error() or "")

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Commit a row; go on with the lease or stop it."""
        if ROW not in result:
            return str(TrialScheduler.STOP)
        kept, unkept = result.get(STATE), result.get(UNKEPT, "")
        with giving_up(self._driver):
            self._queue.heard(trial.config["assignment"].lease.trial, result)
            goes_on = self._driver.row(result[LEASE], result[ROW], result[SECONDS], kept, unkept)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)


class Pulse(_NotSaved, tune.Callback):
    """Between two turns of Tune's loop: ends a run that was told to end at once, and workers that hang.

    Nowhere else is it certain that no row is being committed.
    """

    def __init__(self, driver: Driver, queue: LeaseQueue, limited: bool) -> None:
        self._driver, self._queue, self._limited = driver, queue, limited
        self._next = 0.0

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Look.

        Raises:
            KeyboardInterrupt: the run is to end now; Tune does not wait for workers then.
        """
        if self._driver.dropping:
            raise KeyboardInterrupt
        if self._limited and time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            self._queue.deaths.end_late(self._queue.running)
