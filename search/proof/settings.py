"""The cases of `verify` that change one setting: each axis of the file, and the seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from search.core.errors import UserError
from search.core.trial import DataCard, Row
from search.core.values import same
from search.proof.cases import LOADED, SAVED, Ground, from_state
from search.proof.finding import Finding, Result
from search.proof.fresh import FreshDied, FreshFailed
from search.proof.savings import savings
from search.proof.subject import Subject, another_seed, others, subject, with_axis
from search.proof.trainer import Difference, Trainer, Trouble, first_difference
from search.space.model import Axis, Space
from search.space.service import SERVICE_SETTINGS
from search.workload import Workload

MAX_VALUES_TRIED = 3
"""Other values of an axis that are tried until one moves a row."""

USUAL_TURN = 3
"""The epoch from which a per-epoch setting is changed, where the values of its axis differ there."""

MAX_VALUES_COMPARED = 6
"""Values of an axis that are trained to see how long their rows are equal."""

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
    reads = _reads(ground)
    for axis in space.axes:
        values = _values(space, axis)
        if any(name not in SERVICE_SETTINGS for value in values for name in axis.settings(value)):
            yield from _axis(ground, space, workload, axis, reads)  # of the others no training is told


@dataclass
class _Pair:
    """Two values of an axis whose rows differ: what was trained, and the first epochs that differ in settings and rows.

    Attributes:
        one, other: what was trained.
        value: of the axis, in `other`.
        begin: first epoch whose settings differ.
        difference: where the rows differ first.
    """

    one: Subject
    other: Subject
    value: object
    begin: int
    difference: Difference


def _values(space: Space, axis: Axis) -> list[object]:
    """Return an axis's values where it is active, the usual one first, then as they are tried."""
    parameters = with_axis(space, axis)
    return [parameters[axis.name], *others(axis, parameters[axis.name])] if axis.name in parameters else []


def _axis(ground: Ground, space: Space, workload: Workload, axis: Axis, reads: _Reads | None) -> Iterator[Finding]:
    moves = f"{axis.name}: another value moves rows"
    usual, *rest = _values(space, axis)
    pair, notes, unparted, equal = None, [], [], 0
    for value in rest[:MAX_VALUES_TRIED]:
        try:
            first, second = (_with(space, workload, axis, each) for each in (usual, value))
            begin = first.parting(second)
            if begin is None:
                unparted.append(str(value))
                continue
            difference = first_difference(ground.trainer.rows(first), ground.trainer.rows(second))
        except (Trouble, UserError) as error:
            notes.append(f"{axis.name}={value}: {error}")
            continue
        if difference is not None:
            pair = _Pair(first, second, value, begin, difference)
            break
        equal = first.epochs
    names = {name for value in rest for name in axis.settings(value)} & set(ground.base.fixed)
    if pair is None and equal:
        unread = reads is not None and bool(names) and not names & (reads.at_start | reads.in_loop)
        cause = "it is declared and never read" if unread else "it acts later, or on nothing that is measured"
        note = f"no value of it moved a bit in the first {equal} epochs"
        yield Finding(moves, Result.NAMED, cause=cause, note=note)
        if unread:
            return
    elif pair is None:
        if unparted:
            alike = " and ".join([", ".join(unparted[:-1]), unparted[-1]] if len(unparted) > 1 else unparted)
            notes.append(f"{usual} gives the same settings as {alike} in the first {ground.base.epochs} epochs")
        yield Finding(moves, Result.NOT_TRIED, note="; ".join(notes) or "it has one value")
        return
    elif pair.difference.epoch < pair.begin:
        ground.broken.add(moves)
        note = f"the settings differ from epoch {pair.begin} on"
        yield Finding(moves, Result.NOT_HELD, pair.difference, "it acts before its epoch", note)
    else:
        yield Finding(moves, Result.HELD, note=f"{axis.name}={usual} -> {pair.value}")
        if same(pair.one.fixed, pair.other.fixed):
            yield from _per_epoch(ground, axis, pair)
    in_loop = reads is not None and bool(names) and names <= reads.in_loop
    acts_late = pair is None or (pair.begin == 1 and pair.difference.epoch > 1)
    if names and (in_loop or acts_late):
        yield from _late(ground, space, workload, axis, names, in_loop)


def _with(space: Space, workload: Workload, axis: Axis, value: object) -> Subject:
    """Return the first configuration in which an axis has a value."""
    parameters = space.completed({**with_axis(space, axis), axis.name: value})
    return subject(space, workload, parameters, space.seeds[0])


def _late(
    ground: Ground, space: Space, workload: Workload, axis: Axis, names: set[str], in_loop: bool
) -> Iterator[Finding]:
    """Name a fixed setting that acts in epochs alone, with what declaring it per epoch would save."""
    runs: list[_Run] = []
    for number, value in enumerate(_values(space, axis)[:MAX_VALUES_COMPARED]):
        with suppress(Trouble, UserError):
            run = _run(ground.trainer, _with(space, workload, axis, value))
            equal, like = max(
                ((_shared(ground.trainer, other, run), other.acts) for other in runs),
                key=lambda pair: pair[0],
                default=(0, []),
            )
            run.acts = [*like[:equal], *(f"{number} {epoch}" for epoch in range(equal, len(run.rows)))]
            runs.append(run)
    fewer = savings(space, workload, names, [(run.subject.fixed, run.acts) for run in runs])
    case = f"{axis.name}: fixed, though {'it is read only inside the loop' if in_loop else 'it acts in later epochs'}"
    if fewer is None:
        if in_loop:
            yield Finding(case, Result.NAMED, note="declared per epoch, trials would share what comes before it acts")
        return
    note = f"declared per epoch, it would save {'' if fewer.exact else 'at least '}{fewer.saved} of the plan's "
    note += f"{fewer.distinct} epochs"
    if not fewer.saved:
        note += " with these values, and could take plans that change it from some epoch on"
    if in_loop or fewer.saved:
        yield Finding(case, Result.NAMED, note=note)


