"""The simulated executor with a clock: workers train at the same time, epochs take time, and nobody else waits.

An event queue holds when each running epoch ends. The planner takes no time. So a study's wall time is a function of
the driver's decisions alone, and can be compared with what scheduling theory says of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection
from dataclasses import dataclass

from search.core.trust import needed
from search.engine.decide.lease import Lease
from search.engine.decide.pace import STALLED_EPOCHS
from search.study.fold import Fold
from tests.engine.simulation import Simulation

TICK = 5.0
"""Seconds after which a worker without a lease asks again, where nothing happens before."""


def equal(key: str) -> float:
    """Every epoch takes as long as every other."""
    return 1.0


def mixed(key: str) -> float:
    """Epochs take between 1 and 5 seconds, as their key says."""
    return 1 + 4 * int(key[20:24], 16) / 16**4


@dataclass
class Timed(Simulation):
    """One run over one study, in time.

    Attributes:
        duration: key -> seconds of its epoch.
        slowness: lease -> how many times longer its worker takes.
    """

    duration: Callable[[str], float] = equal
    slowness: Callable[[Lease], float] = lambda lease: 1.0
    lasting: float = 0.0

    def run(self, steps: int | None = None) -> bool:
        """Go on to the end."""
        assert steps is None
        ends: list[tuple[float, int]] = []  # when the running epoch of a lease ends
        silent = 0
        while True:
            self._let_plan()
            self._fill(ends)
            if not ends and self.driver.finished:
                break
            free = len(self.running) + len(self.proofs) < self.workers
            if not ends or (free and not self.driver.finished and ends[0][0] > self.now + TICK):
                self.now += TICK
                silent = 0 if ends else silent + 1
                assert silent < 100, "nothing runs and nothing is ready: a deadlock"
                continue
            silent = 0
            self.now, lease_id = heapq.heappop(ends)
            self.train(lease_id)
            if lease_id in self.running:
                heapq.heappush(ends, self._event(lease_id))
        if self.driver.error is not None:
            raise self.driver.error
        self.finish()
        return True

    def _let_plan(self) -> None:
        """Let the planner go on until it waits for the executor."""
        while not self._planned:
            self.plan()
            if self.baton.waits:
                break

    def _fill(self, ends: list[tuple[float, int]]) -> None:
        """Give every worker a lease for which there is one; none may stand idle beside work that is ready."""
        while len(self.running) + len(self.proofs) < self.workers:
            before = {*self.running, *self.proofs}
            if not self.start():
                break
            for lease_id in {*self.running, *self.proofs} - before:
                heapq.heappush(ends, self._event(lease_id))
        if len(self.running) + len(self.proofs) < self.workers and not self.driver.finished:
            producing = {lease.path[done] for lease, done in self.running.values()}
            board = self.driver.context.board
            on_the_way = {key for keys in board.to_come() for key in keys}  # those trained and not reported, too
            reported = {number: board.lease(number)[1] for number in self.running}
            next_rows = {
                key for number, (lease, done) in self.running.items() for key in lease.path[reported[number] : done + 1]
            }
            proven = self.ledger.proofs({fold.leaf.kind for fold in board})
            for fold in board:
                if self._gated(fold, proven.get(fold.leaf.kind, frozenset())):
                    continue
                if self.states_to_come().isdisjoint(fold.leaf.path[fold.base : fold.epoch]):
                    assert fold.next_key in on_the_way, "an idle worker, and nobody trains what this leaf waits for"
                if not self._disturbed and producing.isdisjoint(self._on_record):  # no lease trains known rows again
                    assert fold.next_key in next_rows, "an idle worker beside an epoch that could be trained"

    def _gated(self, fold: Fold, proven: Collection[str]) -> bool:
        """Whether a leaf waits for a proof: one of its kind is being given, or a lease will bring a pair for it."""
        kind = fold.leaf.kind
        if not fold.base or set(needed(fold.base, fold.leaf.path[fold.base - 1])) <= proven:
            return False
        coming = self.driver.context.board.pairs_to_come().get(kind)
        return bool(coming) or any(proof.kind == kind for proof in self.proofs.values())

    @property
    def _disturbed(self) -> bool:
        return bool(self.dying or self.rotten or self.full) or self.room < 1_000_000

    def _event(self, lease_id: int) -> tuple[float, int]:
        if lease_id in self.proofs:
            return self.now + sum(self.duration(each.key) for each in self.proofs[lease_id].stretches), lease_id
        lease, done = self.running[lease_id]
        return self.now + self.seconds(lease, lease.path[done]), lease_id

    def stalls(self, lease: Lease) -> bool:
        return self.slowness(lease) > STALLED_EPOCHS

    def seconds(self, lease: Lease, key: str) -> float:
        return self.duration(key) * self.slowness(lease)

    # What came out --------------------------------------------------------------------------------------------

    def work(self) -> float:
        """Seconds of all epochs trained in this run, each once."""
        return sum(self.duration(key) for key in {key for _, key, _ in self.trained})

    def proving(self) -> float:
        """Seconds of all epochs that proofs trained."""
        return sum(self.duration(key) for key in self.proof_keys)

    def gates(self) -> float:
        """Seconds that proofs can make a chain longer: for each the row behind its state, and the proof itself."""
        longest = max((self.duration(key) for _, key, _ in self.trained), default=0.0)
        return self.proving() + longest * len(self.proved)

    def chain(self) -> float:
        """Seconds of the longest chain of epochs trained in this run."""
        trained = {key for _, key, _ in self.trained}
        paths = self.ledger.paths(self.record.id).values()
        return max((sum(self.duration(key) for key in path if key in trained) for path, _ in paths), default=0.0)
