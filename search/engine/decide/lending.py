"""What is trained next: a proof, or a leaf, and the lease for it. Called with the driver's lock held."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from search.core.order import Candidate, Choice, Order, costs_nothing
from search.core.schedule import Model, Tail, model_of
from search.core.trial import State
from search.engine.decide.context import Context
from search.engine.decide.lease import Lease, Proof
from search.engine.decide.trust import Advice, Answer, behind
from search.ledger.kept import KeptState, Role
from search.study.fold import Fold
from search.study.leaf import Leaf, longest
from search.workload.form import Form, form_on_record

AFRESH = "trained once more from epoch 0, in a workload that does not train the same bits twice"
"""Why rows of a trial are withdrawn that an earlier attempt left."""

MAX_LEAVES_FORESEEN = 300
"""Undecided leaves up to which it is worked out what the order costs in which they are started."""


@dataclass(frozen=True)
class Start:
    """A leaf that can be started.

    Attributes:
        fold: the leaf.
        state: it starts from, None for epoch 0.
        passed: later states of its path that nothing proves: it saves them again, with the rows behind them.
        loss: epochs by which the study ends later because this leaf is started now.
        proof: what is to be proven before it can be.
    """

    fold: Fold
    state: KeptState | None = None
    passed: Sequence[KeptState] = ()
    loss: float = 0.0
    proof: Proof | None = None


class Lending:
    """Hands out leases and proofs.

    Args:
        context: the run.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_lease = 0
        self._attempts: dict[int, int] = {}  # by trial
        seeds = context.space.seeds if context.space.search.sampler == "grid" else ()
        self._ranks = {seed: rank for rank, seed in enumerate(seeds)}
        self._longest = longest(context.space)
        self._counted = (0, 0)  # leaves on the board when its epochs were counted, and these
        self.order = Order()

    def ready(self) -> Start | Proof | None:
        """Return what to give next, or None; leases that are far slower than the rest hold nobody up.

        Proofs come first, for others wait for them; then leaves. Those that have to start earlier than they could come
        last, and so does what proves their start: another leaf may bring what they lack.
        """
        context = self._context
        if not context.course.grid_loaded or context.budget.reached:
            return None
        stalled = context.pace.stalled()
        if (proof := self._owed(stalled)) is not None:
            return proof
        self._promote()
        coming = context.board.pairs_to_come(stalled | context.pace.ending)
        starts: list[Start] = []
        for fold in context.board.free(stalled):
            if fold.leaf.kind in context.trust.fallen:
                continue
            start = self._looked_at(fold, coming.get(fold.leaf.kind, ()), stalled)
            if start is not None and start.proof is not None and not start.passed:
                return start.proof
            starts += [start] if start is not None else []
        if not starts:
            self._end_paused()
            return None
        first = self._first(starts, stalled)
        if first.proof is not None:
            return first.proof
        return first if context.allows_epoch() else None

    def _promote(self) -> None:
        """Let paused trials go on that belong to the best by now; a new one is started only where there is none."""
        context, board = self._context, self._context.board
        board.first = {number for number in board.first if (fold := board.get(number)) is not None and not fold.paused}
        while not board.first and (rung := context.judge.promotable()) is not None:
            with context.step() as step:
                context.judge.promote(step, rung)
                folds = board.release(rung)
                data = {key: fold.leaf.data for fold in folds for key in fold.leaf.path[fold.epoch :]}
                known = context.measured.rows(data) if data else {}
                for fold in folds:
                    before = fold.epoch
                    context.judge.catch_up(step, fold, known)
                    context.progress.epochs_reused += fold.epoch - before
                    step.set_trial(fold.leaf.trial.number, last_epoch=fold.epoch)
            for fold in folds:
                if not fold.ended and not context.alone(fold.leaf.kind):
                    context.keeper.look_up(fold)
                board.file(fold)
            board.first = {fold.leaf.trial.number for fold in folds if not (fold.ended or fold.paused)}
            context.judge.announce()

    def _end_paused(self) -> None:
        """End the trials that are still paused where nothing else will come: they were not among the best."""
        context, board = self._context, self._context.board
        if not context.course.planned or context.running or not board.all_paused:
            return
        folds = sorted(board, key=lambda fold: fold.leaf.trial.number)
        with context.step() as step:
            for fold in folds:
                context.judge.end(step, fold, State.PRUNED, f"rung {fold.epoch}")
        for fold in folds:
            board.file(fold)
        context.count_running()
        context.judge.announce()
        context.lock.notify_all()

    def _first(self, starts: Sequence[Start], stalled: Collection[int]) -> Start:
        """Return the leaf to start next: one that was begun and ended for all to change over goes before all others,
        then one that needs no way back; among these `search.core.order` decides."""
        begun = self._context.board.first

        def urgency(start: Start) -> tuple[bool, bool]:
            return start.fold.leaf.trial.number in begun, not start.passed

        most = max(map(urgency, starts))
        urgent = {start.fold.leaf.trial.number: start for start in starts if urgency(start) == most}
        if all(start.passed for start in urgent.values()):  # as `search.plan.counts` expects it: fewest epochs again
            return min(urgent.values(), key=lambda start: (-start.fold.remaining, start.fold.leaf.trial.number))
        candidates = [
            Candidate(number, self._rank(start.fold), start.fold.remaining) for number, start in urgent.items()
        ]
        choice = self._choice(candidates, stalled)
        return replace(urgent[choice.number], loss=choice.loss)

    def _choice(self, candidates: Sequence[Candidate], stalled: Collection[int]) -> Choice:
        board, workers = self._context.board, self._context.workers
        trained, large = self._context.progress.epochs_trained, len(board) > MAX_LEAVES_FORESEEN

        def moment() -> Model | None:
            if large:
                return None
            tails = [Tail(fold.leaf.trial.number, self._rank(fold), fold.leaf.path[fold.epoch :]) for fold in board]
            return model_of(tails, workers, board.to_come(stalled))

        free = False
        if large and self._ranks:
            if abs(self._counted[0] - len(board)) > len(board) / 20:
                self._counted = len(board), board.epochs
            free = costs_nothing(self._longest, workers, trained + self._counted[1])
        return self.order.choose(candidates, moment, trained / workers, free)

    def _rank(self, fold: Fold) -> int:
        return self._ranks.get(fold.leaf.trial.seed, 0)

    def _owed(self, stalled: Collection[int]) -> Proof | None:
        """Return what is owed beside the leaves: the cause of a distrust, or the proof of a start."""
        trust = self._context.trust
        if trust.causes:
            return trust.cause(self._next_lease, trust.causes[0])
        for kind in trust.owing(stalled):
            if (proof := trust.start_proof(self._next_lease, kind, self._more_roots(kind))) is not None:
                return proof
        return None

    def _more_roots(self, kind: str) -> bool:
        """Whether a leaf may still bring another root of a kind; where one has fallen, no more leaves are asked for."""
        if not (self._context.course.planned or self._context.trust.fallen):
            return True
        known = self._context.trust.roots(kind)
        return any(fold.leaf.path[0] not in known for fold in self._context.board.untouched.of_kind(kind))

    def _looked_at(self, fold: Fold, coming: Collection[tuple[int, str]], stalled: Collection[int]) -> Start | None:
        """Return how a leaf starts, with the proof that is given in its stead where one is, or None where it waits."""
        trust = self._context.trust
        passed: list[KeptState] = []
        for state in self._context.keeper.starts_of(fold):
            advice = trust.advise(fold.leaf.kind, state, coming, stalled)
            while advice.answer == Answer.PROVE and not self._on_record(fold.leaf.kind, advice):
                advice = trust.advise(fold.leaf.kind, state, coming, stalled)
            if advice.answer == Answer.START:
                return self._unless_on_its_way(Start(fold, state, passed), stalled)
            if advice.answer == Answer.WAIT:
                return None
            if advice.pair is not None:
                proof = Proof(self._next_lease, fold.leaf.kind, advice.what, [[behind(advice.pair)]])
                return self._unless_on_its_way(Start(fold, state, passed, proof=proof), stalled)
            passed.append(state)
        return self._unless_on_its_way(Start(fold, None, passed), stalled)

    def _unless_on_its_way(self, start: Start, stalled: Collection[int]) -> Start | None:
        """Return how a leaf starts; None where it starts so early that a running lease will save a later state."""
        if not start.passed:
            return start  # the leaves that are free wait for no state behind their last one
        fold, epoch = start.fold, start.state.epoch if start.state is not None else 0
        coming = self._context.board.states_to_come(stalled)
        return start if coming.isdisjoint(fold.leaf.path[epoch : fold.epoch]) else None

    def _on_record(self, kind: str, advice: Advice) -> bool:
        """Whether the state of a pair, and its row, are still on record; else the pair is forgotten."""
        pair, ledger = advice.pair, self._context.ledger
        assert pair is not None
        key = pair.state.file.key
        if ledger.states.find([key]) and ledger.rows([pair.row_key]):
            return True
        self._context.trust.drop_pair(kind, key)
        return False

    # Given ------------------------------------------------------------------------------------------------------

    def give(self, found: Start | Proof) -> Lease | Proof:
        """Return the lease for a leaf, or the proof, recorded as begun."""
        given = self._prove(found) if isinstance(found, Proof) else self._start(found)
        self._next_lease += 1
        self._context.pace.start(given.id)
        self._context.count_running()
        return given

    def _prove(self, proof: Proof) -> Proof:
        context = self._context
        with context.step() as step:
            keys = [stretch.key for stretch in proof.stretches]
            step.log("proof", kind_of_training=proof.kind, what=proof.what, lease=proof.id, keys=keys)
        context.trust.begin(proof)
        context.on_event("proving", {"proof": proof})
        return proof

    def _start(self, start: Start) -> Lease:
        context, fold = self._context, start.fold
        self.order.spent += start.loss
        leaf, number = fold.leaf, fold.leaf.trial.number
        alone = context.alone(leaf.kind)
        if alone:
            fold = self._afresh(fold)
        fold.base = start.state.epoch if start.state is not None else 0
        kin = context.board.kin(fold)
        keep = {} if alone else context.keeper.marks(fold, kin)
        keep |= self._proving_marks(start, len(leaf.path)) if not alone else {}
        stops = () if context.course.planned or alone else context.keeper.stops(fold, kin)
        lease = Lease(
            id=self._next_lease,
            trial=number,
            fixed=leaf.fixed,
            schedule=leaf.schedule[fold.base :],
            path=leaf.path[fold.base :],
            start=start.state,
            keep=keep,
            stops=stops,
            ends=context.board.ends(fold),
            data=leaf.data,
            inputs=leaf.inputs,
            form=self._form(leaf, fold.base),
            kind=leaf.kind,
            alone=alone,
        )
        attempt = self._attempts[number] = self._attempts.get(number, 0) + 1
        with context.step() as step:
            step.set_trial(number, state=State.RUNNING, attempts=attempt)
            step.log("lease", trial=number, lease=lease.id, attempt=attempt, start=lease.offset)
        begun = fold.state == State.RUNNING
        if not begun:
            context.progress.move(State.WAITING, State.RUNNING)
            fold.state = State.RUNNING
        context.board.start(lease)
        context.keeper.begin(lease)
        context.on_event("started", {"trial": leaf.trial, "attempt": attempt, "begun": begun})
        return lease

    def _proving_marks(self, start: Start, length: int) -> dict[int, Role]:
        """Return the epochs behind which a lease saves its state to prove others: those that nothing proved yet, and,
        where more leaves are to come that may go on from any end of a chain, one of each depth."""
        context, fold = self._context, start.fold
        if not context.keeper.keeps:
            return {}
        ahead = [] if context.course.planned else context.trust.unpaired(fold.leaf.kind, length)
        marks = dict.fromkeys((epoch for epoch in ahead if epoch > fold.base), Role.LANDMARK)
        return marks | {state.epoch: Role.BRANCH for state in start.passed}

    def _afresh(self, fold: Fold) -> Fold:
        """Forget the rows of an earlier attempt where its workload does not train the same bits twice."""
        context, kind = self._context, fold.leaf.kind
        distrust = context.ledger.distrusted([kind]).get(kind)
        if not fold.epoch or distrust is None or distrust.repeatable:
            return fold
        context.ledger.withdraw(kind, fold.leaf.path[: fold.epoch], AFRESH, context.run_id)
        again = Fold(fold.leaf, fold.objective, state=fold.state, limit_s=fold.limit_s, further=fold.further)
        context.board.replace(fold, again)
        return again

    def take_back(self, trial: int) -> None:
        """Do not count the last attempt of a trial: it ended for no fault of its own."""
        self._attempts[trial] -= 1

    def _form(self, leaf: Leaf, epoch: int) -> Form | None:
        """Return the form of the row of an epoch on a leaf's path; None of epoch 0."""
        keys = leaf.path[epoch - 1 : epoch] if epoch else []
        rows = self._context.ledger.rows(keys, predictions=True, scores=True)
        return next((form_on_record(recorded.row) for recorded in rows.values()), None)
