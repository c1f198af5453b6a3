"""A model of how long trials take together: chains of epochs that part from one another, on a few workers.

A chain binds one worker from its first epoch to its last. What parts from it can start once it has passed that epoch.
The model knows nothing of proofs and of early ends. It counts in epochs, or in seconds where these are known.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

WORKER_FREE = -1
"""Stands for a chain in an event: a worker is done."""


@dataclass(frozen=True)
class Tail:
    """What a trial still needs.

    Attributes:
        number: of the trial.
        rank: place of its seed among the seeds of the study.
        keys: epoch keys that it waits for, in turn.
        epoch: time of each.
        start: time before the first that a worker trains for it.
    """

    number: int
    rank: int
    keys: Sequence[str]
    epoch: float = 1
    start: float = 0


@dataclass
class Chain:
    """Epochs that one worker trains in turn.

    Attributes:
        number, rank: of the trial it is trained for.
        length: time it takes.
        branches: pairs of (time after which another chain can start, place of that chain).
    """

    number: int
    rank: int
    length: float
    branches: list[tuple[float, int]] = field(default_factory=list)


@dataclass
class Model:
    """A moment of a study: what can start, what is being trained, and what that will let start.

    Attributes:
        chains: all of them.
        free: workers without a chain.
        ready: places of the chains that can start.
        now: time since the first moment.
        coming: heap of (when, place of the chain that can start then, or `WORKER_FREE`).
    """

    chains: Sequence[Chain]
    free: int
    ready: list[int] = field(default_factory=list)
    now: float = 0.0
    coming: list[tuple[float, int]] = field(default_factory=list)

    def copy(self) -> Model:
        """Return the same moment, to go on from it in another way."""
        return Model(self.chains, self.free, list(self.ready), self.now, list(self.coming))

    def start(self, place: int) -> None:
        """Give a chain that is ready to a worker that is free."""
        self.ready.remove(place)
        self.free -= 1
        self._train(self.chains[place])

    def _train(self, chain: Chain) -> None:
        heapq.heappush(self.coming, (self.now + chain.length, WORKER_FREE))
        for offset, branch in chain.branches:
            heapq.heappush(self.coming, (self.now + offset, branch))

    def wait(self) -> None:
        """Go to the next moment in which something happens."""
        self.now = self.coming[0][0]
        while self.coming and self.coming[0][0] == self.now:
            place = heapq.heappop(self.coming)[1]
            if place == WORKER_FREE:
                self.free += 1
            else:
                self.ready.append(place)

    def end(self, choose: Callable[[Model], int] | None = None) -> float:
        """Return when the last chain ends; this moment is passed.

        Args:
            choose: says which of the chains that are ready is started next; by default the longest one.
        """
        while self.ready or self.coming:
            while self.free and self.ready:
                self.start(longest(self) if choose is None else choose(self))
            self.wait()
        return self.now


def longest(model: Model) -> int:
    """Return the longest chain that is ready; of equally long ones that of the lowest trial."""
    return max(model.ready, key=lambda place: (model.chains[place].length, -model.chains[place].number))


def model_of(tails: Iterable[Tail], workers: int, running: Sequence[Sequence[str]] = ()) -> Model:
    """Return the moment in which trials need so much, and so much is being trained.

    Args:
        tails: of the trials.
        workers: that there are, those that train among them.
        running: for each worker that trains, the keys it has still to bring.
    """
    chains: list[Chain] = []
    owner: dict[str, tuple[int, float]] = {}  # key -> the chain that trains it, and the time it has taken by then
    model = Model(chains, max(0, workers - len(running)))

    def add(number: int, rank: int, keys: Sequence[str], epoch: float, start: float) -> None:
        owner.update((key, (len(chains), start + epoch * done)) for done, key in enumerate(keys, start=1))
        chains.append(Chain(number, rank, start + epoch * len(keys)))

    for keys in running:
        add(-1, -1, keys, 1, 0)
        model._train(chains[-1])
    begun = len(chains)
    for tail in sorted(tails, key=lambda tail: (-len(tail.keys), tail.number)):
        common = _shared(tail.keys, owner)
        if common == len(tail.keys):
            continue
        add(tail.number, tail.rank, tail.keys[common:], tail.epoch, tail.start)
        if common == 0:
            model.ready.append(len(chains) - 1)
            continue
        parent, passed = owner[tail.keys[common - 1]]
        branch = (passed, len(chains) - 1)
        if parent < begun:
            heapq.heappush(model.coming, branch)
        else:
            chains[parent].branches.append(branch)
    return model


def _shared(keys: Sequence[str], owner: Mapping[str, object]) -> int:
    """Return how many of the keys a chain trains; behind the first that none does there is no other one."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if keys[middle] in owner else (low, middle)
    return low
