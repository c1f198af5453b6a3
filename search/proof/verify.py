"""`verify`: does a workload keep the contract that sharing rests on? Tried before anybody relies on it.

A few epochs of a file's configurations are trained in several orders and processes, and every bit of their rows is
compared. Nothing is recorded, and no Ray is started.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from search.core.errors import UserError
from search.core.shown import called
from search.plan.place import share
from search.proof.branches import branches, prove
from search.proof.cases import LOADED, SAVED, TWICE, Ground, cases
from search.proof.finding import Finding, Result, Verified
from search.proof.fresh import Warm
from search.proof.savings import MAX_TRIALS_COUNTED, leaves
from search.proof.settings import axis_cases, seed_cases
from search.proof.subject import Subject, another_seed, far, subject
from search.proof.trainer import Trainer, Trouble, troubles
from search.space.model import Space
from search.system.machine import fork_is_fresh
from search.workload import Workload, load_workload

BRANCHES = "every state that trials of the plan part behind"


def verify(
    space: Space,
    *,
    thorough: bool = False,
    begun: Callable[[Subject], object] = lambda base: None,
    found: Callable[[Finding], object] = lambda finding: None,
    say: Callable[[str], object] = lambda text: None,
    fork: bool = True,
) -> Verified:
    """Try a workload with the configurations of a space.

    Args:
        space: the space; its resources say how many threads and GPUs a trial has.
        thorough: whether every state is proven that trials of its plan part behind.
        begun: called with what is trained, before anything is.
        found: called with each finding, as soon as there is one.
        say: told what takes long.
        fork: whether this process may be forked: nothing was trained in it.

    Raises:
        UserError: the configuration cannot be trained at all, or measures nothing that could be compared.
    """
    workload = load_workload(space.workload)
    cpus, gpus = space.resources.cpus, share(space.resources)
    fork = fork and fork_is_fresh(gpus)
    prepare = partial(_ready, workload if fork else space.workload, cpus)
    hashes = {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0")}  # of text: equal in all, as forks have them
    with Warm(prepare, fork=fork, environment=hashes) as warm:
        base = subject(space, workload, space.example(), space.seeds[0])
        begun(base)
        trainer = Trainer(warm, cpus, gpus)
        try:
            with trainer.process() as fresh, troubles("its data cannot be read"):
                trainer.card = fresh.data(base.fixed)
            rows = trainer.rows(base)
        except Trouble as trouble:
            raise UserError(f"workload {called(space.workload)!r}, {base.name}: {trouble}") from trouble
        ground = Ground(trainer, space.workload, base, rows, _earlier(space, workload, base))
        findings = []
        for finding in _all(ground, space, workload, thorough, say):
            findings.append(finding)
            found(finding)
        return Verified(space.workload, space.file, base.name, base.epochs, findings, trainer.trained)


def _ready(workload: Workload | str, cpus: int) -> Workload:
    """Return a workload, or import the one of this name, with as many threads as a worker has."""
    os.environ.setdefault("OMP_NUM_THREADS", str(cpus))
    return load_workload(workload) if isinstance(workload, str) else workload


def _all(
    ground: Ground, space: Space, workload: Workload, thorough: bool, say: Callable[[str], object]
) -> Iterator[Finding]:
    yield from cases(ground)
    if TWICE in ground.broken:
        return
    yield from seed_cases(ground, space, workload)
    yield from axis_cases(ground, space, workload)
    if thorough:
        yield _branches(ground, space, workload, say)


def _earlier(space: Space, workload: Workload, base: Subject) -> list[Subject]:
    """Return trials that may leave something behind: one that differs in all that can, and one in the seed alone."""
    earlier: list[Subject] = []
    for parameters in (far(space), space.example()):
        try:
            other = subject(space, workload, parameters, another_seed(space))
        except UserError:  # these cannot be trained together
            continue
        if other.key not in [base.key, *(each.key for each in earlier)]:
            earlier.append(other)
    return earlier


def _branches(ground: Ground, space: Space, workload: Workload, say: Callable[[str], object]) -> Finding:
    if SAVED in ground.broken or LOADED in ground.broken or not ground.states:
        return Finding(BRANCHES, Result.NOT_TRIED, note="a state that is loaded differs already, or there is none")
    trials = leaves(space, workload)
    if trials is None:
        note = f"results decide what is tried, or there are more than {MAX_TRIALS_COUNTED:,} trials"
        return Finding(BRANCHES, Result.NOT_TRIED, note=note)
    plan = branches(trials)
    if not plan.states:
        return Finding(BRANCHES, Result.NOT_TRIED, note="no two trials part behind an epoch: nothing is shared")
    count = f"{plan.states:,} state{'s' if plan.states > 1 else ''}"
    say(f"proving {count}: {plan.epochs:,} epochs to train")
    before = ground.trainer.trained
    try:
        failed = prove(ground.trainer, plan.roots, lambda proven: None)
    except Trouble as trouble:
        return Finding(BRANCHES, Result.NOT_HELD, note=str(trouble))
    if failed is not None:
        note = f"the state of epoch {failed.epoch} of {failed.subject.name}"
        return Finding(BRANCHES, Result.NOT_HELD, failed.difference, failed.cause, note)
    return Finding(BRANCHES, Result.HELD, note=f"{count}, {ground.trainer.trained - before:,} epochs trained")
