"""What leases bring back: rows, and how each one ended. Called with the driver's lock held.

A row is committed together with all that is decided on it; only then is anybody told.
"""

from __future__ import annotations

from search.core.trial import Row, State
from search.engine.decide.context import Context
from search.engine.decide.course import Phase
from search.engine.decide.death import Death
from search.engine.decide.lease import Lease
from search.engine.decide.lending import Lending
from search.ledger.states import KeptState
from search.study.fold import Fold

ALARM = "an alarm"
"""Why a run ends once an epoch trained again gave another row: whatever it would share now could not be believed."""


class Intake:
    """Takes in what leases bring.

    Args:
        context: the run.
        lending: counts attempts.
    """

    def __init__(self, context: Context, lending: Lending) -> None:
        self._context, self._lending = context, lending
        self._spoilt: set[str] = set()  # keys of which another row came out than the one on record
        self._left: dict[str, int] = {}  # key and epoch in which a lease ended: its worker may have saved that state
        self._begun: dict[str, int] = {}  # key and epoch in which a lease ended that another one is to take over from
        self._deaths: dict[int, int] = {}  # by trial

    def row(self, lease_id: int, row: Row, seconds: float, kept: KeptState | None, unkept: str) -> bool:
        """Commit the next row of a lease with all that follows from it; return whether the lease goes on."""
        context = self._context
        board, keeper, progress = context.board, context.keeper, context.progress
        lease, done = board.lease(lease_id)
        key, epoch = lease.path[done], lease.offset + done + 1
        with context.step() as step:
            stored, fresh = step.put_row(key, epoch, row, seconds, context.run_id)
            if fresh:
                step.log("row", trial=lease.trial, epoch=epoch, key=key, trained=True)
                progress.epochs_trained += 1
            else:
                step.log("retrained", trial=lease.trial, epoch=epoch, key=key)
                progress.epochs_retrained += 1
                if differing := stored.differences(row):
                    context.judge.alarm(step, lease, epoch, key, differing)
                    kept = None
                    self._spoilt.add(key)  # nobody shall go on from there
                    context.move(lambda course: course.stop(ALARM))
            stale = keeper.commit(step, lease, kept)
            fed = board.take(key)
            for fold in fed:
                number = fold.leaf.trial.number
                context.judge.advance(step, fold, stored)
                step.set_trial(number, last_epoch=fold.epoch)
                if number != lease.trial or not fresh:
                    progress.epochs_reused += 1
        board.brought(lease_id)
        for fold in fed:
            board.file(fold)
        if key in self._spoilt:
            keeper.reject([key], [*board])
        if kept is not None:
            keeper.reached(kept, [*board])
            keeper.free(stale, [*board])
        self._unkept(unkept)
        context.pace.row(lease_id, seconds)
        goes_on = context.course.gives_leases and board.goes_on(lease_id, context.pace.stalled())
        if not goes_on:
            context.pace.ends(lease_id)
        context.judge.announce()
        context.on_event("epoch", {"trial": lease.trial, "epoch": epoch, "row": stored, "seconds": seconds})
        context.lock.notify_all()
        return goes_on

    def _unkept(self, reason: str) -> None:
        """Say once that states cannot be kept; what branches off is trained again, so nothing is wrong, only dear."""
        if reason and not self._context.keeper.trouble:
            self._context.keeper.trouble = reason
            self._context.on_event("unkept", {"text": reason})

    def ended(self, lease_id: int, error: str, lost: bool, miss: str, death: Death) -> None:
        """Take note that a lease ended."""
        context = self._context
        board, course = context.board, context.course
        # Read once: a signal may stop the run while this works, and a lease ends either for a change or for good.
        changing = course.phase == Phase.CHANGING and not (error or lost or miss)
        awaited = board.awaiting(lease_id) if changing else set()
        lease, done = board.end(lease_id)
        if lease is None or course.error is not None:
            return
        context.pace.end(lease_id)
        if done and lease.path[done - 1] not in self._spoilt:
            self._left[lease.path[done - 1]] = lease.offset + done
        context.progress.running = board.running
        fold = board.get(lease.trial)
        if fold is not None and not course.ends and (error or lost):
            self._failed(lease, done, fold, error, lost, death)
        if awaited:
            self._lending.take_back(lease.trial)
            board.first |= {lease.trial} & awaited or awaited
            if done:
                self._begun[lease.path[done - 1]] = lease.offset + done
        stale = context.keeper.end(lease, chain_goes_on=lost or bool(awaited) or course.ends)
        if miss and lease.start is not None:
            self._lending.take_back(lease.trial)
            stale = [*stale, lease.start.file.key]
            with context.step() as step:
                step.log("miss", trial=lease.trial, epoch=lease.offset, reason=miss)
            context.on_event("miss", {"text": f"trial {lease.trial}: {miss}; it starts earlier"})
        if stale:
            context.keeper.free(stale, [*board])
        context.lock.notify_all()

    def _failed(self, lease: Lease, done: int, fold: Fold, error: str, lost: bool, death: Death) -> None:
        """A lease ended without its worker or with an exception: the trial failed, or goes back to the queue."""
        context = self._context
        # Attempts that died, not those begun: another lease of the trial may be at work while this one stalled.
        deaths = self._deaths[lease.trial] = self._deaths.get(lease.trial, 0) + lost
        allowed = context.space.search.attempts
        reason, ended_by = error, error.strip().rpartition("\n")[2]
        with context.step() as step:
            if lost:
                ended_by = f"the worker died in each of {deaths} attempts; the last one {death.text}"
                reason = f"{ended_by}\n{death.detail}".strip()
                step.log("died", trial=lease.trial, epoch=lease.offset + done, how=death.text)
            if error or (deaths >= allowed and not context.board.running_for(lease.trial)):
                context.judge.end(step, fold, State.FAILED, ended_by, reason)
        context.board.file(fold)
        if lost:
            which = f"attempt {deaths} of {allowed}"
            context.on_event("died", {"text": f"trial {lease.trial}: its worker {death.text} ({which})"})
        context.judge.announce()

    def take_up(self) -> None:
        """Let leaves start from the states of the leases that ended for a change; no worker writes now."""
        self._context.keeper.take_up(self._begun, [*self._context.board])
        self._begun.clear()

    def collect(self) -> None:
        """Take the states that workers saved when their leases were ended into the record; no worker writes now."""
        context = self._context
        if context.planner.sharing:
            context.keeper.collect(self._left, [*context.board])
            context.keeper.reject(self._spoilt, [*context.board])  # its worker may have saved it since
