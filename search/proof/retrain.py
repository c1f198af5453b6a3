"""Epochs of a study trained again, in fresh processes, and compared with the rows on record: every bit.

Nothing is written to the ledger, and no Ray is started. It takes a machine of the study's execution class: in another
one equal settings give other bits.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from search.core.errors import UserError
from search.core.shown import counted, duration
from search.ledger.files import BadState, read_state
from search.ledger.ledger import Ledger, Recorded
from search.plan.place import share as gpu_share
from search.plan.process import ask_class
from search.proof.fresh import Warm
from search.proof.sample import Chain, Stretch, epochs_of, longest, rows_of, sampled
from search.proof.subject import Subject
from search.proof.trainer import Difference, Trainer, Trouble, first_difference
from search.study.changed import StudyChanged, check_unchanged
from search.study.leaf import Planner
from search.study.opened import OpenStudy
from search.system.machine import fork_is_fresh
from search.workload import Workload, identity, load_workload

SEED_BITS = 48
"""Of the seed that a sample is drawn with; nobody knows it beforehand."""


@dataclass(frozen=True)
class Differing:
    """A row that came out otherwise.

    Attributes:
        trial: number of a trial that has it.
        key: its epoch key.
        difference: where it differs first.
    """

    trial: int
    key: str
    difference: Difference


@dataclass(frozen=True)
class Retrained:
    """What was trained again, and what came of it.

    Attributes:
        study: its name.
        share: of rows that was asked for.
        seed: the sample was drawn with.
        rows: on record of the study.
        compared: keys of the rows that were compared.
        stretches: what was trained.
        differing: rows that came out otherwise.
        execution_class: of the study, and of this machine.
        code: what stands for the workload's code in keys.
    """

    study: str
    share: float
    seed: int
    rows: int
    compared: Sequence[str]
    stretches: Sequence[Stretch]
    differing: Sequence[Differing]
    execution_class: Mapping[str, str]
    code: Mapping[str, str]


def retrain(
    study: OpenStudy,
    share: float,
    *,
    seed: int | None = None,
    say: Callable[[str], object] = lambda text: None,
    fork: bool = True,
) -> Retrained:
    """Train a share of a study's rows again, and compare them.

    Args:
        study: the study.
        share: of its rows, above 0 and at most 1; 1 trains all of it from nothing.
        seed: the sample is drawn with; by default one that nobody knows beforehand.
        say: told how many epochs are trained, and how far it is.
        fork: whether this process may be forked: nothing was trained in it.

    Raises:
        UserError: there is no row; the execution class is another one; data or code are others than were trained; or an
            epoch cannot be trained at all.
    """
    record, space, ledger = study.record, study.space, study.ledger
    cpus, gpus = space.resources.cpus, gpu_share(space.resources)
    workload = load_workload(space.workload)
    fork = fork and fork_is_fresh(gpus)
    hashes = {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0")}
    with Warm(partial(_ready, workload if fork else space.workload, cpus), fork=fork, environment=hashes) as warm:
        pinned = _same_class(study, cpus, gpus)
        chains = longest(_chains(study, workload, pinned))  # reads data in this process: after the fork
        on_record = ledger.rows(list(dict.fromkeys(key for chain in chains for key in chain.keys)))
        if not on_record:
            raise UserError(f"study {record.name!r} has no row on record; run it first")
        seed = random.SystemRandom().getrandbits(SEED_BITS) if seed is None else seed
        begins = partial(_begins, ledger)
        stretches = sampled(chains, share, on_record, begins, random.Random(seed))
        seconds = sum(on_record[key].seconds for stretch in stretches for key in stretch.keys if key in on_record)
        what = f"{counted(epochs_of(stretches), 'epoch')} again, in {counted(len(stretches), 'process')}"
        say(f"training {what}; they took {duration(seconds, whole=True)} when they were recorded")
        trainer = Trainer(warm, cpus, gpus)
        differing: list[Differing] = []
        for number, stretch in enumerate(stretches, start=1):
            differing += _differences(ledger, trainer, stretch)
            say(f"{number} of {len(stretches)} trained; {counted(len(differing), 'row')} differ so far")
    once = {row.key: row for row in differing}
    compared = sorted(rows_of(stretches, on_record))
    code = identity(space.workload, workload)
    return Retrained(record.name, share, seed, len(on_record), compared, stretches, [*once.values()], pinned, code)


def _ready(workload: Workload | str, cpus: int) -> Workload:
    """Return a workload, or import the one of this name, with as many threads as a worker has."""
    os.environ.setdefault("OMP_NUM_THREADS", str(cpus))
    return load_workload(workload) if isinstance(workload, str) else workload


def _same_class(study: OpenStudy, cpus: int, gpus: float) -> dict[str, str]:
    """Return the study's execution class, which this machine has, too.

    Raises:
        UserError: it has another one.
    """
    record = study.record
    pinned = dict(record.execution_class or {})
    here = ask_class(study.space.workload, cpus, gpus)
    if pinned != here:
        differing = "; ".join(
            f"{name} was {pinned.get(name, 'not there')!r}, is {here.get(name, 'not there')!r}"
            for name in sorted({*pinned, *here})
            if pinned.get(name) != here.get(name)
        )
        raise UserError(
            f"study {record.name!r} was run in another execution class ({differing}), where the same settings give "
            "other bits; nothing was trained: train it again on a machine of that class"
        )
    return pinned


def _chains(study: OpenStudy, workload: Workload, pinned: Mapping[str, str]) -> list[Chain]:
    """Return the recorded part of each trial, with what it is trained with.

    Raises:
        StudyChanged: a trial has other keys now: its data, its code or what is on record of it are others.
    """
    ledger, record, space = study.ledger, study.record, study.space
    check_unchanged(study, workload, pinned)
    planners = [Planner(space, workload, pinned, sharing, study=record.name) for sharing in (True, False)]
    paths = ledger.paths(record.id)
    chains = []
    for trial in ledger.trials(record.id):
        keys, data = paths[trial.number]
        keys = keys[: trial.last_epoch]
        for planner in planners if keys else ():
            leaf = planner.leaf(trial.number, trial.configuration, trial.seed, trial.parameters)
            if list(leaf.path[: len(keys)]) == keys:
                shown = [f"{name}={value}" for name, value in trial.parameters.items()]
                subject = Subject(", ".join([*shown, f"seed={trial.seed}"]), leaf.fixed, leaf.schedule)
                chains.append(Chain(trial.number, subject, keys, data))
                break
        else:
            if keys:
                raise StudyChanged(
                    f"trial {trial.number} of study {record.name!r} is not what its settings train now: the code, its "
                    "data or what is on record of it have changed; nothing was trained"
                )
    return chains


def _begins(ledger: Ledger, chain: Chain) -> list[int]:
    """Return the epochs of a chain behind which a sound state is kept, the last one apart."""
    kept = ledger.states.find(list(chain.keys[:-1]))
    return [epoch for epoch, key in enumerate(chain.keys[:-1], start=1) if key in kept and _state(ledger, key)]


def _state(ledger: Ledger, key: str) -> bytes | None:
    """Return a saved state; None where it is not there, or not what was saved."""
    kept = ledger.states.find([key]).get(key)
    try:
        return None if kept is None else read_state(ledger.states.folder, kept.file)
    except BadState:
        return None


def _differences(ledger: Ledger, trainer: Trainer, stretch: Stretch) -> list[Differing]:
    """Train a stretch in a fresh process, and return its rows that differ from those on record.

    Raises:
        UserError: it cannot be trained.
    """
    chain, subject = stretch.chain, stretch.chain.subject
    trainer.card = ledger.data(chain.data)
    state = _state(ledger, stretch.state) if stretch.start else None
    try:
        with trainer.process() as fresh:
            trainer.start(fresh, subject, state)
            rows = trainer.train(fresh, subject, stretch.start + 1, stretch.end)
    except Trouble as trouble:
        raise UserError(f"trial {chain.trial} ({subject.name}) cannot be trained again: {trouble}") from trouble
    recorded: Mapping[str, Recorded] = ledger.rows(list(stretch.keys), predictions=True, scores=True)
    differing = []
    for place, (key, row) in enumerate(zip(stretch.keys, rows, strict=True)):
        if key in recorded and (found := first_difference([recorded[key].row], [row], stretch.start + place)):
            differing.append(Differing(chain.trial, key, found))
    return differing
