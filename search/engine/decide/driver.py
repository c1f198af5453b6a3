"""The driver: which leaf is trained next, and how each one ends. Decides; executes nothing; has never heard of Ray.

Rows come in from leases, are committed together with what is decided on them, and only then is anybody told. How a leaf
ends is a fold over committed rows, wherever these came from: trained for this leaf, for another one that shares its
path, or for another study. A restart therefore is the same code path as sharing.

Two threads work here: the one that executes leases calls `next_lease`, `row` and `lease_ended`; `plan_ahead` runs in
another and asks the sampler, which may take seconds. One lock guards the state; it is not held while a sampler thinks.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from search.core.errors import StorageFailed
from search.core.pruning import rungs
from search.core.trial import Row, State
from search.engine.decide.admission import BATCH, Admission
from search.engine.decide.board import Board
from search.engine.decide.death import UNKNOWN, Death
from search.engine.decide.form import Form, form_of
from search.engine.decide.judge import Judge
from search.engine.decide.keeping import Keeper
from search.engine.decide.lease import Lease
from search.engine.decide.outcomes import Event, Outcomes, Progress
from search.engine.decide.outlook import Outlook
from search.engine.decide.pace import Pace
from search.ledger import KeptState
from search.study.fold import Fold
from search.study.leaf import Leaf, Planner, longest
from search.study.opened import OpenStudy
from search.study.sampling import Asked, Sampler

AHEAD = 5_000
"""Undecided leaves of a grid that are looked at together: where trials part is known before the first one starts."""

ALARM = "an alarm"
"""Why a run ends once an epoch trained again gave another row: whatever it would share now could not be believed."""


class Driver:
    """One run over one study.

    Args:
        study: the study.
        planner: makes its leaves.
        sampler: gives its configurations, those of earlier runs being asked already.
        run_id: this run.
        workers: leases that can run at once.
        keeper: the states of this run; by default those of the ledger, as the space limits them.
        on_event: what a view wants to hear.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        study: OpenStudy,
        planner: Planner,
        sampler: Sampler,
        run_id: int,
        workers: int,
        keeper: Keeper | None = None,
        on_event: Event = lambda kind, what: None,
        clock: Callable[[], float] = time.monotonic,
        deadline: float | None = None,
    ) -> None:
        self.progress = Progress()
        self._ledger, self._record, self._space = study.ledger, study.record, study.space
        space = study.space
        self._planner, self._sampler = planner, sampler
        self._run_id, self.workers = run_id, workers
        self._on_event, self._clock = on_event, clock
        self._deadline = deadline if deadline is not None else clock() + 3600 * (space.search.hours or math.inf)
        self._lock = threading.Condition(threading.RLock())
        self._board = Board()
        self._keeper = keeper if keeper is not None else self._usual_keeper()
        self._pace = Pace(clock)
        self._spoilt: set[str] = set()  # keys of which another row came out than the one on record
        self._left: dict[str, int] = {}  # key and epoch in which a lease ended: its worker may have saved that state
        self._attempts: dict[int, int] = {}
        self._deaths: dict[int, int] = {}
        self._outcomes = Outcomes(space, sampler, self.progress)
        self._judge = Judge(space, self._outcomes, self.progress, on_event)
        self._admission = Admission(study, planner, self._judge, self._outcomes, self.progress)
        self._next_lease = 0
        self._batch = BATCH if space.search.sampler == "grid" else 1
        self._asked_all = False  # the sampler has no more configurations
        self._asked = 0  # configurations
        self._exhausted = False  # nothing is asked any more, for whatever reason
        self._overseen = sampler.adaptive  # as many leaves are on the board as are looked at together
        self._stopping = ""
        self.dropping = False  # epochs in progress are not waited for
        self._changing = False  # all leases end behind their epoch, and others take over from their states
        self._begun: dict[str, int] = {}  # key and epoch in which a lease ended that another one is to take over from
        self._error: BaseException | None = None
        self._restore()

    # The planner's side --------------------------------------------------------------------------------------

    def plan_ahead(self) -> None:
        """Ask for configurations and make leaves until there are no more. Runs in a thread of its own."""
        try:
            self._resume()
            while self._wait_for_room():
                self._outcomes.tell()
                batch = list(islice(iter(self._sampler.ask, None), self._batch))
                self._admit(batch)
                if len(batch) < self._batch:
                    self._asked_all = True
                    break
        except BaseException as error:  # the thread has no caller: whoever waits for leases must hear of it
            self.give_up(error)
        with self._lock:
            self._exhausted = self._overseen = True
            self._lock.notify_all()

    def _wait_for_room(self) -> bool:
        """Wait until another configuration can be used; return whether there may be one."""
        with self._lock:
            while not self._stopping and self._error is None and self._clock() < self._deadline:
                if self._sampler.adaptive:
                    room = len(self._board.configurations) < self.workers
                else:
                    room = len(self._board) < AHEAD
                if room:
                    return True
                if not self._overseen:
                    self._overseen = True
                    self._lock.notify_all()
                self._lock.wait(0.5)
            return False

    def _admit(self, batch: Sequence[Asked]) -> None:
        """Make the leaves of configurations, record them, and settle what the ledger already knows."""
        self._asked = max([self._asked, *(asked.configuration + 1 for asked in batch)])
        leaves = self._admission.candidates(batch)
        if not leaves:
            return
        with self._lock:
            if self._stopping or self._error is not None:  # the study may be another driver's by now
                return
            with self._ledger.step(self._record.id) as step:
                folds = self._admission.enter(step, batch, leaves)
            for fold in folds:
                if fold.ended:
                    self.progress.settled += 1
                else:
                    self._keeper.look_up(fold)
                self._board.file(fold)
            self._judge.announce()
            self._lock.notify_all()

    def _restore(self) -> None:
        """Take up what earlier runs left: numbers, outcomes, and the pruner's log."""
        trials = self._ledger.trials(self._record.id)
        if lost := [trial for trial in trials if trial.state == State.RUNNING]:  # of a driver that was killed
            with self._ledger.step(self._record.id) as step:
                for trial in lost:
                    step.set_trial(trial.number, state=State.INTERRUPTED)
                    step.log("interrupted", trial=trial.number, epoch=trial.last_epoch)
            trials = self._ledger.trials(self._record.id)
        self._admission.restore(trials)
        self._judge.restore(self._ledger.decisions(self._record.id, ["rung"]))
        self._outcomes.restore(self._ledger, self._record, trials)

    def _resume(self) -> None:
        """Admit the sampled configurations of earlier runs again: for unfinished trials, and for seeds added since.

        A grid enumerates its configurations anew and needs no reminder.
        """
        if self._space.search.sampler == "grid":
            return
        for asked in self._admission.earlier():
            if self._stopping:
                return
            self._admit([asked])

    # The executor's side -------------------------------------------------------------------------------------

    def next_lease(self, patience: float = 0.0) -> Lease | None:
        """Return a lease that can be started now, waiting up to `patience` seconds for one.

        Longest remaining work first; what a running lease is about to produce is not started twice. Of a grid nothing
        is started before all of it is known.

        Raises:
            Exception: what ended the planner.
        """
        until = self._clock() + patience
        with self._lock:
            while True:
                if self._error is not None:
                    raise self._error
                if self.finished:
                    return None
                # Tune would take leases ahead of its workers, and they would be called running.
                if not self._changing and self._board.running < self.workers and (fold := self._ready()):
                    return self._start(fold)
                left = until - self._clock()
                if left <= 0:
                    return None
                self._lock.wait(left)

    @property
    def finished(self) -> bool:
        """Whether no lease will be given any more."""
        with self._lock:
            if self._stopping or self._clock() >= self._deadline or self._error is not None:
                return True
            return self._exhausted and not len(self._board)

    def wait_for_work(self) -> bool:
        """Wait until a lease can be given, or it is clear that none will be; return whether there is one.

        Raises:
            Exception: what ended the planner.
        """
        with self._lock:
            while not self.finished and not self._ready():
                self._lock.wait(0.5)
            if self._error is not None:
                raise self._error
            return not self.finished

    @property
    def idle(self) -> bool:
        """Whether no lease is running."""
        return not self._board.running

    def _ready(self) -> Fold | None:
        """Return the leaf to start next; leases that are far slower than the rest hold nobody up."""
        if not self._overseen:
            return None
        return self._board.ready(self._pace.stalled())

    def _start(self, fold: Fold) -> Lease:
        leaf = fold.leaf
        number = leaf.trial.number
        start, keep = self._keeper.start_of(fold), self._keeper.marks(fold, self._board)
        stops = () if self._exhausted else self._keeper.stops(fold, self._board)
        schedule, path = leaf.schedule[fold.base :], leaf.path[fold.base :]
        about = (leaf.data, leaf.inputs, self._form(leaf, fold.base))
        lease = Lease(self._next_lease, number, leaf.fixed, schedule, path, start, keep, stops, *about)
        self._next_lease += 1
        self._attempts[number] = self._attempts.get(number, 0) + 1
        with self._ledger.step(self._record.id) as step:
            step.set_trial(number, state=State.RUNNING, attempts=self._attempts[number])
            step.log("lease", trial=number, lease=lease.id, attempt=self._attempts[number], start=lease.offset)
        begun = fold.state == State.RUNNING
        if not begun:
            self.progress.move(State.WAITING, State.RUNNING)
            fold.state = State.RUNNING
        self._board.start(lease)
        self._pace.start(lease.id)
        self._keeper.begin(lease)
        self.progress.running = self._board.running
        self._on_event("started", {"trial": leaf.trial, "attempt": self._attempts[number], "begun": begun})
        return lease

    def _form(self, leaf: Leaf, epoch: int) -> Form | None:
        """Return the form of the row of an epoch on a leaf's path; None of epoch 0."""
        keys = leaf.path[epoch - 1 : epoch] if epoch else []
        found = self._ledger.rows(keys, predictions=True)
        return next((form_of(recorded.row) for recorded in found.values()), None)

    def row(self, lease_id: int, row: Row, seconds: float, kept: KeptState | None = None, unkept: str = "") -> bool:
        """Commit the next row of a lease with all that follows from it; return whether the lease goes on.

        Args:
            lease_id: the lease.
            row: what its epoch measured.
            seconds: how long it trained.
            kept: the state after it, where it lies on disk.
            unkept: why the state that should be kept could not be.

        Raises:
            Exception: the row cannot be committed, or the driver gave up before.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            lease, done = self._board.lease(lease_id)
            key, epoch = lease.path[done], lease.offset + done + 1
            with self._ledger.step(self._record.id) as step:
                stored, fresh = step.put_row(key, epoch, row, seconds, self._run_id)
                if fresh:
                    step.log("row", trial=lease.trial, epoch=epoch, key=key, trained=True)
                    self.progress.epochs_trained += 1
                else:
                    step.log("retrained", trial=lease.trial, epoch=epoch, key=key)
                    self.progress.epochs_retrained += 1
                    if differing := stored.differences(row):
                        self._judge.alarm(step, lease, epoch, key, differing)
                        kept = None
                        self._spoilt.add(key)  # nobody shall go on from there
                        self._stopping = ALARM
                stale = self._keeper.commit(step, lease, kept)
                fed = self._board.take(key)
                for fold in fed:
                    number = fold.leaf.trial.number
                    self._judge.advance(step, fold, stored)
                    step.set_trial(number, last_epoch=fold.epoch)
                    if number != lease.trial or not fresh:
                        self.progress.epochs_reused += 1
            self._board.brought(lease_id)
            for fold in fed:
                self._board.file(fold)
            if key in self._spoilt:
                self._keeper.reject([key], [*self._board])
            if kept is not None:
                self._keeper.reached(kept, [*self._board])
                self._keeper.free(stale, [*self._board])
            self._unkept(unkept)
            self._pace.row(lease_id, seconds)
            goes_on = not self._stopping and not self._changing and self._board.goes_on(lease_id, self._pace.stalled())
            if not goes_on:
                self._pace.ends(lease_id)
            self._judge.announce()
            self._on_event("epoch", {"trial": lease.trial, "epoch": epoch, "row": stored, "seconds": seconds})
            self._lock.notify_all()
            return goes_on

    def _unkept(self, reason: str) -> None:
        """Say once that states cannot be kept; what branches off is trained again, so nothing is wrong, only dear."""
        if reason and not self._keeper.trouble:
            self._keeper.trouble = reason
            self._on_event("unkept", {"text": reason})

    def lease_ended(
        self, lease_id: int, error: str = "", lost: bool = False, miss: str = "", death: Death = UNKNOWN
    ) -> None:
        """Take note that a lease ended.

        Args:
            lease_id: the lease.
            error: traceback of an exception in the workload: the trial failed and is not tried again in this run.
            lost: the worker died; the trial goes back to the queue until its attempts are used up.
            death: how it died.
            miss: why the state it was to start from cannot be used: it is forgotten, and the trial starts earlier.
        """
        with self._lock:
            awaited = self._board.awaiting(lease_id) if self._changing and not (error or lost or miss) else set()
            lease, done = self._board.end(lease_id)
            if lease is None or self._error is not None:
                return
            self._pace.end(lease_id)
            if done and lease.path[done - 1] not in self._spoilt:
                self._left[lease.path[done - 1]] = lease.offset + done
            self.progress.running = self._board.running
            fold = self._board.get(lease.trial)
            if fold is not None and not self._stopping and (error or lost):
                self._failed(lease, done, fold, error, lost, death)
            if awaited:
                self._attempts[lease.trial] -= 1
                self._board.first |= {lease.trial} & awaited or awaited
                if done:
                    self._begun[lease.path[done - 1]] = lease.offset + done
            stale = self._keeper.end(lease, chain_goes_on=lost or bool(awaited or self._stopping))
            if miss and lease.start is not None:
                self._attempts[lease.trial] -= 1
                stale = [*stale, lease.start.file.key]
                with self._ledger.step(self._record.id) as step:
                    step.log("miss", trial=lease.trial, epoch=lease.offset, reason=miss)
                self._on_event("miss", {"text": f"trial {lease.trial}: {miss}; it starts earlier"})
            if stale:
                self._keeper.free(stale, [*self._board])
            self._lock.notify_all()

    def _failed(self, lease: Lease, done: int, fold: Fold, error: str, lost: bool, death: Death) -> None:
        """A lease ended without its worker or with an exception: the trial failed, or goes back to the queue."""
        # Attempts that died, not those begun: another lease of the trial may be at work while this one stalled.
        deaths = self._deaths[lease.trial] = self._deaths.get(lease.trial, 0) + lost
        allowed = self._space.search.attempts
        reason, ended_by = error, error.strip().rpartition("\n")[2]
        with self._ledger.step(self._record.id) as step:
            if lost:
                ended_by = f"the worker died in each of {deaths} attempts; the last one {death.text}"
                reason = f"{ended_by}\n{death.detail}".strip()
                step.log("died", trial=lease.trial, epoch=lease.offset + done, how=death.text)
            if error or (deaths >= allowed and not self._board.running_for(lease.trial)):
                self._judge.end(step, fold, State.FAILED, ended_by, reason)
        self._board.file(fold)
        if lost:
            which = f"attempt {deaths} of {allowed}"
            self._on_event("died", {"text": f"trial {lease.trial}: its worker {death.text} ({which})"})
        self._judge.announce()

    # Another number of leases at once --------------------------------------------------------------------------

    def change_over(self) -> None:
        """Let all running leases end behind their epoch, and give no other one before `go_on`."""
        with self._lock:
            self._changing = True

    def go_on(self, workers: int) -> None:
        """Go on with another number of workers from the states of the leases that ended; no worker runs now."""
        with self._lock:
            self._changing, self.workers = False, workers
            self._keeper.take_up(self._begun, [*self._board])
            self._begun.clear()
            self._lock.notify_all()

    @property
    def outlook(self) -> Outlook:
        """What is still to come, as far as it is known."""
        with self._lock:
            trials = max(len(self._board), (self.progress.total or 0) - self.progress.done)
            if self._sampler.adaptive and not self._exhausted:  # it is asked for as many as there are workers
                return Outlook(trials, trials * longest(self._space), more=True)
            return Outlook(trials, self._board.epochs, more=self._ready() is not None)

    def _usual_keeper(self) -> Keeper:
        asha = self._space.search.asha
        return Keeper(
            self._ledger.states,
            int(self._space.resources.states_gb * 1e9),
            self._planner.sharing,
            rungs(asha.grace_period, asha.reduction_factor, longest(self._space)) if asha else (),
            self._planner.landmarks,
            self._partings,
        )

    def _partings(self, leaf: Leaf) -> Iterable[int]:
        """Return where leaves that are not on the board yet may part from this one."""
        return () if self._exhausted else self._planner.partings(leaf)

    # The end -------------------------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """Give no more leases and let running ones end after their epoch."""
        with self._lock:
            self._stopping = reason
            self._lock.notify_all()

    def due(self, within: float) -> bool:
        """Whether an epoch in progress may end within so many seconds; where nothing is known yet, it may."""
        with self._lock:
            return self._pace.due(within)

    @property
    def in_progress(self) -> list[tuple[int, int]]:
        """Trial and epoch that each running lease is at."""
        with self._lock:
            leases = map(self._board.lease, self._pace.in_progress)
            return sorted((lease.trial, lease.offset + done + 1) for lease, done in leases)

    def give_up(self, error: BaseException) -> None:
        """End the run for an error that is no trial's: from now on nothing is decided, and no row taken.

        What was decided in memory may not be what is committed; a new driver starts from the ledger.
        """
        with self._lock:
            self._error = self._error or error
            self._lock.notify_all()

    def give_up_at_once(self, error: BaseException) -> None:
        """End the run likewise, without waiting for epochs in progress: their workers are lost."""
        self.give_up(error)
        self.dropping = True

    @property
    def error(self) -> BaseException | None:
        """What the driver gave up for."""
        return self._error

    @property
    def out_of_time(self) -> bool:
        """Whether the space's limit of hours left something undone."""
        asked_all = self._asked_all or self._asked >= (self._space.search.trials or math.inf)
        return self._clock() >= self._deadline and (len(self._board) > 0 or not asked_all)

    @property
    def stopping(self) -> str:
        """Why the run ends early, or ``""``."""
        return self._stopping

    def collect(self) -> None:
        """Take the states that workers saved when their leases were ended into the record, once no worker writes."""
        with self._lock:
            if self._planner.sharing:
                self._keeper.collect(self._left, [*self._board])
                self._keeper.reject(self._spoilt, [*self._board])  # its worker may have saved it since

    def close(self) -> None:
        """Mark what was begun and not decided as interrupted."""
        if isinstance(self._error, StorageFailed):
            return  # the next driver does it
        with self._lock, self._ledger.step(self._record.id) as step:
            for fold in self._board:
                if fold.state == State.RUNNING:
                    self.progress.move(fold.state, State.INTERRUPTED)
                    fold.state = State.INTERRUPTED
                    step.set_trial(fold.leaf.trial.number, state=State.INTERRUPTED)
                    step.log("interrupted", trial=fold.leaf.trial.number, epoch=fold.epoch)
