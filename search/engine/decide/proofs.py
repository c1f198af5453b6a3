"""What proofs bring back, and what follows where something differs. Called with the driver's lock held."""

from __future__ import annotations

import re
from collections.abc import Sequence

from search.core.trial import TIMED, Row
from search.core.trust import FRESH, SAVED, START
from search.engine.decide.context import Context
from search.engine.decide.death import Death
from search.engine.decide.lease import CAUSE, Proof, Stretch
from search.ledger.kept import KeptState
from search.ledger.ledger import Recorded
from search.ledger.spending import SECONDS

NOT_SAVED = (
    "likely cause: something that training depends on is not in what save() returns, in a script not in what run.keep "
    "is given (a generator, the optimiser's momentum, a counter), or save() changes it"
)
EITHER = f"{NOT_SAVED}, or that stays in the process from one trial to the next"
LEAKS = (
    "likely cause: something stays in the process from one trial to the next (a global, a cache that is changed, a "
    "generator that is not seeded anew)"
)
CHANCE = "likely cause: chance that is not seeded, the time, or the order of a set"
"""What mostly is behind a difference, by where it is seen."""

REMEDY = "what to do: `python -m search verify FILE` says more of the cause; mend it and run the study again"
"""FILE stands for the space file, as people write it."""

KEY_DIGITS = 8
"""Digits of a key that tell it from others to people."""


