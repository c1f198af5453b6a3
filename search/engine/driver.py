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
from collections.abc import Callable

from search.engine.board import Board
from search.engine.fold import Fold
from search.engine.judge import Judge
from search.engine.lease import Lease
from search.engine.outcomes import Event, Outcomes, Progress
from search.ledger import Ledger, StudyRecord
from search.prefix import fingerprint
from search.space import Space
from search.study import Asked, Leaf, Planner, Sampler
from search.trial import Row, State, Trial

AHEAD = 2
"""Leaves kept ready per worker, so that none waits for the planner."""


class Driver:
    """One run over one study.

    Args:
        ledger, record, space: the study.
        planner: makes its leaves.
        sampler: gives its configurations, those of earlier runs being asked already.
        run_id: this run.
        workers: leases that can run at once.
        on_event: what a view wants to hear.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        record: StudyRecord,
        space: Space,
        planner: Planner,
        sampler: Sampler,
        run_id: int,
        workers: int,
        on_event: Event = lambda kind, what: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress()
        self._ledger, self._record, self._space = ledger, record, space
        self._planner, self._sampler = planner, sampler
        self._run_id, self.workers = run_id, workers
        self._on_event, self._clock = on_event, clock
        self._deadline = clock() + space.search.hours * 3600 if space.search.hours else math.inf
        self._lock = threading.Condition(threading.RLock())
        self._board = Board()
        self._attempts: dict[int, int] = {}
        self._numbers: dict[tuple[str, int], Trial] = {}  # (parameters, seed) -> trial of an earlier run
        self._outcomes = Outcomes(space, sampler, self.progress)
        self._judge = Judge(space, self._outcomes, self.progress, on_event)
        self._next_number = 0
        self._next_lease = 0
        self._asked_all = False  # the sampler has no more configurations
        self._exhausted = False  # nothing is asked any more, for whatever reason
        self._stopping = ""
        self._error: BaseException | None = None
        self._restore()

    # The planner's side --------------------------------------------------------------------------------------

    def plan_ahead(self) -> None:
        """Ask for configurations and make leaves until there are no more. Runs in a thread of its own."""
        try:
            self._resume()
            while self._wait_for_room():
                self._outcomes.tell()
                asked = self._sampler.ask()
                if asked is None:
                    self._asked_all = True
                    break
                self._admit(asked)
        except BaseException as error:  # the thread has no caller: whoever waits for leases must hear of it
            with self._lock:
                self._error = error
        with self._lock:
            self._exhausted = True
            self._lock.notify_all()

    def _wait_for_room(self) -> bool:
        """Wait until another configuration can be used; return whether there may be one."""
        with self._lock:
            while not self._stopping and self._clock() < self._deadline:
                if self._sampler.adaptive:
                    room = len(self._board.configurations) < self.workers
                else:
                    room = len(self._board) - self._board.running < AHEAD * self.workers
                if room:
                    return True
                self._lock.wait(0.5)
            return False

    def _admit(self, asked: Asked) -> None:
        """Make the leaves of a configuration, record them, and settle what the ledger already knows."""
        leaves, fresh = [], []
        for seed in self._space.seeds:
            known = self._numbers.get((fingerprint(asked.parameters), seed))
            if known is not None and known.state.ended and known.state != State.FAILED:
                continue
            number = known.number if known is not None else self._next_number
            leaf = self._planner.leaf(number, asked.configuration, seed, asked.parameters)
            leaves.append(leaf)
            if known is None:
                fresh.append(leaf)
                self._next_number += 1
        if not leaves:
            return
        with self._lock:
            if self._stopping:  # the study may be another driver's by now
                return
            with self._ledger.step(self._record.id) as step:
                if fresh and asked.record:
                    step.log("asked", **asked.record)
                for leaf in leaves:
                    if leaf in fresh:
                        step.add_trial(leaf.trial, leaf.path, leaf.data)
                        self.progress.states[State.WAITING] += 1
                    else:
                        before = self._numbers[fingerprint(asked.parameters), leaf.trial.seed].state
                        self.progress.move(before, State.WAITING)
                        step.set_trial(leaf.trial.number, state=State.WAITING, ended_by="", error="", attempts=0)
                        # Its keys are others than before where sharing was switched off or the workload changed.
                        path = bytes.fromhex("".join(leaf.path))
                        step.set_trial(leaf.trial.number, path=path, data=leaf.data, last_epoch=0)
            for leaf in fresh:
                self._outcomes.add(asked.configuration, leaf.trial.number)
            for leaf in leaves:
                self._settle(leaf)
            self._lock.notify_all()

    def _settle(self, leaf: Leaf) -> None:
        """Fold the rows on record into a new leaf; what is left to train waits for a lease."""
        fold = Fold(leaf, self._space.search.objective)
        known = self._ledger.rows(leaf.path)
        with self._ledger.step(self._record.id) as step:
            while (key := fold.next_key) in known:
                self._judge.advance(step, fold, known[key].row)
                if fold.ended:
                    break
            if fold.epoch:
                step.log("reused", trial=leaf.trial.number, epoch=fold.epoch)
                step.set_trial(leaf.trial.number, last_epoch=fold.epoch)
                self.progress.epochs_reused += fold.epoch
        self._board.file(fold)
        self._judge.announce()

    def _restore(self) -> None:
        """Take up what earlier runs left: numbers, outcomes, and the pruner's log."""
        trials = self._ledger.trials(self._record.id)
        if lost := [trial for trial in trials if trial.state == State.RUNNING]:  # of a driver that was killed
            with self._ledger.step(self._record.id) as step:
                for trial in lost:
                    step.set_trial(trial.number, state=State.INTERRUPTED)
                    step.log("interrupted", trial=trial.number, epoch=trial.last_epoch)
            trials = self._ledger.trials(self._record.id)
        for trial in trials:
            self._numbers[fingerprint(trial.parameters), trial.seed] = trial
            self.progress.states[trial.state] += 1
            self._next_number = max(self._next_number, trial.number + 1)
        self._judge.restore(self._ledger.decisions(self._record.id, ["rung"]))
        self._outcomes.restore(self._ledger, self._record, trials)

    def _resume(self) -> None:
        """Admit the sampled configurations of earlier runs again: for unfinished trials, and for seeds added since.

        A grid enumerates its configurations anew and needs no reminder.
        """
        if self._space.search.sampler == "grid":
            return
        parameters = {trial.configuration: trial.parameters for trial in self._numbers.values()}
        for configuration in sorted(parameters):
            if self._stopping:
                return
            self._admit(Asked(configuration, parameters[configuration]))

    # The executor's side -------------------------------------------------------------------------------------

    def next_lease(self, patience: float = 0.0) -> Lease | None:
        """Return a lease that can be started now, waiting up to `patience` seconds for one.

        Longest remaining work first; what a running lease is about to produce is not started twice.

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
                if self._board.running < self.workers and (fold := self._board.ready()):
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
            while not self.finished and not self._board.ready():
                self._lock.wait(0.5)
            if self._error is not None:
                raise self._error
            return not self.finished

    @property
    def idle(self) -> bool:
        """Whether no lease is running."""
        return not self._board.running

    def _start(self, fold: Fold) -> Lease:
        leaf = fold.leaf
        number = leaf.trial.number
        lease = Lease(self._next_lease, number, leaf.fixed, leaf.schedule, leaf.path)
        self._next_lease += 1
        self._attempts[number] = self._attempts.get(number, 0) + 1
        with self._ledger.step(self._record.id) as step:
            step.set_trial(number, state=State.RUNNING, attempts=self._attempts[number])
            step.log("lease", trial=number, lease=lease.id, attempt=self._attempts[number])
        if fold.state == State.WAITING:
            self.progress.move(State.WAITING, State.RUNNING)
            fold.state = State.RUNNING
        self._board.start(lease)
        self.progress.running = self._board.running
        self._on_event("started", {"trial": leaf.trial, "attempt": self._attempts[number]})
        return lease

    def row(self, lease_id: int, row: Row, seconds: float) -> bool:
        """Commit the next row of a lease with all that follows from it; return whether the lease goes on."""
        with self._lock:
            lease, done = self._board.lease(lease_id)
            key, epoch = lease.path[done], done + 1
            with self._ledger.step(self._record.id) as step:
                stored, fresh = step.put_row(key, epoch, row, seconds, self._run_id)
                if fresh:
                    step.log("row", trial=lease.trial, epoch=epoch, key=key, trained=True)
                    self.progress.epochs_trained += 1
                elif differing := stored.differences(row):
                    self._judge.alarm(step, lease, epoch, key, differing)
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
            goes_on = not self._stopping and self._board.needed(lease.path[done + 1 :])
            self._judge.announce()
            self._on_event("epoch", {"trial": lease.trial, "epoch": epoch, "row": stored, "seconds": seconds})
            self._lock.notify_all()
            return goes_on

    def lease_ended(self, lease_id: int, error: str = "", lost: bool = False) -> None:
        """Take note that a lease ended.

        Args:
            lease_id: the lease.
            error: traceback of an exception in the workload: the trial failed and is not tried again in this run.
            lost: the worker died; the trial goes back to the queue until its attempts are used up.
        """
        with self._lock:
            lease = self._board.end(lease_id)
            if lease is None:
                return
            self.progress.running = self._board.running
            fold = self._board.get(lease.trial)
            if fold is not None and not self._stopping:
                used_up = self._attempts[lease.trial] >= self._space.search.attempts
                if error or (lost and used_up):
                    reason = error or f"the worker died in each of {self._attempts[lease.trial]} attempts"
                    with self._ledger.step(self._record.id) as step:
                        self._judge.end(step, fold, State.FAILED, reason.strip().splitlines()[-1], reason)
                    self._board.file(fold)
                    self._judge.announce()
            self._lock.notify_all()

    # The end -------------------------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """Give no more leases and let running ones end after their epoch."""
        with self._lock:
            self._stopping = reason
            self._lock.notify_all()

    @property
    def out_of_time(self) -> bool:
        """Whether the space's limit of hours left something undone."""
        return self._clock() >= self._deadline and (len(self._board) > 0 or not self._asked_all)

    @property
    def stopping(self) -> str:
        """Why the run ends early, or ``""``."""
        return self._stopping

    def close(self) -> None:
        """Mark what was begun and not decided as interrupted."""
        with self._lock, self._ledger.step(self._record.id) as step:
            for fold in self._board:
                if fold.state == State.RUNNING:
                    self.progress.move(fold.state, State.INTERRUPTED)
                    fold.state = State.INTERRUPTED
                    step.set_trial(fold.leaf.trial.number, state=State.INTERRUPTED)
                    step.log("interrupted", trial=fold.leaf.trial.number, epoch=fold.epoch)
