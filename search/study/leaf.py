"""From parameters to a leaf of the stage tree: canonical settings, schedule and epoch keys of one trial."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.core import prefix
from search.core.errors import UserError
from search.core.shown import called
from search.core.trial import DataCard, Trial
from search.core.trust import kind_of
from search.core.values import same
from search.space.addressed import addressed
from search.space.model import Domain, Grid, Int, Space
from search.space.service import SERVICE_SETTINGS
from search.study.cards import check_card
from search.workload import Costing, Workload, identity
from search.workload.settings import Description, complete

NO_DATA = DataCard(fingerprint="")

MAX_REMEMBERED_RUNS = 2_000
"""Runs whose settings and keys are remembered, for the trials that differ in how they are stopped alone."""

_Way = tuple[dict[str, Any], list[Mapping[str, Any]], list[str], str, Mapping[str, str], str]


@dataclass(frozen=True)
class Leaf:
    """A trial with everything that is needed to train and to settle it.

    Attributes:
        trial: the trial.
        fixed: canonical fixed settings with the seed.
        schedule: settings of each epoch, ``trial.epochs`` of them.
        path: ``path[t]`` is the key of the state and the row after epoch t + 1.
        data: fingerprint of the data its rows are measured on.
        inputs: weights its runs start from, by name -> content hash.
        kind: what trust in its saved states is earned for (`search.core.trust`).
    """

    trial: Trial
    fixed: Mapping[str, Any]
    schedule: Sequence[Mapping[str, Any]]
    path: Sequence[str]
    data: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""


class Planner:
    """Makes leaves of one space in one execution class.

    Args:
        space: the search space.
        workload: its workload.
        execution_class: what a worker answered, or what the study is pinned to.
        sharing: where false, keys are salted with study and trial, so that every trial trains alone.
        on_data: called once with every data card that was read.
        study: name of the study with its revision, which salts are made of; by default the space's.
        alone: kinds of which nothing is shared, as if `sharing` were false.
    """

    def __init__(
        self,
        space: Space,
        workload: Workload,
        execution_class: Mapping[str, str],
        sharing: bool = True,
        on_data: Callable[[DataCard], None] | None = None,
        study: str = "",
        alone: Collection[str] = (),
    ) -> None:
        self.space = space
        self._study = study or space.name
        self._workload = workload
        self._class = dict(execution_class)
        self.sharing, self.alone = sharing, frozenset(alone)
        self.landmarks: Sequence[int] = tuple(getattr(workload, "landmarks", ()))
        self.resumable = bool(getattr(workload, "resumable", True))
        self._identity = identity(space.workload, workload)
        self._defaults = {name: rule["default"] for name, rule in workload.settings.items() if "default" in rule}
        self._on_data = on_data or (lambda card: None)
        self._cards: dict[str, DataCard] = {}
        self._told: set[str] = set()  # fingerprints of the cards that were passed on
        self._known: dict[str, tuple[dict[str, Any], _Way]] = {}  # canonical settings and what follows from them

    @property
    def untested(self) -> bool:
        """Whether data that were read have no test split: only a card with true classes tells."""
        return any(card.truth and "test" not in card.truth for card in self._cards.values())

    def judged(self, split: str) -> int:
        """Return how many examples of a split judge a setting: groups, where examples come in some, else those of
        different content; the fewest of the data that were read, 0 where none tell."""
        counts = []
        for card in self._cards.values():
            names = card.groups.get(split) or card.contents.get(split) or range(len(card.truth.get(split, ())))
            counts.append(len(set(names)))
        return min(counts, default=0)

    def settings(self, parameters: Mapping[str, object]) -> dict[str, Any]:
        """Return the canonical settings of a configuration under the first seed, the service's own among them.

        Raises:
            UserError: they cannot be trained together.
        """
        settings, service = canonical(self.space, self._workload, parameters, self.space.seeds[0])
        return {**settings, **service}

    def leaf(self, number: int, configuration: int, seed: int, parameters: Mapping[str, object]) -> Leaf:
        """Return the leaf of a configuration under one seed.

        Raises:
            UserError: the settings cannot be trained together, or their data cannot be read.
        """
        wanted, service = _split(self.space, parameters)
        epochs = service["epochs"]
        # Without the settings nobody can tell yet whether its kind is one that is trained alone.
        salt = "" if self.sharing and not self.alone else f"{self._study}/{configuration}/{seed}"
        # Trials that differ in nothing but how they are stopped are the same run: everything is worked out once.
        name = json.dumps([wanted, seed, epochs, salt], sort_keys=True, default=repr)
        known = self._known.get(name)
        if known is None:
            with addressed(self.space):
                settings = self._workload.canonical({**wanted, "seed": seed})
            known = (settings, self._path(settings, epochs, salt))
            if len(self._known) >= MAX_REMEMBERED_RUNS:
                self._known.pop(next(iter(self._known)))
            self._known[name] = known
        settings, (fixed, schedule, path, data, inputs, kind) = known
        trial = Trial(number, configuration, seed, dict(parameters), {**settings, **service}, epochs)
        return Leaf(trial, fixed, schedule, path, data, inputs, kind)

    def _path(self, settings: Mapping[str, object], epochs: int, salt: str) -> _Way:
        """Return fixed settings, schedule, keys, the fingerprint of the data, the hashes of the input weights, and the
        kind. The keys are salted only where nothing is shared."""
        with addressed(self.space):
            fixed, steps = self._workload.schedule(settings, epochs)
        card = self._card(fixed)
        with addressed(self.space):
            inputs = dict(self._workload.inputs(fixed))
        rules = self._workload.settings
        relevant = hashed(fixed, rules)
        kind = kind_of(self._identity, self._class, relevant, self._defaults)
        if self.sharing and kind not in self.alone:
            salt = ""
        plain = prefix.without_defaults(relevant, rules)
        root = prefix.root_key(self._identity, card.fingerprint, inputs, plain, self._class, salt)
        schedule = _equal_ones_once(steps)
        path = prefix.path(root, _one_by_one(schedule, lambda steps: prefix.without_defaults(steps, rules)))
        return fixed, schedule, path, card.fingerprint, inputs, kind

    def costs(self, leaf: Leaf) -> dict[str, float]:
        """Return objective -> what a leaf costs, of those objectives that the workload works out of the settings.

        Raises:
            UserError: the workload gives no finite number.
        """
        names = [one.metric for one in self.space.search.objectives if one.cost]
        if not names or not isinstance(self._workload, Costing):
            return {}
        with addressed(self.space):
            found = self._workload.costs(leaf.fixed)
        for name in names:
            if not isinstance(value := found.get(name), int | float) or not math.isfinite(value):
                told = f"workload {called(self.space.workload)!r}: its costs hold {name} = {value!r}"
                raise UserError(f"{told}, must be a finite number; mend `costs`, or remove the objective {name}")
        return {name: float(found[name]) for name in names}

    def partings(self, leaf: Leaf) -> set[int]:
        """Return the epochs behind which other configurations of the space may part from this leaf.

        Looks at configurations that differ in one axis: up to nine other values of each, or the ends of a prior.
        """
        epochs: set[int] = set()
        for axis in self.space.axes:
            if axis.name not in leaf.trial.parameters:
                continue
            for value in _alternatives(axis.domain):
                other = self.space.completed({**leaf.trial.parameters, axis.name: value})
                try:
                    settings, _ = canonical(self.space, self._workload, other, leaf.trial.seed)
                    fixed, schedule = self._workload.schedule(settings, leaf.trial.epochs)
                except UserError:
                    continue  # this combination cannot be trained: nobody parts there
                if same(fixed, leaf.fixed):
                    pairs = enumerate(zip(leaf.schedule, schedule, strict=True))
                    epochs.add(next((epoch for epoch, (one, two) in pairs if not same(one, two)), 0))
        return epochs - {0}

    def _card(self, fixed: Mapping[str, object]) -> DataCard:
        """Ask for the data once per run and fixed settings, the seed apart: the same data serve all seeds."""
        name = prefix.fingerprint({name: value for name, value in fixed.items() if name != "seed"})
        if name not in self._cards:
            with addressed(self.space):
                card = self._workload.data(fixed) or NO_DATA
            check_card(card, self.space.workload)
            if card.fingerprint not in self._told:  # of as many settings as there are trials, perhaps
                self._told.add(card.fingerprint)
                self._on_data(card)
            self._cards[name] = card
        return self._cards[name]


def canonical(
    space: Space, workload: Workload, parameters: Mapping[str, object], seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the canonical settings of a configuration: the workload's, with the seed, and the service's own.

    Raises:
        UserError: they cannot be trained together.
    """
    wanted, service = _split(space, parameters)
    with addressed(space):
        return workload.canonical({**wanted, "seed": seed}), service


