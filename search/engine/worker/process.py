"""This worker process: whether it has trained anything, and the warm one beside it that gives fresh processes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from search.core.trial import Row
from search.engine.decide.lease import CAUSE, Lease, Proof, Stretch, WorkerSetup
from search.engine.worker.place import prepare, verify_class, verify_data
from search.engine.worker.usage import taken
from search.ledger.files import BadState, read_state
from search.proof.fresh import Fresh, FreshFailed, Warm
from search.system.machine import fork_is_fresh
from search.workload.measured import row_of

_warm: dict[str, Warm] = {}
_modules: dict[str, Sequence[str]] = {}
_warmed: set[tuple[str, str]] = set()  # workload, and fingerprint of data that its warm process has read
_trained: list[bool] = []


def has_own(lease: Lease, setup: WorkerSetup) -> bool:
    """Whether a lease is trained in a process of its own, in which nothing was trained before: on a CPU each one is."""
    return lease.alone or fork_is_fresh(setup.gpus)


def make_warm(setup: WorkerSetup) -> None:
    """Make what gives fresh processes, once. On a CPU it is forked from this process: so nothing was trained here yet,
    and no timer of the fault handler runs, whose locks a fork would keep.

    Raises:
        RuntimeError: this worker is not of the study's execution class.
    """
    verify_class(setup)  # before the fork: what it imports, a forked process need not import again
    if setup.workload not in _warm:
        _warm[setup.workload] = Warm(partial(prepare, setup), fork=fork_is_fresh(setup.gpus))


def fresh(setup: WorkerSetup, stretch: Lease | Stretch, anew: bool = False) -> Fresh:
    """Return a fresh process, with the modules imported that an earlier one came to import, and the data read.

    Args:
        setup: of the worker.
        stretch: what is to be trained there first.
        anew: whether it is no fork in any case.

    Raises:
        FreshFailed: the workload could not be imported.
        FreshDied: the warm process has ended.
    """
    warm = _warm[setup.workload]
    if names := _modules.get(setup.workload, ()):
        _modules[setup.workload] = ()
        warm.import_modules(names)
    if stretch.data and (setup.workload, stretch.data) not in _warmed:
        _warmed.add((setup.workload, stretch.data))
        warm.warm(stretch.fixed)
    return warm.fresh(anew)


def learn_modules(setup: WorkerSetup, trained: Fresh) -> None:
    """Note what a process that has trained came to import, once: later ones need not import it again."""
    if setup.workload not in _modules:
        _modules[setup.workload] = trained.ask("modules")


def begins_to_train() -> bool:
    """Note that a training begins in this process; return whether it is the first one."""
    _trained.append(True)
    return len(_trained) == 1


def proved(proof: Proof, setup: WorkerSetup) -> list[Row]:
    """Train what a proof asks for; return the rows, in the order of its stretches.

    Raises:
        BadState: a state is not there, not sound, or cannot be loaded.
        FreshFailed: the workload raised an exception.
        FreshDied: a process died.
        Refused: a process got less memory on its GPU than it asked for.
        RuntimeError: the data are others than the driver read.
    """
    rows = []
    for number, stretches in enumerate(proof.processes):
        # Chance that forks of one process have in common, such as the address of an object, shows in another one alone.
        with fresh(setup, stretches[0], anew=proof.what == CAUSE and number > 0) as process:
            rows += [_trained_again(process, stretch, setup) for stretch in stretches]
    return rows


def _trained_again(process: Fresh, stretch: Stretch, setup: WorkerSetup) -> Row:
    card = verify_data(setup, stretch, process.data)
    for fixed in stretch.before:
        with suppress(FreshFailed):  # of another trial, which says so itself
            process.start(fixed, setup.cpus, setup.gpus)
    process.start(stretch.fixed, setup.cpus, setup.gpus)
    if stretch.start is not None:
        load(process, setup, stretch)
    measured = process.train_epoch(stretch.settings)
    if setup.gpus:
        taken(process, setup.crowded)
    return row_of(measured, card, None)


def load(process: Fresh, setup: WorkerSetup, stretch: Lease | Stretch) -> None:
    """Load the state that training starts from.

    Raises:
        BadState: it is not there, not sound, or of another version of the workload.
        FreshDied: the process died.
    """
    assert stretch.start is not None
    try:
        process.load(read_state(setup.states, stretch.start.file))
    except FreshFailed as error:  # sound bytes that the workload cannot read
        raise BadState(f"state {stretch.start.file.name} cannot be loaded: {error.reason}") from error
