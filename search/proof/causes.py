"""Why a case did not hold: found by experiment, as far as one tells.

Each function trains again with one thing changed and sees whether the difference is gone, or lays a run that is right
beside one that is not and names what differs in them (`search.proof.look`). So a cause is likely, never certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from search.core.trial import TIMED, Row
from search.proof.disturb import GENERATORS
from search.proof.fresh import Fresh, FreshDied, FreshFailed
from search.proof.look import Differing, Seen, differing
from search.proof.subject import Subject
from search.proof.trainer import Trainer, Trouble, first_difference

OWN_NAMES = {"python": "Python's", "numpy": "numpy's", "torch": "torch's"}

MAX_NAMED = 3
"""Things that are named where several differ."""

KIND_WORDS = {
    "generator": "generator not saved",
    "optimiser": "optimiser state not saved",
    "scheduler": "learning-rate scheduler not saved",
    "buffer": "buffers or averages not saved",
    "weights": "weights not saved",
    "counter": "counter not saved",
    "array": "not saved, or data changed in place",
    "value": "not saved",
    "cache": "a cache of the process",
}

LEFT_WORDS = {
    "generator": "process global: a generator that all trials draw from",
    "optimiser": "process global: an optimiser that outlives its trial",
    "scheduler": "process global: a learning-rate scheduler that outlives its trial",
    "buffer": "process global: buffers or averages that outlive their trial",
    "weights": "process global: a model that outlives its trial",
    "counter": "process global: a counter that goes on from trial to trial",
    "array": "data changed in place, or a cache of them that the first trial filled",
    "value": "process global",
    "cache": "a cache of the process that does not tell trials apart",
}


def generators(names: Sequence[str]) -> str:
    """Return the shared generators of these names, for people."""
    owners = [OWN_NAMES[name] for name in names]
    text = " and ".join([", ".join(owners[:-1]), owners[-1]] if len(owners) > 1 else owners)
    return f"{text} global generator{'s' if len(owners) > 1 else ''}"


def of_two_starts(trainer: Trainer, subject: Subject, last: int) -> str:
    """Return why two starts in two processes gave different rows.

    Args:
        trainer: trains.
        subject: what was started twice.
        last: the epoch in which the rows differ.
    """

    def repeats(prepare: Callable[[Fresh], None], names: Sequence[str] = ()) -> bool:
        """Whether two starts agree when both processes are prepared in the same way."""
        runs = [_stirred(trainer, subject, last, names, lambda epoch: epoch, prepare) for _ in range(2)]
        return first_difference(runs[0], runs[1]) is None

    def nothing(fresh: Fresh) -> None:
        pass

    if repeats(nothing):
        return "something that outlives a process, as a file that a start finds again; or a difference that is rare"
    for names in [(name,) for name in GENERATORS] + [GENERATORS]:
        if repeats(nothing, names):
            return f"unseeded chance: it draws from {generators(names)}, which nobody seeds"
    if repeats(lambda fresh: fresh.ask("stop_clock")):
        return f"time: the rows depend on the clock (a metric that is a time is named `{TIMED}...`)"
    if repeats(lambda fresh: fresh.ask("seal_chance")):
        return "unseeded chance: a generator that is made without a seed (np.random.default_rng()), or os.urandom"
    return (
        "unseeded chance: neither the clock nor a generator that Python, numpy or torch share; perhaps one that is "
        "made without a seed, the number of the process, or threads that add up in another order"
    )


def of_stirring(trainer: Trainer, subject: Subject, rows: Sequence[Row]) -> tuple[list[str], str]:
    """Return which shared generators the rows depend on, and that in words."""
    names = []
    for name in GENERATORS:
        stirred = _stirred(trainer, subject, len(rows), (name,), lambda epoch: 1000 + epoch)
        if first_difference(rows, stirred) is not None:
            names.append(name)
    if not names:
        return [], "rows depend on the shared generators of Python, numpy and torch together"
    return names, (
        f"it draws from {generators(names)}, whose place depends on what else has drawn; seed a generator of its own "
        "from (seed, epoch)"
    )


def _stirred(
    trainer: Trainer,
    subject: Subject,
    last: int,
    names: Sequence[str],
    number: Callable[[int], int],
    prepare: Callable[[Fresh], object] = lambda fresh: None,
) -> list[Row]:
    """Train in a fresh process whose shared generators are put to a place before the start and before every epoch."""
    with trainer.process() as fresh:
        prepare(fresh)
        if names:
            fresh.ask("stir", names, number(0))
        trainer.start(fresh, subject)
        rows = []
        for epoch in range(1, last + 1):
            if names:
                fresh.ask("stir", names, number(epoch))
            rows.append(trainer.epoch(fresh, subject, epoch))
    return rows


def of_other_hashes(first: Sequence[Row], again: Sequence[Row]) -> str:
    """Return why another interpreter gave other rows.

    Args:
        first, again: rows of two interpreters whose hashes of text are equal.
    """
    if first_difference(first, again) is None:
        return "hash order: the order of a set of text is another one in every interpreter; sort it"
    return (
        "unseeded chance while the module is imported, or addresses of objects: two interpreters with equal hashes "
        "differ as well"
    )


def of_what_was_left(trainer: Trainer, subject: Subject, earlier: Sequence[Subject], rows: Sequence[Row]) -> str:
    """Return why a trial gave other rows behind other trials in its process.

    Args:
        trainer: trains.
        subject: the trial.
        earlier: those before it.
        rows: what the trial gives in a fresh process.
    """
    for name in GENERATORS:
        with trainer.process() as fresh:
            fresh.ask("stir", (name,), 1)
            trainer.start(fresh, subject)
            if first_difference(rows, trainer.train(fresh, subject, last=len(rows))) is not None:
                return f"process global: it draws from {generators([name])}, which goes on from trial to trial"
    with trainer.process() as fresh:
        trainer.start(fresh, subject)
        right = trainer.look(fresh)
    with trainer.process() as fresh:
        for other in earlier:
            trainer.start(fresh, other)
            trainer.train(fresh, other)
        trainer.start(fresh, subject)
        wrong = trainer.look(fresh)
    with trainer.process() as fresh:
        for other in earlier:
            trainer.start(fresh, other)
        trainer.start(fresh, subject)
        by_start = first_difference(rows, trainer.train(fresh, subject, last=len(rows))) is not None
    when = "by the start of the first trial" if by_start else "by the training of an earlier trial"
    text = left(right, wrong)
    return f"{text}; it is changed {when}" if text else f"a cache or a variable of the process, changed {when}"


def of_saving(trainer: Trainer, subject: Subject, epoch: int) -> str:
    """Return what saving changes in a run, behind an epoch."""
    looks = []
    with trainer.process() as fresh:
        trainer.start(fresh, subject)
        trainer.train(fresh, subject, last=epoch)
        looks.append(trainer.look(fresh))
        trainer.save(fresh, epoch)
        looks.append(trainer.look(fresh))
    paths = [found.path for found in of_run_first(differing(looks[0], looks[1]))][:MAX_NAMED]
    return f"saving changes {', '.join(f'`{path}`' for path in paths)}" if paths else "saving changes the run"


def left(right: Mapping[str, Seen], wrong: Mapping[str, Seen]) -> str:
    """Name what a process keeps between two trials: variables of modules and classes before what the run holds, and
    counters last, for most of them only count."""
    found = sorted(differing(right, wrong), key=lambda each: (each.seen.of_run, each.seen.kind == "counter"))
    return named(found, LEFT_WORDS)


def of_run_first(found: Sequence[Differing]) -> list[Differing]:
    """Return what the run holds before what else differs."""
    return sorted(found, key=lambda each: not each.seen.of_run)


def named(found: Sequence[Differing], words: Mapping[str, str]) -> str:
    """Name the first of what differs between two runs that should be in the same state, and what is of its kind."""
    if not found:
        return ""
    first = found[0]
    paths = [each.path for each in found if each.seen.kind == first.seen.kind and each.seen.of_run == first.seen.of_run]
    here, there = first.here, first.there
    values = ""
    if here is not None and there is not None and here.text and there.text and here.text != there.text:
        values = f" ({here.text} and {there.text})"
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return f"{words[first.seen.kind]}: {', '.join(f'`{path}`' for path in paths[:MAX_NAMED])}{more}{values}"


def tried(action: Callable[[], str]) -> str:
    """Return a cause, or that looking for it failed."""
    try:
        return action()
    except (Trouble, FreshFailed, FreshDied) as error:
        return f"not found: {error.reason if isinstance(error, FreshFailed) else error}"
