"""What the adapter says of an estimator or of data that cannot be a workload."""

from __future__ import annotations


class EstimatorError(Exception):
    """An estimator or its data break a rule: one sentence with what was found, and the remedy."""
