"""A study as data frames: one row per trial, per epoch, per entry of the order log, per image.

Accuracies are fractions, losses means per image in nats, durations seconds; epochs are counted from 1. What was not
measured is missing. Axis columns hold the values of the parameters: missing where the axis is inactive, None where its
value is null.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from search.core.trial import DataCard
from search.report.record.curves import TRIAL_METRICS, Curve, Curves, metric_order
from search.report.text import plain, storable
from search.study.opened import OpenStudy

EPOCH_METRICS = ("lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
_TRIAL_COLUMNS = (
    *("trial", "configuration", "seed", "state", "ended_by"),
    *("epochs", "epochs_trained", "epochs_reused", "best_epoch", "seconds"),
)
_PREDICTION_TYPES = {
    **{"trial": "int64", "seed": "int64", "split": "str", "epoch": "int64"},
    **{"image": "str", "truth": "Int64", "prediction": "int64"},
}


def decisions_frame(study: OpenStudy) -> pd.DataFrame:
    """Return the order log: what happened, in the order it was committed.

    Columns: ``seq``, ``at`` (UTC), ``kind``, ``trial``, ``epoch``, ``key`` (of the epoch, hexadecimal), ``detail``
    (JSON text; numbers that are not finite are null).
    """
    log = study.ledger.decisions(study.record.id)
    details = [storable(json.dumps(plain(entry.detail), ensure_ascii=False, sort_keys=True)) for entry in log]
    kinds = {"seq": "int64", "at": "str", "kind": "str", "trial": "Int64", "epoch": "Int64", "key": "str"}
    columns = {name: pd.Series([getattr(entry, name) for entry in log], dtype=kind) for name, kind in kinds.items()}
    return pd.DataFrame({**columns, "detail": pd.Series(details, dtype="str")})


def predictions_frame(read: Curves) -> pd.DataFrame:
    """Return one row per trial, split, epoch and image, for the last epoch on record and the best one.

    Columns: ``trial``, ``seed``, ``split``, ``epoch``, ``image`` (its name, else its index as text), ``truth``
    (missing where it is not known) and ``prediction`` (class indices).
    """
    both = [(curve, {epoch for epoch in (curve.best_epoch, curve.last_epoch) if epoch}) for curve in read.curves]
    wanted = [(curve, epoch, curve.keys[epoch - 1]) for curve, epochs in both for epoch in sorted(epochs)]
    rows = read.study.ledger.rows(list(dict.fromkeys(key for *_, key in wanted)), predictions=True)
    blocks = [
        _block(curve, epoch, split, rows[key].row.predictions[split], read.cards.get(curve.data))
        for curve, epoch, key in wanted
        for split in sorted(rows[key].row.predictions)
    ]
    frame = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=[*_PREDICTION_TYPES])
    return frame.astype(_PREDICTION_TYPES)


def _block(curve: Curve, epoch: int, split: str, predicted: np.ndarray, card: DataCard | None) -> pd.DataFrame:
    """Return the rows of one trial, epoch and split; a card of another length is not guessed at."""
    n, trial = len(predicted), curve.trial
    names: Sequence[str] = card.images.get(split, ()) if card else ()
    known = card.truth.get(split) if card else None
    images = [storable(name) for name in names] if len(names) == n else [str(index) for index in range(n)]
    truth = np.full(n, pd.NA, dtype=object) if known is None or len(known) != n else known.astype(object)
    values = (trial.number, trial.seed, split, epoch, images, truth, predicted)
    return pd.DataFrame(dict(zip(_PREDICTION_TYPES, values, strict=True)))


def trials_frame(read: Curves) -> pd.DataFrame:
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
    columns: dict[str, pd.Series] = {
        "trial": _integers(trial.number for trial in trials),
        "configuration": _integers(trial.configuration for trial in trials),
        "seed": _integers(trial.seed for trial in trials),
    }
    for axis in space.axes:
        columns[axes[axis.name]] = parameter_column([trial.parameters.get(axis.name, pd.NA) for trial in trials])
    columns |= {
        "state": pd.Series([trial.state.value for trial in trials], dtype="str"),
        "ended_by": pd.Series([trial.ended_by for trial in trials], dtype="str"),
        "epochs": _integers(trial.last_epoch for trial in trials),
        "epochs_trained": _integers(len(curve.trained) for curve in curves),
        "epochs_reused": _integers(curve.trial.last_epoch - len(curve.trained) for curve in curves),
        "best_epoch": pd.Series([curve.best_epoch for curve in curves], dtype="Int64"),
    }
    for name in names:
        values = (curve.metric(name, epoch) for curve, epoch in zip(curves, at, strict=True))
        columns[metrics[name]] = _floats(values)
    columns["seconds"] = _floats(curve.seconds for curve in curves)
    return pd.DataFrame(columns)


def epochs_frame(read: Curves) -> pd.DataFrame:
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
    columns["reused"] = pd.Series([epoch not in curve.trained for curve, epoch, _ in points], dtype="bool")
    columns["seconds"] = _floats(row.seconds for _, _, row in points)
    return pd.DataFrame(columns)


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


def _integers(values: Iterable[int]) -> pd.Series:
    return pd.Series(list(values), dtype="int64")


def _floats(values: Iterable[float | None]) -> pd.Series:
    return pd.Series([np.nan if value is None else value for value in values], dtype="float64")


def parameter_column(values: list[object]) -> pd.Series:
    """Return a column of parameters: numbers as numbers where all are, else as they are."""
    values = [storable(value) if isinstance(value, str) else value for value in values]
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pd.Series(values, dtype="bool")
    if kinds == {int}:
        return pd.Series(values, dtype="int64")
    if kinds and kinds <= {int, float}:
        return pd.Series(values, dtype="float64")
    if kinds == {str}:
        return pd.Series(values, dtype="str")
    return pd.Series(values, dtype="object")
