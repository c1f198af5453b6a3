"""The exception tree and the exit codes.

    SearchError
    |-- UserError              exit 1   the user's file or arguments; nothing was lost
    |   |-- Faults             exit 1   every fault of the files or settings, each with its address
    |   |-- StudyNotFound      exit 1
    |   |-- StudyLocked        exit 1   another driver is running this study
    |   |-- ReadOnly           exit 1   a place that this user may read and not write to; nothing was changed there
    |   |-- RayLost            exit 1   Ray's servers ended while they were needed; what is committed stays
    |   `-- StorageFailed      exit 1   the database went away, or its disk is full; what is committed stays
    |-- FlawsFound             exit 1   published figures that cannot be
    |-- ContractBroken         exit 1   a workload that `verify` found to break its contract
    |-- AuditFailed            exit 4   a study has what `audit --fail-on` names, or a row was trained again otherwise
    |-- ClaimContradicted      exit 4   a claim of the file is contradicted by its runs
    |-- ClaimUndecided         exit 5   no claim is contradicted, and one is undecided
    |-- TrialsFailed           exit 2   the study ran, but some trials failed
    |-- StudyInterrupted       exit 130 ended early on request; the same command goes on
    `-- InternalError          exit 3   a bug of ours

Anything else that reaches the command line is a bug as well and exits with 3.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class SearchError(Exception):
    """Base of all errors this package raises on purpose."""

    exit_code = 3


class InternalError(SearchError):
    """An invariant of ours does not hold."""


class UserError(SearchError):
    """Something the user can mend: the message names the value, the rule and the remedy."""

    exit_code = 1


class StudyNotFound(UserError):
    """No study of that name is in the ledger."""


class StudyLocked(UserError):
    """Another driver holds the study's lock."""


class ReadOnly(UserError):
    """A place that this user may not write to: somebody else's, or on a read-only disk. Reading needs no such right.

    Attributes:
        reason: what cannot be written, and why; the message without its remedy.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(f"{reason}; {remedy}" if remedy else reason)
        self.reason = reason


class StorageFailed(UserError):
    """The database could not be read or written any more: its server went away, its disk is full, it was removed.

    Attributes:
        reason: what failed.
        passing: whether waiting may mend it, as with a server that is started again or a file that is locked.
    """

    def __init__(self, storage: str, reason: str, remedy: str, passing: bool = False) -> None:
        super().__init__(
            f"storage {storage!r}: {reason}; {remedy}; what is committed stays, and the same command goes on"
        )
        self.reason, self.passing = reason, passing


class RayLost(UserError):
    """Ray cannot be used any more: one of its servers ended, or failed at what it was asked.

    Attributes:
        reason: what happened, in words that follow "Ray's".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Ray's {reason}; see whether the machine is overloaded, or its memory or the folder for temporary files "
            "full; what is committed stays, and the same command goes on"
        )
        self.reason = reason


class FlawsFound(SearchError):
    """The audit found published figures that cannot be; they are listed on standard output."""

    exit_code = 1


class ContractBroken(SearchError):
    """A workload breaks the contract that sharing rests on; what was tried is listed on standard output."""

    exit_code = 1


class AuditFailed(SearchError):
    """The audit of a study found what it was told to fail on, or a row that is trained again to other bits."""

    exit_code = 4


class ClaimContradicted(SearchError):
    """A claim of the file is contradicted; its verdict is on standard output."""

    exit_code = 4


class ClaimUndecided(SearchError):
    """No claim of the file is contradicted, and one is undecided; the verdicts are on standard output."""

    exit_code = 5


class TrialsFailed(SearchError):
    """The study ran to its end, but some trials failed; they run again with the same command."""

    exit_code = 2


class StudyInterrupted(SearchError):
    """The run was ended before the study was done; what is recorded stays."""

    exit_code = 130


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with a file or a setting.

    Attributes:
        file: path as the user gave it, or ``--set`` for a command-line override.
        line: 1-based line in the file, 0 where there is none.
        key: dotted path of the faulty entry (``space.loss.gamma.grid[2]``), "" for the whole file.
        message: what was found, what is allowed, and the remedy, as one sentence without full stop.
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class Faults(UserError):
    """Every fault found in one reading, so that they can be mended in one go."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: Sequence[Fault] = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.faults,)  # pickle would otherwise hand the text to __init__


MAX_NAME_LETTERS = 200
"""Characters of the longest name that is compared with others."""

MAX_COMPARED_NAMES = 1000
"""Names that a word is compared with at most."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"`` for the known name nearest to `word`, or ``""``."""
    name = nearest_name(word, known)
    return f"; did you mean {name!r}?" if name is not None else ""


def nearest_name(word: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to `word`, or None where none is near.

    What is longer than any name is not looked up: comparing takes its time.
    """
    if len(word) > MAX_NAME_LETTERS:
        return None
    fitting = (name for name in known if len(name) <= MAX_NAME_LETTERS)
    names = list(itertools.islice(fitting, MAX_COMPARED_NAMES))
    close = [name for name in names if name.lower() == word.lower()]
    close = close or difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return close[0] if close else None
