"""A sequence of changes, each judged against what was accepted last: what is trained next, and what it comes to; pure.

Whoever tries hundreds of changes and keeps what looks better keeps noise: over 200 changes that do nothing, "the mean
of three seeds is higher" keeps 85 in simulation. So a proposal is screened cheaply and confirmed on other seeds:

    screen    one run of either side:  t = gain / SE,  SE^2 = vS + (vI + vR) / n,  goes on if p < .2, one-sided
    confirm   5 fresh seeds of either side, on those alone: kept if p < .01, one-sided (`search.statistics.crossed`)

vS, vI and vR are the noise of a difference on these data, known from runs on record with at least 8 degrees of
freedom; where it is not known, 3 seeds of either side screen, by their own noise. Every proposal errs with a
probability of at most .01, so N proposals keep N x .01 false ones at most on average; they are refused beyond a bound.
The two steps are judged on the same examples and are not independent of them: 200 proposals keep .4 to .6 in
simulation. A change of 2 points is kept about once in six times where runs scatter by one: a change worth keeping is
worth proposing when it is larger, or as several at once.

All that happened is an order log; the state is folded from it, so that a command that was killed goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any, NamedTuple

from search.statistics.results import Difference, MeanSquares
from search.statistics.squares import df_of
from search.statistics.student import t_tail

SCREEN_ALPHA = 0.2
CONFIRM_ALPHA = 0.01
SCREEN_SEEDS, UNKNOWN_NOISE_SEEDS, CONFIRM_SEEDS = 1, 3, 5
MIN_NOISE_DF = 8
MAX_FALSE_KEEPS = 2.0
"""False keeps that are expected at most of a sequence, where nobody says another number."""

BEGUN, PROPOSED, SCREENED, CONFIRMING, JUDGED, SHOWN = "begun", "proposed", "screened", "confirming", "judged", "shown"
"""Kinds of entries of the order log; SHOWN is a look at test figures."""

KEPT, REJECTED = "kept", "not better"


class Candidate(NamedTuple):
    """What is judged: its name, the settings that it sets, and a hash of what its runs are."""

    name: str
    settings: Mapping[str, Any]
    key: str

    @property
    def told(self) -> dict[str, Any]:
        """What an entry of the log says of it, whose own `key` is that of an epoch."""
        return {"name": self.name, "settings": dict(self.settings), "runs": self.key}


@dataclass(frozen=True)
class Noise:
    """The noise of a difference of two settings, of runs on the same data.

    Attributes:
        seeds: vS, variance of a run's true difference.
        images: vI, variance of an example's expected difference.
        rest: vR, variance of what is left of one example in one run.
        df: degrees of freedom of what vS comes from.
        source: where it is from, for people.
    """

    seeds: float
    images: float
    rest: float
    df: int
    source: str = ""

    def p(self, gain: float, examples: int) -> float:
        """Return the one-sided p of a gain of one run over another, on so many examples."""
        q = examples * self.seeds + self.rest
        error = math.sqrt((q + self.images) / examples)
        if error <= 0:
            return 0.0 if gain > 0 else 1.0
        return float(t_tail(gain / error, float(df_of(q, self.images, self.df, examples))))


def noise_of(squares: MeanSquares, df: int, seeds: int, examples: int, source: str) -> Noise:
    """Return the noise that mean squares of differences tell.

    Args:
        squares: their seeds over `seeds` runs and `examples` examples.
        df: degrees of freedom of the mean square of seeds.
        seeds, examples: that they come from.
        source: where they are from.
    """
    between = squares.seeds if squares.pooled is None else squares.pooled
    return Noise(
        max(between - squares.rest, 0.0) / examples,
        max(squares.images - squares.rest, 0.0) / seeds,
        squares.rest,
        df,
        source,
    )


def pooled(noises: Sequence[Noise], source: str) -> Noise | None:
    """Return the noise that several comparisons tell together, each by its degrees of freedom; None of none."""
    df = sum(one.df for one in noises)
    if not df:
        return None
    seeds, images, rest = (
        math.fsum(one.df * getattr(one, name) for one in noises) / df for name in ("seeds", "images", "rest")
    )
    return Noise(seeds, images, rest, df, source)


def one_sided(difference: Difference) -> float:
    """Return the p value of a setting being no better than the baseline; 1 where nothing can be compared."""
    if difference.p is None or difference.gain is None:
        return 1.0
    return difference.p / 2 if difference.gain > 0 else 1 - difference.p / 2


@dataclass(frozen=True)
class Step:
    """What a step of a proposal came to: gain (in the unit of the metric, None where a run has no score), p, seeds."""

    gain: float | None
    p: float
    seeds: Sequence[int]
    reason: str = ""


@dataclass(frozen=True)
class Proposal:
    """One proposal of a sequence.

    Attributes:
        number: counted from 1.
        candidate: what was proposed.
        against: number of the proposal that was the incumbent; 0 for what the sequence began with.
        seeds: fresh seeds of the screening.
        noise: by which one run is judged; None where the seeds' own noise does.
        screening, confirming, confirmation: how far it has come; `confirming` are the seeds.
        verdict: `KEPT` or `REJECTED`; "" while it is open.
    """

    number: int
    candidate: Candidate
    against: int
    seeds: Sequence[int]
    noise: Noise | None
    screening: Step | None = None
    confirming: Sequence[int] = ()
    confirmation: Step | None = None
    verdict: str = ""


@dataclass(frozen=True)
class History:
    """A sequence as its order log tells it.

    Attributes:
        first: what it began with; None of an empty log.
        proposals: in their order.
        noises: what comparisons with several seeds told of noise.
        shown: number of an incumbent -> seeds that its test figure comes from.
        looks: how often test figures were looked at.
    """

    first: Candidate | None = None
    proposals: Sequence[Proposal] = ()
    noises: Sequence[Noise] = ()
    shown: Mapping[int, Sequence[int]] = field(default_factory=dict)
    looks: int = 0

    @property
    def incumbent_number(self) -> int:
        """Number of the proposal that was kept last; 0 where none was."""
        return max((one.number for one in self.proposals if one.verdict == KEPT), default=0)

    @property
    def incumbent(self) -> Candidate:
        """What proposals are judged against."""
        return self.candidate(self.incumbent_number)

    def candidate(self, number: int) -> Candidate:
        """Return what bears this number: a proposal, or 0 for what the sequence began with."""
        if number:
            return self.proposals[number - 1].candidate
        assert self.first is not None
        return self.first

    def judged(self, key: str) -> Proposal | None:
        """Return the proposal of these runs that can be answered or gone on with, under whatever name it came; None
        where there is none.

        One that was left open while another was kept has lost its incumbent: it has to be proposed anew.
        """
        now = self.incumbent_number
        alike = (one for one in reversed(self.proposals) if one.candidate.key == key)
        return next((one for one in alike if one.verdict or one.against == now), None)

    @property
    def false_keeps(self) -> float:
        """Expected number of false keeps, at most: proposals x alpha."""
        return len(self.proposals) * CONFIRM_ALPHA

    def admits(self, most: float) -> bool:
        """Whether one more proposal stays within a bound of false keeps."""
        return (len(self.proposals) + 1) * CONFIRM_ALPHA <= most * (1 + 1e-12)

    @property
    def seeds(self) -> frozenset[int]:
        """Seeds that any run of the sequence had: no longer fresh."""
        own = (seed for one in self.proposals for seed in (*one.seeds, *one.confirming))
        return frozenset([*own, *(seed for seeds in self.shown.values() for seed in seeds)])


def folded(log: Iterable[tuple[str, Mapping[str, Any]]]) -> History:
    """Return what an order log tells: kinds of entries with their details; other kinds are passed over."""
    state = History()
    for kind, told in log:
        if kind == BEGUN:
            state = replace(state, first=_candidate(told))
        elif kind == SHOWN:
            shown = {**state.shown, int(told["number"]): tuple(told["seeds"])}
            state = replace(state, shown=shown, looks=state.looks + 1)
        elif kind == PROPOSED:
            noise = None if told["noise"] is None else Noise(**told["noise"])
            number = len(state.proposals) + 1
            made = Proposal(number, _candidate(told), int(told["against"]), tuple(told["seeds"]), noise)
            state = replace(state, proposals=(*state.proposals, made))
        elif kind in (SCREENED, CONFIRMING, JUDGED):
            state = _moved(state, kind, told)
    return state


def _candidate(told: Mapping[str, Any]) -> Candidate:
    return Candidate(str(told["name"]), dict(told["settings"]), str(told["runs"]))


def _moved(state: History, kind: str, told: Mapping[str, Any]) -> History:
    """Return the state with one proposal a step further."""
    place = int(told["number"]) - 1
    one = state.proposals[place]
    if kind == CONFIRMING:
        one = replace(one, confirming=tuple(told["seeds"]))
    else:
        seeds = one.seeds if kind == SCREENED else one.confirming
        step = Step(told["gain"], float(told["p"]), seeds, str(told["reason"]))
        one = replace(one, screening=step) if kind == SCREENED else replace(one, confirmation=step)
        alpha = SCREEN_ALPHA if kind == SCREENED else CONFIRM_ALPHA
        if step.p >= alpha:
            one = replace(one, verdict=REJECTED)
        elif kind == JUDGED:
            one = replace(one, verdict=KEPT)
    noises = state.noises if told.get("noise") is None else (*state.noises, Noise(**told["noise"]))
    proposals = (*state.proposals[:place], one, *state.proposals[place + 1 :])
    return replace(state, proposals=proposals, noises=noises)


def fresh_seeds(used: Iterable[int], number: int, first: int) -> list[int]:
    """Return so many seeds from `first` on that nobody used."""
    taken = set(used)
    return list(islice((seed for seed in count(first) if seed not in taken), number))
