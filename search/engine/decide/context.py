"""What the parts of one driver share: the study, the board with all that is decided on it, and the lock over it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from search.engine.decide.board import Board
from search.engine.decide.budget import Budget
from search.engine.decide.course import Course, Planning
from search.engine.decide.judge import Judge
from search.engine.decide.keeping import Keeper
from search.engine.decide.outcomes import Event, Outcomes, Progress
from search.engine.decide.pace import Pace
from search.engine.decide.roster import Task
from search.engine.decide.standings import Standings
from search.engine.decide.trust import Trust
from search.ledger.measured import Measured
from search.ledger.spending import SECONDS, spending
from search.ledger.step import Step
from search.space.model import Limits
from search.study.asked import Sampler
from search.study.leaf import Leaf, Planner
from search.study.limited import LIMIT
from search.study.opened import OpenStudy
from search.study.pruner import rungs_of

LOOK_AHEAD_S = 2.0
"""Seconds between two looks at what is still to come, and before the first one."""

LOOK_AHEAD_SHARE = 1_000
"""So many times as long as a look took, at least, lie between it and the next one."""


class Context:
    """One run over one study. What changes is read and changed with `lock` held, but for `course`.

    Args:
        study: the study.
        planner: makes its leaves.
        sampler: gives its configurations, those of earlier runs being asked already.
        run_id: this run.
        workers: leases that can run at once.
        on_event: what a view wants to hear.
        clock: monotonic seconds.
        deadline: when the run ends, on that clock; by default after the hours that the space allows.
        own_process: whether each lease is trained in a process of its own.
    """

    def __init__(
        self,
        study: OpenStudy,
        planner: Planner,
        sampler: Sampler,
        run_id: int,
        workers: int,
        on_event: Event = lambda kind, what: None,
        clock: Callable[[], float] = time.monotonic,
        deadline: float | None = None,
        own_process: bool = True,
    ) -> None:
        self.study = study
        self.ledger, self.record, self.space = study.ledger, study.record, study.space
        self.planner, self.sampler = planner, sampler
        self.run_id, self.workers = run_id, workers
        self.on_event, self.clock = on_event, clock
        self.deadline = deadline if deadline is not None else clock() + 3600 * (study.space.search.hours or math.inf)
        self.lock = threading.Condition(threading.RLock())
        self.progress = Progress(Standings(study.space))
        self.board = Board()
        self.budget = Budget(study.space, self.progress.standings)
        self.pace = Pace(clock)
        self.measured = Measured(self.ledger, self.space.search.measured)
        self.outcomes = Outcomes(study.space, sampler, self.progress)
        self.judge = Judge(study.space, self.outcomes, self.progress, on_event)
        self.keeper = self._keeper()
        self.trust = Trust(study.space.search.attempts, lambda kind: self.ledger.states.pairs([kind]), own_process)
        # A sampler that learns is asked for one configuration at a time: there is nothing to look at together.
        self.course = Course(planning=Planning.LOADED if sampler.adaptive else Planning.LOADING)
        self._moving = threading.Lock()
        self._training_since: float | None = None
        self._next_look = -math.inf

    def move(self, move: Callable[[Course], Course]) -> None:
        """Go to the next state of the course. Never waits for the driver's lock, which a commit may hold for long."""
        with self._moving:
            self.course = move(self.course)

    def tell(self, move: Callable[[Course], Course]) -> None:
        """Go to the next state of the course and wake whoever waits for it."""
        with self.lock:
            self.move(move)
            self.lock.notify_all()

    def step(self) -> AbstractContextManager[Step]:
        """Return a transaction on the study."""
        return self.ledger.step(self.record.id)

    def alone(self, kind: str) -> bool:
        """Whether a kind was distrusted before this run began: each of its trials is trained alone, start to end."""
        return kind in self.planner.alone

    @property
    def running(self) -> int:
        """Leases and proofs that workers have."""
        return self.board.running + self.trust.running

    def tasks(self) -> dict[int, Task]:
        """Return what each running lease and proof is at."""
        tasks = {}
        for number in self.pace.in_progress:
            if (proof := self.trust.get(number)) is not None:
                tasks[number] = Task(None, proof.stretches[0].epoch, self.pace.since(number))
            else:
                lease, done = self.board.lease(number)
                tasks[number] = Task(lease.trial, lease.offset + done + 1, self.pace.since(number))
        return tasks

    def count_running(self) -> None:
        """Let the view know what workers have."""
        self.progress.running, self.progress.proving = self.board.running, self.trust.running
        self.progress.undecided = len(self.board) > 0 or not self.course.planned

    def look_ahead(self, seconds: float) -> None:
        """Work out what is still to come, as often as it costs next to nothing, after an epoch of so many seconds."""
        now, progress = self.clock(), self.progress
        if self._training_since is None:
            self._training_since = now - seconds
        if now < max(self._next_look, self._training_since + LOOK_AHEAD_S):
            return
        trained = progress.epochs_trained + progress.epochs_retrained + progress.epochs_proved
        progress.rate = trained / (now - self._training_since)
        total = progress.total or 0
        unknown = 0 if self.course.planned else max(0, total - progress.done - len(self.board))
        to_come = self.judge.forecast.to_come((fold for fold in self.board if not fold.paused), unknown)
        progress.epochs_planned = progress.epochs_trained + min(to_come.epochs, self.budget.epochs_left)
        left = max(to_come.epochs, to_come.chain * self.workers) / progress.rate
        progress.ends_at = min(now + left, self.deadline)
        self._next_look = self.clock() + max(LOOK_AHEAD_S, LOOK_AHEAD_SHARE * (self.clock() - now))

    def restore_budget(self) -> None:
        """Take up what earlier runs spent of the limits; a limit that is lower now may be reached before anything
        begins."""
        if self.space.limits == Limits():
            return
        self.budget.restore(spending(self.ledger, self.record.id), self.ledger.decisions(self.record.id, [LIMIT]))
        with self.step() as step:
            self.budget.look(step)

    def said_seconds(self, seconds: float) -> dict[str, Any]:
        """Return what an entry of the order log says of an epoch that no row tells the time of; nothing without a limit
        of core hours."""
        return {SECONDS: seconds} if self.space.limits.core_hours is not None else {}

    def allows_epoch(self, lease_id: int | None = None) -> bool:
        """Whether the limits let another epoch begin: the next one of a lease, or the first one of another."""
        others = [one for one in self.pace.in_progress if one != lease_id and self.trust.get(one) is None]
        return self.budget.allows(len(others))

    @property
    def out_of_time(self) -> bool:
        """Whether the deadline has passed."""
        return self.clock() >= self.deadline

    def _keeper(self) -> Keeper:
        """Return what keeps states, as the space limits them."""
        return Keeper(
            self.ledger.states,
            int(self.space.resources.states_gb * 1e9),
            self.planner.sharing and self.planner.resumable,
            rungs_of(self.space),
            self.planner.landmarks,
            self._partings,
        )

    def _partings(self, leaf: Leaf) -> Iterable[int]:
        """Return where leaves that are not on the board yet may part from this one."""
        return () if self.course.planned else self.planner.partings(leaf)
