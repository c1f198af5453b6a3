"""Rows with what their predictions tell: metrics that are worked out where a row is read (`search.core.derived`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from search.core.derived import derived, with_derived
from search.core.trial import Row
from search.ledger.ledger import Ledger, Recorded

ROWS_PER_QUERY = 200
"""Rows that are in memory with their predictions at once."""


class Measured:
    """Reads rows of a ledger, without predictions, with those metrics that predictions tell.

    Args:
        ledger: where they are.
        metrics: names that are asked for; those that predictions do not tell cost nothing.
    """

    def __init__(self, ledger: Ledger, metrics: Iterable[str]) -> None:
        self._ledger, self._metrics = ledger, derived(metrics)
        self._truth: dict[str, Mapping[str, np.ndarray]] = {}

    def rows(self, data_of: Mapping[str, str]) -> dict[str, Recorded]:
        """Return those rows that are on record and were not withdrawn.

        Args:
            data_of: epoch key -> fingerprint of the data that it was measured on.
        """
        keys = list(data_of)
        if not self._metrics:
            return self._ledger.rows(keys)
        told: dict[str, Recorded] = {}
        for start in range(0, len(keys), ROWS_PER_QUERY):
            for key, one in self._ledger.rows(keys[start : start + ROWS_PER_QUERY], predictions=True).items():
                told[key] = replace(one, row=replace(self.told(one.row, data_of[key]), predictions={}))
        return told

    def told(self, row: Row, data: str) -> Row:
        """Return a row that holds its predictions with what they tell."""
        if not self._metrics:
            return row
        if data not in self._truth:
            card = self._ledger.data(data)
            self._truth[data] = card.truth if card is not None else {}
        return with_derived(row, self._metrics, self._truth[data])
