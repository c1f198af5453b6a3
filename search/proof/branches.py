"""The thorough case of `verify`: every state that the trials of a file's plan part behind is proven.

The stage tree is trained as a run trains it: the first stage behind a branch goes on in the process that saved the
state, all others start from the state. Each state is besides loaded in a fresh process, which trains the epochs that
the saving process trained behind it, and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from search.core.trial import Row
from search.plan.tree import Stage, grow
from search.proof import causes, lacking
from search.proof.fresh import Fresh
from search.proof.subject import Subject
from search.proof.trainer import Difference, Trainer, first_difference
from search.study.leaf import Leaf

MAX_EPOCHS_BEHIND = 2
"""Epochs that are compared behind a state: what is not saved may act in the second one first."""


@dataclass(frozen=True)
class Branches:
    """What a plan has to prove.

    Attributes:
        roots: first stages of its tree.
        states: how many states trials part behind.
        epochs: that are trained to prove all of them.
    """

    roots: Sequence[Stage]
    states: int
    epochs: int


@dataclass(frozen=True)
class Failed:
    """A branch state that is not proven.

    Attributes:
        subject: the trial.
        epoch: behind which the state was saved.
        difference: where rows differ first.
        cause: why, likely.
    """

    subject: Subject
    epoch: int
    difference: Difference
    cause: str


def branches(leaves: Sequence[Leaf]) -> Branches:
    """Return what a plan has to prove."""
    roots = grow(leaves)
    ahead, states, epochs = [(stage, 0) for stage in roots], 0, 0
    while ahead:
        stage, begun = ahead.pop()  # epochs of it that are trained already
        if not _parts(stage):
            continue
        epochs += stage.end - stage.start - begun
        behind = 0
        if len(stage.children) > 1:
            states += 1
            behind = min(MAX_EPOCHS_BEHIND, stage.children[0].end - stage.end)
            epochs += 2 * behind  # by whoever saved the state, and in the fresh process
        ahead += [(child, behind if child is stage.children[0] else 0) for child in stage.children]
    return Branches(roots, states, epochs)


def prove(trainer: Trainer, roots: Sequence[Stage], told: Callable[[int], object]) -> Failed | None:
    """Prove every branch state; return the first one that is not, None where all are.

    Args:
        trainer: trains.
        roots: first stages of the tree.
        told: called with the number of states that are proven by now.

    Raises:
        Trouble: a training failed.
    """
    waiting: list[tuple[Stage, bytes | None]] = [(stage, None) for stage in reversed(roots) if _parts(stage)]
    proven = 0
    while waiting:
        stage, state = waiting.pop()
        with trainer.process() as fresh:
            trainer.start(fresh, _subject(stage.leaves[0]), state)
            for at, saved, behind in _chain(trainer, fresh, stage):
                first, *others = at.children
                leaf = _subject(first.leaves[0])
                found = _again(trainer, leaf, at.end, saved, len(behind))
                difference = first_difference(behind, found, at.end)
                if difference is not None:
                    cause = causes.tried(lambda: lacking.of_loading(trainer, leaf, at.end, saved, behind, ()))  # noqa: B023
                    return Failed(leaf, at.end, difference, cause)
                proven += 1
                told(proven)
                waiting += [(child, saved) for child in reversed(others) if _parts(child)]
    return None


def _chain(trainer: Trainer, fresh: Fresh, stage: Stage) -> Iterator[tuple[Stage, bytes, list[Row]]]:
    """Train a stage and the first one behind each branch, in one process, as far as anything parts.

    Yields:
        a stage that ends in a branch, the state there, and the rows of the epochs behind it.
    """
    begun = stage.start
    while True:
        leaf = _subject(stage.leaves[0])
        if not stage.children:
            return
        trainer.train(fresh, leaf, begun + 1, stage.end)
        if len(stage.children) == 1:  # some trial ends here, and nothing starts from the state
            begun, stage = stage.end, stage.children[0]
            continue
        saved = trainer.save(fresh, stage.end)
        follows = stage.children[0]
        begun = min(stage.end + MAX_EPOCHS_BEHIND, follows.end)
        rows = trainer.train(fresh, _subject(follows.leaves[0]), stage.end + 1, begun)
        yield stage, saved, rows
        stage = follows


def _again(trainer: Trainer, subject: Subject, epoch: int, state: bytes, count: int) -> list[Row]:
    with trainer.process() as fresh:
        trainer.start(fresh, subject, state)
        return trainer.train(fresh, subject, epoch + 1, epoch + count)


def _subject(leaf: Leaf) -> Subject:
    shown = [f"{name}={value}" for name, value in leaf.trial.parameters.items()]
    return Subject(", ".join([*shown, f"seed={leaf.trial.seed}"]), leaf.fixed, leaf.schedule)


def _parts(stage: Stage) -> bool:
    """Whether trials part behind a stage, at its end or later."""
    return len(stage.children) > 1 or any(_parts(child) for child in stage.children)
