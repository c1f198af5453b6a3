"""What the classifier's rows are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.workload.measured import row_of
from search.workload.scored import PER_EXAMPLE


def numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of a row."""
    return {name: value for name, value in row.items() if name not in PER_EXAMPLE}


def differences(row: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name metrics, predictions and scores in which two rows differ by a bit, and what one of them has alone."""
    alone = sorted(row.keys() ^ other.keys())
    alone += [
        f"{name}: {split}" for name in PER_EXAMPLE for split in row.get(name, {}).keys() ^ other.get(name, {}).keys()
    ]
    return alone + row_of(row).differences(row_of(other))
