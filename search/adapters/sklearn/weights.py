"""The arrays that an estimator has learned, for whoever predicts with them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.base import BaseEstimator

from search.adapters.sklearn import state

PREDICTING = ("coef_", "coefs_", "cluster_centers_", "components_", "feature_log_prob_", "theta_")
"""Attributes of estimators that predict by arrays; a tree is none, and what else a forest holds predicts nothing."""


def weights_of(estimator: BaseEstimator) -> dict[str, np.ndarray]:
    """Return name -> array of all public attributes that are arrays of numbers; those of a list as ``coefs_.0``.

    Empty where the estimator does not predict by arrays alone.
    """
    learned = {name: value for name, value in state.learned(estimator).items() if not name.startswith("_")}
    if not any(name in learned for name in PREDICTING):
        return {}
    return dict(entry for name, value in learned.items() for entry in _arrays(name, value))


def _arrays(name: str, value: object) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        yield name, value
    elif isinstance(value, (list, tuple)):
        for place, each in enumerate(value):
            yield from _arrays(f"{name}.{place}", each)