def _split(space: Space, parameters: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the workload's settings of a configuration as they were given, and the service's own, complete."""
    chosen = space.settings(parameters)
    wanted = {name: value for name, value in chosen.items() if name not in SERVICE_SETTINGS}
    return wanted, complete(SERVICE_SETTINGS, {k: v for k, v in chosen.items() if k in SERVICE_SETTINGS})


def _alternatives(domain: Domain) -> Sequence[object]:
    """Return up to nine values spread over listed ones or whole numbers, and the ends of another prior."""
    if isinstance(domain, Grid):
        every: Sequence[object] = domain.values
    elif isinstance(domain, Int):
        every = range(domain.low, domain.high + 1, domain.step)
    else:
        return (domain.low, domain.high)
    return [every[place] for place in sorted({round(place * (len(every) - 1) / 8) for place in range(9)})]


def _equal_ones_once(schedule: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """Let equal neighbours be one object: most epochs are trained under the settings of the one before."""
    result: list[Mapping[str, Any]] = []
    for each in schedule:
        result.append(result[-1] if result and same(result[-1], each) else each)
    return result


def _one_by_one(
    schedule: Sequence[Mapping[str, object]], change: Callable[[Mapping[str, object]], object]
) -> list[Any]:
    """Return `change` of each epoch's settings, asked once and returned as one object where these are one object."""
    result: list[Any] = []
    for place, each in enumerate(schedule):
        result.append(result[-1] if place and each is schedule[place - 1] else change(each))
    return result


def hashed(fixed: Mapping[str, object], rules: Description) -> dict[str, object]:
    """Drop the settings that stand for data: the data's fingerprint says what they hold, wherever it lies."""
    return {name: value for name, value in fixed.items() if rules.get(name, {}).get("hashed", True)}


def longest(space: Space) -> int:
    """Return the epochs of the longest trial the space can ask for."""
    lengths: list[int] = [space.fixed.get("epochs", 1)]
    for axis in space.axes:
        domain = axis.domain
        if hasattr(domain, "high") and axis.name == "epochs":
            lengths.append(math.floor(domain.high))
        for value in getattr(domain, "values", ()):
            lengths.append(axis.settings(value).get("epochs", 1))
    return max(lengths)
