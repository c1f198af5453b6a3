"""What `verify` found: one line of its table each."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from search.proof.trainer import Difference


class Result(enum.StrEnum):
    """How a case ended."""

    HELD = "held"
    NOT_HELD = "not held"
    NOT_TRIED = "not tried"  # there was nothing to try it with
    NAMED = "named"  # no promise is broken, and a person should look at it


@dataclass(frozen=True)
class Finding:
    """One case.

    Attributes:
        case: what was tried.
        result: how it ended.
        difference: where rows differ first, None where they do not.
        cause: why, likely; "" where nothing is to be said.
        note: what else there is to say.
    """

    case: str
    result: Result
    difference: Difference | None = None
    cause: str = ""
    note: str = ""

    def plain(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "case": self.case,
            "result": str(self.result),
            "difference": None if self.difference is None else asdict(self.difference),
            "likely_cause": self.cause,
            "note": self.note,
        }


@dataclass(frozen=True)
class Verified:
    """What was tried of a workload, and what came of it.

    Attributes:
        workload: as a space file names it.
        file: the space file, "" without one.
        subject: the configuration that most cases train.
        epochs: how many of it are tried.
        findings: the lines of the table.
        trained: epochs trained in all.
    """

    workload: str
    file: str
    subject: str
    epochs: int
    findings: Sequence[Finding]
    trained: int

    @property
    def broken(self) -> Sequence[Finding]:
        """Cases that did not hold."""
        return [finding for finding in self.findings if finding.result == Result.NOT_HELD]

    def to_json(self) -> Mapping[str, object]:
        """Return it as plain data; names are stable."""
        return {
            "workload": self.workload,
            "file": self.file,
            "configuration": self.subject,
            "epochs_tried": self.epochs,
            "epochs_trained": self.trained,
            "held": not self.broken,
            "cases": [finding.plain() for finding in self.findings],
        }
