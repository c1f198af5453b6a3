"""What a study has spent: the epochs that it trained, and the seconds that these took."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from search.ledger import tables
from search.ledger.ledger import Ledger

SECONDS = "seconds"
"""In an entry of the order log on epochs that were trained once more: what they took."""


class Spending(NamedTuple):
    """What is spent.

    Attributes:
        epochs: distinct ones, each counted once however often it was trained.
        seconds: of all training, once more and for proofs too, as far as the order log says them.
    """

    epochs: int
    seconds: float


def spending(ledger: Ledger, study_id: int) -> Spending:
    """Return what the runs of a study have spent."""
    decision, epoch, run = tables.decision.c, tables.epoch.c, tables.run.c
    mine = decision.study_id == study_id, decision.kind == "row"
    trained = sa.select(sa.func.count(sa.distinct(decision.key))).where(*mine)
    # By its log, for the rows of all studies together are many. One that another study trained anew is that study's.
    took = sa.select(sa.func.sum(epoch.seconds)).where(epoch.key.in_(sa.select(decision.key).where(*mine)))
    took = took.where(epoch.run_id.in_(sa.select(run.id).where(run.study_id == study_id)))
    with ledger.engine.connect() as connection:
        epochs = int(connection.execute(trained).scalar() or 0)
        seconds = float(connection.execute(took).scalar() or 0.0)
    again = ledger.decisions(study_id, ["retrained", "proven"])
    return Spending(epochs, seconds + sum(float(entry.detail.get(SECONDS, 0.0)) for entry in again))
