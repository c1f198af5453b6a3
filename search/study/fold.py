"""How far a leaf is known and how it ends: a pure fold over its rows, in the order of its path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from search.core.stopping import StopRule, stop_rule
from search.core.trial import Row, State, Trial
from search.space.model import Objective, Space
from search.study.leaf import Leaf

LOSSES = ("train_loss", "val_loss")


@dataclass
class Fold:
    """An undecided leaf.

    Attributes:
        leaf: the leaf.
        objective: what is looked at; of several objectives the first.
        curve: objective of every epoch so far.
        state: waiting, running, or its end.
        ended: whether it is decided.
        paused: whether it waits at a rung, for others to show whether it belongs to the best.
        limit_s: seconds of training behind which it is cut off.
        trained_s: seconds that its epochs so far took, whoever trained them.
        base: epoch of the last state it can be trained on from, 0 for the start.
        further: metrics of rows that are objectives as well.
        others: their values at the last epoch.
    """

    leaf: Leaf
    objective: Objective
    curve: list[float] = field(default_factory=list)
    state: State = State.WAITING
    ended: bool = False
    paused: bool = False
    base: int = 0
    limit_s: float = math.inf
    trained_s: float = 0.0
    further: Sequence[str] = ()
    others: dict[str, float] = field(default_factory=dict)
    rule: StopRule = field(init=False)

    def __post_init__(self) -> None:
        self.rule = stop_rule(self.leaf.trial.settings)

    @property
    def epoch(self) -> int:
        """Epochs fed so far."""
        return len(self.curve)

    @property
    def next_key(self) -> str | None:
        """Key of the row it needs next, None behind the last epoch."""
        return self.leaf.path[self.epoch] if self.epoch < len(self.leaf.path) else None

    @property
    def rung(self) -> tuple[int, str]:
        """Its last epoch and the key of that: where it stands if it is paused."""
        return self.epoch, self.leaf.path[self.epoch - 1] if self.epoch else ""

    @property
    def remaining(self) -> int:
        """Epochs it may still need."""
        return len(self.leaf.path) - self.epoch

    def feed(self, row: Row, seconds: float = 0.0) -> tuple[State, str] | None:
        """Take the next row; return how the leaf ends with it, or None. The pruner is asked by the caller.

        A loss or objective that is NaN or infinite ends it as diverged; a row without the objective, or without what
        its stop rule reads, or that this rule cannot judge, as failed.

        Args:
            row: the row.
            seconds: its epoch took, as they are on record, so that a trial is always cut off at the same epoch.
        """
        self.trained_s += seconds
        value = row.metrics.get(self.objective.metric)
        self.curve.append(math.nan if value is None else value)
        if value is None:
            remedy = "name one of them in search.objective"
            return State.FAILED, f"the row has no metric {self.objective.metric!r}; it has {_names(row)}; {remedy}"
        if lacking := [name for name in self.further if row.metrics.get(name) is None]:
            remedy = "remove it from search.objective, or name one of them"
            return State.FAILED, f"the row has no metric {lacking[0]!r}; it has {_names(row)}; {remedy}"
        self.others = {name: row.metrics[name] for name in self.further}
        names = dict.fromkeys((*LOSSES, self.objective.metric, *self.further))
        watched = {name: row.metrics[name] for name in names if name in row.metrics}
        for name, number in watched.items():
            if not math.isfinite(number):
                return State.DIVERGED, f"{name} is {number} at epoch {self.epoch}"
        if (read := self.rule.metric) and read not in row.metrics:
            rule = self.leaf.trial.settings.get("stop.rule")
            return State.FAILED, (
                f"stop.rule: {rule} reads {read!r}, which the row has not; it has {_names(row)}; choose "
                "stop.rule: patience, and name one of them in stop.metric"
            )
        if reason := self.rule.update(row.metrics.get(read, math.nan)):
            return State.STOPPED, reason
        if self.rule.fault:
            return State.FAILED, f"stop.rule: {self.rule.fault} at epoch {self.epoch}; choose stop.rule: patience"
        if self.epoch == len(self.leaf.path):
            return State.FINISHED, "last epoch"
        if self.trained_s >= self.limit_s:
            return State.CUT_OFF, _cut_off_by(self.limit_s)
        return None


def begun(leaf: Leaf, space: Space) -> Fold:
    """Return a leaf of a space that has no row yet."""
    return Fold(leaf, space.search.objective, limit_s=space.limits.trial_s, further=space.search.measured[1:])


def ended_for_good(trial: Trial, space: Space) -> bool:
    """Whether a trial of an earlier run is not tried again: one that was cut off is, where the limit is another now."""
    return trial.state.for_good or (
        trial.state == State.CUT_OFF and trial.ended_by == _cut_off_by(space.limits.trial_s)
    )


def _cut_off_by(limit_s: float) -> str:
    return f"limits.trial_hours: {limit_s / 3600:.12g}"


def _names(row: Row) -> str:
    return ", ".join(sorted(name for name, known in row.metrics.items() if known is not None)) or "none"
