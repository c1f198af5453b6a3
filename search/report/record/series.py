"""Columns of plain values, each with its type: what CSV files and data frames are made of.

A report writes its files from these: pandas, which makes frames of them for whoever asks, takes a third of a second to
load.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.report.record.curves import TRIAL_METRICS, Curves, metric_order
from search.report.text import MISSING, plain, storable
from search.study.opened import OpenStudy

EPOCH_METRICS = ("lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
_TRIAL_COLUMNS = (
    *("trial", "configuration", "seed", "state", "ended_by"),
    *("epochs", "epochs_trained", "epochs_reused", "best_epoch", "seconds"),
)


@dataclass(frozen=True)
class Series:
    """A column.

    Attributes:
        kind: pandas' name of its type: ``int64``, ``Int64`` (some may be missing), ``float64``, ``bool``, ``str``, or
            ``object`` for values as they are.
        given: its values; None where a column of numbers or text has nothing.
    """

    kind: str
    given: Sequence[Any]

    @property
    def values(self) -> list[Any]:
        """Its values, each of the column's type; `MISSING` where a column of numbers or text has nothing or NaN."""
        make = _MAKE.get(self.kind)
        if make is None:
            return list(self.given)
        return [MISSING if _lacks(value) else make(value) for value in self.given]


_MAKE: Mapping[str, Any] = {"int64": int, "Int64": int, "float64": float, "bool": bool, "str": str}


def _lacks(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


Columns = dict[str, Series]
"""Name -> column, all of one length."""


def decisions_columns(study: OpenStudy) -> Columns:
    """Return the order log: what happened, in the order it was committed.

    Columns: ``seq``, ``at`` (UTC), ``kind``, ``trial``, ``epoch``, ``key`` (of the epoch, hexadecimal), ``detail``
    (JSON text; numbers that are not finite are null).
    """
    log = study.ledger.decisions(study.record.id)
    details = [storable(json.dumps(plain(entry.detail), ensure_ascii=False, sort_keys=True)) for entry in log]
    kinds = {"seq": "int64", "at": "str", "kind": "str", "trial": "Int64", "epoch": "Int64", "key": "str"}
    columns = {name: Series(kind, [getattr(entry, name) for entry in log]) for name, kind in kinds.items()}
    return {**columns, "detail": Series("str", details)}


def trials_columns(read: Curves) -> Columns:
    """Return one row per trial.

    Columns: ``trial``, ``configuration``, ``seed``, one per axis, ``state``, ``ended_by``, ``epochs`` (last epoch
    reached), ``epochs_trained`` (by leases of this trial), ``epochs_reused`` (the others), ``best_epoch`` (best
    objective, first of equals), the metrics at the epoch the report reads (the last one, or the best), ``seconds``
    (of all its epochs, whoever trained them). An axis whose name is taken by another column is called ``axis.<name>``,
    a metric ``metric.<name>``.
    """
    curves, space = read.curves, read.space
    objective = space.search.objective.metric
    names = metric_order({*read.metrics, objective}, (objective, *TRIAL_METRICS))
    metrics = unique_columns(names, _TRIAL_COLUMNS, "metric.")
    axes = unique_columns([axis.name for axis in space.axes], (*_TRIAL_COLUMNS, *metrics.values()), "axis.")
    at = [curve.epoch(space.report.value) for curve in curves]
    trials = [curve.trial for curve in curves]
    columns: Columns = {
        "trial": _integers(trial.number for trial in trials),
        "configuration": _integers(trial.configuration for trial in trials),
        "seed": _integers(trial.seed for trial in trials),
    }
    for axis in space.axes:
        columns[axes[axis.name]] = parameter_series([trial.parameters.get(axis.name, MISSING) for trial in trials])
    columns |= {
        "state": Series("str", [trial.state.value for trial in trials]),
        "ended_by": Series("str", [trial.ended_by for trial in trials]),
        "epochs": _integers(trial.last_epoch for trial in trials),
        "epochs_trained": _integers(len(curve.trained) for curve in curves),
        "epochs_reused": _integers(curve.trial.last_epoch - len(curve.trained) for curve in curves),
        "best_epoch": Series("Int64", [curve.best_epoch for curve in curves]),
    }
    for name in names:
        values = (curve.metric(name, epoch) for curve, epoch in zip(curves, at, strict=True))
        columns[metrics[name]] = _floats(values)
    columns["seconds"] = _floats(curve.seconds for curve in curves)
    return columns


def epochs_columns(read: Curves) -> Columns:
    """Return one row per trial and epoch on record.

    Columns: ``trial``, ``epoch``, the workload's metrics, ``reused`` (the row was there when the trial came to it),
    ``seconds``.
    """
    names = metric_order(read.metrics, EPOCH_METRICS)
    called = unique_columns(names, ("trial", "epoch", "reused", "seconds"), "metric.")
    points = [(curve, epoch, row) for curve in read.curves for epoch, row in sorted(curve.rows.items())]
    columns = {
        "trial": _integers(curve.trial.number for curve, _, _ in points),
        "epoch": _integers(epoch for _, epoch, _ in points),
    }
    for name in names:
        columns[called[name]] = _floats(row.row.metrics.get(name) for _, _, row in points)
    columns["reused"] = Series("bool", [epoch not in curve.trained for curve, epoch, _ in points])
    columns["seconds"] = _floats(row.seconds for _, _, row in points)
    return columns


def unique_columns(names: Iterable[str], taken: Iterable[str], prefix: str) -> dict[str, str]:
    """Return name -> column: the name itself, with `prefix` where another column has it already."""
    used, result = set(taken), {}
    for name in names:
        column = name
        while column in used:
            column = prefix + column
        used.add(column)
        result[name] = column
    return result


def _integers(values: Iterable[int]) -> Series:
    return Series("int64", list(values))


def _floats(values: Iterable[float | None]) -> Series:
    return Series("float64", list(values))


def parameter_series(values: list[object]) -> Series:
    """Return a column of parameters: numbers as numbers where all are, else as they are."""
    values = [storable(value) if isinstance(value, str) else value for value in values]
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return Series("bool", values)
    if kinds == {int}:
        return Series("int64", values)
    if kinds and kinds <= {int, float}:
        return Series("float64", values)
    if kinds == {str}:
        return Series("str", values)
    return Series("object", values)
