"""From what `train_epoch` returned to a row. Free of Ray: whoever trains an epoch checks it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from search.trial import Row


def row_of(measured: Mapping[str, Any]) -> Row:
    """Check what `train_epoch` returned and make it a row.

    Raises:
        TypeError: a metric is no number, or there is none; predictions are not one number per image.
    """
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
            if isinstance(value, (str, bytes)):
                raise TypeError
            metrics[str(name)] = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"metric {name!r} is {value!r}; train_epoch must return numbers") from None
    if not metrics:
        raise TypeError("train_epoch returned no metric; it must return a mapping of metric names to numbers")
    return Row(metrics, predictions)
