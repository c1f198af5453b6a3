"""What a worker process must be before it trains: the workload imported, the execution class checked.

Free of Ray, so that the process that is asked for the execution class imports nothing but the workload.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

from search.core.trial import DataCard
from search.core.values import Settings
from search.engine.decide.lease import Lease, Stretch, WorkerSetup
from search.system import garbage
from search.system.module_path import working_folder_last
from search.workload import Workload, load_workload

_workloads: dict[str, Workload] = {}
_classes: dict[tuple[str, int, float], dict[str, str]] = {}


def prepare(setup: WorkerSetup) -> Workload:
    """Import the workload once per process, as the command that started the study would."""
    if setup.workload not in _workloads:
        if setup.folder:
            os.chdir(setup.folder)
        places = [*setup.sys_path, *(place for place in sys.path if place not in setup.sys_path)]
        sys.path[:] = working_folder_last(places) if setup.folder else places
        with garbage.not_sought():
            _workloads[setup.workload] = load_workload(setup.workload)
    return _workloads[setup.workload]


def execution_class(setup: WorkerSetup) -> dict[str, str]:
    """Return what this process answers for its execution class; asked once per process."""
    asked = (setup.workload, setup.cpus, setup.gpus)
    if asked not in _classes:
        workload = prepare(setup)
        with garbage.not_sought():  # it imports what trains
            answer = workload.execution_class(setup.cpus, setup.gpus)
        _classes[asked] = {str(name): str(value) for name, value in answer.items()}
    return _classes[asked]


def verify_class(setup: WorkerSetup) -> None:
    """Refuse to train where other bits would come out than the keys promise.

    Raises:
        RuntimeError: the worker is not of the study's execution class.
    """
    here = execution_class(setup)
    if here != dict(setup.execution_class):
        names = sorted({*here, *setup.execution_class})
        differing = [
            f"{name}: {setup.execution_class.get(name)!r} in the study, {here.get(name)!r} here"
            for name in names
            if here.get(name) != setup.execution_class.get(name)
        ]
        raise RuntimeError(f"this worker is of another execution class: {'; '.join(differing)}")


def verify_data(
    setup: WorkerSetup, lease: Lease | Stretch, data: Callable[[Settings], DataCard | None] | None = None
) -> DataCard | None:
    """Refuse to train on other data, or from other weights, than the keys promise.

    Looked at for every lease: a folder may change while a study runs, and an earlier lease may be hours old.

    Args:
        setup: of the worker.
        lease: what is to be trained.
        data: gives the card of the data, where another process reads them.

    Returns:
        the card of the data, None where the workload has none.

    Raises:
        RuntimeError: what the driver read and what is found here differ.
    """
    workload = prepare(setup)
    card = (data or workload.data)(lease.fixed)
    found, inputs = card.fingerprint if card is not None else "", dict(workload.inputs(lease.fixed))
    if (found, inputs) == (lease.data, dict(lease.inputs)):
        return card
    differing = (
        f"fingerprint {lease.data or 'none'} and input weights {dict(lease.inputs)} there, {found or 'none'} and "
        f"{inputs} here"
    )
    if setup.elsewhere:
        where = f"this worker on {socket.gethostname()} finds other data than the driver"
        raise RuntimeError(f"{where}: {differing}; copy them anew")
    raise RuntimeError(f"the data have changed since the driver read them: {differing}; put back what was there")
