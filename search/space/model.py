"""The search space, typed: what a search-space file says once it has been read and found sound.

Everything here is immutable and plain; reading and checking live in `search.space.reader`.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from search.core.errors import Fault
from search.core.grouped import grouped
from search.core.values import Parameters, Settings
from search.space.domains import Axis as Axis
from search.space.domains import Choice as Choice
from search.space.domains import Condition as Condition
from search.space.domains import Domain as Domain
from search.space.domains import Float as Float
from search.space.domains import Grid as Grid
from search.space.domains import Int as Int
from search.space.domains import drawn, with_values
from search.space.report import Published as Published
from search.space.report import Report as Report
from search.space.where import parse


@dataclass(frozen=True)
class Objective:
    """What the sampler and the pruner look at: a metric that is not measured on test data.

    Attributes:
        metric: its name.
        direction: ``maximize`` or ``minimize``.
        cost: the workload works it out of the settings (`search.workload.offers.Costing`), and no row holds it.
    """

    metric: str = "val_accuracy"
    direction: str = "maximize"
    cost: bool = field(default=False, compare=False)

    @property
    def maximize(self) -> bool:
        """Whether more is better."""
        return self.direction == "maximize"


@dataclass(frozen=True)
class AshaSettings:
    """Asynchronous successive halving (Li et al. 2020): grace period r, reduction factor eta; whether trials pause at
    rungs and may be promoted later, or end there for good."""

    grace_period: int
    reduction_factor: float = 3.0
    promote: bool = False


@dataclass(frozen=True)
class HyperbandSettings:
    """Brackets of successive halving (Li et al. 2018): fewest epochs of a trial, reduction factor eta."""

    grace_period: int
    reduction_factor: float = 3.0


@dataclass(frozen=True)
class MedianSettings:
    """The median rule (Golovin et al. 2017): first epoch that may end a trial, trials that have finished before."""

    grace_period: int
    min_finished: int = 5


LEARNING = ("tpe", "gp", "cmaes", "nsga2")
"""Samplers whose answers depend on what came out."""

CONFIRM_SUFFIX = " (confirm)"
"""What the name of a confirm stage ends in, behind that of its search."""

MAX_SEED = 2**32 - 1

MAX_EXAMPLES_TRIED = 10_000
"""Configurations drawn from priors for one that a condition allows."""

MAX_NAME_LETTERS = 100
"""Characters of a study's name."""


def confirm_name(search: str) -> str:
    """Return the name of the confirm stage of a search; that of a long one is cut and told apart by its hash."""
    if len(search) + len(CONFIRM_SUFFIX) <= MAX_NAME_LETTERS:
        return search + CONFIRM_SUFFIX
    digest = hashlib.sha256(search.encode()).hexdigest()[:8]
    return f"{search[: MAX_NAME_LETTERS - len(CONFIRM_SUFFIX) - 9]}-{digest}{CONFIRM_SUFFIX}"


@dataclass(frozen=True)
class Confirm:
    """What is run again once a search is over: its best configurations were chosen by their luck as well.

    Attributes:
        top: how many of the best.
        seeds: fresh seeds each of them runs under.
        baseline: axis -> value of the configuration they are compared with, None for no comparison.
    """

    top: int
    seeds: int
    baseline: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class WinnerOf:
    """A starting point: the best configuration of a study on record, as far as it lies in the space."""

    study: str


