"""Ray Tune as the executor of leases: how Ray is started or joined, asked what it is, and Tune told what to run.

For Ray Tune a trial is a lease: no stop rule, pruner, retry or checkpoint of Ray's. What it calls instead is in
`search.engine.executor.leasing`.
"""

from __future__ import annotations

import os

# Before `import ray`: without the first, four sockets listen on every interface even for a local instance.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"
# Ray's own 15 lets workers starve beside any other program, a report on this very study among them.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.update({"RAY_enable_pipe_based_agent_to_parent_health_check": "1"})  # what stands for agents ends by it
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "1"  # a trial without GPUs must not see any
# Workers inherit it: else the order of a set of text is another one in each of them, and rows that depend on it, too.
os.environ.setdefault("PYTHONHASHSEED", "0")
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
os.environ["TUNE_DISABLE_STRICT_METRIC_CHECKING"] = "1"
os.environ["TUNE_DISABLE_SIGINT_HANDLER"] = "1"
os.environ["TUNE_WARN_THRESHOLD_S"] = "60"
os.environ["TUNE_PRINT_ALL_TRIAL_ERRORS"] = "0"
os.environ["RAY_DEDUP_LOGS_SKIP_REGEX"] = "^(A worker died or was killed|Raylet is terminated)"  # we say it

import logging
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import tune

from search.core.errors import InternalError, RayLost, UserError
from search.core.shown import called
from search.engine.decide.driver import Driver
from search.engine.decide.lease import WorkerSetup
from search.engine.executor import private
from search.engine.executor.cluster import NodeWatch, joined, on_nodes
from search.engine.executor.forget import Forgetful, saving_nothing
from search.engine.executor.leasing import LeaseQueue, Pulse, RowScheduler
from search.engine.executor.local import in_ready_processes, local_ray, session
from search.engine.executor.servers import listening
from search.engine.machines.gauge import Gauge
from search.engine.machines.nodes import Share, share_of
from search.engine.machines.packing import fraction
from search.engine.worker.place import execution_class
from search.engine.worker.trainable import LeaseTrainable
from search.plan.process import AskedClass
from search.space.model import Resources
from search.system import gpus as system_gpus
from search.system.module_path import working_folder_last

MAX_WORKERS_ASKED = 3
"""How many workers are asked what they are, where they die."""

WORKER_ANSWER_TIMEOUT_S = 900.0
"""Seconds in which one must have started, imported the workload and said what it is."""


class TuneTrainable(LeaseTrainable, tune.Trainable):
    """What Ray Tune is told to run; where Ray is local, `LeaseActor` does it."""


@contextmanager
def ray_at(address: str, cpus: int | None = None, say: Callable[[str], object] = print) -> Iterator[None]:
    """Join the cluster at an address, or start a local Ray of so many CPUs; leave or end it at exit.

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
        stack.enter_context(private.telling(say))
        try:
            stack.enter_context(joined(address) if address else local_ray(cpus, say))
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
    nodes = ray.nodes()
    if session() and system_gpus.hidden():  # Ray counts -1 as the name of one
        nodes = [{**node, "Resources": {**node["Resources"], "GPU": 0.0}} for node in nodes]
    return share_of(nodes, resources)


def ask_execution_class(workload: str, cpus: int, gpus: float, ahead: AskedClass | None = None) -> dict[str, str]:
    """Ask a worker what it is, before the first key is made; it is asked again of each one before it trains.

    Args:
        workload: as a space file names it.
        cpus, gpus: of one trial.
        ahead: another process that was asked before, with the same share of the machine; where it fails, a worker says
            why.

    Raises:
        UserError: it cannot import the workload, or died of it.
    """
    if ahead is not None and ahead.given == (cpus, gpus):
        with suppress(UserError):
            return ahead.answer(WORKER_ANSWER_TIMEOUT_S)
    setup = worker_setup(workload, cpus, gpus, {})
    task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(execution_class)
    for left in reversed(range(MAX_WORKERS_ASKED)):
        try:
            return dict(ray.get(task.remote(setup), timeout=WORKER_ANSWER_TIMEOUT_S))
        except ray.exceptions.RayTaskError as error:
            cause = str(error.cause) if hasattr(error.cause, "faults") else repr(error.cause)
            raise UserError(f"workload {called(workload)!r} cannot be prepared on a worker: {cause}") from error
        except ray.exceptions.GetTimeoutError as error:
            raise UserError(
                f"workload {called(workload)!r} cannot be prepared on a worker: none has answered within "
                f"{WORKER_ANSWER_TIMEOUT_S / 60:g} minutes; see whether the machine is overloaded, and how "
                "long the workload takes to be imported"
            ) from error
        except ray.exceptions.RayError as error:  # the worker died: killed by hand, of the workload, for want of memory
            if not left:
                first = str(error).strip().partition("\n")[0]
                raise UserError(
                    f"workload {called(workload)!r} cannot be prepared on a worker: it died {MAX_WORKERS_ASKED} times "
                    f"({type(error).__name__}: {first}); see whether the workload can be imported by itself, and "
                    "whether there is memory for it"
                ) from error
    raise InternalError("no worker was asked")


def worker_setup(workload: str, cpus: int, gpus: float, pinned: Mapping[str, str], **more: Any) -> WorkerSetup:
    """Return what workers must know, with this process's module path and folder."""
    return WorkerSetup(
        workload, cpus, gpus, dict(pinned), working_folder_last(sys.path), folder=str(Path.cwd()), **more
    )


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
        now = replace(setup, crowded=gauge is not None and gauge.number > 1)
        if gauge is not None and gauge.measuring:  # others take over soon: the row behind a state proves it
            now = replace(now, rolling=0.0)
        _execute(driver, now, given, gauge)
        if gauge is None or gauge.next is None or driver.finished:
            return
        given = share(Resources(given.cpus, fraction(gauge.next)))
        gauge.go_on(given.workers)
        driver.go_on(given.workers)


def _execute(driver: Driver, setup: WorkerSetup, given: Share, gauge: Gauge | None) -> None:
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(given.workers)
    usual = {"cpu": given.cpus, "gpu": given.gpus}
    watch = [NodeWatch(driver, given.nodes)] if setup.elsewhere else []
    with tempfile.TemporaryDirectory(prefix="search-tune-", dir=session() or None) as scratch:
        setup = setup if setup.elsewhere else replace(setup, signs=scratch)
        queue = LeaseQueue(driver, setup, gauge)
        tuner = tune.Tuner(
            on_nodes(TuneTrainable, given) if setup.elsewhere else tune.with_resources(TuneTrainable, usual),
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
                progress_reporter=tune.CLIReporter(),  # which is silent; the one for notebooks leaves an empty output
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
                callbacks=[Pulse(driver, queue, setup.epoch_seconds is not None), Forgetful(), *watch],
            ),
        )
        ready = nullcontext() if setup.elsewhere else in_ready_processes()
        try:
            with saving_nothing(Path(scratch, "leases")), ready, listening(driver.give_up_at_once):
                tuner.fit()
        except Exception:
            if driver.error is None:
                raise
        except KeyboardInterrupt:
            if not isinstance(driver.error, RayLost):
                raise
    driver.show_workers([])
    if driver.error is not None:
        raise driver.error
    if gauge is not None and gauge.next is not None:
        queue.wait_for_ends()
