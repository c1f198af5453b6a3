"""A study as data frames: one row per trial, per epoch, per entry of the order log, per image.

Accuracies are fractions, losses means per image in nats, durations seconds; epochs are counted from 1. What was not
measured is missing. Axis columns hold the values of the parameters: missing where the axis is inactive, None where its
value is null.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from search.core.trial import DataCard, Row
from search.report.record.curves import Curve, Curves
from search.report.record.series import Columns, decisions_columns, epochs_columns, trials_columns
from search.report.text import MISSING, storable
from search.study.opened import OpenStudy

_PREDICTION_TYPES = {
    **{"trial": "int64", "seed": "int64", "split": "str", "epoch": "int64"},
    **{"image": "str", "truth": "Int64", "prediction": "int64"},
}


def frame_of(columns: Columns) -> pd.DataFrame:
    """Return columns as a data frame."""
    series = {
        name: pd.Series([pd.NA if value is MISSING else value for value in column.given], dtype=column.kind)
        for name, column in columns.items()
    }
    return pd.DataFrame(series)


def trials_frame(read: Curves) -> pd.DataFrame:
    """Return one row per trial: see `search.report.record.series.trials_columns`."""
    return frame_of(trials_columns(read))


def epochs_frame(read: Curves) -> pd.DataFrame:
    """Return one row per trial and epoch on record: see `search.report.record.series.epochs_columns`."""
    return frame_of(epochs_columns(read))


def decisions_frame(study: OpenStudy) -> pd.DataFrame:
    """Return the order log: see `search.report.record.series.decisions_columns`."""
    return frame_of(decisions_columns(study))


def predictions_frame(read: Curves) -> pd.DataFrame:
    """Return one row per trial, split, epoch and example, for the last epoch on record and the best one.

    Columns: ``trial``, ``seed``, ``split``, ``epoch``, ``image`` (its name, else its index as text), ``group`` where
    the data say which examples belong together, ``truth`` (missing where it is not known) and ``prediction`` (class
    indices) where rows hold predictions, and for each score on record ``score_`` with its name, such as ``score_loss``
    (floats). What a row does not have is missing.
    """
    both = [(curve, {epoch for epoch in (curve.best_epoch, curve.last_epoch) if epoch}) for curve in read.curves]
    wanted = [(curve, epoch, curve.keys[epoch - 1]) for curve, epochs in both for epoch in sorted(epochs)]
    rows = read.study.ledger.rows(list(dict.fromkeys(key for *_, key in wanted)), predictions=True, scores=True)
    blocks = [
        _block(curve, epoch, split, rows[key].row, read.cards.get(curve.data))
        for curve, epoch, key in wanted
        for split in sorted(rows[key].row.predictions.keys() | rows[key].row.scores.keys())
    ]
    frame = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=[*_PREDICTION_TYPES])
    if blocks and frame["prediction"].isna().all():
        frame = frame.drop(columns=["truth", "prediction"])
    types = {name: kind for name, kind in _PREDICTION_TYPES.items() if name in frame}
    if "prediction" in frame and frame["prediction"].hasnans:
        types["prediction"] = "Int64"
    return frame.astype(types)


def _block(curve: Curve, epoch: int, split: str, row: Row, card: DataCard | None) -> pd.DataFrame:
    """Return the rows of one trial, epoch and split; a card of another length is not guessed at."""
    predicted, scores, trial = row.predictions.get(split), row.scores.get(split, {}), curve.trial
    n = len(next(iter(scores.values())) if predicted is None else predicted)
    names: Sequence[str] = card.images.get(split, ()) if card else ()
    known = card.truth.get(split) if card else None
    images = [storable(name) for name in names] if len(names) == n else [str(index) for index in range(n)]
    truth = np.full(n, pd.NA, dtype=object) if known is None or len(known) != n else known.astype(object)
    guess = np.full(n, pd.NA, dtype=object) if predicted is None else predicted
    values = (trial.number, trial.seed, split, epoch, images, truth, guess)
    groups: Sequence[str] = card.groups.get(split, ()) if card else ()
    grouped = {"group": [storable(name) for name in groups]} if len(groups) == n else {}
    fit = {f"score_{name}": given.astype(np.float64) for name, given in scores.items() if len(given) == n}
    return pd.DataFrame({**dict(zip(_PREDICTION_TYPES, values, strict=True)), **grouped, **fit})
