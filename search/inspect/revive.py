"""The run of a trial, alive again: what only its state can show needs the state.

A trial's state after an epoch is a function of its settings, its data and the execution class, so training it again
gives it back, from the last state that was kept on its path. Every row that is trained here is compared with the one on
record, to the last bit. A difference is said where the run is drawn: it is then another one than that in the tables; it
is refused where the run's weights are given away. Nothing is written to the ledger.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from search.core.errors import UserError
from search.core.trial import Trial
from search.ledger.files import BadState, read_state
from search.ledger.ledger import Ledger, Recorded
from search.space.addressed import addressed
from search.space.model import Space
from search.space.service import SERVICE_SETTINGS
from search.study.opened import OpenStudy
from search.system import gpus as system_gpus
from search.workload import Run, Workload
from search.workload.measured import row_of

PROGRESS_INTERVAL_S = 10.0
"""Seconds between two lines that say how far the training is."""

Say = Callable[[str], Any]


def revive(
    study: OpenStudy,
    workload: Workload,
    trial: Trial,
    epoch: int | None = None,
    say: Say = print,
    exact: bool = False,
) -> Run:
    """Return the run of a trial in the state after an epoch, trained again in this process.

    Args:
        study: where the trial is on record.
        workload: what trains it.
        trial: the trial.
        epoch: 0 is the state before the first one; by default the last one on record.
        say: told in sentences what takes long and what differs from the record.
        exact: refuse another run than the one on record.

    Raises:
        UserError: the trial has no such epoch on record, or its settings or data are refused; with `exact`, other data,
            or an epoch that differs from the record.
    """
    ledger, record, space = study.ledger, study.record, study.space
    epoch = trial.last_epoch if epoch is None else epoch
    if not 0 <= epoch <= trial.last_epoch:
        raise UserError(
            f"trial {trial.number} of study {record.name!r} has no epoch {epoch} on record; it has 0 (before the "
            f"first one) to {trial.last_epoch}"
        )
    fixed, schedule = settings_of(workload, space, trial)
    keys, data = ledger.paths(record.id)[trial.number]
    found = ledger.rows(keys[:epoch], predictions=True)
    recorded = {number: found[key] for number, key in enumerate(keys[:epoch], start=1) if key in found}
    cpus, gpus = space.resources.cpus, _gpus(ledger, recorded)
    changed = _data_changed(study, workload, fixed, data)
    if changed and exact:
        raise UserError(
            f"the data have changed since trial {trial.number} of study {record.name!r} was recorded: what is trained "
            "here is another run, and nothing was written; put back what was there"
        )
    if changed:
        say("the data have changed since the trial was recorded: the run that is trained here is another")
    start, state = _state(ledger, keys[:epoch]) if not changed else (0, None)
    other_class = _other_class(study, workload, (cpus, gpus)) if epoch > start or changed else ""
    if other_class and exact:
        say(f"another execution class than the study's ({other_class}): each epoch is compared with the record")
    elif other_class:
        start, state = 0, None
        say(f"another execution class than the study's ({other_class}): the run that is trained here is another")
    if epoch > start:
        seconds = sum(row.seconds for number, row in recorded.items() if number > start)
        behind = f" from its state after epoch {start}" if start else ""
        took = f"it took {seconds:.0f} s when it was recorded"
        say(f"training trial {trial.number} again to epoch {epoch}{behind}; {took}")
    with addressed(space):
        run = workload.start(fixed, cpus, gpus)
    if state is not None:
        run.load(state)
    refuse = f"trial {trial.number} of study {record.name!r}" if exact else ""
    _train(run, schedule[:epoch], start, recorded, say, refuse, other_class)
    return run


@contextmanager
def as_in_a_worker(cpus: int) -> Iterator[None]:
    """Let libraries take as many threads as in a worker, which has CPUs of its own: their number changes bits.

    Args:
        cpus: of one trial. Who sets ``OMP_NUM_THREADS`` sets it for workers as well.
    """
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    before = os.environ.get("OMP_NUM_THREADS")
    if before is None:
        os.environ["OMP_NUM_THREADS"] = str(cpus)  # for libraries that are loaded later
    try:
        with threadpool_limits(int(before) if before and before.isdecimal() else cpus):
            yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]


def _state(ledger: Ledger, path: Sequence[str]) -> tuple[int, bytes | None]:
    """Return the last epoch of a path with a sound state, and that state."""
    found = ledger.states.find(path)
    for epoch in range(len(path), 0, -1):
        if path[epoch - 1] in found:
            with suppress(BadState):
                return epoch, read_state(ledger.states.folder, found[path[epoch - 1]].file)
    return 0, None


def settings_of(workload: Workload, space: Space, trial: Trial) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return a trial's fixed settings and those of each epoch, as the ledger has them.

    Settings the workload has got since then take their defaults, as in the keys.
    """
    settings = canonical_of(workload, space, trial)
    with addressed(space):
        return workload.schedule(settings, trial.epochs)


