"""The planner's thread: asks the sampler for configurations, and puts their leaves on the board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from search.core.trial import State, Trial
from search.core.trust import START
from search.engine.decide.admission import GRID_CONFIGURATIONS_PER_COMMIT, Admission
from search.engine.decide.context import Context
from search.engine.decide.course import Planning
from search.study.asked import Asked
from search.study.leaf import Leaf
from search.study.pruner import rungs_on_record

MAX_LEAVES_AHEAD = 5_000
"""Undecided leaves of a grid that are looked at together: where trials part is known before the first one starts."""

WAKE_S = 0.5
"""Seconds between two looks at the clock while a thread waits for another: a deadline wakes nobody."""


class Ahead:
    """Plans ahead of the workers. The driver's lock is not held while the sampler thinks, which may take seconds.

    Args:
        context: the run.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._admission = Admission(context)
        self._batch = GRID_CONFIGURATIONS_PER_COMMIT if context.space.search.sampler == "grid" else 1
        self.asked = 0
        """Configurations."""

    def restore(self) -> None:
        """Take up what earlier runs left: numbers, outcomes, and the pruner's log."""
        ledger, record = self._context.ledger, self._context.record
        trials = ledger.trials(record.id)
        if lost := [trial for trial in trials if _left(trial)]:
            with self._context.step() as step:
                for trial in lost:
                    step.set_trial(trial.number, state=State.INTERRUPTED)
                    step.log("interrupted", trial=trial.number, epoch=trial.last_epoch)
            trials = ledger.trials(record.id)
        self._admission.restore(trials)
        self._context.judge.restore(rungs_on_record(ledger, record.id))
        self._context.outcomes.restore(ledger, record, trials)
        self._context.restore_budget()
        self._restore_roots({trial.number: trial for trial in trials})

    def _restore_roots(self, trials: Mapping[int, Trial]) -> None:
        """Take up the starts that an earlier run left unproven."""
        context = self._context
        entries = context.ledger.decisions(context.record.id, ["root"])
        kinds = {entry.detail["kind_of_training"] for entry in entries}
        proven = context.ledger.proofs(kinds)
        for entry in entries:
            kind, trial = entry.detail["kind_of_training"], trials.get(entry.trial if entry.trial is not None else -1)
            if trial is None or START in proven.get(kind, ()) or context.alone(kind):
                continue
            if not context.ledger.rows([entry.key or ""]):
                continue
            leaf = context.planner.leaf(trial.number, trial.configuration, trial.seed, trial.parameters)
            if (leaf.kind, leaf.path[0]) == (kind, entry.key):
                self._meet([leaf])
                context.trust.add_root(leaf, entry.detail["origin"])

    def _meet(self, leaves: Sequence[Leaf]) -> None:
        """Take up what is on record of the kinds of leaves."""
        trust, ledger = self._context.trust, self._context.ledger
        trust.note(leaves)
        if not (kinds := trust.unknown(leaves)):
            return
        proven, distrusted = ledger.proofs(list(kinds)), ledger.distrusted(list(kinds))
        for kind, leaf in kinds.items():
            trust.meet(leaf, proven.get(kind, ()))
            if kind in distrusted and not self._context.alone(kind):  # another driver found it out just now
                trust.fall(kind, look_for_cause=False)

    def run(self) -> None:
        """Ask for configurations and make leaves until there are no more."""
        end = Planning.BROKEN_OFF
        try:
            self._resume()
            while self._wait_for_room():
                self._context.outcomes.tell()
                batch = list(islice(iter(self._context.sampler.ask, None), self._batch))
                self._admit(batch)
                if len(batch) < self._batch:
                    end = Planning.ALL_ASKED
                    break
        except BaseException as error:  # the thread has no caller: whoever waits for leases must hear of it
            failure = error
            self._context.tell(lambda course: course.fail(failure))
        self._context.tell(lambda course: course.plan(end))

    def _wait_for_room(self) -> bool:
        """Wait until another configuration can be used; return whether there may be one."""
        context = self._context
        with context.lock:
            while not (context.course.ends or context.out_of_time or context.budget.reached):
                if self.has_room:
                    return True
                if not context.course.grid_loaded:
                    context.tell(lambda course: course.plan(Planning.LOADED))
                context.lock.wait(WAKE_S)
            return False

    @property
    def has_room(self) -> bool:
        """Whether another configuration is asked for."""
        context = self._context
        if context.sampler.adaptive:
            return len(context.board.configurations) < context.workers
        return context.board.unpaused < MAX_LEAVES_AHEAD  # where all are paused, only a new one brings them on

    def _resume(self) -> None:
        """Admit the sampled configurations of earlier runs again: for unfinished trials, and for seeds added since.

        A grid enumerates its configurations anew and needs no reminder.
        """
        if self._context.space.search.sampler == "grid":
            return
        for asked in self._admission.earlier():
            if self._context.course.ends:
                return
            self._admit([asked])

    def _admit(self, batch: Sequence[Asked]) -> None:
        """Make the leaves of configurations, record them, and settle what the ledger already knows."""
        context = self._context
        self.asked = max([self.asked, *(asked.configuration + 1 for asked in batch)])
        leaves = self._admission.candidates(batch)
        if not leaves:
            return
        with context.lock:
            if context.course.ends:  # the study may be another driver's by now
                return
            self._meet([leaf for leaf, _ in leaves])
            with context.step() as step:
                folds = self._admission.enter(step, batch, leaves)
                context.budget.look(step)
            for fold in folds:
                if fold.ended:
                    context.progress.settled += 1
                elif not context.alone(fold.leaf.kind):
                    context.keeper.look_up(fold)
                context.board.file(fold)
            context.judge.announce()
            context.lock.notify_all()


def _left(trial: Trial) -> bool:
    """Whether a driver that was killed had begun a trial."""
    return trial.state == State.RUNNING or (trial.state == State.WAITING and trial.last_epoch > 0)
