"""How many epochs a study takes: at full length, alone, with sharing, and what of it is there already."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from search.ledger.kept import Role
from search.plan.known import Inventory, Known
from search.plan.proofs import Gate
from search.plan.tree import grow, walk
from search.space.model import Space
from search.study.leaf import longest
from search.study.marks import own_marks
from search.study.pruner import decided_at, rungs_of, share_going_on


@dataclass(frozen=True)
class Epochs:
    """Counts of epochs. Where nothing ends a trial early, or the ledger knows how it ends, they are exact.

    Attributes:
        full: every trial at full length.
        alone: every trial trained alone, ending where rows on record say so, else at full length.
        distinct: different ones, every trial at full length.
        needed: different ones, trials ending where rows on record say so.
        recorded: of these, in the ledger already.
        train: of these, to be trained; at most, where stop rules or pruning may end trials that are not decided yet.
        least: to be trained at least.
        expected: to be trained if one in `reduction_factor` goes on at each rung; None without pruning.
        again: trained again to reach a state from which the missing ones can be trained, by a single worker. Where the
            state that a killed run left has no row behind it, a second worker may start earlier than wait for a proof.
        prove: trained in fresh processes, to prove that states can be shared; at most, where `train` is.
    """

    full: int
    alone: int
    distinct: int
    needed: int
    recorded: int
    train: int
    least: int
    expected: float | None
    again: int
    prove: int = 0

    @property
    def exact(self) -> bool:
        """Whether it is known beforehand what will be trained."""
        return self.least == self.train


@dataclass
class Work:
    """What is to be trained.

    Attributes:
        chains: (trial, first and last epoch) of the leases a single worker would be given, in turn; all but the first
            of a branch start where the branch parts from an earlier one.
        missing: epoch key -> trial and epoch it is trained for first.
        again: likewise, for those on record that are trained once more.
        extra: epochs trained once more for each branch, because no states are kept where branches part, or no proof
            can be given for the state there.
    """

    chains: list[tuple[Known, int, int]]
    missing: dict[str, tuple[Known, int]]
    again: dict[str, tuple[Known, int]]
    extra: int

    def add(self, entry: Known, stock: Inventory, gate: Gate, earlier: bool = False) -> bool:
        """Add the chain of a trial, where it needs one that is not there yet; return whether that could be done.

        Args:
            entry: the trial.
            stock: all trials.
            gate: says from which state it starts.
            earlier: whether it may start before the last state there is, where nothing proves that one.
        """
        path = entry.leaf.path
        if path[-1] in self.missing or path[-1] in self.again:
            return True  # the lease of a longer trial trains all of it
        ahead = range(entry.base, len(path))
        first = next((epoch for epoch in ahead if path[epoch] not in self.missing and path[epoch] not in self.again), 0)
        start, passed = gate.start_of(entry, first if gate.keeps else entry.base)
        if passed and not earlier:
            return False
        for epoch in range(start, len(path)):
            if path[epoch] in self.missing or path[epoch] in self.again:
                self.extra += 1
            else:
                (self.again if path[epoch] in stock.rows else self.missing)[path[epoch]] = (entry, epoch + 1)
        gate.begin(entry, start, passed)
        if passed:
            entry.base = start
        self.chains.append((entry, start + 1, len(path)))
        return True


def work_of(stock: Inventory, gate: Gate) -> Work:
    """Return what is to be trained, in the order in which a single worker would: longest remaining work first, but last
    what has to start earlier than from the last state there is, for another chain may bring what proves that.

    Args:
        stock: the trials.
        gate: says from which state each chain starts.
    """
    work = Work([], {}, {}, 0)
    waiting = [entry for entry in stock.trials if not entry.ended]
    waiting.sort(key=lambda entry: (entry.epoch - len(entry.leaf.path), entry.leaf.trial.number))
    while waiting:
        unproven = [entry for entry in waiting if not work.add(entry, stock, gate)]
        if unproven:  # nothing else will bring a proof: the first one starts earlier
            work.add(unproven[0], stock, gate, earlier=True)
        waiting = unproven[1:]
    return work


def count(space: Space, stock: Inventory, work: Work) -> Epochs:
    """Count the epochs of a study; those of configurations that are not chosen yet count as different from all others.

    Args:
        space: its lengths, stop rules and pruning are used.
        stock: its trials.
        work: what is to be trained of them.
    """
    unseen = stock.unasked * len(space.seeds)
    length = longest(space)
    distinct = {key for known in stock.trials for key in known.leaf.path}
    needed = {key for known in stock.trials for key in known.leaf.path[: known.length]}
    recorded = sum(key in stock.rows for key in needed)
    marks = decided_at(space)
    certain = {
        key
        for known in stock.trials
        if not known.ended
        for key in known.leaf.path[known.epoch : _least(known, marks)]
        if key in work.missing
    }
    expected = None
    if (share := share_going_on(space)) is not None:
        expected = sum(share(known.epoch, epoch) for known, epoch in work.missing.values())
        expected += unseen * sum(share(0, epoch) for epoch in range(1, length + 1))
    return Epochs(
        full=sum(len(known.leaf.path) for known in stock.trials) + unseen * length,
        alone=sum(known.length for known in stock.trials) + unseen * length,
        distinct=len(distinct) + unseen * length,
        needed=len(needed) + unseen * length,
        recorded=recorded,
        train=len(work.missing) + unseen * length,
        least=len(certain),
        expected=expected,
        again=len(work.again) + work.extra,
    )


def _least(known: Known, marks: Sequence[int]) -> int:
    """Return the first epoch at which a trial that is not decided yet may end."""
    length = len(known.leaf.path)
    settings = known.leaf.trial.settings
    if settings.get("stop.rule", "none") != "none" and settings.get("stop.alpha", 0) is not None:
        return min(length, known.epoch + 1)
    behind = bisect_right(marks, known.epoch)
    return min(length, marks[behind]) if behind < len(marks) else length


def states_kept(
    space: Space, stock: Inventory, work: Work, landmarks: Iterable[int], spaced: Mapping[int, bool]
) -> list[str]:
    """Return the keys of the states a run keeps if nothing ends a trial early, rolling ones apart.

    Args:
        space, stock, work: the study.
        landmarks: epochs the workload names.
        spaced: number of a trial -> whether its epochs take so long that spaced states are kept.
    """
    landmarks, marks = tuple(landmarks), rungs_of(space)
    undecided = {id(entry.leaf): entry for entry in stock.trials if not entry.ended}
    kept: dict[str, None] = {}
    for _, _, stage in walk(grow([entry.leaf for entry in undecided.values()])):
        # A branch counts for those that have no later state to start from.
        sides = sum(any(undecided[id(leaf)].base < stage.end for leaf in child.leaves) for child in stage.children)
        key = stage.keys[-1]
        if sides > 1 and (key in work.missing or key in work.again):
            kept[key] = None
    for entry, _, _ in work.chains:
        path = entry.leaf.path
        for epoch, role in own_marks(entry.leaf, marks, landmarks).items():
            if entry.base < epoch <= len(path) and (role != Role.SPACED or spaced[entry.leaf.trial.number]):
                key = path[epoch - 1]
                owner = work.missing.get(key) or work.again.get(key)
                if owner is not None and owner[0] is entry:
                    kept[key] = None
    return list(kept)
