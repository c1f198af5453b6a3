"""What leases bring back: rows, and how each one ended. Called with the driver's lock held.

A row is committed together with all that is decided on it; only then is anybody told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from search.core.trial import Row, State
from search.core.trust import FRESH, SAVED, USED
from search.engine.decide.context import Context
from search.engine.decide.course import Phase
from search.engine.decide.death import Death
from search.engine.decide.lease import Lease, Trained
from search.engine.decide.lending import Lending
from search.engine.decide.proofs import CHANCE, KEY_DIGITS, LEAKS, NOT_SAVED, Proofs, difference
from search.ledger.kept import Pair
from search.ledger.step import Step
from search.study.fold import Fold


class Intake:
    """Takes in what leases bring.

    Args:
        context: the run.
        lending: counts attempts.
        proofs: says that a kind is distrusted.
    """

    def __init__(self, context: Context, lending: Lending, proofs: Proofs) -> None:
        self._context, self._lending, self._proofs = context, lending, proofs
        # Key, epoch and kind in which a lease ended: its worker may have saved that state; another is to take over.
        self._left: dict[str, tuple[int, str]] = {}
        self._begun: dict[str, tuple[int, str]] = {}
        self._deaths: dict[int, int] = {}  # by trial
        self._saving: set[int] = set()  # leases whose process has saved a state, or tried to

    def rows(self, lease_id: int, trained: Sequence[Trained]) -> bool:
        """Commit the next rows of a lease with all that follows from them; return whether the lease goes on."""
        context = self._context
        board, keeper, pace = context.board, context.keeper, context.pace
        lease, done = board.lease(lease_id)
        if lease.kind in context.trust.fallen:  # nobody would be shown these rows
            pace.ends(lease_id)
            return False
        stale: list[str] = []
        epochs: list[Mapping[str, Any]] = []
        alarm: tuple[int, Row, Row] | None = None
        with context.step() as step:
            for epoch, measured in enumerate(trained, start=lease.offset + done + 1):
                stored, new, took = self._put(step, lease, epoch, measured)
                if not new and stored.differences(measured.row):
                    text = difference(stored, measured.row)
                    step.log("alarm", trial=lease.trial, epoch=epoch, key=_key(lease, epoch), text=text)
                    alarm = epoch, stored, measured.row
                    break
                stale += self._feed(step, lease, epoch, measured, stored, new, took)
                epochs.append({"trial": lease.trial, "epoch": epoch, "row": stored, "seconds": measured.seconds})
            context.budget.look(step)
        taken = trained[: len(epochs)]
        if stale or any(measured.kept is not None for measured in taken):
            keeper.free(stale, board.touched)
        for place, measured in enumerate(taken):
            self._unkept(measured.unkept)
            pace.row(lease_id, measured.seconds, sum(later.seconds for later in taken[place:]))
        wanted = context.course.gives_leases and board.goes_on(lease_id, pace.stalled())
        goes_on = alarm is None and wanted and context.allows_epoch(lease_id)
        if not goes_on:
            pace.ends(lease_id)
        if taken:
            context.look_ahead(taken[-1].seconds)
        context.judge.announce()
        for about in epochs:
            context.on_event("epoch", about)
        if alarm is not None:
            self._differs(lease, *alarm)
        context.lock.notify_all()
        return goes_on

    def _put(self, step: Step, lease: Lease, epoch: int, trained: Trained) -> tuple[Row, bool, float]:
        """Put the row of an epoch on record; return the one that is there, whether it is this one, and its seconds."""
        context, key = self._context, _key(lease, epoch)
        origin = self._origin(lease, trained.fresh)
        stored, new, took = step.put_row(key, epoch, trained.row, trained.seconds, context.run_id, lease.kind, origin)
        # Of an epoch that is trained once more no row says what it took.
        about: dict[str, Any] = {"trained": True} if new else context.said_seconds(trained.seconds)
        step.log("row" if new else "retrained", trial=lease.trial, epoch=epoch, key=key, **about)
        context.budget.trained(trained.seconds, new)
        context.progress.epochs_trained += new
        context.progress.epochs_retrained += not new
        return stored, new, took

    def _feed(
        self, step: Step, lease: Lease, epoch: int, trained: Trained, stored: Row, new: bool, took: float
    ) -> list[str]:
        """Feed the row of an epoch, with its seconds on record, to the leaves that wait for it; return keys of states
        to be freed."""
        context = self._context
        board, keeper, kept = context.board, context.keeper, trained.kept
        kept = replace(kept, kind=lease.kind) if kept is not None else None
        stale = keeper.commit(step, lease, kept)
        self._pair(step, lease, epoch)
        fed = board.take(_key(lease, epoch))
        for fold in fed:
            number = fold.leaf.trial.number
            context.judge.advance(step, fold, context.measured.told(stored, fold.leaf.data), took)
            step.set_trial(number, last_epoch=fold.epoch)
            if number != lease.trial or not new:
                context.progress.epochs_reused += 1
        if epoch == 1:
            self._root(step, lease, self._origin(lease, trained.fresh))
        board.brought(lease.id)
        for fold in fed:
            board.file(fold)
        if kept is not None or trained.unkept:
            self._saving.add(lease.id)
        if kept is not None:
            board.saved[lease.id] = kept
            keeper.reached(kept, board.kin_of_lease(lease.id))
        return stale

    def _origin(self, lease: Lease, fresh: bool) -> str:
        """Return how the process of a row began, as far as it can have changed the row."""
        if lease.start is not None:
            return lease.start.file.key
        return USED if not fresh else SAVED if lease.id in self._saving else FRESH

    def _pair(self, step: Step, lease: Lease, epoch: int) -> None:
        """The worker that saved a state has trained the row behind it: the two can prove others."""
        state = self._context.board.saved.get(lease.id)
        if state is not None:
            settings = lease.schedule[epoch - lease.offset - 1]
            pair = Pair(state, _key(lease, epoch), lease.fixed, settings, lease.data, lease.inputs)
            made_with = {name: getattr(pair, name) for name in ("fixed", "settings", "data", "inputs")}
            step.put_behind(state.file.key, pair.row_key, made_with)
            self._context.trust.add_pair(lease.kind, pair)

    def _root(self, step: Step, lease: Lease, origin: str) -> None:
        """The first epoch of a trial was trained: the start of its kind can be proven by it, by a later run too."""
        fold = self._context.board.get(lease.trial)
        if fold is None or lease.alone:
            return
        if self._context.trust.add_root(fold.leaf, origin):
            key = lease.path[0]
            step.log("root", trial=lease.trial, epoch=1, key=key, kind_of_training=lease.kind, origin=origin)

    def _differs(self, lease: Lease, epoch: int, stored: Row, row: Row) -> None:
        """An epoch trained again gave another row: which of the two is wrong, nobody knows."""
        cause = CHANCE if lease.alone else LEAKS if lease.start is None else NOT_SAVED
        key, start = lease.path[epoch - lease.offset - 1][:KEY_DIGITS], lease.start
        begin = f" from {self._proofs.state_of(start)}" if start is not None else ""
        place = f"epoch {epoch} of trial {lease.trial} (key {key}), trained again{begin}"
        text = f"{place}: {difference(stored, row)}; {cause}; {self._proofs.remedy}"
        self._context.pace.ends(lease.id)
        self._proofs.distrust(lease.kind, text, repeatable=not lease.alone)

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
        self._saving.discard(lease_id)
        fallen = lease.kind in context.trust.fallen
        if done and not fallen and not lease.alone:
            self._left[lease.path[done - 1]] = lease.offset + done, lease.kind
        context.count_running()
        fold = board.get(lease.trial) if not fallen else None
        if fold is not None and not course.ends and (error or lost):
            self._failed(lease, done, fold, error, lost, death)
        if awaited:
            self._lending.take_back(lease.trial)
            board.first |= {lease.trial} & awaited or awaited
            if done:
                self._begun[lease.path[done - 1]] = lease.offset + done, lease.kind
        ended_by_limit = bool(context.budget.reached)  # which may be raised
        stale = context.keeper.end(lease, chain_goes_on=lost or bool(awaited) or course.ends or ended_by_limit)
        if miss and lease.start is not None:
            self._lending.take_back(lease.trial)
            stale = [*stale, lease.start.file.key]
            with context.step() as step:
                step.log("miss", trial=lease.trial, epoch=lease.offset, reason=miss)
            context.on_event("miss", {"text": f"trial {lease.trial}: {miss}; it starts earlier"})
        if stale:
            context.keeper.free(stale, board.touched)
        if fold is not None and not fold.ended and not lease.alone:
            context.keeper.rebase([fold])
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
        self._context.keeper.take_up(self._begun, self._context.board.touched)
        self._begun.clear()

    def collect(self) -> None:
        """Take the states that workers saved when their leases were ended into the record; no worker writes now."""
        context = self._context
        if context.planner.sharing:
            context.keeper.collect(self._left, context.board.touched)


def _key(lease: Lease, epoch: int) -> str:
    """Return the key of an epoch that a lease trains; epochs count from 1 over the whole trial."""
    return lease.path[epoch - lease.offset - 1]
