"""Configurations from an Optuna sampler that is asked and told.

An adaptive sampler works on a study in memory that is rebuilt from the ledger when a driver starts. A new sampler
object with a seed of its own is made for every question, so that an answer is a function of the space's seed, of the
questions before it and of what was told. Questions that brought a configuration again are recorded with the next new
one, so that a search whose trials end one after another goes on behind a restart as it would have without.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from search.core.prefix import fingerprint
from search.core.values import Parameters, rounded
from search.space.model import Domain, Float, Grid, Int, Space
from search.space.nodes import text_of
from search.study.asked import STARTED, Asked, StartingPoint, Told, started

optuna.logging.set_verbosity(optuna.logging.ERROR)

MAX_REFUSED_ASKS = 2_000
"""Questions in a row whose answers ``search.where`` refuses, after which the space counts as exhausted."""

POPULATION = 20
"""Configurations of a generation of NSGA-II. Optuna's 50 leave a search of usual length one generation or two."""

MAX_REPEATED_ASKS = 100
"""Questions in a row that bring no new configuration, after which the space counts as exhausted."""


class OptunaSampler:
    """Configurations of an Optuna sampler; `trials` of the space counts distinct ones.

    Args:
        space: the search space.
        asked: records of the configurations asked before, in order.
        start: points to be tried before the sampler chooses, those asked before among them or not.
    """

    def __init__(
        self, space: Space, asked: Sequence[Mapping[str, object]] = (), start: Sequence[StartingPoint] = ()
    ) -> None:
        self._space = space
        self._started: dict[str, int] = {}  # starting points tried since the last new configuration, and theirs
        self._wanted = space.search.trials or 0
        self.adaptive = space.search.learns
        self._storage = optuna.storages.InMemoryStorage()
        self._study = optuna.create_study(storage=self._storage, directions=directions(space))
        self._recorded: dict[str, Any] = {}  # attributes of the study as the records have them
        self._questions = 0
        self._trials: dict[int, list[int]] = {}  # configuration -> numbers of its Optuna trials, repeats included
        self._known: dict[str, int] = {}  # fingerprint of parameters -> configuration
        # What was proposed again since the last new configuration; without a configuration, what the condition refused.
        self._repeats: list[dict[str, Any]] = []
        self._refused: set[int] = set()  # numbers of the Optuna trials that the condition refused
        self._told: dict[int, Told] = {}
        self._study.sampler = self._made()  # it hears of trials that ended before it is asked
        for record in asked:
            self._replay(record)
        self._start = deque(point for point in start if point.name not in started(asked))

    def ask(self) -> Asked | None:
        """Return the next new configuration; one that was proposed before is told at once and costs nothing."""
        if len(self._trials) >= self._wanted:
            return None
        repeated = refused = 0
        while repeated < MAX_REPEATED_ASKS + len(self._start) and refused < MAX_REFUSED_ASKS:
            point = self._start.popleft() if self._start else None
            number, parameters = self._question(point)
            if not self._space.allows(parameters):
                refused += 1
                self._refuse(number)
                continue
            name = fingerprint(parameters)
            configuration = self._known.get(name, len(self._trials))
            if point is not None:
                self._started[point.name] = configuration
            if name not in self._known:
                self._known[name] = configuration
                self._trials[configuration] = [number]
                return Asked(configuration, parameters, self._record(number, parameters))
            repeated += 1
            self._trials[configuration].append(number)
            self._repeats.append({"configuration": configuration, **self._proposal(number)})
            if configuration in self._told:
                self._tell(number, self._told[configuration])
        self._wanted = len(self._trials)
        return None

    def tell(self, configuration: int, outcome: Told) -> None:
        """Tell the sampler once what became of a configuration."""
        if configuration in self._told:
            return
        self._told[configuration] = outcome
        for number in self._trials[configuration]:
            self._tell(number, outcome)

    def _question(self, point: StartingPoint | None) -> tuple[int, dict[str, object]]:
        self._study.sampler = self._made()
        self._questions += 1
        if point is not None:
            self._study.enqueue_trial(fixed_parameters(self._space, point.parameters))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = self._study.ask()
            parameters: dict[str, Any] = {}
            for axis in self._space.axes:
                if axis.active(parameters):
                    parameters[axis.name] = suggest(trial, axis.name, axis.domain)
        return trial.number, parameters

    def _tell(self, number: int, outcome: Told) -> None:
        state = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}.get(outcome.state, TrialState.FAIL)
        trial_id = self._trial_id(number)
        # Optuna ranks a pruned trial by these, and of several objectives it knows no such rank: then it ranks worst.
        for epoch, value in outcome.intermediate.items() if not self._space.search.further else ():
            self._storage.set_trial_intermediate_value(trial_id, epoch, value)
        values = [outcome.value, *outcome.further] if outcome.value is not None else []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study.tell(number, values if state == TrialState.COMPLETE else None, state)

    def _refuse(self, number: int) -> None:
        """Take note of a proposal that the condition refuses. Only a sampler that learns needs it again."""
        self._refused.add(number)
        self._tell(number, Told("pruned"))
        if self.adaptive:
            self._repeats.append({"configuration": None, **self._proposal(number)})

    def _made(self) -> optuna.samplers.BaseSampler:
        """Return the sampler for the next question; where there is a condition, TPE learns what it refuses."""

        def refused(trial: optuna.trial.FrozenTrial) -> tuple[float]:
            return (float(trial.number in self._refused),)

        return _sampler(self._space, self._questions, refused if self._space.search.where else None)

    def _record(self, number: int, parameters: Mapping[str, object]) -> dict[str, object]:
        repeats, self._repeats = self._repeats, []
        tried, self._started = self._started, {}
        attributes = self._storage.get_study_system_attrs(self._study._study_id)
        # Only what is new: NSGA-II adds the parents of each generation, and would repeat them in every record.
        new = {name: value for name, value in attributes.items() if self._recorded.get(name) != value}
        self._recorded |= new
        return {
            **({STARTED: tried} if tried else {}),
            "parameters": dict(parameters),
            **self._proposal(number),
            "repeats": repeats,
            "study_attrs": new,
            "questions": self._questions,
        }

    def _proposal(self, number: int) -> dict[str, object]:
        frozen = self._storage.get_trial(self._trial_id(number))
        return {"params": dict(frozen.params), "trial_attrs": dict(frozen.system_attrs)}

    def _trial_id(self, number: int) -> int:
        """Return Optuna's identifier of one of its trials. The list of a study's trials is a copy of all of them."""
        return self._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)

    def _replay(self, record: Mapping[str, Any]) -> None:
        """Put a configuration asked by an earlier driver back, with the repeats before it, as being worked on."""
        for repeat in record.get("repeats", ()):
            number = self._put_back(repeat)
            if repeat["configuration"] is None:
                self._refused.add(number)
                self._tell(number, Told("pruned"))
            else:
                self._trials[repeat["configuration"]].append(number)
        configuration = len(self._trials)
        self._trials[configuration] = [self._put_back(record)]
        self._known[fingerprint(record["parameters"])] = configuration
        self._recorded |= record["study_attrs"]
        for name, value in record["study_attrs"].items():
            self._storage.set_study_system_attr(self._study._study_id, name, value)
        self._questions = record["questions"]

    def _put_back(self, proposal: Mapping[str, Any]) -> int:
        """Add an Optuna trial that an earlier driver was given, and return its number."""
        distributions = {axis.name: distribution(axis.domain) for axis in self._space.axes}
        frozen = optuna.trial.create_trial(
            state=TrialState.RUNNING,
            params=dict(proposal["params"]),
            distributions={name: distributions[name] for name in proposal["params"]},
            system_attrs=dict(proposal["trial_attrs"]),
        )
        return self._storage.get_trial_number_from_id(self._storage.create_new_trial(self._study._study_id, frozen))


