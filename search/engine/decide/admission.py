"""How leaves enter a run: made of configurations, recorded, and settled as far as rows on record go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.core.prefix import fingerprint
from search.core.trial import State, Trial
from search.engine.decide.context import Context
from search.ledger.ledger import Recorded
from search.ledger.step import Step
from search.study.asked import Asked
from search.study.fold import Fold, begun, ended_for_good
from search.study.leaf import Leaf

GRID_CONFIGURATIONS_PER_COMMIT = 50
"""Configurations of a grid that are recorded in one transaction."""

LEAVES_PER_QUERY = 50
"""Leaves whose rows are asked for together."""

Candidate = tuple[Leaf, Trial | None]
"""A leaf, with the trial of an earlier run where there is one."""


class Admission:
    """Numbers trials and takes them in; the planner's thread alone calls it, `enter` with the driver's lock held.

    Args:
        context: the run.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._space, self._progress = context, context.space, context.progress
        self._numbers: dict[tuple[str, int], Trial] = {}  # (parameters, seed) -> trial of an earlier run
        self._next_number = 0

    def restore(self, trials: Sequence[Trial]) -> None:
        """Take up the trials of earlier runs: their numbers and states."""
        for trial in trials:
            self._numbers[fingerprint(trial.parameters), trial.seed] = trial
            self._progress.states[trial.state] += 1
            self._next_number = max(self._next_number, trial.number + 1)

    def earlier(self) -> list[Asked]:
        """Return the configurations of earlier runs, in their order."""
        parameters = {trial.configuration: trial.parameters for trial in self._numbers.values()}
        return [Asked(configuration, parameters[configuration]) for configuration in sorted(parameters)]

    def candidates(self, batch: Sequence[Asked]) -> list[Candidate]:
        """Make the leaves of configurations, but for trials that ended in earlier runs, for good."""
        leaves: list[Candidate] = []
        for asked in batch:
            for seed in self._space.seeds:
                known = self._numbers.get((fingerprint(asked.parameters), seed))
                if known is not None and ended_for_good(known, self._space) and not self._revives(known):
                    continue
                number = known.number if known is not None else self._next_number
                leaves.append((self._context.planner.leaf(number, asked.configuration, seed, asked.parameters), known))
                self._next_number += known is None
        return leaves

    def _revives(self, trial: Trial) -> bool:
        """Whether a trial that ended on a rung may still come to belong to the best."""
        asha = self._space.search.asha
        return asha is not None and asha.promote and trial.state == State.PRUNED

    def enter(self, step: Step, batch: Sequence[Asked], leaves: Sequence[Candidate]) -> list[Fold]:
        """Record leaves and return them with the rows on record folded in."""
        fresh = {leaf.trial.configuration for leaf, known in leaves if known is None}
        for asked in batch:
            if asked.record and asked.configuration in fresh:
                step.log("asked", **asked.record)
        for leaf, known in leaves:
            self._context.outcomes.cost(step, leaf, self._context.planner)
            self._record_trial(step, leaf, known)
        folds = []
        # One question for many leaves: it takes longer than a fold.
        for start in range(0, len(leaves), LEAVES_PER_QUERY):
            some = [leaf for leaf, _ in leaves[start : start + LEAVES_PER_QUERY]]
            rows = self._context.measured.rows({key: leaf.data for leaf in some for key in leaf.path})
            folds += [self._settled(step, leaf, rows) for leaf in some]
        return folds

    def _record_trial(self, step: Step, leaf: Leaf, known: Trial | None) -> None:
        """Record a new trial, or one of an earlier run that is tried again."""
        number = leaf.trial.number
        if known is None:
            step.add_trial(leaf.trial, leaf.path, leaf.data)
            self._progress.states[State.WAITING] += 1
            self._context.outcomes.add(leaf.trial)
            return
        self._progress.move(known.state, State.WAITING)
        # Its keys are others than before where sharing was switched off or the workload changed.
        path = bytes.fromhex("".join(leaf.path))
        fresh = {"ended_by": "", "error": "", "attempts": 0, "last_epoch": 0}
        step.set_trial(number, state=State.WAITING, path=path, data=leaf.data, **fresh)

    def _settled(self, step: Step, leaf: Leaf, known: Mapping[str, Recorded]) -> Fold:
        """Return a leaf with the rows on record folded in; where it has not ended, the rest waits for a lease."""
        fold = begun(leaf, self._space)
        self._context.judge.catch_up(step, fold, known)
        if fold.epoch:
            step.log("reused", trial=leaf.trial.number, epoch=fold.epoch)
            step.set_trial(leaf.trial.number, last_epoch=fold.epoch)
            self._progress.epochs_reused += fold.epoch
        return fold
