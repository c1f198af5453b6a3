"""What became of the configurations of a study: told to the sampler, and counted for the live view."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.core.trial import State, Trial
from search.engine.decide.roster import Worker
from search.engine.decide.standings import Standings
from search.ledger.ledger import Ledger, StudyRecord
from search.ledger.measured import Measured
from search.ledger.step import Step
from search.space.model import Space
from search.study.asked import Sampler, mean_outcome
from search.study.costs import COSTS, costs_on_record
from search.study.fold import ended_for_good
from search.study.leaf import Leaf, Planner

TRIALS_PER_QUERY = 200
"""Trials of earlier runs that are looked at together."""

Event = Callable[[str, Mapping[str, Any]], None]
"""Called with a kind (worker, workers, started, epoch, ended, proving, proven, alarm), and what it is about."""


@dataclass
class Progress:
    """What a live view shows. Counts are of trials unless they say otherwise.

    Attributes:
        standings: what each setting has come to.
        worker_ready: whether a worker has started.
        proving: proofs that workers have now.
        undecided: whether a trial is left that is not decided.
        epochs_planned: to be trained in all, as expected; None while nothing tells.
        ends_at: when all is trained, as expected, in monotonic seconds; None likewise.
        rate: epochs per second; None before the first.
        workers: who trains what, as of a second ago.
    """

    standings: Standings
    total: int | None = None
    running: int = 0
    states: dict[State, int] = field(default_factory=lambda: dict.fromkeys(State, 0))  # grows under no reader
    epochs_trained: int = 0
    epochs_reused: int = 0
    epochs_retrained: int = 0  # to reach a state
    epochs_proved: int = 0  # in fresh processes, to be compared
    settled: int = 0  # decided by rows on record alone
    worker_ready: bool = False
    proving: int = 0
    undecided: bool = True
    epochs_planned: float | None = None
    ends_at: float | None = None
    rate: float | None = None
    alarms: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Trials that ended."""
        return sum(count for state, count in self.states.items() if state.ended)

    @property
    def to_come(self) -> bool:
        """Whether a trial is to come; known with the last end, before a sampler is asked and has none left."""
        return self.undecided and (self.total is None or self.done < self.total)

    def move(self, before: State, after: State) -> None:
        """Count one trial over from a state to another."""
        self.states[before] -= 1
        self.states[after] += 1


class Outcomes:
    """Collects how trials ended and tells the sampler of a configuration once all its seeds are decided.

    `note` may be called by any thread that holds the driver's lock; the sampler is only touched by `tell`, which the
    planner's thread calls between two questions: samplers are not made for two threads.
    """

    def __init__(self, space: Space, sampler: Sampler, progress: Progress) -> None:
        self._space, self._sampler, self._progress = space, sampler, progress
        self._members: dict[int, list[int]] = defaultdict(list)  # configuration -> its trials
        self._ends: dict[int, tuple[State, Sequence[float], Mapping[str, float]]] = {}
        """Decided trial -> its end, the objective of each epoch, and what further objectives came to."""
        self.costs: dict[int, Mapping[str, float]] = {}
        """Configuration -> what it costs, of a study that has such objectives."""
        self._decided: list[int] = []  # configurations to be told

    def add(self, trial: Trial) -> None:
        """A configuration has this trial."""
        self._members[trial.configuration].append(trial.number)
        self._progress.standings.add(trial)

    def cost(self, step: Step, leaf: Leaf, planner: Planner) -> None:
        """Put on record what the configuration of a leaf costs, where that is an objective and not there yet."""
        configuration = leaf.trial.configuration
        if configuration not in self.costs and (costs := planner.costs(leaf)):
            self.costs[configuration] = costs
            step.log(COSTS, configuration=configuration, costs=costs)

    def note(
        self, trial: Trial, state: State, curve: Sequence[float], key: str, others: Mapping[str, float] = {}
    ) -> None:
        """A trial ended so, with this objective in each epoch, at this epoch key, "" before the first; further
        objectives that rows hold came to `others`."""
        self._progress.standings.ends(trial, state, curve, key)
        if self._sampler.adaptive:
            self._ends[trial.number] = (state, list(curve), dict(others))
            if all(member in self._ends for member in self._members[trial.configuration]):
                self._decided.append(trial.configuration)

    def tell(self) -> None:
        """Tell the sampler what was decided since the last call."""
        while self._decided:
            configuration = self._decided.pop(0)
            if any(trial not in self._ends for trial in self._members[configuration]):
                continue  # seeds were added since: it is decided again with the last of them
            ends = [self._ends[trial] for trial in self._members[configuration]]
            states, curves = [state.value for state, _, _ in ends], [curve for _, curve, _ in ends]
            further = [self._further(configuration, others) for _, _, others in ends]
            self._sampler.tell(configuration, mean_outcome(states, curves, further))

    def _further(self, configuration: int, others: Mapping[str, float]) -> list[float]:
        """Return what the objectives behind the first one came to, in their order; NaN where nothing tells."""
        known = {**others, **self.costs.get(configuration, {})}
        return [known.get(one.metric, math.nan) for one in self._space.search.further]

    def restore(self, ledger: Ledger, record: StudyRecord, trials: Sequence[Trial]) -> None:
        """Take up what earlier runs found out; failed trials are tried again and count as undecided, as
        those do that a limit cut off which is another now."""
        self.costs.update(costs_on_record(ledger, record.id, self._space))
        for trial in trials:
            self.add(trial)
        ended = [trial for trial in trials if ended_for_good(trial, self._space) and trial.last_epoch]
        for start in range(0, len(ended), TRIALS_PER_QUERY):
            self._restore(ledger, record, ended[start : start + TRIALS_PER_QUERY])

    def _restore(self, ledger: Ledger, record: StudyRecord, trials: Sequence[Trial]) -> None:
        metric = self._space.search.objective.metric
        paths = ledger.paths(record.id, [trial.number for trial in trials])
        whole = self._sampler.adaptive or self._space.report.value == "best"
        first = 0 if whole else -1
        keys = {trial.number: paths[trial.number][0][: trial.last_epoch][first:] for trial in trials}
        data_of = {key: paths[number][1] for number, path in keys.items() for key in path}
        further = self._space.search.measured[1:]
        rows = Measured(ledger, [metric, *further]).rows(data_of)
        for trial in trials:
            curve = [rows[key].row.metrics.get(metric, math.nan) for key in keys[trial.number] if key in rows]
            last = rows[keys[trial.number][-1]].row.metrics if keys[trial.number][-1] in rows else {}
            others = {name: last[name] for name in further if name in last}
            self.note(trial, trial.state, curve, paths[trial.number][0][trial.last_epoch - 1], others)
