"""What an audit finds: a sentence with its address, and how much it weighs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["flaw", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing an audit says of a file.

    Attributes:
        severity: ``flaw`` is arithmetically impossible; ``note`` is anything else a reader should know.
        file: the file the entry stands in, which may be a base of the one that was audited.
        line: 1-based line there, 0 where there is none.
        key: dotted path of the entry.
        sentence: what was found, without full stop.
    """

    severity: Severity
    file: str
    line: int
    key: str
    sentence: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {self.sentence}"

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)
