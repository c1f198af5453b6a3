"""What configurations cost, as the order log has it: objectives that the workload works out of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from search.ledger.ledger import Ledger
from search.space.model import Space

COSTS = "costs"
"""Kind of the entries of the order log that say what a configuration costs."""


def costs_on_record(ledger: Ledger, study_id: int, space: Space) -> dict[int, Mapping[str, float]]:
    """Return configuration -> objective -> what it costs; {} for a study of one objective."""
    if not space.search.further:
        return {}
    details = (entry.detail for entry in ledger.decisions(study_id, [COSTS]))
    return {detail["configuration"]: detail["costs"] for detail in details}
