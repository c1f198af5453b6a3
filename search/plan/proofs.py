"""Which proofs a run will give before anything is shared, and which leaves must start earlier for want of one.

The rules are those of the driver (`search.engine.decide.trust`), the words those of `search.core.trust`. Where nothing
ends a trial early, the proofs follow from where chains start, whoever trains what first; else they are bounded.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from search.core.prefix import fingerprint
from search.core.trust import Proof, depth_name, depth_of, outline, owed, proves_depth, start_epochs
from search.ledger.kept import Role
from search.ledger.ledger import Ledger, StudyRecord
from search.plan.known import Inventory, Known
from search.plan.tree import grow, walk
from search.space.model import Axis, Grid, Space
from search.space.service import SERVICE_SETTINGS
from search.study.leaf import Leaf, longest
from search.study.marks import own_marks
from search.study.pruner import rungs_of

Start = tuple[str, int, str]
"""Kind, epoch and key of a state that something starts from; "" for the key where it has no row behind it."""


@dataclass(frozen=True)
class Standing:
    """What is proven on record, and what can be.

    Attributes:
        proven: kind -> its proofs.
        pairs: kind -> key of the state -> its epoch, of the states that have their row behind them.
        begun: kinds whose start an earlier run of the study trained, and did not come to prove.
        alone: kinds of which nothing is shared: nothing of them is proven.
    """

    proven: Mapping[str, Collection[str]] = field(default_factory=dict)
    pairs: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    begun: Collection[str] = ()
    alone: Collection[str] = ()


def standing_of(stock: Inventory, ledger: Ledger, record: StudyRecord | None, alone: Collection[str]) -> Standing:
    """Ask the ledger what is proven of the kinds of a study.

    Args:
        stock: its trials.
        ledger: where proofs and pairs are.
        record: the study, where it was begun.
        alone: kinds that are distrusted.
    """
    kinds = {known.leaf.kind for known in stock.trials} - set(alone)
    pairs: dict[str, dict[str, int]] = {}
    for pair in ledger.states.pairs(kinds):
        pairs.setdefault(pair.state.kind, {})[pair.state.file.key] = pair.state.epoch
    roots = ledger.decisions(record.id, ["root"]) if record is not None else []
    first = {known.leaf.path[0]: known.leaf.kind for known in stock.trials if known.leaf.path}
    begun = {first[entry.key] for entry in roots if entry.key in first and entry.key in stock.rows} & kinds
    return Standing(ledger.proofs(kinds), pairs, begun, alone)


class Gate:
    """From which state each chain of a run starts, and what is proven for it. Asked in the order of the chains.

    Args:
        standing: what is on record.
        stock: the trials.
        space: at its rungs states are kept.
        landmarks: epochs the workload names.
        keeps: whether states are kept where trials part.
        own_process: whether each lease is trained in a process of its own.
    """

    def __init__(
        self,
        standing: Standing,
        stock: Inventory,
        space: Space,
        landmarks: Sequence[int],
        keeps: bool,
        own_process: bool = True,
    ) -> None:
        self.standing, self.keeps, self._own_process = standing, keeps, own_process
        self._stock, self._rungs, self._landmarks = stock, rungs_of(space), landmarks
        self._deepest = {kind: max(pairs.values()) for kind, pairs in standing.pairs.items()}  # epoch of a pair
        self._uncounted: list[tuple[Known, int]] = []  # chains whose pairs are not in it yet: few runs ever ask
        self._branches: Mapping[str, Collection[str]] | None = None
        self._saved: set[str] = set()  # keys of states that the chains counted save for certain
        self._ends: set[str] = set()  # keys with which chains end: nothing is trained behind them
        self._passed: set[str] = set()  # keys of states that are saved once more, for nothing proved them
        self._depths: set[tuple[str, int]] = set()
        self.roots: dict[str, None] = {}
        self.starts: list[Start] = []

    def start_of(self, known: Known, last: int) -> tuple[int, list[int]]:
        """Return the epoch behind which a chain starts, and the epochs of later states, which nothing proves.

        Args:
            known: the trial it is for.
            last: the last epoch whose state is there when it starts, 0 where there is none.
        """
        path, kind = known.leaf.path, known.leaf.kind
        passed: list[int] = []
        for epoch in range(last, 0, -1):
            key = path[epoch - 1]
            if not (epoch in (last, known.base) or key in self._stock.states or key in self._saved):
                continue
            if self._has_row_behind(known, epoch) or self._provable(kind, depth_of(epoch)):
                return epoch, passed
            passed.append(epoch)
            self._count_pairs()
        return 0, passed

    def _has_row_behind(self, known: Known, epoch: int) -> bool:
        """Whether the state on a trial's path will have been followed by the row that its own process trained."""
        key = known.leaf.path[epoch - 1]
        if epoch > known.base or key in self._passed:  # of this run: the chain that saved it went on, unless it ended
            return key not in self._ends
        return key in self.standing.pairs.get(known.leaf.kind, ())

    def _provable(self, kind: str, depth: int) -> bool:
        """Whether a depth is proven, or there is a pair by then that proves it."""
        if depth_name(depth) in self.standing.proven.get(kind, ()) or (kind, depth) in self._depths:
            return True
        self._count_pairs()
        return proves_depth(self._deepest.get(kind, 0), depth)

    def _count_pairs(self) -> None:
        """Take in the states that the chains so far save for certain, and the pairs that these bring."""
        if self._branches is None:
            self._branches = _branches(self._stock)
        branches = self._branches
        for trial, start in self._uncounted:
            path, kind = trial.leaf.path, trial.leaf.kind
            marks = _marks(trial.leaf, self._rungs, self._landmarks)
            saved = [
                epoch
                for epoch in range(start + 1, len(path))
                if epoch in marks or set(branches.get(path[epoch - 1], ())) - {path[epoch]}
            ]
            self._saved.update(path[epoch - 1] for epoch in saved)
            self._note_pair(kind, max(saved, default=0))
        self._uncounted.clear()

    def _note_pair(self, kind: str, epoch: int) -> None:
        self._deepest[kind] = max(self._deepest.get(kind, 0), epoch)

    def begin(self, known: Known, start: int, passed: Sequence[int]) -> None:
        """A chain starts behind an epoch, and saves the states once more that nothing proved."""
        path, kind = known.leaf.path, known.leaf.kind
        self._ends.add(path[-1])
        if kind in self.standing.alone:
            return
        if start:
            self.starts.append((kind, start, path[start - 1] if self._has_row_behind(known, start) else ""))
            self._depths.add((kind, depth_of(start)))
        else:
            self.roots[kind] = None
        if self.keeps:
            self._uncounted.append((known, start))
            self._passed.update(path[epoch - 1] for epoch in passed)
            for epoch in passed:
                self._note_pair(kind, epoch)

    def proofs(self) -> dict[Proof, int]:
        """Return the proofs that the run gives, with the epochs of each one, if nothing ends a trial early."""
        return owed([*self.roots, *self.standing.begun], self.starts, self.standing.proven, self._own_process)

    def proofs_at_most(self) -> dict[Proof, int]:
        """Return the proofs that it gives at most, wherever trials end: then chains may start from any state kept."""
        undecided = [known for known in self._stock.trials if not known.ended]
        undecided = [known for known in undecided if known.leaf.kind not in self.standing.alone]
        starts, depths = list(self.starts), dict.fromkeys((known.leaf.kind for known in undecided), 0)
        branches = _branches(self._stock) if self.keeps else {}
        for known in undecided if self.keeps else ():
            path, kind = known.leaf.path, known.leaf.kind
            marks = own_marks(known.leaf, self._rungs, self._landmarks)
            kept = [epoch for epoch in range(1, len(path)) if epoch in marks or path[epoch - 1] in branches]
            starts += [(kind, epoch, path[epoch - 1]) for epoch in kept]
            depths[kind] = max(depths[kind], depth_of(len(path) - 1) + 1 if len(path) > 1 else 0)
        every_depth = {(kind, depth_name(depth)): 1 for kind, count in depths.items() for depth in range(count)}
        on_record = {(kind, what) for kind, names in self.standing.proven.items() for what in names}
        more = {proof: epochs for proof, epochs in every_depth.items() if proof not in on_record}
        return owed([*depths, *self.standing.begun], starts, self.standing.proven, self._own_process) | more


