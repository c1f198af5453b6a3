"""Scores on record: real numbers per example, read apart from rows, for they are as long as the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import sqlalchemy as sa

from search.core.scores import ScoreRule
from search.ledger import codec, tables
from search.ledger.hidden import SHOWN
from search.ledger.ledger import Ledger


def score_rules(ledger: Ledger, keys: Sequence[str]) -> dict[str, ScoreRule]:
    """Return how metrics come from scores, metric -> rule, as the first of these rows says that has any."""
    column = tables.epoch.c.scores
    with ledger.engine.connect() as connection:
        for batch in tables.batches(keys):
            those = tables.epoch.c.key.in_(list(map(bytes.fromhex, batch)))
            blob = connection.execute(sa.select(column).where(those, column.is_not(None), SHOWN).limit(1)).scalar()
            if blob is not None:
                return codec.decode_scores(blob, ("", ""))[1]
    return {}


def scores_of(
    ledger: Ledger, keys: Sequence[str], split: str, name: str
) -> Iterator[tuple[str, np.ndarray, ScoreRule | None]]:
    """Yield key, these scores and the rule that reads them, of each row of `keys` that has them.

    One row at a time is in memory, however many examples there are.
    """
    column = tables.epoch.c.scores
    with ledger.engine.connect() as connection:
        for key in keys:
            query = sa.select(column).where(tables.epoch.c.key == bytes.fromhex(key), column.is_not(None), SHOWN)
            if (blob := connection.execute(query).scalar()) is None:
                continue
            by_split, rules = codec.decode_scores(blob, (split, name))
            if (scores := by_split.get(split, {}).get(name)) is not None:
                rule = next((rule for rule in rules.values() if (rule.split, rule.score) == (split, name)), None)
                yield key, scores, rule
