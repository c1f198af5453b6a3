"""Which states of a run are kept, and from which one a lease starts.

A state is worth keeping where trials part: whoever branches off there starts from it. So are, for studies to come, the
end of a chain, the rungs of the pruner, the epochs where settings change, those the workload names as landmarks, and
a few spaced ones where training takes long. A chain in progress has a rolling one besides, for the case that its worker
dies. What is kept stays within a limit of bytes; the least useful goes first (`search.ledger.kept.Role`).

What is not kept costs time, never correctness: a lease starts from the last state there is and trains again what lies
between, and those rows are compared with the ones on record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy

from search.core.prefix import shared
from search.core.stopping import StopRule
from search.engine.decide.lease import Lease
from search.ledger.kept import KeptState, Role
from search.ledger.states import States
from search.ledger.step import Step
from search.study.fold import Fold
from search.study.leaf import Leaf
from search.study.marks import own_marks

Touched = Callable[[], Iterable[Fold]]
"""Yields the undecided leaves that have a row, where somebody asks."""

LOOKS_PER_LIMIT = 100
"""Looks at the size of all states on record while the states of a run would fill the limit of bytes once."""


class Keeper:
    """The states of one run.

    Args:
        states: the ledger's.
        limit: bytes all states may take.
        sharing: where false, only the rolling state of a chain is kept, for nobody else will ask.
        rungs: epochs at which the pruner decides.
        landmarks: epochs the workload names.
        partings: leaf -> epochs behind which trials may part from it that are not known yet.
    """

    def __init__(
        self,
        states: States,
        limit: int,
        sharing: bool = True,
        rungs: Sequence[int] = (),
        landmarks: Sequence[int] = (),
        partings: Callable[[Leaf], Iterable[int]] = lambda leaf: (),
    ) -> None:
        self._states, self._limit, self._sharing = states, limit, sharing
        self._rungs, self._landmarks, self._partings = rungs, landmarks, partings
        self._known: dict[str, KeptState] = {}
        self._rolling: dict[int, KeptState] = {}  # lease -> its rolling state
        self._replaced: dict[int, KeptState] = {}  # lease -> the one before, until the new one has its row behind it
        self._superseded: list[KeptState] = []  # rolling states of leases that ended, where their chains go on
        self._bytes_since_look = limit  # at first nobody knows what is on record
        self.trouble = ""
        """Why states cannot be kept, or ""."""

    @property
    def keeps(self) -> bool:
        """Whether states are kept for others than the chain itself."""
        return self._sharing and self._limit > 0

    def look_up(self, fold: Fold) -> None:
        """Find the last state a leaf can be trained on from, one left behind by a worker that ended included."""
        path = fold.leaf.path[: fold.epoch]
        if path and path[-1] not in self._known:
            self._states.adopt(path[-1], fold.epoch, Role.LAST, fold.leaf.kind)
        self._known |= self._states.find(path)
        self._rebase(fold)

    def _rebase(self, fold: Fold) -> None:
        path = fold.leaf.path
        fold.base = next((epoch for epoch in range(fold.epoch, 0, -1) if path[epoch - 1] in self._known), 0)

    def starts_of(self, fold: Fold) -> Iterator[KeptState]:
        """Yield the states that a lease for this leaf can start from, the last one first."""
        for epoch in range(fold.base, 0, -1):
            if (kept := self._known.get(fold.leaf.path[epoch - 1])) is not None:
                yield kept

    def rebase(self, folds: Iterable[Fold]) -> None:
        """Let leaves start from the last state there is, after some of them had to start from an earlier one."""
        for fold in folds:
            self._rebase(fold)

    def marks(self, fold: Fold, folds: Iterable[Fold]) -> dict[int, Role]:
        """Return the epochs behind which a lease for `fold` saves its state.

        Args:
            fold: the leaf it is for.
            folds: all undecided leaves that share its first epoch.
        """
        if not self.keeps:
            return {}
        path, length = fold.leaf.path, len(fold.leaf.path)
        marks = own_marks(fold.leaf, self._rungs, self._landmarks)
        marks |= dict.fromkeys(self._partings(fold.leaf), Role.BRANCH)
        for other in folds:
            common = shared(path, other.leaf.path)
            if common < len(other.leaf.path) and other.base < common:
                marks[common] = Role.BRANCH
        return {epoch: role for epoch, role in marks.items() if fold.base < epoch <= length}

    def stops(self, fold: Fold, folds: Iterable[Fold]) -> list[tuple[int, StopRule]]:
        """Return what a lease for `fold` saves its state by, besides: see `Lease.stops`; `folds` are as for `marks`."""
        if not self.keeps:
            return []
        ahead = set(fold.leaf.path[fold.epoch :])
        return [(other.epoch, deepcopy(other.rule)) for other in folds if other.next_key in ahead]

    # While leases run ----------------------------------------------------------------------------------------

    def begin(self, lease: Lease) -> None:
        """A lease starts; a rolling state it starts from is replaced by its own."""
        if lease.start is not None and lease.start.role == Role.ROLLING:
            self._rolling[lease.id] = lease.start

    def commit(self, step: Step, lease: Lease, kept: KeptState | None) -> list[str]:
        """Name a state in the transaction that commits its row; return keys of states to be freed after it.

        A rolling state is freed with the row behind the next one: without that row nothing proves the next one, and
        whoever goes on would begin at epoch 0.
        """
        stale = self._replaced.pop(lease.id, None)
        if kept is not None:
            step.put_state(kept)
            self._bytes_since_look += kept.file.size
            self._known[kept.file.key] = kept
            before = self._rolling.pop(lease.id, None)
            if before is not None and before.file.key != kept.file.key:
                self._replaced[lease.id] = before
            if kept.role == Role.ROLLING:
                self._rolling[lease.id] = kept
        return [stale.file.key] if stale is not None else []

    def end(self, lease: Lease, chain_goes_on: bool) -> list[str]:
        """A lease ended; return keys of states to be freed: its rolling ones, unless its chain goes on."""
        stale = [rolling.pop(lease.id) for rolling in (self._replaced, self._rolling) if lease.id in rolling]
        if chain_goes_on:
            self._superseded += stale
            return []
        return [kept.file.key for kept in stale]

    def free(self, keys: Sequence[str], touched: Touched) -> None:
        """Free states, and whatever is beyond the limit; leaves that would have started there start earlier."""
        if keys:
            self._states.forget(keys)
        freed = [*keys, *self._make_room(touched)]
        if freed:
            self._drop(set(freed), touched)

    def _make_room(self, touched: Touched) -> list[str]:
        """Free the least useful states beyond the limit; return their keys. Nothing is looked at before this run's
        states since the last look may have filled a hundredth of the limit: a look reads the size of every state."""
        if self._bytes_since_look * LOOKS_PER_LIMIT < self._limit:
            return []
        self._bytes_since_look = 0
        return self._states.make_room(
            self._limit, lambda: {fold.leaf.path[fold.base - 1] for fold in touched() if fold.base}
        )

    def _drop(self, keys: Collection[str], touched: Touched) -> None:
        for key in keys:
            self._known.pop(key, None)
        for fold in touched():
            if fold.base and fold.leaf.path[fold.base - 1] in keys:
                self._rebase(fold)

    def collect(self, left: Mapping[str, tuple[int, str]], touched: Touched) -> None:
        """Adopt the states that workers left, where there is one, within the limit.

        Args:
            left: key -> epoch in which a lease ended, and its kind.
            touched: yields the undecided leaves that have a row.
        """
        known = self._states.find(list(left))
        for key, (epoch, kind) in left.items():
            if key not in known:
                self._states.adopt(key, epoch, Role.LAST, kind)
        self._bytes_since_look = self._limit
        self.free(self._outlived(touched), touched)

    def take_up(self, left: Mapping[str, tuple[int, str]], touched: Touched) -> None:
        """Adopt the states of chains that go on, once no worker writes; leaves start there where there is one.

        Args:
            left: key -> epoch in which a lease was ended before its time, and its kind.
            touched: yields the undecided leaves that have a row.
        """
        for key, (epoch, kind) in left.items():
            if key not in self._known:
                self._states.adopt(key, epoch, Role.ROLLING, kind)
        self._known |= self._states.find(list(left))
        self.rebase(touched())
        self._bytes_since_look = self._limit
        self.free(self._outlived(touched), touched)

    def _outlived(self, touched: Touched) -> list[str]:
        """Return the rolling states of leases that ended which no undecided leaf can start from.

        An earlier one is wanted beside a later one: it has its row behind it, which proves what starts there.
        """
        if not self._superseded:
            return []
        wanted = {key for fold in touched() for key in fold.leaf.path[: fold.epoch]}
        older = [kept for kept in self._superseded if kept.file.key not in wanted]
        self._superseded = [kept for kept in self._superseded if kept.file.key in wanted]
        rolling = [self._known.get(kept.file.key, kept) for kept in older]
        return [kept.file.key for kept in rolling if kept.role == Role.ROLLING]

    def reached(self, kept: KeptState, folds: Iterable[Fold]) -> None:
        """A state was committed: of these leaves those start there whose path leads through it."""
        for fold in folds:
            epoch = kept.epoch
            if fold.base < epoch <= fold.epoch and fold.leaf.path[epoch - 1] == kept.file.key:
                fold.base = epoch
