"""The driver: which leaf is trained next, and how each one ends. Decides; executes nothing; has never heard of Ray.

Rows come in from leases, are committed together with what is decided on them, and only then is anybody told. How a leaf
ends is a fold over committed rows, wherever these came from: trained for this leaf, for another one that shares its
path, or for another study. A restart therefore is the same code path as sharing.

Two threads work here: the one that executes leases calls `next_lease`, `row` and `lease_ended`; `plan_ahead` runs in
another and asks the sampler, which may take seconds. One lock guards the state; it is not held while a sampler thinks.
This file holds the lock and says who may call what; what is done under it is in `ahead`, `lending`, `intake`
and `proofs`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from search.core.errors import StorageFailed
from search.core.trial import Row, State
from search.engine.decide.ahead import WAKE_S, Ahead
from search.engine.decide.context import Context
from search.engine.decide.course import Planning
from search.engine.decide.death import UNKNOWN, Death
from search.engine.decide.intake import Intake
from search.engine.decide.lease import Lease, Proof, Trained
from search.engine.decide.lending import Lending
from search.engine.decide.outlook import Outlook
from search.engine.decide.proofs import Proofs
from search.engine.decide.roster import Task, Worker
from search.ledger.kept import KeptState
from search.study.leaf import longest


class Driver:
    """One run over one study.

    Args:
        context: the run.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.progress = self.context.progress
        self._ahead, self.lending = Ahead(context), Lending(context)
        self._proofs = Proofs(context)
        self._intake = Intake(context, self.lending, self._proofs)
        self._ahead.restore()

    def plan_ahead(self) -> None:
        """Ask for configurations and make leaves until there are no more. Runs in a thread of its own."""
        self._ahead.run()

    # The executor's side -------------------------------------------------------------------------------------

    def next_lease(self, wait_s: float = 0.0) -> Lease | Proof | None:
        """Return a lease, or a proof, that can be started now, waiting up to `wait_s` seconds for one.

        Earlier seeds first where that costs no time, else the longest remaining work (`search.core.order`); what a
        running lease is about to produce is not started twice. Of a grid nothing
        is started before all of it is known.

        Raises:
            Exception: what ended the planner.
        """
        context = self.context
        until = context.clock() + wait_s
        with context.lock:
            while True:
                self._check()
                if self.finished:
                    return None
                # Tune would take leases ahead of its workers, and they would be called running.
                free = context.course.gives_leases and context.running < context.workers
                if free and (found := self.lending.ready()):
                    return self.lending.give(found)
                left = until - context.clock()
                if left <= 0:
                    return None
                context.lock.wait(left)

    @property
    def finished(self) -> bool:
        """Whether no lease will be given any more."""
        with self.context.lock:
            context, trust = self.context, self.context.trust
            if context.course.ends or context.out_of_time or (context.budget.reached and context.course.planned):
                return True
            if trust.causes or trust.running or trust.owing() or context.board.running:
                return False
            planned = context.course.planned or (trust.fallen and not self._ahead.has_room)
            return bool(planned) and all(fold.leaf.kind in trust.fallen for fold in context.board)

    def wait_for_work(self) -> bool:
        """Wait until a lease can be given, or it is clear that none will be; return whether there is one.

        Raises:
            Exception: what ended the planner.
        """
        with self.context.lock:
            while not self.finished and not self.lending.ready():
                self.context.lock.wait(WAKE_S)
            self._check()
            return not self.finished

    def worker_started(self) -> None:
        """Take note that a worker is ready to train."""
        with self.context.lock:
            if not self.progress.worker_ready:
                self.progress.worker_ready = True
                self.context.on_event("worker", {})

    @property
    def idle(self) -> bool:
        """Whether no lease is running."""
        return not self.context.running

    def row(
        self,
        lease_id: int,
        row: Row,
        seconds: float,
        kept: KeptState | None = None,
        unkept: str = "",
        fresh: bool = False,
    ) -> bool:
        """Commit the next row of a lease with all that follows from it; return whether the lease goes on.

        Args:
            lease_id: the lease.
            row: what its epoch measured.
            seconds: how long it trained.
            kept: the state after it, where it lies on disk.
            unkept: why the state that should be kept could not be.
            fresh: whether its process had trained nothing before this lease.

        Raises:
            Exception: the row cannot be committed, or the driver gave up before.
        """
        return self.rows(lease_id, [Trained(row, seconds, kept, unkept, fresh)])

    def rows(self, lease_id: int, trained: Sequence[Trained]) -> bool:
        """Commit the next rows of a lease, at least one, as `row` does one: in one transaction.

        Raises:
            Exception: they cannot be committed, or the driver gave up before.
        """
        with self.context.lock:
            self._check()
            return self._intake.rows(lease_id, trained)

    def proved(self, proof_id: int, rows: Sequence[Row]) -> None:
        """Compare what a proof trained with the rows on record, and record what follows.

        Args:
            proof_id: the proof.
            rows: one for each of its stretches, in turn.

        Raises:
            Exception: it cannot be committed, or the driver gave up before.
        """
        with self.context.lock:
            self._check()
            self._proofs.proved(proof_id, rows)

    def lease_ended(
        self, lease_id: int, error: str = "", lost: bool = False, miss: str = "", death: Death = UNKNOWN
    ) -> None:
        """Take note that a lease, or a proof, ended.

        Args:
            lease_id: the lease, or the proof.
            error: traceback of an exception in the workload: the trial failed and is not tried again in this run.
            lost: the worker died; the trial goes back to the queue until its attempts are used up.
            death: how it died.
            miss: why the state it was to start from cannot be used: it is forgotten, and the trial starts earlier.
        """
        with self.context.lock:
            if self.context.trust.get(lease_id) is not None:
                self._proofs.ended(lease_id, error, lost, miss, death)
            else:
                self._intake.ended(lease_id, error, lost, miss, death)

    def _check(self) -> None:
        """Raise what the driver gave up for."""
        if self.context.course.error is not None:
            raise self.context.course.error

    # Another number of leases at once --------------------------------------------------------------------------

    @property
    def workers(self) -> int:
        """Leases that can run at once."""
        return self.context.workers

    @workers.setter
    def workers(self, workers: int) -> None:
        self.context.workers = workers

    def change_over(self) -> None:
        """Let all running leases end behind their epoch, and give no other one before `go_on`."""
        with self.context.lock:
            self.context.move(lambda course: course.change_over())

    def go_on(self, workers: int) -> None:
        """Go on with another number of workers from the states of the leases that ended; no worker runs now."""
        with self.context.lock:
            self.context.workers = workers
            self._intake.take_up()
            self.context.tell(lambda course: course.go_on())

    @property
    def outlook(self) -> Outlook:
        """What is still to come, as far as it is known."""
        context = self.context
        with context.lock:
            trials = max(len(context.board), (self.progress.total or 0) - self.progress.done)
            if context.sampler.adaptive and not context.course.planned:  # it is asked for as many as there are workers
                return Outlook(trials, trials * longest(context.space), more=True)
            return Outlook(trials, context.board.epochs, more=self.lending.ready() is not None)

    # The end -------------------------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """Give no more leases and let running ones end after their epoch."""
        self.context.tell(lambda course: course.stop(reason))

    def drop(self, reason: str) -> None:
        """End the run likewise, without waiting for epochs in progress. Does not wait for the driver's lock."""
        self.context.move(lambda course: course.drop(reason))

    def give_up(self, error: BaseException) -> None:
        """End the run for an error that is no trial's: from now on nothing is decided, and no row taken.

        What was decided in memory may not be what is committed; a new driver starts from the ledger.
        """
        self.context.tell(lambda course: course.fail(error))

    def give_up_at_once(self, error: BaseException) -> None:
        """End the run likewise, without waiting for epochs in progress: their workers are lost."""
        self.context.tell(lambda course: course.fail(error, at_once=True))

    @property
    def stopping(self) -> str:
        """Why the run ends early, or ``""``."""
        return self.context.course.reason

    @property
    def dropping(self) -> bool:
        """Whether epochs in progress are not waited for."""
        return self.context.course.drops_epochs

    @property
    def error(self) -> BaseException | None:
        """What the driver gave up for."""
        return self.context.course.error

    def due(self, within: float) -> bool:
        """Whether an epoch in progress may end within so many seconds; where nothing is known yet, it may."""
        with self.context.lock:
            return self.context.pace.due(within)

    @property
    def in_progress(self) -> list[tuple[int, int]]:
        """Trial and epoch that each running lease is at."""
        return sorted((task.trial, task.epoch) for task in self.tasks.values() if task.trial is not None)

    @property
    def tasks(self) -> dict[int, Task]:
        """What each running lease and proof is at."""
        with self.context.lock:
            return self.context.tasks()

    def show_workers(self, workers: Sequence[Worker]) -> None:
        """Let the view know who trains what."""
        with self.context.lock:
            changed, self.progress.workers = list(workers) != self.progress.workers, list(workers)
            self.context.on_event("workers", {"changed": changed})

    @property
    def fallen(self) -> bool:
        """Whether kinds came to be distrusted: their trials are left to another driver, which trains them alone."""
        return bool(self.context.trust.fallen)

    @property
    def out_of_time(self) -> bool:
        """Whether the space's limit of hours left something undone."""
        context = self.context
        wanted = context.space.search.trials or math.inf
        all_asked = context.course.planning == Planning.ALL_ASKED or self._ahead.asked >= wanted
        return context.out_of_time and (len(context.board) > 0 or not all_asked)

    @property
    def limit(self) -> str:
        """The name of the limit of the space's section ``limits`` that left something undone, or ""."""
        context = self.context
        undone = len(context.board) > 0 or context.course.planning != Planning.ALL_ASKED
        return context.budget.reached if undone else ""

    def collect(self) -> None:
        """Take the states that workers saved when their leases were ended into the record, once no worker writes."""
        with self.context.lock:
            self._intake.collect()

    def close(self) -> None:
        """Mark what was begun and not decided as interrupted, whichever run began it."""
        if isinstance(self.error, StorageFailed):
            return  # the next driver does it
        with self.context.lock, self.context.step() as step:
            for fold in self.context.board:
                if fold.state == State.RUNNING or fold.epoch:
                    self.progress.move(fold.state, State.INTERRUPTED)
                    fold.state = State.INTERRUPTED
                    step.set_trial(fold.leaf.trial.number, state=State.INTERRUPTED)
                    step.log("interrupted", trial=fold.leaf.trial.number, epoch=fold.epoch)
