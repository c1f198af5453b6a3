"""Words shared by all rooms: a trial, a row, and how a trial ended.

Imports nothing of ours but other words, so that every other room can.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from search.core.scores import ScoreRule, equal_scores

VAL_LOSS = "val_loss"
"""The metric that stop rules read where no other is named."""


TIMED = "seconds_"
"""Begins the name of a metric that is a time, another number whenever the same epoch is trained."""


ACROSS_SPLITS = "across splits"
"""A note of a data card that holds these words says of examples that two splits share."""


class State(enum.StrEnum):
    """Where a trial stands. The states from FINISHED on are ends, except INTERRUPTED."""

    WAITING = "waiting"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"  # reached its last epoch
    STOPPED = "stopped"  # ended by its stop rule
    PRUNED = "pruned"  # ended by the pruner at a rung
    CUT_OFF = "cut off"  # its training took longer than `limits.trial_hours`; goes on where that is raised
    DIVERGED = "diverged"  # a loss or the objective became NaN or infinite: an outcome, not a fault
    FAILED = "failed"  # an exception or a dead worker: tried again by the next run

    @property
    def ended(self) -> bool:
        """True where no further epoch will be asked for in this run."""
        return self not in (State.WAITING, State.RUNNING, State.INTERRUPTED)

    @property
    def for_good(self) -> bool:
        """True where no further epoch will be asked for in any run: a failed trial is tried again, and the limit that
        cut one off may be raised."""
        return self.ended and self not in (State.FAILED, State.CUT_OFF)


@dataclass(frozen=True, eq=False)
class Row:
    """What one epoch measured.

    Attributes:
        metrics: name -> number. Accuracies are fractions in [0, 1]; losses are means per image in nats.
            Names starting with ``test_`` are never read by any decision; names starting with ``seconds_`` are times.
        predictions: split -> predicted class per image, an integer array of shape [n_images];
            empty for workloads that predict no classes.
        scores: split -> name -> one real number per example, float32 or float64 [n_examples]; empty for workloads that
            give none.
        score_rules: metric -> how it comes from scores.
    """

    metrics: Mapping[str, float]
    predictions: Mapping[str, np.ndarray] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    score_rules: Mapping[str, ScoreRule] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Equal to the last bit: NaN equals NaN, 0.0 differs from -0.0. Scores are compared where both have them: rows
        that were recorded before there were scores equal those that are trained again. Times are never compared."""
        return isinstance(other, Row) and not self.differences(other)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.untimed.metrics)))

    def __repr__(self) -> str:
        """Short: Ray Tune writes each result as text, which for arrays takes longer than everything else of a row."""
        predictions = ", ".join(f"{len(classes)} of {split}" for split, classes in self.predictions.items())
        scores = ", ".join(f"{name} of {split}" for split, named in self.scores.items() for name in named)
        told = f"; scores: {scores}" if scores else ""
        return f"Row({dict(self.metrics)}, predictions: {predictions or 'none'}{told})"

    def differences(self, other: Row) -> list[str]:
        """Name the metrics, splits and scores in which two rows differ by at least one bit."""
        names = [
            name
            for name in sorted({*self.metrics, *other.metrics})
            if not is_timed(name) and _bits(self.metrics.get(name)) != _bits(other.metrics.get(name))
        ]
        nothing = np.empty(0, dtype=np.int64)
        for split in sorted({*self.predictions, *other.predictions}):
            if not np.array_equal(self.predictions.get(split, nothing), other.predictions.get(split, nothing)):
                names.append(f"predictions on {split}")
        for split in sorted(self.scores.keys() & other.scores.keys()):
            ours, theirs = self.scores[split], other.scores[split]
            differing = (
                name for name in sorted(ours.keys() & theirs.keys()) if not equal_scores(ours[name], theirs[name])
            )
            names += [f"scores {name} on {split}" for name in differing]
        return names

    @property
    def untimed(self) -> Row:
        """What does not depend on when it was trained: the row without its times."""
        if not any(map(is_timed, self.metrics)):
            return self
        return replace(self, metrics={name: value for name, value in self.metrics.items() if not is_timed(name)})

    def per_example(self) -> dict[str, object]:
        """Return what it says example by example, as `search.workload.Run.train_epoch` returns it."""
        rules = {metric: dict(vars(rule)) for metric, rule in self.score_rules.items()}
        said = {"predictions": self.predictions, "scores": self.scores, "score_rules": rules}
        return {name: value for name, value in said.items() if value}


def is_timed(metric: str) -> bool:
    """Whether a metric is a time, by its name."""
    return metric.startswith(TIMED)


def _bits(value: float | None) -> bytes | None:
    if value is None:
        return None
    return b"nan" if math.isnan(value) else np.float64(value).tobytes()


@dataclass(frozen=True)
class Trial:
    """One leaf of the stage tree: a configuration under one seed.

    Attributes:
        number: 0-based, unique in its study, in the order the trials were made.
        configuration: 0-based number of the configuration; the trials of its seeds share it.
        seed: seed of everything random in this trial (the data split has its own).
        parameters: axis name -> value, only the axes that are active.
        settings: everything the workload is given, canonical.
        epochs: length the trial is asked for.
        state: where it stands.
        ended_by: why it ended, for people: ``"last epoch"``, ``"rung 9"``, ``"generalisation loss > 2"`` ...
        last_epoch: epochs on record for this trial, counted from 1; 0 before the first.
        error: traceback or reason of a failed trial.
        attempts: leases this trial was given so far.
    """

    number: int
    configuration: int
    seed: int
    parameters: Mapping[str, Any]
    settings: Mapping[str, Any]
    epochs: int
    state: State = State.WAITING
    ended_by: str = ""
    last_epoch: int = 0
    error: str = ""
    attempts: int = 0


@dataclass(frozen=True)
class DataCard:
    """What a report must know of the data a run used, by content.

    Attributes:
        fingerprint: hash of decoded inputs, labels and splits.
        name: for people.
        classes: class names in label order.
        truth: split -> true class per image, an integer array of shape [n_images].
        images: split -> one name per image, in the same order as `truth`.
        notes: things a reader of a table should know: sizes, and examples found in two splits, in a note that holds
            `ACROSS_SPLITS`.
        contents: split -> one hash per image, equal for images of equal content, in the same order as `truth`; images
            that are found twice then count as one. Empty where nobody looked.
        groups: split -> the name of the group that each example belongs to (a patient, a plant, a document), in the
            same order; groups are what intervals count then. Empty where examples stand alone.
    """

    fingerprint: str
    name: str = ""
    classes: Sequence[str] = ()
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    images: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    contents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
