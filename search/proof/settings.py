"""The cases of `verify` that change one setting: each axis of the file, and the seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from search.core.errors import UserError
from search.core.trial import DataCard
from search.proof.cases import LOADED, SAVED, Ground
from search.proof.finding import Finding, Result
from search.proof.savings import saved_epochs
from search.proof.subject import Subject, another_seed, others, subject, with_axis
from search.proof.trainer import Difference, Trouble, first_difference
from search.space.model import Axis, Space
from search.space.service import SERVICE_SETTINGS
from search.workload import Workload

MAX_VALUES_TRIED = 3
"""Other values of an axis that are tried until one moves a row."""

SEED_ROWS = "another seed moves rows"
SEED_DATA = "another seed moves no data"


def seed_cases(ground: Ground, space: Space, workload: Workload) -> Iterator[Finding]:
    """Try another seed: it must move rows and must not move data."""
    trainer = ground.trainer
    seed = another_seed(space)
    try:
        other = subject(space, workload, space.example(), seed)
        moved = first_difference(ground.rows, trainer.rows(other))
    except (Trouble, UserError) as error:
        yield Finding(SEED_ROWS, Result.NOT_TRIED, note=f"seed={seed}: {error}")
        return
    note = f"seed={seed} gives the rows of seed={ground.base.fixed.get('seed', space.seeds[0])}, bit for bit"
    if moved is None:
        ground.broken.add(SEED_ROWS)
        yield Finding(SEED_ROWS, Result.NOT_HELD, cause="the seed is read nowhere", note=note)
    else:
        yield Finding(SEED_ROWS, Result.HELD)
    cards = []
    for each in (ground.base, other):
        with trainer.process() as fresh:
            card: DataCard | None = fresh.data(each.fixed)
            cards.append(card.fingerprint if card is not None else "")
    if not any(cards):
        yield Finding(SEED_DATA, Result.NOT_TRIED, note="it has no data card, so changed data cannot be noticed")
    elif cards[0] == cards[1]:
        yield Finding(SEED_DATA, Result.HELD)
    else:
        ground.broken.add(SEED_DATA)
        cause = "the data or their split are drawn by the seed; give the split a seed of its own"
        yield Finding(SEED_DATA, Result.NOT_HELD, cause=cause, note=f"fingerprints {cards[0]} and {cards[1]}")


def axis_cases(ground: Ground, space: Space, workload: Workload) -> Iterator[Finding]:
    """Change the settings of the file's axes one at a time."""
    in_loop = _read_in_loop(ground)
    for axis in space.axes:
        if all(name in SERVICE_SETTINGS for value in [*others(axis, ...)][:1] for name in axis.settings(value)):
            continue  # how long it trains and when it stops: no training is told of it
        yield from _axis(ground, space, workload, axis, in_loop)


def _axis(ground: Ground, space: Space, workload: Workload, axis: Axis, in_loop: set[str]) -> Iterator[Finding]:
    parameters, seed = with_axis(space, axis), space.seeds[0]
    if axis.name not in parameters:
        return
    usual = parameters[axis.name]
    moves = f"{axis.name}: another value moves rows"
    parting, equal = None, None  # subjects of the first pair that moves rows, equal epochs before that in all pairs
    notes, unparted = [], []
    for value in islice(others(axis, usual), MAX_VALUES_TRIED):
        pair = f"{usual} -> {value}"
        try:
            one = subject(space, workload, parameters, seed)
            other = subject(space, workload, space.completed({**parameters, axis.name: value}), seed)
            begin = one.parting(other)
            if begin is None:
                unparted.append(str(value))
                continue
            difference = first_difference(ground.trainer.rows(one), ground.trainer.rows(other))
        except (Trouble, UserError) as error:
            notes.append(f"{pair}: {error}")
            continue
        same = one.epochs if difference is None else difference.epoch - 1
        equal = same if equal is None else min(equal, same)
        if difference is not None:
            parting = one, other, begin, difference
            break
    if parting is None:
        if equal is None:
            if unparted:
                alike = " and ".join([", ".join(unparted[:-1]), unparted[-1]] if len(unparted) > 1 else unparted)
                notes.append(f"{usual} gives the same settings as {alike} in the first {ground.base.epochs} epochs")
            yield Finding(moves, Result.NOT_TRIED, note="; ".join(notes) or "it has one value")
            return
        note = f"no value of it moved a bit in the first {ground.base.epochs} epochs"
        yield Finding(moves, Result.NAMED, cause="it is declared and never read, or acts later", note=note)
    else:
        one, other, begin, difference = parting
        if difference.epoch < begin:
            ground.broken.add(moves)
            note = f"the settings differ from epoch {begin} on"
            yield Finding(moves, Result.NOT_HELD, difference, "it acts before its epoch", note)
        else:
            yield Finding(moves, Result.HELD, note=f"{axis.name}={pair}")
        if begin > 1 or (one.turning(other, 2).parting(one) is not None and one.fixed == other.fixed):
            yield from _per_epoch(ground, axis, one, other, begin)
    names = {
        name for value in (usual, *others(axis, usual)) for name in axis.settings(value) if name in ground.base.fixed
    }
    if names and (names <= in_loop or (equal or 0) > 0):
        yield _late(space, workload, axis, names, in_loop, equal or 0)


