"""What a list says of a study: how its trials stand, and the best of them; kept with its answer where there is one.

To read it anew takes tens of milliseconds for a study of a thousand trials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from search.core.trial import Trial
from search.ledger.answers import listed
from search.ledger.brief import brief_trials, last_keys
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.measured import Measured
from search.ledger.tables import MAX_NUMBER
from search.report.record.complete import states
from search.report.record.curves import COUNTED, best_epoch
from search.space.model import Objective


@dataclass(frozen=True)
class Brief:
    """What a list says of a study.

    Attributes:
        trials: how many stand where.
        state: the same for people.
        best: the objective and its best final value of a single trial; None where there is none.
    """

    trials: Mapping[str, int]
    state: str
    best: tuple[str, float] | None

    def plain(self) -> dict[str, object]:
        """Return it as plain data, as it is kept with the answer of a study."""
        return {"trials": dict(self.trials), "state": self.state, "best": None if self.best is None else [*self.best]}


def brief_of(ledger: Ledger, record: StudyRecord) -> Brief:
    """Read what a list says of a study."""
    trials = brief_trials(ledger.engine, record.id)
    counts = Counter(trial.state.value for trial in trials)
    return Brief(counts, states(trials), best_single(ledger, record, trials))


def kept_briefs(ledger: Ledger) -> dict[int, Brief]:
    """Return study -> what a list says of it, of those of which a server has kept that since their last trial."""
    briefs = {}
    for study in listed(ledger.engine, most=MAX_NUMBER):
        brief = study.answer.get("brief")
        if study.fresh and isinstance(brief, Mapping):
            best = brief["best"]
            briefs[study.id] = Brief(brief["trials"], brief["state"], None if best is None else (best[0], best[1]))
    return briefs


def best_single(ledger: Ledger, record: StudyRecord, trials: Sequence[Trial]) -> tuple[str, float] | None:
    """Return the objective, read from the study's own file, and its best final value; None where there is none."""
    done = [trial for trial in trials if trial.state in COUNTED and trial.last_epoch]
    if not done:
        return None
    objective = _objective(record)
    last = last_keys(ledger.engine, record.id)
    data_of = dict(last[trial.number] for trial in done)
    rows = Measured(ledger, [objective.metric]).rows(data_of)
    found = dict(enumerate(rows.values(), start=1))
    epoch = best_epoch(found, objective)
    return None if epoch is None else (objective.metric, found[epoch].row.metrics[objective.metric])


def _objective(record: StudyRecord) -> Objective:
    """Read the objective from a resolved space file; a text that says none has the default one."""
    try:
        found = (yaml.safe_load(record.space) or {}).get("search", {}).get("objective", {})
        if isinstance(found, list):  # of several objectives the first
            found = found[0]
        return Objective(**found) if isinstance(found, dict) else Objective(str(found))
    except (yaml.YAMLError, AttributeError, IndexError, TypeError):
        return Objective()
