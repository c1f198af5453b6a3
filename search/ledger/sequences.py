"""Which studies belong to a sequence of changes: one line stands for all of them in a list of studies."""

from __future__ import annotations

import sqlalchemy as sa

from search.core.sequences import SUFFIX, is_member, sequence_of
from search.ledger.tables import study


def members(engine: sa.Engine) -> dict[int, str]:
    """Return the studies that compare the proposals of sequences: id -> name of the study that is the order log.

    Args:
        engine: the ledger's.
    """
    with engine.connect() as connection:
        logs = connection.execute(sa.select(study.c.name).where(study.c.name.endswith(SUFFIX, autoescape=True)))
        found: dict[int, str] = {}
        for log in logs.scalars().all():
            sequence = sequence_of(log)
            named = study.c.base_name.startswith(f"{sequence} ", autoescape=True)
            query = sa.select(study.c.id, study.c.base_name, study.c.space).where(named)
            found |= {row.id: log for row in connection.execute(query) if is_member(sequence, row.base_name, row.space)}
    return found
