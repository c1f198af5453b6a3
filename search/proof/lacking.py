"""What a state lacks: what differs is copied into the loaded run, and the least is named that makes its rows right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from search.core.trial import Row
from search.proof.causes import KIND_WORDS, generators, named, of_run_first
from search.proof.fresh import Fresh
from search.proof.look import Differing, Seen, differing
from search.proof.subject import Subject
from search.proof.trainer import Trainer, Trouble, first_difference

MAX_EXPERIMENTS = 16
"""Times that a state is loaded with copies of what it may lack."""

OF_MODELS = ("optimiser", "scheduler", "buffer", "weights")
"""Kinds of which a model or an optimiser holds many."""


def of_loading(
    trainer: Trainer, subject: Subject, epoch: int, state: bytes, rows: Sequence[Row], shared: Sequence[str]
) -> str:
    """Return why a loaded state gave other rows.

    Args:
        trainer: trains.
        subject: what is trained.
        epoch: behind which the state was saved.
        state: the state.
        rows: the rows that a run which was never loaded gives in the epochs behind it.
        shared: names of shared generators that its rows depend on.
    """
    with trainer.process() as fresh:
        trainer.start(fresh, subject, state)
        wrong = trainer.look(fresh)
    with trainer.process() as fresh:
        trainer.start(fresh, subject)
        trainer.train(fresh, subject, last=epoch)
        trainer.save(fresh, epoch)
        places, lost = fresh.ask("generators"), of_run_first(differing(trainer.look(fresh), wrong))
        copied = fresh.ask("copies", [thing.path for thing in lost])

    def equal(prepare: Callable[[Fresh], object]) -> bool:
        """Whether the rows are right when the loaded run is prepared in this way."""
        try:
            with trainer.process() as fresh:
                trainer.start(fresh, subject, state)
                prepare(fresh)
                trained = trainer.train(fresh, subject, epoch + 1, epoch + len(rows))
        except Trouble:
            return False
        return first_difference(rows, trained) is None

    def cured_by(group: Sequence[Differing]) -> bool:
        paths = {thing.path for thing in group}
        return equal(lambda fresh: fresh.ask("put", {path: copy for path, copy in copied.items() if path in paths}))

    if shared and equal(lambda fresh: fresh.ask("put_back", places)):
        return f"generator not saved: the state lacks where {generators(shared)} is"
    needed = needed_of(_grouped(lost, _owner), cured_by)
    if by_kind := _grouped(needed, lambda thing: (thing.seen.of_run, thing.seen.kind)):
        return "; and ".join(named(group, KIND_WORDS) for group in by_kind)
    return named(lost, KIND_WORDS) or "something that the next epoch starts from is not in the state"


def needed_of(
    groups: Sequence[Sequence[Differing]], cured_by: Callable[[Sequence[Differing]], bool]
) -> list[Differing]:
    """Return what must be copied into a loaded run for right rows; nothing where no copies give them.

    It is QuickXplain (U. Junker, AAAI 2004): of two sets that do, the one with the likelier causes is found, in about
    2 log2(n) experiments for one cause among n. Behind `MAX_EXPERIMENTS` all counts as needed that is left.

    Args:
        groups: what differs, the likeliest cause first; each is copied as a whole.
        cured_by: whether copies of these give right rows.
    """
    tried = 0

    def cured(chosen: Sequence[Sequence[Differing]]) -> bool:
        nonlocal tried
        tried += 1
        return tried <= MAX_EXPERIMENTS and cured_by([each for group in chosen for each in group])

    def needed(
        copied: list[Sequence[Differing]], added: bool, left: Sequence[Sequence[Differing]]
    ) -> list[Sequence[Differing]]:
        if added and cured(copied):
            return []
        if len(left) == 1:
            return list(left)
        likelier, rest = left[: len(left) // 2], left[len(left) // 2 :]
        of_rest = needed([*copied, *likelier], True, rest)
        return [*needed([*copied, *of_rest], bool(of_rest), likelier), *of_rest]

    if not groups or not cured(groups):
        return []
    return [each for group in needed([], False, groups) for each in group]


def _grouped(found: Sequence[Differing], key: Callable[[Differing], object]) -> list[list[Differing]]:
    groups: dict[object, list[Differing]] = {}
    for each in found:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())


def _owner(found: Differing) -> object:
    """Return what is copied as a whole: a model's weights, an optimiser, a list, or the thing itself."""
    plain = found.path.partition("[")[0]
    if found.seen.kind in OF_MODELS:
        plain = ".".join(plain.split(".")[:2])
    return found.seen.of_run, found.seen.kind, plain


def unsaved(right: Mapping[str, Seen], wrong: Mapping[str, Seen]) -> str:
    """Name what a loaded run lacks: what the run holds before variables of modules and classes."""
    return named(of_run_first(differing(right, wrong)), KIND_WORDS)