class Proofs:
    """Takes in what proofs bring.

    Args:
        context: the run.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def proved(self, number: int, rows: Sequence[Row]) -> None:
        """Compare what a proof trained with the rows on record, and record what follows."""
        context = self._context
        proof = context.trust.get(number)
        if proof is None or (proof.kind in context.trust.fallen and proof.what != CAUSE):
            return
        took = context.said_seconds(context.pace.since(number))
        context.progress.epochs_proved += len(rows)
        context.pace.proved(number, len(rows))
        if proof.what == CAUSE:
            self._caused(proof, rows)
            return
        keys = [stretch.key for stretch in proof.stretches]
        on_record = context.ledger.rows(list(dict.fromkeys(keys)), predictions=True, scores=True)
        if not all(key in on_record for key in keys):  # withdrawn by another driver, in the meantime
            self._not_given(proof, "the row that it is compared with is no longer on record")
            return
        for place, (stretch, row) in enumerate(zip(proof.stretches, rows, strict=True)):
            if on_record[stretch.key].row.differences(row):
                self._fails(proof, place, on_record[stretch.key], row)
                return
        with context.step() as step:
            state = proof.stretches[0].start
            key = state.file.key if state is not None else keys[0]
            if proof.completes:
                step.put_proof(proof.kind, proof.what, key, context.run_id)
            step.log("proven", kind_of_training=proof.kind, what=proof.what, key=key, epochs=len(rows), **took)
            context.budget.trained(took.get(SECONDS, 0.0), new=False)
            context.budget.look(step)
        context.trust.held(proof)
        context.on_event("proven", {"proof": proof})

    def ended(self, number: int, error: str, lost: bool, miss: str, death: Death) -> None:
        """Take note that a proof is over; where it brought nothing, it is given again, or its leaves start earlier."""
        context = self._context
        proof = context.trust.end(number)
        context.pace.end(number)
        context.count_running()
        if proof is not None and context.course.error is None:
            state = proof.stretches[0].start
            if miss and state is not None:
                which = self.state_of(state)
                context.trust.drop_pair(proof.kind, state.file.key)
                with context.step() as step:
                    step.log("miss", epoch=state.epoch, reason=miss)
                context.keeper.free([state.file.key], context.board.touched)
                text = f"not proven: {which}: {miss}; it is not used, another one is proven or trained again"
                context.on_event("miss", {"text": text})
            elif error or lost:
                self._not_given(proof, error.strip().rpartition("\n")[2] if error else f"its worker {death.text}")
        context.lock.notify_all()

    def _not_given(self, proof: Proof, reason: str) -> None:
        """A proof could not be given, which says nothing of the workload."""
        context = self._context
        with context.step() as step:
            step.log("not proven", kind_of_training=proof.kind, what=proof.what, reason=reason)
        if proof.what == CAUSE:
            return
        if not context.trust.not_given(proof):
            follows = "it is tried again"
        elif proof.what == START:
            follows = "rows of this kind stand unproven; run the study again to prove them"
        else:
            follows = "what would have started from such states starts earlier; nothing needs to be done"
        tried = " and ".join(dict.fromkeys(self._place(stretch) for stretch in proof.stretches))
        context.on_event(
            "not proven", {"text": f"not proven: {tried} could not be trained again ({reason}); {follows}"}
        )

    def _place(self, stretch: Stretch) -> str:
        """Name an epoch that a proof trains: whose it is, and the state it starts from."""
        if stretch.start is None:
            return f"epoch 1 of {self.trained_by(stretch.key)}"
        return f"epoch {stretch.epoch} from {self.state_of(stretch.start)}"

    def state_of(self, state: KeptState) -> str:
        """Name a state: its epoch, the trial that saved it, and its key."""
        return f"the state after epoch {state.epoch} of {self.trained_by(state.file.key)}"

    def trained_by(self, key: str) -> str:
        """Name the trial that trained an epoch, and the epoch's key. Reads the whole log: for what is rarely said."""
        ledger, mine = self._context.ledger, self._context.record
        digits = f"(key {key[:KEY_DIGITS]})"
        for record in (mine, *(other for other in ledger.studies() if other.id != mine.id)):
            trained = ledger.decisions(record.id, ["row", "retrained"])
            trial = next((entry.trial for entry in trained if entry.key == key), None)
            if trial is not None:
                study = "" if record.id == mine.id else f" of study {record.name!r}"
                return f"trial {trial}{study} {digits}"
        return f"a trial that is no longer on record {digits}"

    # Where something differs --------------------------------------------------------------------------------------

    def _fails(self, proof: Proof, place: int, stored: Recorded, row: Row) -> None:
        """A proof failed: say what differs, and what is mostly behind it."""
        stretch, differing = proof.stretches[place], difference(stored.row, row)
        if stretch.start is not None:
            begin = "trained again in a fresh process"
            cause = NOT_SAVED if stored.origin in (FRESH, SAVED) else EITHER  # the process that saved it was a used one
        elif stretch.before or (place and len(proof.processes) == 1):
            begin, cause = "trained again in a process that had begun other trials before", LEAKS
        elif stored.origin == FRESH:
            begin, cause = "trained again in a fresh process", CHANCE
        else:
            begin, cause = (
                "trained again in a fresh process, where the first one had trained another trial before",
                LEAKS,
            )
        self.distrust(proof.kind, f"{self._place(stretch)}, {begin}: {differing}; {cause}; {self.remedy}")

    def _caused(self, proof: Proof, rows: Sequence[Row]) -> None:
        """Two fresh processes trained the first epoch of a kind that is distrusted."""
        if rows[0].differences(rows[1]):
            what = difference(rows[0], rows[1], "in the other")
            place = self._place(proof.stretches[0])
            text = f"two fresh processes do not train {place} alike: {what}; {CHANCE}; {self.remedy}"
            self.distrust(proof.kind, text, repeatable=False)

    @property
    def remedy(self) -> str:
        """Say what to do."""
        return REMEDY.replace("FILE", self._context.space.file or "FILE")

    def distrust(self, kind: str, text: str, repeatable: bool = True) -> None:
        """Let nothing of a kind be shared from now on, by anybody; its rows that may be wrong are withdrawn.

        Args:
            kind: the kind.
            text: what differs, and the likely cause.
            repeatable: whether two fresh processes train the same bits from epoch 0, as far as is known.
        """
        context = self._context
        context.ledger.distrust(kind, text, repeatable, context.run_id)
        context.trust.fall(kind, look_for_cause=repeatable)
        context.progress.alarms.append(text)
        context.on_event("alarm", {"text": text})
        context.lock.notify_all()


LIKE_TIMES = re.compile(r"(\b|_)(time|seconds|runtime|duration|elapsed|latency|throughput)(_|\b)|per_sec")
"""Names of metrics that are likely to be times, or rates."""


def difference(stored: Row, row: Row, where: str = "on record") -> str:
    """Say in what two rows differ: the first metric with both values, and how many others."""
    first, *more = stored.differences(row)
    others = f" ({len(more)} others differ, too)" if more else ""
    if first not in {**stored.metrics, **row.metrics}:  # predictions or scores
        return f"{first} differ from those {where}{others}"
    told = f"{first} is {row.metrics.get(first)!r}, and {stored.metrics.get(first)!r} {where}{others}"
    return f"{told} (a time? named `{TIMED}...` it is compared with no other)" if LIKE_TIMES.search(first) else told
