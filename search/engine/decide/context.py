"""What the parts of one driver share: the study, the board with all that is decided on it, and the lock over it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from search.engine.decide.board import Board
from search.engine.decide.course import Course, Planning
from search.engine.decide.judge import Judge
from search.engine.decide.keeping import Keeper
from search.engine.decide.outcomes import Event, Outcomes, Progress
from search.engine.decide.pace import Pace
from search.engine.decide.trust import Trust
from search.ledger.step import Step
from search.study.asked import Sampler
from search.study.leaf import Leaf, Planner
from search.study.opened import OpenStudy
from search.study.pruner import rungs_of


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
    ) -> None:
        self.study = study
        self.ledger, self.record, self.space = study.ledger, study.record, study.space
        self.planner, self.sampler = planner, sampler
        self.run_id, self.workers = run_id, workers
        self.on_event, self.clock = on_event, clock
        self.deadline = deadline if deadline is not None else clock() + 3600 * (study.space.search.hours or math.inf)
        self.lock = threading.Condition(threading.RLock())
        self.progress = Progress()
        self.board = Board()
        self.pace = Pace(clock)
        self.outcomes = Outcomes(study.space, sampler, self.progress)
        self.judge = Judge(study.space, self.outcomes, self.progress, on_event)
        self.keeper = self._keeper()
        self.trust = Trust(study.space.search.attempts, lambda kind: self.ledger.states.pairs([kind]))
        # A sampler that learns is asked for one configuration at a time: there is nothing to look at together.
        self.course = Course(planning=Planning.LOADED if sampler.adaptive else Planning.LOADING)
        self._moving = threading.Lock()

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
