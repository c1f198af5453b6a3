"""The ledger: rows, trials and decisions in a real database; the truth that everything else is rebuilt from.

What it guarantees:

* a `Step` is one transaction: a row, what was decided on it and the trials it changes are committed together, before
  anybody acts on the decision;
* rows are immutable: `Step.put_row` inserts or compares, whoever comes first, from however many drivers;
* decisions of a study are numbered 0, 1, 2 ... in the order they were committed;
* a state is on disk, complete and synced, before it is named; whoever reads it checks its hash, and a bad or missing
  one is a miss, never a wrong result;
* what was read once is never changed by another process, except trials and decisions of a study one's own driver runs.

It knows nothing of Ray, Optuna or what the rows mean.
"""

from search.ledger.files import BadState, StateFile, read_state, write_state
from search.ledger.ledger import Decision, Ledger, Recorded, StudyRecord
from search.ledger.lock import study_lock
from search.ledger.reading import writable
from search.ledger.states import KeptState, Role, States
from search.ledger.step import Step
from search.ledger.urls import is_text, is_url, ledger_exists, sqlite_url

__all__ = [
    "BadState",
    "Decision",
    "KeptState",
    "Ledger",
    "Recorded",
    "Role",
    "StateFile",
    "States",
    "Step",
    "StudyRecord",
    "is_text",
    "is_url",
    "ledger_exists",
    "read_state",
    "sqlite_url",
    "study_lock",
    "writable",
    "write_state",
]
