"""How long a study takes: its epochs and what a run takes beside them, laid out over the workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.core.order import ends
from search.core.schedule import Tail, model_of
from search.core.trust import Proof
from search.plan.counts import Epochs, Work
from search.plan.estimates import Estimates
from search.plan.known import Inventory, Known
from search.plan.overhead import Overhead, probed
from search.plan.place import Place
from search.space.model import Space
from search.study.leaf import Leaf

MAX_TRIALS_LAID_OUT = 200
"""Undecided trials up to which the order is worked out in which they are trained."""


@dataclass(frozen=True)
class Seconds:
    """How long a study takes.

    Attributes:
        device: of training, all workers together; None where nothing tells how long an epoch takes.
        wall: from the start of Ray to the last epoch; at most, where something may end trials early.
        least: `device` spread evenly over the workers or the longest chain, whichever is more, and the start.
        expected: likewise `wall`, if the pruner ends as many as it is meant to; None without pruning.
        first: from the start of Ray until one seed of every setting is trained; None where that is no other time, or
            where settings are chosen as the study goes.
        epoch: mean of the epochs to be trained.
        chain: of the longest chain of epochs that must follow one another.
        overhead: what a run takes beside its epochs.
        workers: trials at once.
        sources: where the seconds of an epoch are from.
    """

    device: float | None
    wall: float | None
    least: float | None
    expected: float | None
    first: float | None
    epoch: float | None
    chain: float | None
    overhead: Overhead
    workers: int
    sources: Sequence[str]

    @property
    def start(self) -> float:
        """Until the first epoch begins; 0 where nothing is to be trained."""
        return self.overhead.start if self.epoch != 0 else 0.0


def seconds_of(
    space: Space,
    stock: Inventory,
    work: Work,
    epochs: Epochs,
    proofs: Mapping[Proof, int],
    estimates: Estimates,
    overhead: Overhead,
    place: Place,
    like: Sequence[Leaf],
) -> Seconds:
    """Add up the epochs to be trained and to prove, and lay them out over the workers.

    Args:
        space, stock, work, epochs, proofs: what is to be trained.
        estimates: seconds of an epoch.
        overhead: what a run takes besides.
        place: how many workers there are.
        like: trials that those which are still to be chosen are taken to be like.
    """
    workers, unknown = place.workers, Seconds(None, None, None, None, None, None, None, overhead, place.workers, ())
    leaf_of = {known.leaf.kind: known.leaf for known in stock.trials}
    trained_of = [(known.leaf, last - first + 1) for known, first, last in work.chains]
    proven_of = [(leaf_of[kind], number) for (kind, _), number in proofs.items() if kind in leaf_of]
    times: list[float] = []
    for leaf, number in [*trained_of, *proven_of]:
        seconds = estimates.of(leaf).seconds
        if seconds is None:
            return unknown
        times.append(seconds * number)
    device, trained, leases = sum(times), sum(number for _, number in [*trained_of, *proven_of]), len(work.chains)
    longest = max((_alone(known, estimates, 0.0) for known, _, _ in work.chains), default=0.0)
    if stock.unasked:  # those to be chosen are taken to be like the ones that were
        alike = [estimates.of(leaf).seconds for leaf in like]
        if not alike or None in alike:
            return unknown
        length, more = max(len(leaf.path) for leaf in like), stock.unasked * len(space.seeds)
        each = sum(filter(None, alike)) / len(alike) * length
        device, trained, longest = device + each * more, trained + length * more, max(longest, each)
        leases += more
    if not trained:
        return Seconds(0.0, 0.0, 0.0, None, None, 0.0, 0.0, overhead, workers, ())
    overhead = probed(overhead, estimates.start)
    proving = sum(times[len(trained_of) :]) + overhead.proof * len(proven_of)
    rows = trained - sum(number for _, number in proven_of)
    busy = device + overhead.epoch * rows + overhead.lease * leases + overhead.proof * len(proven_of)
    chains = [_alone(known, estimates, overhead.epoch) + overhead.lease for known, _, _ in work.chains]
    laid_out, first = _laid_out(space, stock, estimates, overhead, workers)
    training = max(busy / workers, max(chains, default=0.0), laid_out + proving / workers)
    share = epochs.expected / epochs.train if epochs.expected is not None and epochs.train else None
    return Seconds(
        device,
        overhead.start + training,
        overhead.start + max(device / workers, longest),
        None if share is None else overhead.start + share * training,
        None if first is None else overhead.start + first + proving / workers,
        device / trained,
        longest,
        overhead,
        workers,
        estimates.sources([*(leaf for leaf, _ in [*trained_of, *proven_of]), *(like if stock.unasked else ())]),
    )


def _alone(known: Known, estimates: Estimates, more: float) -> float:
    """Return the seconds that a trial takes by itself, so many more for each epoch."""
    return ((estimates.of(known.leaf).seconds or 0.0) + more) * (len(known.leaf.path) - known.base)


def _laid_out(
    space: Space, stock: Inventory, estimates: Estimates, overhead: Overhead, workers: int
) -> tuple[float, float | None]:
    """Return when all trials are trained, in the order in which they are, 0 where there are too many of them to say;
    and when one seed of every setting is, None where nobody waits for that."""
    waiting = [known for known in stock.trials if not known.ended]
    seeded = space.search.sampler == "grid" and len(space.seeds) > 1
    if stock.unasked or not waiting:
        return 0.0, None
    if len(waiting) <= MAX_TRIALS_LAID_OUT:
        end, first = ends(model_of(_tails(space, waiting, estimates, overhead), workers))
        return end, first if seeded and first else None
    earlier = [known for known in waiting if known.leaf.trial.seed == space.seeds[0]]
    if not seeded or not earlier:
        return 0.0, None
    needed: dict[str, float] = {}
    for known in earlier:
        needed |= dict.fromkeys(
            known.leaf.path[known.base :], (estimates.of(known.leaf).seconds or 0.0) + overhead.epoch
        )
    return 0.0, max(sum(needed.values()) / workers, *(_alone(known, estimates, overhead.epoch) for known in earlier))


def _tails(space: Space, waiting: Sequence[Known], estimates: Estimates, overhead: Overhead) -> list[Tail]:
    """Return what each undecided trial still needs, in seconds."""
    ranks = {seed: rank for rank, seed in enumerate(space.seeds)} if space.search.sampler == "grid" else {}
    return [
        Tail(
            known.leaf.trial.number,
            ranks.get(known.leaf.trial.seed, 0),
            known.leaf.path[known.base :],
            (estimates.of(known.leaf).seconds or 0.0) + overhead.epoch,
            overhead.lease,
        )
        for known in waiting
    ]
