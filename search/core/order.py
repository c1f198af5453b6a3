"""In which order trials are started: the first seed of every setting first, as far as that costs no time.

The longest remaining work first is the rule that ends soonest (Graham 1969, "Bounds on multiprocessing timing
anomalies"), and the one by which an answer comes last: it starts all seeds before it ends one. So earlier seeds go
first wherever the end comes later for it by no more than `MAX_LOSS` allows. Nobody waits for anybody: whatever can be
trained is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from search.core.schedule import Model

MAX_LOSS = 0.02
"""Share of a study's time by which all choices of earlier seeds together may put off its end."""


@dataclass(frozen=True)
class Candidate:
    """A trial that can be started.

    Attributes:
        number: of the trial.
        rank: place of its seed among the seeds of the study.
        length: time it still needs.
    """

    number: int
    rank: int
    length: float


@dataclass(frozen=True)
class Choice:
    """What is started next.

    Attributes:
        number: of the trial.
        loss: time by which the end comes later for it; negative where it comes sooner.
    """

    number: int
    loss: float = 0.0


@dataclass
class Order:
    """Chooses within one study, and keeps account of what its choices cost.

    Attributes:
        spent: time by which they put off the end so far.
    """

    spent: float = 0.0

    def choose(
        self, candidates: Sequence[Candidate], moment: Callable[[], Model | None], passed: float, free: bool = False
    ) -> Choice:
        """Return the candidate of the earliest seed that may be started without putting off the end by too much.

        Args:
            candidates: at least one.
            moment: returns the present moment, with the candidates ready; None where that would take too long. Only
                asked where another seed than the first one has the longest work.
            passed: time since the first choice.
            free: whether any order costs nothing: see `costs_nothing`.
        """
        if free:
            return Choice(min(candidates, key=lambda each: (each.rank, -each.length, each.number)).number)
        usual = by_length(candidates)
        ranks = sorted({each.rank for each in candidates if each.rank < usual.rank})
        now = moment() if ranks else None
        if now is None or not now.free:
            return Choice(usual.number)
        ready = {now.chains[place].number: place for place in now.ready}
        first_of = [by_length([each for each in candidates if each.rank == rank]).number for rank in ranks]
        if usual.number not in ready:
            return Choice(usual.number)
        end = end_with(now, ready[usual.number])
        for number in first_of:
            if number not in ready:  # another trial, that cannot be started yet, would train its next epochs
                continue
            loss = end_with(now, ready[number]) - end
            if self.spent + loss <= MAX_LOSS / 2 * (passed + end):
                return Choice(number, loss)
        return Choice(usual.number)


def by_length(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the longest remaining work; of several the earliest seed's, then the lowest number."""
    return min(candidates, key=lambda each: (-each.length, each.rank, each.number))


def end_with(now: Model, place: int) -> float:
    """Return after what time all is trained if a chain is started now, and then always the longest work first."""
    moment = now.copy()
    moment.start(place)
    return moment.end() - now.now


def costs_nothing(longest: int, workers: int, epochs: int) -> bool:
    """Whether any order ends within half of `MAX_LOSS` of the best one.

    With W workers every order that leaves none idle beside work ends within (epochs) / W + (1 - 1 / W) (longest chain),
    and none before (epochs) / W.

    Args:
        longest: epochs that must follow one another, at most.
        workers: W.
        epochs: of the whole study.
    """
    return longest * (workers - 1) <= MAX_LOSS / 2 * epochs


def ends(model: Model) -> tuple[float, float]:
    """Return after what time all is trained, and all of the first seed, where earlier seeds go first.

    Args:
        model: the present moment; it is passed.
    """
    order, began, first = Order(), model.now, model.now

    def start(now: Model) -> int:
        nonlocal first
        ready = {now.chains[place].number: place for place in now.ready}
        candidates = [
            Candidate(number, now.chains[place].rank, now.chains[place].length) for number, place in ready.items()
        ]
        choice = order.choose(candidates, lambda: now, now.now - began)
        order.spent += choice.loss
        chain = now.chains[ready[choice.number]]
        if chain.rank == 0:
            first = max(first, now.now + chain.length)
        return ready[choice.number]

    return model.end(start) - began, first - began
