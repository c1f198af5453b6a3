"""Claims that were frozen, and were changed or came too late all the same."""

from __future__ import annotations

from collections.abc import Iterator

from search.report.health.finding import Finding
from search.report.table.build import Comparison


def claims(compared: Comparison) -> Iterator[Finding]:
    """Yield a finding where claims were frozen after the first row, or changed since, in the words of the table."""
    frozen = compared.table.frozen
    if not frozen.sound:
        yield Finding(
            "claims-after-results",
            "flaw",
            frozen.said,
            "A claim that was written when results were known describes them: its p value is not what it says.",
            "Put the frozen claims back, or freeze the new ones and judge them under seeds that no table has shown.",
        )
