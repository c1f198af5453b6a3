"""From what `train_epoch` returned to a row. Free of Ray: whoever trains an epoch checks it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from search.trial import Row


def row_of(measured: Any) -> Row:
    """Check what `train_epoch` returned and make it a row. NaN and infinities are numbers: whoever decides sees them.

    Raises:
        TypeError: it is no mapping; a metric is no number, or there is none; predictions are not one number per image.
    """
    if not isinstance(measured, Mapping):
        raise TypeError(f"train_epoch returned {_shown(measured)}; it must return a mapping of metric names to numbers")
    predictions: dict[str, np.ndarray] = {}
    for split, classes in dict(measured.get("predictions", {})).items():
        array = predictions[str(split)] = np.asarray(classes)
        if array.ndim != 1 or array.dtype.kind not in "biuf":
            raise TypeError(
                f"predictions of {split!r} have the shape {array.shape} and the type {array.dtype}; train_epoch must "
                "return one number per image"
            )
    metrics = {}
    for name, value in measured.items():
        if name == "predictions":
            continue
        try:
            if isinstance(value, (str, bytes, bytearray)):
                raise TypeError
            metrics[str(name)] = float(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is torch's, of many numbers
            raise TypeError(f"metric {name!r} is {_shown(value)}; train_epoch must return numbers") from None
    if not metrics:
        raise TypeError("train_epoch returned no metric; it must return a mapping of metric names to numbers")
    return Row(metrics, predictions)


def _shown(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a stranger's class, or a whole number of thousands of digits
        text = f"of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