def canonical_of(workload: Workload, space: Space, trial: Trial) -> dict[str, object]:
    """Return a trial's canonical settings with its seed, the service's own apart."""
    theirs = {name: value for name, value in trial.settings.items() if name not in SERVICE_SETTINGS}
    with addressed(space):
        return workload.canonical({**theirs, "seed": trial.seed})


def _train(
    run: Run,
    schedule: list[dict[str, object]],
    start: int,
    recorded: Mapping[int, Recorded],
    say: Say,
    refuse: str,
    other_class: str,
) -> None:
    """Train the epochs of a schedule behind `start`, and say once where rows differ from those on record.

    Args:
        refuse: name of the trial, where a difference is refused; else "".
        other_class: in what this machine's execution class differs, or "".

    Raises:
        UserError: a row differs, and that is refused.
    """
    differing: dict[int, list[str]] = {}
    told = time.monotonic()
    for epoch, settings in enumerate(schedule[start:], start=start + 1):
        row = row_of(run.train_epoch(settings))
        if epoch in recorded and (names := recorded[epoch].row.differences(row)):
            if refuse:
                remedy = (
                    f"train it where the study was trained, for here the execution class is another ({other_class})"
                    if other_class
                    else "`python -m search verify` looks for the cause"
                )
                raise UserError(
                    f"epoch {epoch} of {refuse}, trained again, differs from the record ({', '.join(names)}): it is "
                    f"another run than the one in the table, and nothing was written; {remedy}"
                )
            differing[epoch] = names
        if time.monotonic() - told > PROGRESS_INTERVAL_S:
            told = time.monotonic()
            say(f"epoch {epoch} of {len(schedule)}")
    if differing:
        first = min(differing)
        say(
            f"{len(differing)} of {len(schedule) - start} epochs differ from the record, from epoch {first} on "
            f"({', '.join(differing[first])}): what is drawn of this state is another run than the one in the tables"
        )
    elif trained := [epoch for epoch in recorded if epoch > start]:
        say(f"all {len(trained)} epochs equal those on record, to the last bit")


def _other_class(study: OpenStudy, workload: Workload, resources: tuple[int, float]) -> str:
    """Say in what this machine's execution class differs from the study's; "" where it does not."""
    pinned = study.record.execution_class or {}
    here = {str(name): str(value) for name, value in workload.execution_class(*resources).items()}
    differing = [name for name in sorted({*pinned, *here}) if pinned.get(name) != here.get(name)]
    return "; ".join(f"{name} was {pinned.get(name)!r}, is {here.get(name)!r}" for name in differing)


def _data_changed(study: OpenStudy, workload: Workload, fixed: Mapping[str, object], data: str) -> bool:
    """Return whether the data have another fingerprint than they had for the trial."""
    with addressed(study.space):
        card = workload.data(fixed)
    return (card.fingerprint if card else "") != data


def _gpus(ledger: Ledger, recorded: Mapping[int, Recorded]) -> float:
    """Return the share of GPUs the last row was trained with; none on a machine without any."""
    if not recorded or not system_gpus.count():
        return 0.0
    (run,) = ledger.runs([recorded[max(recorded)].run_id])
    return float(run["conditions"].get("gpus_per_trial", 0.0))
