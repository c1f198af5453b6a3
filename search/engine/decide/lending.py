"""Which leaf is trained next, and the lease for it. Called with the driver's lock held."""

from __future__ import annotations

from search.core.trial import State
from search.engine.decide.context import Context
from search.engine.decide.lease import Lease
from search.study.fold import Fold
from search.study.leaf import Leaf
from search.workload.form import Form, form_of


class Lending:
    """Hands out leases.

    Args:
        context: the run.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_lease = 0
        self._attempts: dict[int, int] = {}  # by trial

    def ready(self) -> Fold | None:
        """Return the leaf to start next; leases that are far slower than the rest hold nobody up."""
        context = self._context
        return context.board.ready(context.pace.stalled()) if context.course.grid_loaded else None

    def start(self, fold: Fold) -> Lease:
        """Return the lease for a leaf, recorded as begun."""
        context, leaf, number = self._context, fold.leaf, fold.leaf.trial.number
        start, keep = context.keeper.start_of(fold), context.keeper.marks(fold, context.board)
        stops = () if context.course.planned else context.keeper.stops(fold, context.board)
        schedule, path = leaf.schedule[fold.base :], leaf.path[fold.base :]
        about = (leaf.data, leaf.inputs, self._form(leaf, fold.base))
        lease = Lease(self._next_lease, number, leaf.fixed, schedule, path, start, keep, stops, *about)
        self._next_lease += 1
        attempt = self._attempts[number] = self._attempts.get(number, 0) + 1
        with context.step() as step:
            step.set_trial(number, state=State.RUNNING, attempts=attempt)
            step.log("lease", trial=number, lease=lease.id, attempt=attempt, start=lease.offset)
        begun = fold.state == State.RUNNING
        if not begun:
            context.progress.move(State.WAITING, State.RUNNING)
            fold.state = State.RUNNING
        context.board.start(lease)
        context.pace.start(lease.id)
        context.keeper.begin(lease)
        context.progress.running = context.board.running
        context.on_event("started", {"trial": leaf.trial, "attempt": attempt, "begun": begun})
        return lease

    def take_back(self, trial: int) -> None:
        """Do not count the last attempt of a trial: it ended for no fault of its own."""
        self._attempts[trial] -= 1

    def _form(self, leaf: Leaf, epoch: int) -> Form | None:
        """Return the form of the row of an epoch on a leaf's path; None of epoch 0."""
        keys = leaf.path[epoch - 1 : epoch] if epoch else []
        rows = self._context.ledger.rows(keys, predictions=True)
        return next((form_of(recorded.row) for recorded in rows.values()), None)
