"""How often a study was looked at while seeds were still being added.

A p value assumes that the number of seeds was not chosen by looking at it: adding seeds until a difference is clear
raised the share of false tables from 2 to 9 % in simulation. So the command that prints a table records how many seeds
had finished, and a later table with more seeds counts the looks before it. A study that was looked at twice with the
same seeds was looked at once. A run that was interrupted and went on to the seeds it was asked for from the start was
not ended by what its table said, so such looks do not count once it is complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from search.core.errors import ReadOnly
from search.core.shown import counted
from search.core.trial import Trial
from search.report.record.curves import COUNTED, identity
from search.statistics.families import level_of
from search.study.opened import OpenStudy

KIND = "look"
"""Kind of the entry in the order log; its detail holds ``seeds``, that had finished, and ``asked``, there were."""


def seeds_finished(trials: Sequence[Trial]) -> int:
    """Return the largest number of seeds that one configuration finished."""
    finished = {(identity(trial.parameters), trial.seed) for trial in trials if trial.state in COUNTED}
    return max(Counter(setting for setting, _ in finished).values(), default=0)


def seeds_asked(trials: Sequence[Trial]) -> int:
    """Return the number of seeds that trials have, whatever became of them."""
    return len({trial.seed for trial in trials})


def record_look(study: OpenStudy) -> bool:
    """Record that the table is looked at, unless nothing has finished or the last look saw as many seeds.

    Returns:
        whether an entry was added.
    """
    trials = study.ledger.trials(study.record.id)
    look = seeds_finished(trials), seeds_asked(trials)
    earlier = _looks(study)
    if not look[0] or (earlier and earlier[-1][0] == look[0]):
        return False
    with study.ledger.step(study.record.id) as step:
        step.log(KIND, seeds=look[0], asked=look[1])
    return True


def look_or_reason(study: OpenStudy) -> str:
    """Record that the table is looked at where that can be written; return why it is not on record, "" where it is."""
    try:
        record_look(study)
    except ReadOnly as error:
        return f"that its table was looked at is not on record: {error}"
    return ""


def looks_of(study: OpenStudy, trials: Sequence[Trial]) -> int:
    """Return how many looks there are with this one: 1, and one for each smaller number of seeds that was looked at.

    Of a study that is complete, those count behind which seeds were added to the ones it had been asked for.
    """
    now, asked = seeds_finished(trials), seeds_asked(trials)
    complete = all(trial.state.ended for trial in trials)
    looks = [(seeds, then) for seeds, then in _looks(study) if seeds < now]
    return 1 + len({seeds for seeds, then in looks if not complete or then < asked})


def before_more_seeds(study: OpenStudy) -> str:
    """Return what seeds that are about to be added do to the table; "" where none are, or nobody has looked at it."""
    trials, earlier = study.ledger.trials(study.record.id), _looks(study)
    seeds = len({*study.space.seeds, *(trial.seed for trial in trials)})
    if not earlier or seeds <= seeds_asked(trials):
        return ""
    level = level_of(study.space.report.looks, 1 + len({finished for finished, _ in earlier}), seeds)
    sound = level.planned and level.decides
    remedy = "" if sound else "; `report.looks` plans looks beforehand, and `python -m search judge` keeps to them"
    return f"seeds are added after a look at the table of {counted(earlier[-1][0], 'seed')}: {level.told}{remedy}"


def _looks(study: OpenStudy) -> list[tuple[int, int]]:
    """Return the seeds that had finished, and those that there were, at each look."""
    details = [entry.detail for entry in study.ledger.decisions(study.record.id, [KIND])]
    return [(int(detail.get("seeds", 0)), int(detail.get("asked", 0))) for detail in details]