@dataclass
class _Run:
    """What a value of an axis gives.

    Attributes:
        subject: what was trained.
        rows: of its epochs.
        states: after each epoch; empty where none can be saved.
        acts: a name for what the value has made of the run after each epoch: equal names where it has not acted yet.
    """

    subject: Subject
    rows: Sequence[Row]
    states: Sequence[bytes]
    acts: list[str] = field(default_factory=list)


def _run(trainer: Trainer, trained: Subject) -> _Run:
    rows, states = trainer.rows(trained), []
    with suppress(Trouble), trainer.process() as fresh:
        trainer.start(fresh, trained)
        for epoch in range(1, trained.epochs + 1):
            trainer.epoch(fresh, trained, epoch)
            states.append(trainer.save(fresh, epoch))
    return _Run(trained, rows, states)


def _shared(trainer: Trainer, one: _Run, other: _Run) -> int:
    """Return how many epochs two values share: the rows are equal, and the other value goes on from the state.

    Equal rows alone do not tell: what is measured before a step is taken shows it one epoch later.
    """
    difference = first_difference(one.rows, other.rows)
    equal = len(one.rows) if difference is None else difference.epoch - 1
    for epoch in range(min(equal, len(one.states), len(other.states)), 0, -1):
        if one.states[epoch - 1] == other.states[epoch - 1]:
            return epoch
        with suppress(Trouble):
            rows = from_state(trainer, other.subject, epoch, one.states[epoch - 1])
            if rows and first_difference(other.rows[epoch:], rows) is None:
                return epoch
    return 0


def _per_epoch(ground: Ground, axis: Axis, pair: _Pair) -> Iterator[Finding]:
    """Change a per-epoch setting from an epoch on: it must act from there on, also behind a loaded state."""
    before = pair.one
    trainer = ground.trainer
    case = f"{axis.name}: changed from epoch {{}} on, it acts from there on"
    behind = f"{axis.name}: so it does behind a loaded state"
    if before.epochs < 2:
        yield Finding(case.format(2), Result.NOT_TRIED, note="it trains one epoch")
        return
    epochs = [
        epoch for epoch in range(2, before.epochs + 1) if before.turning(pair.other, epoch).parting(before) == epoch
    ]
    if not epochs:
        yield Finding(
            case.format(2), Result.NOT_TRIED, note="from the second epoch on, its values give the same settings"
        )
        return
    turn = min(epochs, key=lambda epoch: abs(epoch - USUAL_TURN))
    turned = before.turning(pair.other, turn)
    case = case.format(turn)
    try:
        rows, usual = trainer.rows(turned), trainer.rows(before)
    except Trouble as trouble:
        yield Finding(case, Result.NOT_TRIED, note=str(trouble))
        return
    difference = first_difference(usual, rows)
    if difference is not None and difference.epoch == turn:
        yield Finding(case, Result.HELD)
    elif difference is not None and difference.epoch > turn:  # as what a scheduler reads at the end of an epoch
        note = f"it acts from epoch {difference.epoch} on; rows are right, and trials share what they can be sure of"
        yield Finding(case, Result.NAMED, note=note)
    else:
        ground.broken.add(case)
        yield Finding(case, Result.NOT_HELD, difference, _turning_cause(turn, difference))
    if LOADED in ground.broken or SAVED in ground.broken or not ground.states:
        yield Finding(behind, Result.NOT_TRIED, note="a state that is loaded differs already, or there is none")
        return

    def train() -> Difference | None:
        with trainer.process() as fresh:
            trainer.start(fresh, before)
            trainer.train(fresh, before, last=turn - 1)
            state = trainer.save(fresh, turn - 1)
        with trainer.process() as fresh:
            trainer.start(fresh, turned, state)
            return first_difference(rows[turn - 1 :], trainer.train(fresh, turned, turn), turn - 1)

    yield ground.judged(behind, train, lambda _: "loading brings back the setting of the epoch before")


def _turning_cause(turn: int, difference: Difference | None) -> str:
    if difference is None:
        return "it is read once, by the first epoch, and never again"
    return f"it acts before epoch {turn}"


@dataclass
class _Reads:
    """Settings that were read: while the run started, and in its first epochs alone."""

    at_start: set[str]
    in_loop: set[str]


def _reads(ground: Ground) -> _Reads | None:
    """Return what the first configuration reads; None where it cannot take a mapping that is not quite a dict."""
    trainer, base = ground.trainer, ground.base
    with suppress(Trouble, FreshFailed, FreshDied), trainer.process() as fresh:
        fresh.ask("start_watched", dict(base.fixed), trainer.cpus, trainer.gpus)
        at_start = fresh.ask("reads")
        trainer.train(fresh, base, last=min(2, base.epochs))
        return _Reads(at_start, fresh.ask("reads"))
    return None
