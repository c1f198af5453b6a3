"""The undecided leaves of a run: which row each one waits for, and which of them can be started. Pure bookkeeping."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from itertools import count
from typing import TypeVar

from search.core.stopping import StopRule
from search.engine.decide.lease import Lease
from search.engine.decide.untouched import Untouched
from search.ledger.kept import KeptState, Role
from search.study.fold import Fold

Place = TypeVar("Place")


class Board:
    """Undecided leaves and running leases.

    Every undecided leaf stands under the key of the row it needs next; a committed row finds there all leaves it feeds.
    Leaves that share any epoch share the first one: they are *kin*, and no other leaf is looked at for a lease of one.
    Those that no row was fed to yet, and those that are paused, may be thousands: neither are looked at one by one.
    """

    def __init__(self) -> None:
        self._folds: dict[int, Fold] = {}
        self._turns: dict[int, int] = {}  # trial -> its place in the order in which leaves came
        self._next_turn = count()
        self._kin: dict[str, dict[int, Fold]] = defaultdict(dict)  # first key -> leaves, by number
        self._active: dict[int, Fold] = {}  # leaves that have a row, and are not paused
        self.untouched = Untouched()
        self._waiting: dict[str, set[int]] = defaultdict(set)
        self._paused: dict[tuple[int, str], set[int]] = defaultdict(set)  # rung and key -> leaves
        self._leases: dict[int, tuple[Lease, int]] = {}  # lease -> rows it has brought
        self._roots: dict[int, str] = {}  # lease -> first key of the leaf that it trains
        self.first: set[int] = set()
        """Trials that are started before all others: they were begun, and their leases ended for all to change over."""
        self.saved: dict[int, KeptState] = {}
        """Lease -> the state that it saved behind its last row."""

    def __len__(self) -> int:
        """Undecided leaves."""
        return len(self._folds)

    def __iter__(self) -> Iterator[Fold]:
        return iter(self._folds.values())

    @property
    def running(self) -> int:
        """Running leases."""
        return len(self._leases)

    @property
    def configurations(self) -> set[int]:
        """Configurations with an undecided leaf that is not paused."""
        return {fold.leaf.trial.configuration for leaves in (self._active.values(), self.untouched) for fold in leaves}

    @property
    def epochs(self) -> int:
        """Epochs that undecided leaves may still need, each counted once that several share."""
        return len({key for fold in self for key in fold.leaf.path[fold.epoch :]})

    def get(self, trial: int) -> Fold | None:
        """Return an undecided leaf."""
        return self._folds.get(trial)

    def file(self, fold: Fold) -> None:
        """Put a leaf under the key it needs next, or under its rung where it is paused, or take it off where it is
        decided."""
        number, kin = fold.leaf.trial.number, self._kin[fold.leaf.path[0]]
        self._active.pop(number, None)
        self.untouched.discard(number)
        if fold.ended:
            self._folds.pop(number, None)
            self._turns.pop(number, None)
            kin.pop(number, None)
            if not kin:
                del self._kin[fold.leaf.path[0]]
            _take_off(self._paused, fold.rung, number)
            _take_off(self._waiting, fold.next_key, number)
            return
        self._folds[number] = kin[number] = fold
        if number not in self._turns:
            self._turns[number] = next(self._next_turn)
        if fold.paused:
            self._paused[fold.rung].add(number)
            return
        assert fold.next_key is not None
        self._waiting[fold.next_key].add(number)
        if fold.epoch:
            self._active[number] = fold
        else:
            self.untouched.add(fold)

    def replace(self, fold: Fold, again: Fold) -> None:
        """Let a leaf begin anew."""
        _take_off(self._waiting, fold.next_key, fold.leaf.trial.number)
        self.file(again)

    def release(self, rung: tuple[int, str]) -> list[Fold]:
        """Return the leaves that paused at a rung with this key, by number; they must be filed again."""
        released = [self._folds[number] for number in sorted(self._paused.pop(rung, ()))]
        for fold in released:
            fold.paused = False
        return released

    @property
    def unpaused(self) -> int:
        """Undecided leaves that are not paused."""
        return len(self._active) + len(self.untouched)

    @property
    def all_paused(self) -> bool:
        """Whether leaves are undecided, and all of them are paused."""
        return bool(self._folds) and not (self._active or self.untouched)

    def kin(self, fold: Fold) -> Collection[Fold]:
        """Return the undecided leaves that share the first epoch of a leaf, and it."""
        return self._kin_of(fold.leaf.path[0])

    def kin_of_lease(self, lease_id: int) -> Collection[Fold]:
        """Return the undecided leaves that share the first epoch of the leaf that a running lease trains."""
        return self._kin_of(self._roots[lease_id])

    def _kin_of(self, first_key: str) -> Collection[Fold]:
        return self._kin[first_key].values() if first_key in self._kin else ()

    def touched(self) -> Iterator[Fold]:
        """Yield the undecided leaves that have a row: no other one starts from a state."""
        return (fold for fold in self if fold.epoch)

    def take(self, key: str) -> list[Fold]:
        """Return the leaves that wait for `key`, by number; they must be filed again once they are fed."""
        return [self._folds[number] for number in sorted(self._waiting.pop(key, ()))]

    def ends(self, fold: Fold) -> list[tuple[int, StopRule]]:
        """Return the stop rules of leaves that wait for rows of a leaf's path, equal ones once: see `Lease.ends`."""
        ahead = set(fold.leaf.path[fold.epoch :])
        kin = self.kin(fold)
        rules = {(one.epoch, repr(one.rule)): one.rule for one in kin if one.rule.metric and one.next_key in ahead}
        return [(epoch, deepcopy(rule)) for (epoch, _), rule in rules.items()]

    def goes_on(self, lease_id: int, stalled: Collection[int] = ()) -> bool:
        """Whether an undecided leaf waits for what a lease has still to bring, and no other lease is ahead of it there.

        Two leases are on one path where the first was taken for stalled and then was not.

        Args:
            lease_id: the lease.
            stalled: leases nobody waits for any more.
        """
        lease, done = self._leases[lease_id]
        rest = lease.path[done:]
        others = [pair for number, pair in self._leases.items() if number != lease_id and number not in stalled]
        coming = {key for other, count in others if rest and rest[0] in other.path[: count + 1] for key in other.path}
        return any(self._waiting.get(key) for key in rest if key not in coming)

    def awaiting(self, lease_id: int) -> set[int]:
        """Return the undecided leaves that wait for what a lease has still to bring."""
        if lease_id not in self._leases:
            return set()
        lease, done = self._leases[lease_id]
        return {trial for key in lease.path[done:] for trial in self._waiting.get(key, ())}

    def free(self, stalled: Collection[int] = ()) -> list[Fold]:
        """Return the leaves that wait for no running lease; of the untouched ones those that stand for the others, and
        those that are started before all others.

        What a running lease is about to produce is not started twice: neither a row, nor, where rows are known and
        their states are gone, the way to a state that it will keep.

        Args:
            stalled: leases nobody waits for any more; their own leaves can be started again, too.
        """
        running = [pair for number, pair in self._leases.items() if number not in stalled]
        coming = {key for lease, done in running for key in lease.path[done:]}
        kept = self.states_to_come(stalled)
        taken = {lease.trial for lease, _ in running}
        active = [
            fold
            for fold in self._active.values()
            if fold.next_key not in coming
            and fold.leaf.trial.number not in taken
            and (fold.base == fold.epoch or kept.isdisjoint(fold.leaf.path[fold.base : fold.epoch]))
        ]
        urgent = [fold for number in self.first if (fold := self.untouched.get(number)) is not None]
        untouched = [
            *(fold for fold in urgent if fold.leaf.path[0] not in coming),
            *self.untouched.first_ones(coming),
        ]
        found = {fold.leaf.trial.number: fold for fold in (*active, *untouched)}
        return [found[number] for number in sorted(found, key=self._turns.__getitem__)]

    def to_come(self, stalled: Collection[int] = ()) -> list[Sequence[str]]:
        """Return for each running lease the keys of the rows it has still to bring.

        Args:
            stalled: leases nobody waits for any more.
        """
        return [lease.path[done:] for number, (lease, done) in self._leases.items() if number not in stalled]

    def states_to_come(self, stalled: Collection[int] = ()) -> set[str]:
        """Return the keys whose state a running lease will keep; spaced ones may be left out.

        Args:
            stalled: leases nobody waits for any more.
        """
        running = [pair for number, pair in self._leases.items() if number not in stalled]
        return {key for lease, done in running for key in states_to_come(lease, done)}

    def pairs_to_come(self, stalled: Collection[int] = ()) -> dict[str, list[tuple[int, str]]]:
        """Return kind -> epoch and key of the states that running leases keep, or have just kept, and train on from.

        Args:
            stalled: leases nobody waits for any more, and those that were told to end.
        """
        coming: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, (lease, done) in self._leases.items():
            if number in stalled:
                continue
            end = lease.offset + len(lease.path)
            if (kept := self.saved.get(number)) is not None:
                coming[lease.kind].append((kept.epoch, kept.file.key))
            ahead = [
                (epoch, lease.path[epoch - lease.offset - 1])
                for epoch, role in lease.keep.items()
                if lease.offset + done < epoch < end and role != Role.SPACED
            ]
            coming[lease.kind] += ahead
        return coming

    def start(self, lease: Lease) -> None:
        """A lease began."""
        self._leases[lease.id] = (lease, 0)
        self._roots[lease.id] = self._folds[lease.trial].leaf.path[0]
        self.first -= self.awaiting(lease.id)

    def lease(self, lease_id: int) -> tuple[Lease, int]:
        """Return a running lease and the number of rows it has brought."""
        return self._leases[lease_id]

    def running_for(self, trial: int) -> bool:
        """Whether a lease is running for this leaf."""
        return any(lease.trial == trial for lease, _ in self._leases.values())

    def brought(self, lease_id: int) -> None:
        """A lease brought its next row."""
        lease, done = self._leases[lease_id]
        self.saved.pop(lease_id, None)
        self._leases[lease_id] = (lease, done + 1)

    def end(self, lease_id: int) -> tuple[Lease | None, int]:
        """A lease ended; return it and the rows it brought, or None where it was not running."""
        self.saved.pop(lease_id, None)
        self._roots.pop(lease_id, None)
        return self._leases.pop(lease_id, (None, 0))


def _take_off(leaves: dict[Place, set[int]], place: Place | None, number: int) -> None:
    """Take a leaf off a place where it may stand; one that nobody stands at any more takes no room."""
    if place is not None and place in leaves:
        leaves[place].discard(number)
        if not leaves[place]:
            del leaves[place]


def states_to_come(lease: Lease, done: int) -> Iterator[str]:
    """Yield the keys whose state a lease will keep, once it has brought `done` rows; spaced ones may be left out."""
    for epoch, role in lease.keep.items():
        if epoch > lease.offset + done and role != Role.SPACED:
            yield lease.path[epoch - lease.offset - 1]
