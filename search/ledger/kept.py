"""States that are kept: what each is on record, and what it is kept for. Workers import it, and no database with it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.ledger.files import StateFile


class Role(enum.StrEnum):
    """What a state is kept for, least useful first: in this order they go when room is short."""

    SPACED = "spaced"  # so that whatever branches off later has not far to go
    LANDMARK = "landmark"  # where the workload says that other studies branch off
    LAST = "last"  # end of a chain: for longer trials
    RUNG = "rung"  # where the pruner decides
    BRANCH = "branch"  # where trials of the study part
    ROLLING = "rolling"  # of a chain in progress, replaced by the next one


@dataclass(frozen=True)
class KeptState:
    """A state on record. `epoch` is counted from 1: the state after that epoch. `kind` is that of its training
    (`search.core.trust`), "" where nobody said."""

    file: StateFile
    epoch: int
    role: Role
    kind: str = ""


@dataclass(frozen=True)
class Pair:
    """A state, and the row that the process which saved it trained behind it.

    Attributes:
        state: on record.
        row_key: of the next epoch's row.
        fixed: canonical fixed settings with the seed.
        settings: that the next epoch was trained under.
        data: fingerprint of the data.
        inputs: weights its run started from, by name -> content hash.
    """

    state: KeptState
    row_key: str
    fixed: Mapping[str, Any]
    settings: Mapping[str, Any]
    data: str
    inputs: Mapping[str, str]
