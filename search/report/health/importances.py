"""Too few settings to say which axis of a search matters."""

from __future__ import annotations

from collections.abc import Iterator

from search.report.health.finding import Finding
from search.report.table.build import Comparison


def importances(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding where the table gives no importances, in its words."""
    importance = compared.table.importance
    if importance is None or importance.values or len(compared.read.space.axes) < 2:
        return
    yield Finding(
        "no-importances",
        "note",
        f"No importances of the axes; {importance.remark}.",
        "Which axis mattered cannot be told from so few settings, or from settings that vary in too little.",
        "Raise `search.trials`: the search goes on from what is on record.",
    )
