"""Trains subjects in fresh processes, and compares rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from search.core.errors import UserError
from search.core.scores import equal_scores
from search.core.trial import DataCard, Row
from search.proof.fresh import Fresh, FreshDied, FreshFailed, Warm
from search.proof.look import Seen
from search.proof.subject import Subject
from search.workload.form import form_of
from search.workload.measured import row_of


class Trouble(Exception):
    """A training did not give the rows it should; its text says why, and in which epoch."""


class Unsaved(Trouble):
    """The workload has no states: it says so by a NotImplementedError."""


@dataclass(frozen=True)
class Difference:
    """Where rows differ first.

    Attributes:
        epoch: from 1.
        metric: its name, ``predictions on SPLIT`` or ``scores NAME on SPLIT``.
        expected, found: what was compared, as text with every digit.
    """

    epoch: int
    metric: str
    expected: str
    found: str


@dataclass
class Trainer:
    """Trains in fresh processes.

    Attributes:
        warm: gives them.
        cpus, gpus: of one trial.
        card: the data card that predictions must fit.
        trained: epochs trained so far.
    """

    warm: Warm
    cpus: int
    gpus: float
    card: DataCard | None = None
    trained: int = 0
    _rows: dict[str, Sequence[Row]] = field(default_factory=dict)

    @contextmanager
    def process(self) -> Iterator[Fresh]:
        """Give a fresh process.

        Raises:
            UserError: there is none, for the workload cannot be imported there.
        """
        try:
            fresh = self.warm.fresh()
        except FreshFailed as error:
            raise UserError(f"the workload cannot be imported in a process of its own: {error.reason}") from error
        with fresh:
            if self.trained:  # what a workload prints is shown once, not by every process
                fresh.ask("hush")
            yield fresh

    def start(self, fresh: Fresh, subject: Subject, state: bytes | None = None) -> None:
        """Begin a run of a subject.

        Raises:
            Trouble: that failed.
        """
        with troubles("it could not be loaded" if state is not None else "it could not be started"):
            fresh.start(subject.fixed, self.cpus, self.gpus, state)

    def train(self, fresh: Fresh, subject: Subject, first: int = 1, last: int | None = None) -> list[Row]:
        """Train epochs of the run that is in progress, and return their rows.

        Raises:
            Trouble: that failed, or gave no rows that could be recorded.
        """
        return [self.epoch(fresh, subject, epoch) for epoch in range(first, (last or subject.epochs) + 1)]

    def epoch(self, fresh: Fresh, subject: Subject, epoch: int) -> Row:
        """Train one epoch of the run that is in progress. Raises as `train`."""
        self.trained += 1
        with troubles(f"epoch {epoch} failed"):
            measured = fresh.train_epoch(subject.schedule[epoch - 1])
        try:
            row = row_of(measured, self.card)
        except (TypeError, ValueError) as error:
            raise Trouble(f"epoch {epoch}: {error}") from error
        return row

    def save(self, fresh: Fresh, epoch: int) -> bytes:
        """Return the state after an epoch.

        Raises:
            Unsaved: the workload has none.
            Trouble: it cannot be saved.
        """
        try:
            with troubles(f"epoch {epoch} could not be saved"):
                return fresh.save()
        except Trouble as trouble:
            cause = trouble.__cause__
            if isinstance(cause, FreshFailed) and NotImplementedError.__name__ in cause.kinds:
                raise Unsaved("it saves no states: whole runs are reused, and parts of them are not") from cause
            raise

    def rows(self, subject: Subject) -> Sequence[Row]:
        """Return the rows of a subject, trained in a process of its own; those of one that was trained are known.

        Raises:
            Trouble: it failed, measured no numbers, or something else in every epoch.
        """
        if subject.key not in self._rows:
            with self.process() as fresh:
                self.start(fresh, subject)
                rows = self.train(fresh, subject)
                self.warm.import_modules(fresh.ask("modules"))
            sound(rows, self.card)
            self._rows[subject.key] = rows
        return self._rows[subject.key]

    def look(self, fresh: Fresh) -> dict[str, Seen]:
        """Return what the run in progress holds."""
        seen: dict[str, Seen] = fresh.ask("look")
        return seen


def sound(rows: Sequence[Row], card: DataCard | None) -> None:
    """Refuse rows that prove nothing.

    Raises:
        Trouble: a metric is no finite number, or rows do not measure the same.
    """
    for epoch, row in enumerate(rows, start=1):
        for name, value in row.metrics.items():
            if not math.isfinite(value):
                raise Trouble(f"{name} is {value} in epoch {epoch}, and what is not finite proves nothing")
        if epoch > 1:
            try:
                row_of({**row.metrics, **row.per_example()}, card, form_of(rows[0]))
            except ValueError as error:
                raise Trouble(f"epoch {epoch}: {error}") from error


@contextmanager
def troubles(what: str) -> Iterator[None]:
    """Turn what a fresh process raises into a `Trouble`."""
    try:
        yield
    except FreshFailed as error:
        raise Trouble(f"{what}: {error.reason}") from error
    except FreshDied as error:
        raise Trouble(f"{what}: {error}") from error


def first_difference(expected: Sequence[Row], found: Sequence[Row], before: int = 0) -> Difference | None:
    """Return where rows differ first, None where no bit does.

    Args:
        expected, found: rows of the same epochs.
        before: epochs before the first of these.
    """
    for epoch, (row, other) in enumerate(zip(expected, found, strict=True), start=before + 1):
        for name in row.differences(other):
            split = name.removeprefix("predictions on ")
            if name in {**row.metrics, **other.metrics}:
                return Difference(epoch, name, _number(row.metrics, name), _number(other.metrics, name))
            if split == name:
                return Difference(epoch, name, *_scores(row, other, name))
            return Difference(epoch, name, *_classes(row.predictions.get(split), other.predictions.get(split)))
    return None


def _number(metrics: Mapping[str, float], name: str) -> str:
    return repr(metrics[name]) if name in metrics else "none"


def _scores(row: Row, other: Row, name: str) -> tuple[str, str]:
    """Return the first score that differs, on both sides; `name` is "scores NAME on SPLIT"."""
    pairs = {
        f"scores {score} on {split}": (ours, other.scores[split][score])
        for split, named in row.scores.items()
        for score, ours in named.items()
        if score in other.scores.get(split, {})
    }
    both = pairs[name]
    if len({(len(each), each.dtype) for each in both}) > 1:
        return tuple(f"{len(each)} of {each.dtype}" for each in both)  # type: ignore[return-value]
    place = next(i for i in range(len(both[0])) if not equal_scores(*(each[i : i + 1] for each in both)))
    return tuple(f"{float(each[place])!r} of example {place}" for each in both)  # type: ignore[return-value]


def _classes(expected: np.ndarray | None, found: np.ndarray | None) -> tuple[str, str]:
    """Return the first class that differs, on both sides."""
    if expected is None or found is None or len(expected) != len(found):
        return tuple("none" if each is None else f"{len(each)} classes" for each in (expected, found))  # type: ignore[return-value]
    place = int(np.argmax(expected != found))
    return f"class {expected[place]} of image {place}", f"class {found[place]} of image {place}"
