"""What the audit of a study finds: what was seen, why it matters, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from search.core.shown import counted

Severity = Literal["flaw", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that the audit of a study says.

    Attributes:
        name: its kind, as ``docs/reference/findings.md`` lists it: ``best-at-edge``.
        severity: ``flaw``: part of the table is not what it seems to be; ``note``: anything else a reader should know.
        seen: what rows on record show, with figures; sentences.
        why: why it matters; sentences.
        remedy: what to do; a sentence.
    """

    name: str
    severity: Severity
    seen: str
    why: str
    remedy: str

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def severities(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of either severity: "1 flaw, 2 notes"."""
    flaws = sum(finding.severity == "flaw" for finding in findings)
    return f"{counted(flaws, 'flaw')}, {counted(len(findings) - flaws, 'note')}"
