"""The cases of `verify`: one configuration, trained in several orders and processes, must give the same bits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from search.core.trial import Row
from search.proof import causes, lacking
from search.proof.disturb import GENERATORS
from search.proof.finding import Finding, Result
from search.proof.fresh import Warm
from search.proof.subject import Subject
from search.proof.trainer import Difference, Trainer, Trouble, Unsaved, first_difference
from search.workload import Outside, load_workload

MAX_EARLIER_EPOCHS = 3
"""Epochs that are trained of each trial before the one that must not notice."""


@dataclass
class Ground:
    """What all cases have in common.

    Attributes:
        trainer: trains.
        workload: as a space file names it.
        base: the configuration that is trained.
        rows: what it gives in a fresh process.
        earlier: other trials, which are trained before it.
        states: epoch -> state of `base`, of those that were saved.
        shared: shared generators that its rows depend on.
        broken: cases that did not hold.
    """

    trainer: Trainer
    workload: str
    base: Subject
    rows: Sequence[Row]
    earlier: Sequence[Subject]
    states: dict[int, bytes] = field(default_factory=dict)
    shared: Sequence[str] = ()
    broken: set[str] = field(default_factory=set)

    def judged(
        self, case: str, train: Callable[[], Difference | None], cause: Callable[[Difference], str], note: str = ""
    ) -> Finding:
        """Try a case.

        Args:
            case: its name.
            train: trains, and returns where rows differ first.
            cause: asked for the likely cause where they do.
            note: what else is to be said where they do not.

        Raises:
            Unsaved: it needs states, and the workload has none.
        """
        try:
            difference = train()
        except Unsaved:
            raise
        except Trouble as trouble:
            self.broken.add(case)
            return Finding(case, Result.NOT_HELD, note=str(trouble))
        if difference is None:
            return Finding(case, Result.HELD, note=note)
        self.broken.add(case)
        return Finding(case, Result.NOT_HELD, difference, causes.tried(lambda: cause(difference)))

    def compared(self, found: Sequence[Row], before: int = 0) -> Difference | None:
        """Return where rows differ first from those of a fresh process."""
        return first_difference(self.rows[before : before + len(found)], found, before)


TWICE = "started twice, in two processes"
INTERPRETER = "started in another interpreter, with other hashes of text"
BEHIND = "after other trials in the same process"
STIRRED = "generators of Python, numpy and torch stirred between epochs"
SAVED = "saved after every epoch"
LOADED = "saved, and loaded in a fresh process"
LOADED_TWICE = "one state loaded twice in one process"
SAVED_AGAIN = "saved again after it was loaded, and loaded again"

WITHOUT_TWICE = "two starts differ already: mend that first"


def cases(ground: Ground) -> Iterator[Finding]:
    """Try every case, from the plainest to the rest, which needs those before it."""
    first = ground.judged(TWICE, lambda: _twice(ground), lambda difference: _cause_of_two(ground, difference))
    yield first
    if first.result != Result.HELD:
        for case in (INTERPRETER, BEHIND, STIRRED, SAVED, LOADED, LOADED_TWICE, SAVED_AGAIN):
            yield Finding(case, Result.NOT_TRIED, note=WITHOUT_TWICE)
        return
    yield _in_another_interpreter(ground)
    yield _behind_others(ground)
    yield _stirred(ground)
    yield from _with_states(ground)


def _twice(ground: Ground) -> Difference | None:
    with ground.trainer.process() as fresh:
        ground.trainer.start(fresh, ground.base)
        return ground.compared(ground.trainer.train(fresh, ground.base))


def _cause_of_two(ground: Ground, difference: Difference) -> str:
    workload = load_workload(ground.workload)
    if isinstance(workload, Outside):
        return workload.unrepeated
    return causes.of_two_starts(ground.trainer, ground.base, difference.epoch)


def _in_another_interpreter(ground: Ground) -> Finding:
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    rows_apart: list[Sequence[Row]] = []

    def train() -> Difference | None:
        apart = Warm(partial(load_workload, ground.workload), fork=False, environment={"PYTHONHASHSEED": seed})
        trainer = replace(ground.trainer, warm=apart)
        with trainer.process() as fresh:
            trainer.start(fresh, ground.base)
            rows_apart.append(trainer.train(fresh, ground.base))
        ground.trainer.trained = trainer.trained
        return ground.compared(rows_apart[-1])

    def cause(_: Difference) -> str:
        train()
        return causes.of_other_hashes(*rows_apart[-2:])

    return ground.judged(INTERPRETER, train, cause)


def _behind_others(ground: Ground) -> Finding:
    trainer, base = ground.trainer, ground.base

    def train() -> Difference | None:
        with trainer.process() as fresh:
            for other in ground.earlier:
                trainer.start(fresh, other)
                trainer.train(fresh, other, last=min(other.epochs, MAX_EARLIER_EPOCHS))
            for _ in range(2):  # behind others, and behind itself
                trainer.start(fresh, base)
                difference = ground.compared(trainer.train(fresh, base))
                if difference is not None:
                    return difference
        return None

    def cause(_: Difference) -> str:
        return causes.of_what_was_left(trainer, base, [*ground.earlier, base], ground.rows)

    return ground.judged(BEHIND, train, cause)


def _stirred(ground: Ground) -> Finding:
    trainer, base = ground.trainer, ground.base

    def train() -> Difference | None:
        with trainer.process() as fresh:
            fresh.ask("stir", GENERATORS, 1000)
            trainer.start(fresh, base)
            rows = []
            for epoch in range(1, base.epochs + 1):
                fresh.ask("stir", GENERATORS, 1000 + epoch)
                rows.append(trainer.epoch(fresh, base, epoch))
        return ground.compared(rows)

    def cause(_: Difference) -> str:
        ground.shared, text = causes.of_stirring(trainer, base, ground.rows)
        return text

    return ground.judged(STIRRED, train, cause)


def _with_states(ground: Ground) -> Iterator[Finding]:
    """Try what needs saved states."""
    trainer, base = ground.trainer, ground.base
    rest = (LOADED, LOADED_TWICE, SAVED_AGAIN)

    def save() -> Difference | None:
        rows = []
        with trainer.process() as fresh:
            trainer.start(fresh, base)
            for epoch in range(1, base.epochs + 1):
                rows.append(trainer.epoch(fresh, base, epoch))
                ground.states[epoch] = trainer.save(fresh, epoch)
        return ground.compared(rows)

    try:
        yield ground.judged(SAVED, save, lambda found: causes.of_saving(trainer, base, max(1, found.epoch - 1)))
    except Unsaved as unsaved:
        yield Finding(SAVED, Result.NOT_TRIED, note=str(unsaved))
    if not ground.states:
        yield from (Finding(case, Result.NOT_TRIED, note="there is no state to load") for case in rest)
        return
    if base.epochs < 2:
        for case in rest:
            yield Finding(case, Result.NOT_TRIED, note="it trains one epoch: give it more, as --set epochs=3")
        return
    yield _loaded(ground)
    if LOADED in ground.broken:
        for case in (LOADED_TWICE, SAVED_AGAIN):
            yield Finding(case, Result.NOT_TRIED, note="a state that is loaded once differs already: mend that first")
        return
    yield ground.judged(LOADED_TWICE, lambda: _loaded_twice(ground), lambda _: _cause_of_loaded_twice(ground))
    yield ground.judged(SAVED_AGAIN, lambda: _saved_again(ground), lambda _: _cause_of_saved_again(ground))


def _loaded(ground: Ground) -> Finding:
    """Load the state after each epoch in a fresh process, and go on to the end."""
    trainer, base = ground.trainer, ground.base
    at = 0  # epoch of the state that was loaded last

    def train() -> Difference | None:
        nonlocal at
        for epoch in range(1, base.epochs):
            at = epoch
            difference = ground.compared(from_state(trainer, base, epoch, ground.states[epoch]), epoch)
            if difference is not None:
                return difference
        return None

    def cause(difference: Difference) -> str:
        behind = difference.epoch - at
        where = f"from the state of epoch {at}, in the {'first' if behind == 1 else f'{behind}.'} epoch behind it"
        text = lacking.of_loading(trainer, base, at, ground.states[at], ground.rows[at:], ground.shared)
        return f"{text}; {where}"

    return ground.judged(LOADED, train, cause, f"after each of the epochs 1 to {base.epochs - 1}")


def from_state(trainer: Trainer, subject: Subject, epoch: int, state: bytes) -> list[Row]:
    """Return the rows of the epochs behind a state, trained in a fresh process. Raises `Trouble` where that fails."""
    with trainer.process() as fresh:
        trainer.start(fresh, subject, state)
        return trainer.train(fresh, subject, epoch + 1)


def _loaded_twice(ground: Ground) -> Difference | None:
    trainer, base, epoch = ground.trainer, ground.base, max(1, ground.base.epochs // 2)
    with trainer.process() as fresh:
        for _ in range(2):
            trainer.start(fresh, base, ground.states[epoch])
            difference = ground.compared(trainer.train(fresh, base, epoch + 1), epoch)
            if difference is not None:
                return difference
    return None


def _saved_again(ground: Ground) -> Difference | None:
    trainer, base = ground.trainer, ground.base
    state = ground.states[1]
    for epoch in range(2, base.epochs):
        with trainer.process() as fresh:
            trainer.start(fresh, base, state)
            trainer.epoch(fresh, base, epoch)
            state = trainer.save(fresh, epoch)
        difference = ground.compared(_next(trainer, base, epoch, state), epoch)
        if difference is not None:
            return difference
    return None


def _next(trainer: Trainer, subject: Subject, epoch: int, state: bytes) -> list[Row]:
    with trainer.process() as fresh:
        trainer.start(fresh, subject, state)
        return [trainer.epoch(fresh, subject, epoch + 1)]


def _cause_of_loaded_twice(ground: Ground) -> str:
    """Return what the first of two runs from one state left in its process."""
    trainer, base, epoch = ground.trainer, ground.base, max(1, ground.base.epochs // 2)
    with trainer.process() as fresh:
        looks = []
        for _ in range(2):
            trainer.start(fresh, base, ground.states[epoch])
            looks.append(trainer.look(fresh))
            trainer.train(fresh, base, epoch + 1)
    return causes.left(looks[0], looks[1]) or "loading leaves something in the process"


def _cause_of_saved_again(ground: Ground) -> str:
    """Return what a run that was loaded, trained, saved and loaded lacks."""
    trainer, base = ground.trainer, ground.base

    with trainer.process() as fresh:
        trainer.start(fresh, base, ground.states[2])
        right = trainer.look(fresh)
    with trainer.process() as fresh:
        trainer.start(fresh, base, ground.states[1])
        trainer.epoch(fresh, base, 2)
        state = trainer.save(fresh, 2)
        trainer.start(fresh, base, state)
        wrong = trainer.look(fresh)
    return lacking.unsaved(right, wrong) or "a run that was loaded does not save all of it"