@dataclass(frozen=True)
class Search:
    """How configurations are chosen and how far they get.

    Attributes:
        sampler: grid, random, tpe, gp, qmc, cmaes or nsga2.
        trials: configurations to try; None for a grid, which has as many as it has.
        seed: seed of the sampler.
        objective: what is optimised; of several objectives the first, by which tables are sorted.
        further: the objectives behind the first one; () for a study that has one.
        asha, hyperband, median: pruning; at most one of them is not None.
        confirm: what is run again under fresh seeds, or None.
        hours: no new trial is started after this many hours of a run.
        where: the condition that every configuration fulfils (`search.space.where`); "" for none.
        start: what is tried first: axis -> value, where the sampler draws what is left out, or the winner of a study.
        attempts: how often a trial whose worker died is started.
    """

    sampler: str = "grid"
    trials: int | None = None
    seed: int = 0
    objective: Objective = Objective()
    further: Sequence[Objective] = ()
    asha: AshaSettings | None = None
    hyperband: HyperbandSettings | None = None
    median: MedianSettings | None = None
    confirm: Confirm | None = None
    hours: float | None = None
    where: str = ""
    start: Sequence[Parameters | WinnerOf] = ()
    attempts: int = 3

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives, the first one first."""
        return self.objective, *self.further

    @property
    def measured(self) -> tuple[str, ...]:
        """The metrics of rows that are objectives."""
        return tuple(one.metric for one in self.objectives if not one.cost)

    @property
    def learns(self) -> bool:
        """Whether what the sampler proposes depends on what came out."""
        return self.sampler in LEARNING

    @property
    def pruning(self) -> AshaSettings | HyperbandSettings | MedianSettings | None:
        """What ends poor trials early, or None."""
        return self.asha or self.hyperband or self.median


@dataclass(frozen=True)
class Resources:
    """What one trial gets, and what may be kept.

    Attributes:
        cpus: CPU threads of a trial.
        gpus: GPUs of a trial, perhaps a fraction; None takes one where there is one, which trials may come to share.
        states_gb: room for states of all studies of the ledger, in 10^9 bytes; 0 keeps none.
        epoch_seconds: what an epoch may take before its worker counts as hung and is ended; None never ends one.
    """

    cpus: int = 1
    gpus: float | None = None
    states_gb: float = 10.0
    epoch_seconds: float | None = None


@dataclass(frozen=True)
class Limits:
    """What a study may cost at most, and what it looks for; None for no limit.

    Attributes:
        core_hours: hours of training times the CPU threads of a trial.
        epochs: distinct ones that it trains.
        trial_hours: hours of training behind which a trial is cut off.
        target: mean objective of a setting over its seeds, at which the study ends.
    """

    core_hours: float | None = None
    epochs: int | None = None
    trial_hours: float | None = None
    target: float | None = None

    @property
    def trial_s(self) -> float:
        """Seconds of training behind which a trial is cut off; infinite without a limit."""
        return math.inf if self.trial_hours is None else 3600 * self.trial_hours


@dataclass(frozen=True)
class Space:
    """A search-space file, read, resolved and found sound.

    Attributes:
        name: name of the study, by default the file's stem.
        title: one line for people.
        workload: how the workload is named.
        fixed: settings common to all trials, the service's own among them.
        axes: dimensions, in the file's order; a conditional one stands behind the one it depends on.
        seeds: every configuration runs under each of them.
        search, resources, limits, report: see there.
        file: the file it was read from, "" for a space built in memory.
        typed: fixed setting -> the option of the command line that set it, of those that one set.
        source: the resolved file as plain data (``extends`` and overrides applied); `search.space.writing` writes it.
        notes: what never acts, though nothing is wrong with it; see `search.space.effects`.
    """

    name: str
    workload: str
    axes: Sequence[Axis]
    fixed: Settings = field(default_factory=dict)
    title: str = ""
    seeds: Sequence[int] = (0,)
    search: Search = Search()
    resources: Resources = Resources()
    limits: Limits = Limits()
    report: Report = field(default_factory=Report)
    file: str = field(default="", compare=False)
    source: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[Fault] = field(default=(), compare=False)
    typed: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def read_metrics(self) -> tuple[str, ...]:
        """Metrics that the file asks for by name: the objective, what the report shows, and those of claims."""
        objectives = (one.metric for one in self.search.objectives)
        return *objectives, *self.report.metrics, *self.report.claimed_metrics

    def settings(self, parameters: Parameters) -> dict[str, Any]:
        """Return what `parameters` (axis -> value) mean together with the fixed settings.

        Axes win over fixed settings, later axes over earlier ones.
        """
        return {**self.fixed, **self.chosen(parameters)}

    def chosen(self, parameters: Parameters) -> dict[str, Any]:
        """Return what the axes set for a configuration, without the fixed settings."""
        settings: dict[str, Any] = {}
        for axis in self.axes:
            if axis.name in parameters:
                settings.update(axis.settings(parameters[axis.name]))
        return settings

    def allows(self, parameters: Parameters) -> bool:
        """Whether a configuration fulfils the condition ``search.where``.

        Raises:
            WhereError: the condition has no answer for these values.
        """
        condition = self.search.where
        return not condition or parse(condition).holds({**self.settings(parameters), **parameters})

    def example(self) -> dict[str, Any]:
        """Return one configuration: the first value of every list, the low end of every range, or others that
        ``search.where`` allows, where some are found."""
        usual = self.completed({})
        if self.allows(usual):
            return usual
        if self.search.sampler == "grid":
            return next(self.grid(), usual)
        tried = map(self.completed, itertools.islice(drawn(self.axes), MAX_EXAMPLES_TRIED))
        return next(filter(self.allows, tried), usual)

    def completed(self, parameters: Parameters) -> dict[str, object]:
        """Return a configuration with these parameters where they are active, and with example values elsewhere."""
        chosen: dict[str, Any] = {}
        for axis in self.axes:
            if axis.active(chosen):
                domain = axis.domain
                usual = domain.values[0] if isinstance(domain, Grid) else domain.low
                chosen[axis.name] = parameters.get(axis.name, usual)
        return chosen

    def grid(self) -> Iterator[dict[str, Any]]:
        """Yield every configuration of the grid, lazily, the last axis running fastest."""
        configurations: Iterator[dict[str, Any]] = iter([{}])
        for axis in self.axes:
            configurations = with_values(axis, configurations)
        return filter(self.allows, configurations) if self.search.where else configurations

    def grid_size(self) -> int:
        """Number of configurations of the grid that ``search.where`` allows."""
        return self._allowed_count if self.search.where else self.combinations()

    def left_out(self) -> str:
        """Say how many configurations of a grid ``search.where`` leaves out, and what it asks of a search; "" for
        none."""
        if not self.search.where:
            return ""
        if self.search.sampler != "grid":
            return f"all configurations fulfil {self.search.where}"
        every = self.combinations()
        return f"{every - self.grid_size():,} of {every:,} configurations are left out by {self.search.where}"

    def summary(self) -> dict[str, object]:
        """Return in short what a sound file says, as plain data. Names are stable."""
        return {
            "name": self.name,
            "title": self.title,
            "workload": self.workload,
            "sampler": self.search.sampler,
            "seeds": list(self.seeds),
            "trials": (self.search.trials or self.grid_size()) * len(self.seeds),
            "notes": [*([left_out] if (left_out := self.left_out()) else []), *map(str, self.notes)],
        }

    @cached_property
    def _allowed_count(self) -> int:
        return sum(1 for _ in self.grid())

    def combinations(self) -> int:
        """Number of configurations of the grid, allowed or not, counted without enumerating them.

        A conditional axis depends on exactly one other, so axes form trees: below a value stand the axes it activates.
        """
        below = grouped(self.axes, lambda axis: axis.when.axis if axis.when else "")
        sizes: dict[str, int] = {}
        for axis in reversed(self.axes):  # an axis stands before those that depend on it
            children = below.get(axis.name, [])
            if not isinstance(axis.domain, Grid):
                sizes[axis.name] = 1
            else:
                sizes[axis.name] = sum(
                    math.prod(sizes[child.name] for child in children if child.active({axis.name: value}))
                    for value in axis.domain.values
                )
        return math.prod(sizes[axis.name] for axis in below.get("", []))