def _late(space: Space, workload: Workload, axis: Axis, names: set[str], in_loop: set[str], equal: int) -> Finding:
    """Name a fixed setting that epochs alone read, with what declaring it per epoch would save."""
    saved = saved_epochs(space, workload, names, equal)
    reads = "is read only inside the loop" if names <= in_loop else f"moves nothing in the first {equal} epochs"
    case = f"{axis.name}: fixed, though it {reads}"
    if saved is None:
        return Finding(case, Result.NAMED, note="declared per epoch, trials would share what comes before it acts")
    fewer, distinct = saved
    note = f"declared per epoch, it would save {'at least ' * bool(fewer)}{fewer} of the plan's {distinct} epochs"
    if not fewer:
        note += " with these values, and could take plans that change it from some epoch on"
    return Finding(case, Result.NAMED, note=note)


def _per_epoch(ground: Ground, axis: Axis, one: Subject, other: Subject, begin: int) -> Iterator[Finding]:
    """Change a per-epoch setting from an epoch on: it must act from there on, also behind a loaded state."""
    trainer = ground.trainer
    case = f"{axis.name}: changed from epoch {{}} on, it acts from there on"
    behind = f"{axis.name}: so it does behind a loaded state"
    if one.epochs < 2:
        yield Finding(case.format(2), Result.NOT_TRIED, note="it trains one epoch")
        return
    turn = max(begin, min(3, one.epochs))
    turned = one.turning(other, turn)
    case = case.format(turn)
    try:
        rows, usual = trainer.rows(turned), trainer.rows(one)
    except Trouble as trouble:
        yield Finding(case, Result.NOT_TRIED, note=str(trouble))
        return
    difference = first_difference(usual, rows)
    if difference is not None and difference.epoch == turn:
        yield Finding(case, Result.HELD)
    else:
        ground.broken.add(case)
        yield Finding(case, Result.NOT_HELD, difference, _turning_cause(turn, difference))
    if LOADED in ground.broken or SAVED in ground.broken or not ground.states:
        yield Finding(behind, Result.NOT_TRIED, note="a state that is loaded differs already, or there is none")
        return

    def train() -> Difference | None:
        with trainer.process() as fresh:
            trainer.start(fresh, one)
            trainer.train(fresh, one, last=turn - 1)
            state = trainer.save(fresh, turn - 1)
        with trainer.process() as fresh:
            trainer.start(fresh, turned, state)
            return first_difference(rows[turn - 1 :], trainer.train(fresh, turned, turn), turn - 1)

    yield ground.judged(behind, train, lambda _: "loading brings back the setting of the epoch before")


def _turning_cause(turn: int, difference: Difference | None) -> str:
    if difference is None:
        return "it is read once, by the first epoch, and never again"
    if difference.epoch > turn:
        return f"it acts {difference.epoch - turn} epochs late" if difference.epoch - turn > 1 else "one epoch late"
    return f"it acts before epoch {turn}"


def _read_in_loop(ground: Ground) -> set[str]:
    """Return the fixed settings that the first epochs read, and the start of the run does not."""
    trainer, base = ground.trainer, ground.base
    try:
        with trainer.process() as fresh:
            fresh.ask("start_watched", dict(base.fixed), trainer.cpus, trainer.gpus)
            at_start: set[str] = fresh.ask("reads")
            trainer.train(fresh, base, last=min(2, base.epochs))
            in_loop: set[str] = fresh.ask("reads")
    except Exception:  # it cannot take a mapping that is not quite a dict: nothing is named
        return set()
    return in_loop - at_start
