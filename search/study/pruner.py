"""The pruner of a study, as its space describes it and its order log left it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from search.core.pruning import Asha
from search.ledger.ledger import Decision, Ledger
from search.space.model import Space
from search.study.leaf import longest


def pruner(space: Space, decisions: Iterable[Decision] = ()) -> Asha | None:
    """Return the pruner of a space, with what was decided on its rungs; None where nothing is pruned."""
    if (settings := space.search.asha) is None:
        return None
    maximize = space.search.objective.maximize
    asha = Asha(settings.grace_period, settings.reduction_factor, longest(space), maximize)
    for entry in decisions:
        asha.feed(entry.epoch or 0, entry.key or "", float(entry.detail["value"]))
    return asha


def rungs_on_record(ledger: Ledger, study_id: int) -> Sequence[Decision]:
    """Return what a study's pruner decided, without what it was fed from rows that were withdrawn since."""
    entries = ledger.decisions(study_id, ["rung"])
    if not entries or not ledger.decisions(study_id, ["withdrawn"]):
        return entries
    rows = ledger.rows([entry.key for entry in entries if entry.key is not None])
    return [entry for entry in entries if entry.key in rows]


def rungs_of(space: Space) -> Sequence[int]:
    """Return the epochs at which the pruner of a space decides."""
    asha = pruner(space)
    return asha.rungs if asha is not None else ()
