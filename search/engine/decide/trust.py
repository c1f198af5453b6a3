"""What is proven of each kind of training, and from which state a leaf may start therefore. Pure bookkeeping.

No lease starts from a state before its depth is proven (`search.core.trust`). A leaf that would is answered by five
rules, the first that holds:

1. What its start needs is proven: it starts.
2. The proof is being given: it waits.
3. A pair that can prove it is on record: it is proven now, in the leaf's stead.
4. A running lease will bring such a pair: it waits.
5. Else it starts from an earlier state of its path, by the same rules, and at last from epoch 0. What lies between is
   trained again and compared, and brings new pairs.

The start of a kind is proven by the first epoch of a root, trained again at once: a root is what trials start with at
epoch 0. Where processes train one lease after another, by the first epochs of two roots. What a process keeps of one
trial may be wrong for some others, as a cache that forgets a setting is. So the first root that a
fresh process trained is trained again where others were begun before that differ from it in one setting each. Once no
other root is to come, one that a used process trained is trained again in a fresh one: the last of those that are least
like the first one. Where there is no such root, another one, or the first one, is trained behind the first one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from search.core import trust
from search.core.trust import START, USED
from search.engine.decide.lease import CAUSE, Proof, Stretch
from search.ledger.kept import KeptState, Pair
from search.study.leaf import Leaf

MAX_SETTINGS_NOTED = 1_000
"""Roots among which those are found that a proof begins before another one."""


ABSENT = object()
"""Stands for a setting that a trial does not have."""


class Answer(Enum):
    """What a leaf does whose lease would start from a state."""

    START = "it starts from there"
    WAIT = "what it needs is being proven, or a lease will bring what proves it"
    PROVE = "a pair is there: it is proven in the leaf's stead"
    EARLIER = "nothing proves it: the leaf starts from an earlier state"


@dataclass(frozen=True)
class Advice:
    """An answer; with the name of the proof that is missing, and the pair that gives it where there is one."""

    answer: Answer
    what: str = ""
    pair: Pair | None = None


@dataclass
class _Kind:
    """What is known of one kind."""

    leaf: Leaf  # the first one of it
    proven: set[str] = field(default_factory=set)
    pairs: dict[str, Pair] | None = None  # by key of the state; None where the ledger was not asked yet
    roots: dict[str, tuple[Leaf, str]] = field(default_factory=dict)  # first key -> a leaf, origin of its row, in turn
    early: str = ""  # first key of the root that was proven before the last one came
    failures: Counter[str] = field(default_factory=Counter)  # proofs that could not be given: dead workers, exceptions


class Trust:
    """Proofs, pairs and roots of the kinds of one run, and which kinds have fallen.

    Args:
        attempts: how often a proof is tried whose worker dies, or whose workload raises an exception.
        load: kind -> its pairs on record.
        own_process: whether each lease is trained in a process of its own.
    """

    def __init__(self, attempts: int, load: Callable[[str], Iterable[Pair]], own_process: bool = True) -> None:
        self._attempts, self._load, self._own_process = attempts, load, own_process
        self._kinds: dict[str, _Kind] = {}
        self._settings: list[Mapping[str, Any]] = []  # fixed settings of the roots of leaves
        self._noted: set[str] = set()  # first keys of these
        self._running: dict[int, Proof] = {}
        self.fallen: set[str] = set()
        """Kinds that came to be distrusted in this run: none of their leaves goes on in it."""
        self.causes: list[str] = []
        """Of these, those whose cause is still to be looked for."""

    def unknown(self, leaves: Iterable[Leaf]) -> dict[str, Leaf]:
        """Return the kinds among leaves that are new here, with a leaf of each."""
        return {leaf.kind: leaf for leaf in leaves if leaf.kind not in self._kinds}

    def meet(self, leaf: Leaf, proven: Collection[str]) -> None:
        """Take up the kind of a leaf, with the proofs of it on record."""
        self._kinds[leaf.kind] = _Kind(leaf, set(proven))

    def note(self, leaves: Iterable[Leaf]) -> None:
        """Take up the settings of leaves, of whichever kind: what they are trained with may be kept by a process."""
        for leaf in leaves:
            if leaf.path[0] not in self._noted and len(self._noted) < MAX_SETTINGS_NOTED:
                self._noted.add(leaf.path[0])
                self._settings.append(leaf.fixed)

    def proven(self, kind: str, what: str) -> bool:
        """Whether a proof was given."""
        return what in self._kinds[kind].proven

    # From where a leaf may start --------------------------------------------------------------------------------

    def advise(
        self, kind: str, state: KeptState, coming: Collection[tuple[int, str]] = (), stalled: Collection[int] = ()
    ) -> Advice:
        """Say what a leaf does that would start from a state.

        Args:
            kind: of the leaf.
            state: the state.
            coming: epoch and key of states of the kind that running leases will save and train on from.
            stalled: leases and proofs nobody waits for any more.
        """
        key = state.file.key
        for name in trust.needed(state.epoch, key):
            if self.proven(kind, name):
                continue
            if any((kind, name) == (proof.kind, proof.what) for proof in self._at_work(stalled)):
                return Advice(Answer.WAIT, name)
            own = name == trust.sample_name(key)
            depth = trust.depth_of(state.epoch)
            if self._kinds[kind].failures[name] < self._attempts:
                if pair := self._pair(kind, key, None if own else depth):
                    return Advice(Answer.PROVE, name, pair)
                fits = ((one == key) if own else trust.proves_depth(epoch, depth) for epoch, one in coming)
                if any(fits):
                    return Advice(Answer.WAIT, name)
                if own:
                    continue  # its row behind is not there and will not be: the proof of its depth must do
            return Advice(Answer.EARLIER, name)
        return Advice(Answer.START)

    def _at_work(self, stalled: Collection[int]) -> list[Proof]:
        return [proof for number, proof in self._running.items() if number not in stalled]

    def _pair(self, kind: str, key: str, depth: int | None) -> Pair | None:
        """Return the pair of this very state, else the earliest one that proves the depth."""
        pairs = self._pairs(kind)
        if key in pairs or depth is None:
            return pairs.get(key)
        fitting = [pair for pair in pairs.values() if trust.proves_depth(pair.state.epoch, depth)]
        return min(fitting, key=lambda pair: (pair.state.epoch, pair.state.file.key), default=None)

    def _pairs(self, kind: str) -> dict[str, Pair]:
        known = self._kinds[kind]
        if known.pairs is None:
            known.pairs = {pair.state.file.key: pair for pair in self._load(kind)}
        return known.pairs

    def add_pair(self, kind: str, pair: Pair) -> None:
        """A lease trained the row behind a state that it saved."""
        self._pairs(kind)[pair.state.file.key] = pair

    def drop_pair(self, kind: str, key: str) -> None:
        """The state of a pair is gone, or cannot be read."""
        self._pairs(kind).pop(key, None)

    def unpaired(self, kind: str, epochs: int) -> list[int]:
        """Return the epochs below `epochs` whose pairs would prove depths of which neither proof nor pair is there."""
        epochs_lacking = []
        for depth in range(trust.depth_of(max(1, epochs)) + 1):
            if 1 << depth >= epochs or self.proven(kind, trust.depth_name(depth)):
                continue
            # The first one will do: there may be thousands, and every lease asks.
            if not any(trust.proves_depth(pair.state.epoch, depth) for pair in self._pairs(kind).values()):
                epochs_lacking.append(1 << depth)
        return epochs_lacking

    # The start of a kind ----------------------------------------------------------------------------------------

    def add_root(self, leaf: Leaf, origin: str) -> bool:
        """A leaf's first row was trained, by a process of this origin; return whether that is news."""
        known = self._kinds[leaf.kind]
        if START in known.proven or leaf.path[0] in known.roots:
            return False
        known.roots[leaf.path[0]] = leaf, origin
        return True

    def owing(self, stalled: Collection[int] = ()) -> list[str]:
        """Return the kinds whose start is to be proven, and is not being proven."""
        at_work = {proof.kind for proof in self._at_work(stalled) if proof.what == START}
        return [
            kind
            for kind, known in self._kinds.items()
            if known.roots
            and START not in known.proven
            and kind not in self.fallen
            and kind not in at_work
            and known.failures[START] < self._attempts
        ]

    def roots(self, kind: str) -> Collection[str]:
        """Return the first keys that the start of a kind can be proven by."""
        return self._kinds[kind].roots.keys()

    def start_proof(self, number: int, kind: str, more: bool) -> Proof | None:
        """Return the proof of a start, or one half of it; None where it waits for roots.

        Args:
            number: of the proof.
            kind: whose start is owed.
            more: whether leaves may bring other roots of the kind.
        """
        early, roots = self._kinds[kind].early, {key: leaf for key, (leaf, _) in self._kinds[kind].roots.items()}
        used = [key for key in roots if self._kinds[kind].roots[key][1] == USED]
        fresh = [key for key in roots if key not in used]
        if self._own_process:
            return Proof(number, kind, START, [[beginning(roots[(used or fresh)[0]])]])
        if more and (early or not used):
            return None
        first = (fresh or used)[0]
        # A row that a used process trained may have been changed by the very trials that would be begun before it.
        tried = self._behind_others(roots[first]) if fresh else beginning(roots[first])
        if more:
            return Proof(number, kind, START, [[tried]], completes=False)
        others = [key for key in [*fresh, *used] if key != (early or first)] or [first]
        last = max(
            reversed(others), key=lambda key: (key in used, len(differing(roots[key].fixed, roots[first].fixed)))
        )
        if early:
            return Proof(number, kind, START, [[beginning(roots[last])]])
        two = [tried, beginning(roots[last])]
        return Proof(number, kind, START, [[each] for each in two] if last in used and last != first else [two])

    def _behind_others(self, leaf: Leaf) -> Stretch:
        """Return the first epoch of a leaf, behind the start of others: for each setting two that differ in it, and in
        as few others as there are."""
        nearest: dict[str, tuple[int, list[Mapping[str, Any]]]] = {}
        for fixed in self._settings:
            names = differing(fixed, leaf.fixed)
            for name in names:
                count, found = nearest.get(name, (len(names), []))
                if len(names) == count:
                    nearest[name] = count, [*found[:1], fixed]
                elif len(names) < count:
                    nearest[name] = len(names), [fixed]
        before = {id(fixed): fixed for _, found in nearest.values() for fixed in found}
        return replace(beginning(leaf), before=[*before.values()])

    # Proofs that are being given --------------------------------------------------------------------------------

    @property
    def running(self) -> int:
        """Proofs that are being given."""
        return len(self._running)

    def begin(self, proof: Proof) -> None:
        """A worker was given a proof."""
        self._running[proof.id] = proof
        if proof.what == CAUSE:
            self.causes.remove(proof.kind)

    def get(self, number: int) -> Proof | None:
        """Return a proof that is being given."""
        return self._running.get(number)

    def end(self, number: int) -> Proof | None:
        """A proof is over, whatever it showed; return it, None where it was none."""
        return self._running.pop(number, None)

    def held(self, proof: Proof) -> None:
        """A proof held."""
        if proof.completes:
            self._kinds[proof.kind].proven.add(proof.what)
        else:
            self._kinds[proof.kind].early = proof.stretches[0].key

    def not_given(self, proof: Proof) -> bool:
        """A proof could not be given; return whether it is not tried again in this run."""
        known = self._kinds[proof.kind]
        known.failures[proof.what] += 1
        return known.failures[proof.what] >= self._attempts

    def fall(self, kind: str, look_for_cause: bool) -> None:
        """A kind is distrusted from now on."""
        if kind not in self.fallen:
            self.fallen.add(kind)
            self.causes += [kind] if look_for_cause else []

    def cause(self, number: int, kind: str) -> Proof:
        """Return the first epoch of a fallen kind in two fresh processes."""
        return Proof(number, kind, CAUSE, [[beginning(self._kinds[kind].leaf)]] * 2)


def differing(fixed: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names of the settings that differ, those among them that only one of both has."""
    return [name for name in {**other, **fixed} if fixed.get(name, ABSENT) != other.get(name, ABSENT)]


def beginning(leaf: Leaf) -> Stretch:
    """Return the first epoch of a leaf."""
    return Stretch(leaf.fixed, leaf.schedule[0], leaf.path[0], None, leaf.data, leaf.inputs)


def behind(pair: Pair) -> Stretch:
    """Return the epoch behind the state of a pair."""
    return Stretch(pair.fixed, pair.settings, pair.row_key, pair.state, pair.data, pair.inputs)
