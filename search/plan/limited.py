"""What the limits of a file leave out of a study, as far as it can be told before it is run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.core.shown import counted, duration
from search.ledger.spending import Spending
from search.plan.counts import Epochs
from search.plan.estimates import Estimates
from search.plan.known import Inventory
from search.plan.times import Seconds
from search.space.model import Space
from search.study.leaf import Leaf


@dataclass(frozen=True)
class Cut:
    """What one limit does to a study.

    Attributes:
        limit: its name in the file.
        value: the limit.
        needed: what the study would need of it; None where nothing tells, or nothing can be told.
        exact: whether `needed` is known, and not only its most.
        says: what it leaves out, in words.
    """

    limit: str
    value: float
    needed: float | None
    exact: bool
    says: str


def cuts(
    space: Space,
    stock: Inventory,
    epochs: Epochs,
    seconds: Seconds,
    estimates: Estimates,
    like: Sequence[Leaf],
    spent: Spending,
) -> list[Cut]:
    """Return what each limit of a file leaves out, in the order of the file's keys.

    Args:
        space: its limits.
        stock, epochs, seconds: of the study without its limits.
        estimates: seconds of an epoch.
        like: trials that those which are still to be chosen are taken to be like.
        spent: by earlier runs of the study.
    """
    limits, exact = space.limits, epochs.exact and not stock.unasked
    result: list[Cut] = []
    if limits.core_hours is not None:
        needed = None if seconds.device is None else (spent.seconds + seconds.device) * space.resources.cpus / 3600
        says = _says(needed, limits.core_hours, exact, "core hours", ".3g")
        result.append(Cut("core_hours", limits.core_hours, needed, exact, says))
    if limits.epochs is not None:
        total = spent.epochs + epochs.train
        result.append(Cut("epochs", limits.epochs, total, exact, _says(total, limits.epochs, exact, "epochs", ",.0f")))
    if limits.trial_hours is not None:
        lengths = list(_trials(stock, like, estimates))
        longest = max((epoch_s * count for epoch_s, count in lengths), default=None)
        result.append(
            Cut(
                "trial_hours",
                limits.trial_hours,
                None if longest is None else longest / 3600,
                exact,
                _long(space, lengths),
            )
        )
    if limits.target is not None:
        metric = space.search.objective.metric
        says = f"the study ends at the first setting whose mean {metric} is as good; the figures above leave it out"
        result.append(Cut("target", limits.target, None, False, says))
    return result


def _says(needed: float | None, limit: float, exact: bool, unit: str, form: str) -> str:
    if needed is None:
        return f"nothing on record tells how many {unit} are needed"
    most = "" if exact else "at most "
    if needed <= limit:
        return f"not reached: {most}{needed:{form}} {unit} are needed"
    return f"{'cuts' if exact else 'may cut'} off {most}{needed - limit:{form}} of {needed:{form}} {unit}"


def _trials(stock: Inventory, like: Sequence[Leaf], estimates: Estimates) -> Iterator[tuple[float, int]]:
    """Yield seconds of an epoch and epochs of the trials that are not decided; of those to be chosen, of their like."""
    leaves = [known.leaf for known in stock.trials if not known.ended]
    for leaf in leaves or (like if stock.unasked else ()):
        if (seconds := estimates.of(leaf).seconds) is not None:
            yield seconds, len(leaf.path)


def _long(space: Space, lengths: Sequence[tuple[float, int]]) -> str:
    limit = space.limits.trial_s
    if not lengths:
        return "nothing is left to train, or nothing on record tells how long an epoch takes"
    cut = [(epoch_s, count) for epoch_s, count in lengths if epoch_s * count > limit]
    longest = max(epoch_s * count for epoch_s, count in lengths)
    if not cut:
        return f"not reached: the longest trial takes about {duration(longest)}"
    first = min(math.ceil(limit / epoch_s) for epoch_s, _ in cut)
    return f"cuts off about {len(cut)} of {counted(len(lengths), 'trial')}, the first after {counted(first, 'epoch')}"
