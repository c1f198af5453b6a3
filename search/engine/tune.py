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
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "1"  # a trial without GPUs must not see any
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
os.environ["TUNE_DISABLE_STRICT_METRIC_CHECKING"] = "1"
os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "1000000000"  # the ledger is the only state there is
os.environ["TUNE_WARN_THRESHOLD_S"] = "60"
os.environ["TUNE_PRINT_ALL_TRIAL_ERRORS"] = "0"

import logging
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from search.engine.driver import Driver
from search.engine.lease import Assignment, WorkerSetup
from search.engine.place import execution_class
from search.engine.worker import ERROR, LEASE, MISS, ROW, SECONDS, STATE, UNKEPT, LeaseTrainable
from search.errors import UserError
from search.space import Resources

PATIENCE = 5.0
"""Seconds the searcher waits for a lease while nothing runs; Tune would sleep a second per empty answer."""

STARTING = 1.0
"""Seconds in which no worker gets ready: for leases that are over sooner, another one is not started."""


@contextmanager
def local_ray() -> Iterator[None]:
    """Start a local Ray that listens on loopback only, without dashboard or usage statistics; end it at exit."""
    for name in ("ray", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # At its end Tune names every lease whose worker died as an error, though it was given out again.
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="ray")
    ray.init(
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        configure_logging=True,
        _node_ip_address="127.0.0.1",
    )
    try:
        yield
    finally:
        ray.shutdown()


def share(resources: Resources) -> tuple[int, float, int]:
    """Return CPUs and GPUs of one lease on this Ray, and how many leases run at once.

    Raises:
        UserError: not even one lease fits.
    """
    there = ray.cluster_resources()
    cpus, gpus = int(there.get("CPU", 0)), there.get("GPU", 0.0)
    wanted = resources.gpus if resources.gpus is not None else min(1.0, gpus)
    fits = min(cpus // resources.cpus, math.floor(gpus / wanted + 1e-9) if wanted else cpus)
    if fits < 1:
        raise UserError(
            f"resources: a trial wants {resources.cpus} CPUs and {wanted:g} GPUs, "
            f"this machine has {cpus} and {gpus:g}; lower them under resources"
        )
    return resources.cpus, wanted, fits


def ask_execution_class(workload: str, cpus: int, gpus: float) -> dict[str, str]:
    """Ask a worker what it is, before the first key is made."""
    setup = worker_setup(workload, cpus, gpus, {})
    task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(execution_class)
    try:
        return dict(ray.get(task.remote(setup)))
    except ray.exceptions.RayTaskError as error:
        raise UserError(f"workload {workload!r} cannot be prepared on a worker: {error.cause!r}") from error


def worker_setup(workload: str, cpus: int, gpus: float, pinned: Mapping[str, str], **more: Any) -> WorkerSetup:
    """Return what workers must know, with this process's module path and folder."""
    folder = str(Path.cwd())
    return WorkerSetup(workload, cpus, gpus, dict(pinned), [folder, *(p for p in sys.path if p)], folder, **more)


def execute(driver: Driver, setup: WorkerSetup, workers: int) -> None:
    """Run the driver's leases until it has no more. Returns when the driver is finished or was stopped."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(workers)
    queue = LeaseQueue(driver, setup)
    with tempfile.TemporaryDirectory(prefix="search-tune-") as scratch:
        tuner = tune.Tuner(
            tune.with_resources(LeaseTrainable, {"cpu": setup.cpus, "gpu": setup.gpus}),
            tune_config=tune.TuneConfig(
                search_alg=queue,
                scheduler=RowScheduler(driver),
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
            ),
        )
        tuner.fit()
    if queue.error is not None:
        raise queue.error


class _NotSaved:
    """Tune pickles what it is given, for `Tuner.restore`; here a restart reads the ledger."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class LeaseQueue(_NotSaved, Searcher):
    """Ray Tune's searcher: pops leases, and hears which ones ended."""

    def __init__(self, driver: Driver, setup: WorkerSetup) -> None:
        super().__init__(metric=ROW, mode="max")
        self._driver, self._setup = driver, setup
        self._leases: dict[str, int] = {}
        self._given: dict[str, float] = {}
        self._workers: set[int] = set()  # those that brought a lease to its end
        self._quick = False
        self.error: Exception | None = None

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the next lease, None while there is none, or that there will be none."""
        if self._in_vain():
            return None
        try:
            lease = self._driver.next_lease(PATIENCE if self._driver.idle else 0.0)
        except Exception as error:  # Tune would log it and go on asking
            self.error = error
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
            self._driver.lease_ended(self._leases.pop(trial_id), reason, lost=error, miss=miss)

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

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self._driver = driver

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Commit a row; go on with the lease or stop it."""
        if ROW not in result:
            return str(TrialScheduler.STOP)
        kept, unkept = result.get(STATE), result.get(UNKEPT, "")
        goes_on = self._driver.row(result[LEASE], result[ROW], result[SECONDS], kept, unkept)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)