def _marks(leaf: Leaf, rungs: Sequence[int], landmarks: Sequence[int]) -> set[int]:
    """Return the epochs behind which a leaf's state is kept whatever else there is; spaced ones take time, too."""
    return {epoch for epoch, role in own_marks(leaf, rungs, landmarks).items() if role != Role.SPACED}


def _branches(stock: Inventory) -> dict[str, Collection[str]]:
    """Return the keys where undecided trials part, with the keys behind on whose way a trial has no later state to
    start from: a chain that goes another way saves the state for it."""
    undecided = {id(known.leaf): known for known in stock.trials if not known.ended}
    branches: dict[str, Collection[str]] = {}
    for _, _, stage in walk(grow([known.leaf for known in undecided.values()])):
        ways = [child for child in stage.children if any(undecided[id(leaf)].base < stage.end for leaf in child.leaves)]
        if len(stage.children) > 1 and ways:
            branches[stage.keys[-1]] = [child.keys[0] for child in ways]
    return branches


def kinds_to_come(space: Space, stock: Inventory) -> int:
    """Return how many kinds the configurations that a sampler has still to choose can have, at most, besides those that
    are known: one for each combination of what kinds hold of the values of the axes."""
    combinations = math.prod(_outlines(axis) for axis in space.axes)
    return max(0, min(stock.unasked, combinations - len({known.leaf.kind for known in stock.trials})))


def _outlines(axis: Axis) -> int:
    """Count what kinds can hold of the values of an axis."""
    domain, absent = axis.domain, axis.when is not None
    if isinstance(domain, Grid):
        settings = [axis.settings(value) for value in domain.values]
        held = [
            {name: outline(value) for name, value in each.items() if name not in SERVICE_SETTINGS} for each in settings
        ]
        return len({fingerprint(each) for each in held}) + absent
    return 1 + (domain.low <= 0 <= domain.high and domain.low < domain.high) + absent


def to_come_at_most(space: Space, stock: Inventory, keeps: bool, own_process: bool) -> int:
    """Return the epochs that proofs of kinds take which are not known yet, samples apart."""
    depths = depth_of(longest(space) - 1) + 1 if keeps and longest(space) > 1 else 0
    return kinds_to_come(space, stock) * (start_epochs(own_process) + depths)
