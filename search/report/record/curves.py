"""What a study recorded, read once: every trial with the rows on its path.

The trials are read before the rows: a driver that is running commits a row with or before the trial that counts it,
so what is read later always covers what was read first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from search.core.grouped import grouped
from search.core.scores import EXP_MEAN, ScoreRule
from search.core.shown import is_accuracy
from search.core.trial import DataCard, State, Trial
from search.ledger.ledger import Recorded, StudyRecord
from search.ledger.measured import Measured
from search.ledger.scored import score_rules
from search.space.model import Objective, Space
from search.study.costs import costs_on_record
from search.study.opened import OpenStudy

TRIAL_METRICS = ("val_accuracy", "val_loss", "test_accuracy")
"""Metrics that a line for a trial shows first, in this order."""


@dataclass(frozen=True)
class Curve:
    """One trial and what its epochs measured.

    Attributes:
        trial: as the ledger has it.
        keys: epoch keys of epochs 1, 2 ... `trial.last_epoch`.
        data: data fingerprint.
        rows: epoch, counted from 1 -> row; none that is missing.
        trained: epochs that a lease of this trial trained; the others were there already.
        best_epoch: epoch with the best finite objective, the first of equals, or None.
    """

    trial: Trial
    keys: Sequence[str]
    data: str
    rows: Mapping[int, Recorded]
    trained: frozenset[int]
    best_epoch: int | None

    @property
    def last_epoch(self) -> int | None:
        """The last epoch with a row, or None."""
        return max(self.rows, default=None)

    def epoch(self, value: str) -> int | None:
        """Return the epoch a table reads: the ``last`` one, or the ``best`` (the last where none is)."""
        return self.best_epoch if value == "best" and self.best_epoch else self.last_epoch

    def metric(self, name: str, epoch: int | None) -> float | None:
        """Return a metric of an epoch; None where it was not measured, NaN where it was."""
        row = self.rows.get(epoch) if epoch else None
        return row.row.metrics.get(name) if row else None

    @property
    def seconds(self) -> float:
        """Seconds its epochs took, whoever trained them."""
        return math.fsum(row.seconds for row in self.rows.values())


@dataclass(frozen=True)
class Curves:
    """A study's curves, by trial number.

    Attributes:
        study: the study.
        curves: one per trial.
        metrics: names of all metrics on record, sorted.
        cards: data fingerprint -> data card, those on record.
        costs: configuration -> objective -> what it costs, of objectives that the workload works out of the settings.
    """

    study: OpenStudy
    curves: Sequence[Curve]
    metrics: Sequence[str]
    cards: Mapping[str, DataCard]
    costs: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    @cached_property
    def rules(self) -> Mapping[str, ScoreRule]:
        """How metrics come from scores, as the first row says that has any; {} where none has."""
        return score_rules(self.study.ledger, [curve.keys[0] for curve in self.curves if curve.rows])

    def unit(self, metric: str) -> str:
        """Return the unit of a metric as the axis of a figure has it: "%", "degrees"; "" for none."""
        if is_accuracy(metric):
            return "%"
        if metric.endswith("loss") and any(card.classes for card in self.cards.values()):
            return "nats per image"
        rule = self.rules.get(metric)
        return rule.unit if rule is not None and rule.form != EXP_MEAN else ""

    @property
    def record(self) -> StudyRecord:
        """What is on record of the study itself."""
        return self.study.record

    @property
    def space(self) -> Space:
        """The study's space."""
        return self.study.space


def read_curves(study: OpenStudy) -> Curves:
    """Read a study's trials, their rows (without predictions) and their data cards."""
    ledger, record = study.ledger, study.record
    trials = ledger.trials(record.id)
    paths = ledger.paths(record.id)
    trained = _trained(study)
    on_path = {trial.number: paths[trial.number][0][: trial.last_epoch] for trial in trials}
    data_of = {key: paths[number][1] for number, keys in on_path.items() for key in keys}
    recorded_rows = Measured(ledger, study.space.read_metrics).rows(data_of)
    curves = []
    for trial in trials:
        keys = on_path[trial.number]
        rows = {epoch: recorded_rows[key] for epoch, key in enumerate(keys, start=1) if key in recorded_rows}
        own = frozenset(epoch for epoch in trained.get(trial.number, ()) if 0 < epoch <= trial.last_epoch)
        best = best_epoch(rows, study.space.search.objective)
        curves.append(Curve(trial, keys, paths[trial.number][1], rows, own, best))
    names = sorted({name for recorded in recorded_rows.values() for name in recorded.row.metrics})
    cards = {print_: ledger.data(print_) for print_ in dict.fromkeys(curve.data for curve in curves)}
    known = {key: card for key, card in cards.items() if card is not None}
    return Curves(study, curves, names, known, costs_on_record(ledger, record.id, study.space))


def best_epoch(rows: Mapping[int, Recorded], objective: Objective) -> int | None:
    """Return the epoch with the best finite objective, the first of equals."""
    best, found = math.inf, None
    for epoch in sorted(rows):
        value = rows[epoch].row.metrics.get(objective.metric, math.nan)
        cost = -value if objective.maximize else value
        if math.isfinite(value) and cost < best:
            best, found = cost, epoch
    return found


def identity(parameters: Mapping[str, object]) -> str:
    """Return what configurations with the same parameters share."""
    return json.dumps(dict(parameters), sort_keys=True)


def by_setting(curves: Iterable[Curve]) -> dict[str, list[Curve]]:
    """Return `identity` of a setting -> its curves, in the order they come in."""
    return grouped(curves, lambda curve: identity(curve.trial.parameters))


def _trained(study: OpenStudy) -> dict[int, set[int]]:
    """Return trial -> epochs its leases trained, each once however often a dead lease repeated it."""
    result: dict[int, set[int]] = {}
    for entry in study.ledger.decisions(study.record.id, kinds=["row"]):
        if entry.trial is not None and entry.epoch is not None and entry.detail.get("trained"):
            result.setdefault(entry.trial, set()).add(entry.epoch)
    return result


def metric_order(names: Iterable[str], first: Sequence[str]) -> list[str]:
    """Return `names` with those of `first` in front, then the others, test metrics last."""
    rest = sorted(set(names) - set(first), key=lambda name: (name.startswith("test_"), name))
    known = set(names)
    return [name for name in dict.fromkeys(first) if name in known] + rest


COUNTED = (State.FINISHED, State.STOPPED)
"""How a trial ended whose value may enter a mean."""