def directions(space: Space) -> list[optuna.study.StudyDirection]:
    """Return Optuna's words for the directions of all objectives."""
    return [optuna.study.StudyDirection[one.direction.upper()] for one in space.search.objectives]


def fixed_parameters(space: Space, parameters: Parameters) -> dict[str, Any]:
    """Return a configuration, or a part of one, in Optuna's words."""
    return {axis.name: called(axis.domain, parameters[axis.name]) for axis in space.axes if axis.name in parameters}


def distribution(domain: Domain) -> BaseDistribution:
    """Return Optuna's word for a domain."""
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
    assert isinstance(domain, Grid)
    return CategoricalDistribution([called(domain, value) for value in domain.values])


def called(domain: Domain, value: object) -> Any:
    """Return what Optuna calls a value of a domain: its text where Optuna would take two of a list's values for one.

    It finds a value by Python's ``==``, to which 1 and true are one; the texts of a list's values differ.
    """
    listed = domain.values if isinstance(domain, Grid) else ()
    return text_of(value) if len(set(listed)) < len(listed) else value


def suggest(trial: optuna.Trial, name: str, domain: Any) -> Any:
    """Draw one value, in the spelling in which it is trained and shown (12 significant digits)."""
    wanted = distribution(domain)
    match wanted:
        case FloatDistribution():
            value = trial.suggest_float(name, wanted.low, wanted.high, step=wanted.step, log=wanted.log)
            return min(max(rounded(value, {"type": "number"}), wanted.low), wanted.high)
        case IntDistribution():
            return trial.suggest_int(name, wanted.low, wanted.high, step=wanted.step, log=wanted.log)
        case CategoricalDistribution():
            drawn = trial.suggest_categorical(name, wanted.choices)
            return domain.values[wanted.choices.index(drawn)]
    raise TypeError(wanted)


def _sampler(
    space: Space, question: int, refused: Callable[[optuna.trial.FrozenTrial], tuple[float]] | None
) -> optuna.samplers.BaseSampler:
    """Make the sampler for one question. A QMC sequence keeps its seed: its position is kept by the study."""
    seed = int(fingerprint([space.search.seed, question])[:8], 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        match space.search.sampler:
            case "random":
                return optuna.samplers.RandomSampler(seed=seed)
            case "tpe":
                return optuna.samplers.TPESampler(seed=seed, constraints_func=refused)
            case "nsga2":
                return optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
            case "gp":
                return optuna.samplers.GPSampler(seed=seed)
            case "cmaes":
                return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
            case "qmc":
                return optuna.samplers.QMCSampler(
                    seed=space.search.seed,
                    scramble=True,
                    warn_independent_sampling=False,
                    independent_sampler=optuna.samplers.RandomSampler(seed=seed),
                )
    raise ValueError(f"no sampler {space.search.sampler!r}")
