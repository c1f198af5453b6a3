"""This worker process: whether it has trained anything, and the warm one beside it that gives fresh processes."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from search.core.trial import Row
from search.engine.decide.lease import Proof, Stretch, WorkerSetup
from search.engine.worker.place import prepare, verify_class, verify_data
from search.ledger.files import BadState, read_state
from search.proof.fresh import Fresh, FreshFailed, Warm, fork_is_fresh
from search.workload.measured import row_of

_warm: dict[str, Warm] = {}
_trained: list[bool] = []


def warm(setup: WorkerSetup) -> Warm:
    """Return what gives fresh processes; on a CPU it is forked from this one, so ask before anything is trained.

    Raises:
        RuntimeError: this worker is not of the study's execution class.
    """
    verify_class(setup)  # before the fork: what it imports, a forked process need not import again
    if setup.workload not in _warm:
        _warm[setup.workload] = Warm(partial(prepare, setup), fork=fork_is_fresh(setup.gpus))
    return _warm[setup.workload]


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
        RuntimeError: the data are others than the driver read.
    """
    rows = []
    for stretches in proof.processes:
        with warm(setup).fresh() as process:
            rows += [_trained_again(process, stretch, setup) for stretch in stretches]
    return rows


def _trained_again(process: Fresh, stretch: Stretch, setup: WorkerSetup) -> Row:
    card = verify_data(setup, stretch)
    state = read_state(setup.states, stretch.start.file) if stretch.start is not None else None
    for fixed in stretch.before:
        with suppress(FreshFailed):  # of another trial, which says so itself
            process.start(fixed, setup.cpus, setup.gpus)
    process.start(stretch.fixed, setup.cpus, setup.gpus)
    if state is not None and stretch.start is not None:
        try:
            process.load(state)
        except FreshFailed as error:  # sound bytes that the workload cannot read: of another version of it
            raise BadState(f"state {stretch.start.file.name} cannot be loaded: {error.reason}") from error
    return row_of(process.train_epoch(stretch.settings), card, None)
