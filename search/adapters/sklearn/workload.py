"""The workload that an estimator becomes."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from search.adapters.sklearn.errors import EstimatorError
from search.adapters.sklearn.parameters import BATCH_SIZE, check, described, put, rules_of, spelled
from search.adapters.sklearn.splits import Split, card_of, classes_of, looked_over, made
from search.adapters.sklearn.training import Measure, Training, has_classes
from search.core.trial import DataCard
from search.core.values import Settings
from search.workload import Description, Workload, complete
from search.workload.plans import values_of
from search.workload.scored import PER_EXAMPLE

ADAPTER_VERSION = "sklearn 1"
"""Raise it when the adapter trains the same estimator to other bits."""

MAX_DATA_SETS = 2
"""Kept in the memory of a process; the one that was made longest ago is made again."""

Make = Callable[["Given"], BaseEstimator]


def workload(
    estimator: BaseEstimator | type[BaseEstimator] | None = None,
    *,
    data: Callable[..., object],
    settings: Mapping[str, object] | None = None,
    batch_size: int | None = None,
    measure: Measure | None = None,
    resumable: bool = True,
    recipe: str | None = None,
) -> Any:
    """Make a workload of an estimator, or, as a decorator, of a function that returns one.

    Args:
        estimator: its parameters are settings, with the values it has as defaults. Left out, this decorates a function
            that is given the run's settings and returns an estimator; only the settings that are listed are there then.
        data: returns ``{"train": (X, y), "val": (X, y)}``, perhaps with ``"test"``, or what ``train_test_split(X, y)``
            does. It may take the fixed settings; the seed is not among them. Its content is hashed into every key.
        settings: name -> rule, as in `search.workload.Description`, or a default value alone. ``"epoch": True`` lets a
            parameter change from epoch to epoch.
        batch_size: rows of one ``partial_fit``, a setting of this name then; by default an epoch is one call.
        measure: ``measure(estimator, X, y)`` returns name -> number for one split; by default see
            `search.adapters.sklearn.training.measured`.
        resumable: false where its state cannot be saved: each run is trained from its first epoch then.
        recipe: see `search.workload.Workload`; by default the source of the module in which it is made, and of what
            that imports from beside it.

    Raises:
        EstimatorError: it can be trained neither by ``partial_fit`` nor by ``warm_start``; a setting has no rule.
    """

    def build(make: Make, name: str, module: str, rules: Description) -> EstimatorWorkload:
        return EstimatorWorkload(make, name, module, data, rules, batch_size, measure, resumable, recipe)

    if estimator is None:

        def decorate(function: Make) -> EstimatorWorkload:
            name, module = function.__name__, function.__module__
            return build(function, name, module, described(settings or {}, {}, name))

        return decorate
    template = estimator() if inspect.isclass(estimator) else estimator
    name = type(template).__name__
    _trainable(template)
    rules = described(settings or {}, rules_of(template), name)
    # Named by whoever calls: the estimator stands in that module's code.
    module = str(sys._getframe(1).f_globals.get("__name__", "__main__"))
    return build(functools.partial(_from_template, template), name, module, rules)


def _from_template(template: BaseEstimator, given: Given) -> BaseEstimator:
    parameters = template.get_params()
    return clone(template).set_params(**{name: given[name] for name in given if name in parameters})


class EstimatorWorkload(Workload):
    """The workload that `workload` makes; called, it trains a few epochs to try it.

    Attributes:
        source_module: the module in which it was made, whose code keys it.
    """

    adapter_version = ADAPTER_VERSION
    libraries: Sequence[str] = ("sklearn", "numpy", "scipy")

    def __init__(
        self,
        make: Make,
        name: str,
        module: str,
        data: Callable[..., object],
        settings: Description,
        batch_size: int | None,
        measure: Measure | None,
        resumable: bool,
        recipe: str | None,
    ) -> None:
        self.recipe, self.source_module, self.resumable, self.__name__ = recipe, module, resumable, name
        self._make, self._data_function, self._measure = make, data, measure
        self.settings = dict(settings)
        if batch_size is not None and BATCH_SIZE not in self.settings:
            meaning = "rows of one partial_fit"
            self.settings[BATCH_SIZE] = {"type": "integer", "minimum": 1, "default": batch_size, "description": meaning}
            self._batched = True
        else:
            self._batched = False
        self._varying = {name for name, rule in self.settings.items() if rule.get("epoch")}
        self._repeated = False  # whether data made twice were the same
        self._splits: list[tuple[dict[str, Any], dict[str, Split], DataCard]] = []  # read settings, data, their card

    def canonical(self, settings: Settings) -> dict[str, Any]:
        """Return settings in their one spelling, as scikit-learn's own rules allow them.

        Raises:
            SettingFaults: they do not.
        """
        result = spelled(complete(self.settings, settings), self.settings)
        fixed = {name: value for name, value in result.items() if name not in self._varying}
        estimator = self._estimator(fixed)
        check(estimator, result)
        for name in self._varying & set(result):
            for value in values_of(result[name], self.settings[name]):
                check(put(estimator, {name: value}), {**result, name: value})
        return result

    def data(self, fixed: Settings) -> DataCard:
        """Make the data and describe them by content.

        Raises:
            EstimatorError: they are no splits.
        """
        return self._data_of(fixed)[1]

    def check_data(self, fixed: Settings) -> Sequence[str]:
        """Return lines on the data, and on what is odd about them."""
        splits, card, _ = self._data_of(fixed)
        return looked_over(splits, card)

    def start(self, fixed: Settings, cpus: int, gpus: float) -> Training:  # noqa: ARG002  # scikit-learn has none
        """Begin a run at epoch 0.

        Raises:
            EstimatorError: it cannot be trained epoch by epoch, or reads none of a setting.
        """
        splits, _, _ = self._data_of(fixed)
        estimator = self._estimator(fixed, check_read=True)
        classes = classes_of(splits) if has_classes(estimator) else None
        if self._measure is None and not hasattr(estimator, "score"):
            raise EstimatorError(
                f"{type(estimator).__name__} has no score; give measure=, a function of the estimator, X and y that "
                "returns numbers by name"
            )
        batch_size = fixed[BATCH_SIZE] if self._batched else None
        make = functools.partial(self._estimator, fixed)
        seed = int(fixed.get("seed", 0))
        return Training(make, splits, classes, batch_size, self._measure, seed, cpus, self.resumable)

    def weights(self, run: Training) -> dict[str, np.ndarray]:
        """Return the arrays that the estimator has learned; none where it does not predict by arrays, as a forest."""
        return run.weights()

    def about(self, run: Training) -> dict[str, Any]:
        """Return ``estimator``, its class, and its ``parameters``."""
        return run.about()

    def __call__(self, epochs: int = 10, **settings: object) -> list[dict[str, Any]]:
        """Train a few epochs here, to try it: print and return their rows; nothing is recorded."""
        fixed, schedule = self.schedule(self.canonical({"seed": 0, **settings}), epochs)
        run, rows = self.start(fixed, 1, 0), []
        for epoch, now in enumerate(schedule, 1):
            rows.append(dict(run.train_epoch(now)))
            numbers = (f"{name} {value:.4g}" for name, value in rows[-1].items() if name not in PER_EXAMPLE)
            print(f"epoch {epoch}: {', '.join(numbers)}", flush=True)
        return rows

    def _estimator(self, fixed: Settings, check_read: bool = False) -> BaseEstimator:
        """Return the estimator before its first epoch: its chance is the trial's seed, whatever the script says."""
        given = Given(self.__name__, fixed, frozenset(self._varying))
        estimator = self._make(given)
        if not isinstance(estimator, BaseEstimator):
            raise EstimatorError(f"{self.__name__} returned a {type(estimator).__name__}, must return an estimator")
        _trainable(estimator)
        seed = int(fixed.get("seed", 0)) % 2**32
        parameters = estimator.get_params()
        chance = [name for name in parameters if name == "random_state" or name.endswith("__random_state")]
        estimator.set_params(**dict.fromkeys(chance, seed))
        if not hasattr(estimator, "partial_fit"):
            estimator.set_params(warm_start=True)
        for name in self._varying - set(parameters):
            put(estimator, {name: None})  # says that there is no such parameter
        if check_read:
            self._check_read(given.read | set(self._data_of(fixed)[2]))
        return estimator

    def _check_read(self, read: set[str]) -> None:
        known = {*read, *self._varying, "seed"} | ({BATCH_SIZE} if self._batched else set())
        if unread := [name for name in self.settings if name not in known]:
            raise EstimatorError(
                f"{self.__name__}: nothing reads {', '.join(map(repr, unread))} of its settings, whose values would "
                f"train the same; read run[{unread[0]!r}], or remove them"
            )

    def _data_of(self, fixed: Settings) -> tuple[dict[str, Split], DataCard, dict[str, object]]:
        """Return the data of these settings, made once per process for all settings that are not read to make them."""
        for read, splits, card in self._splits:
            if all(fixed.get(name) == value for name, value in read.items()):
                return splits, card, read
        unseeded = {name: value for name, value in fixed.items() if name != "seed"}
        given = Given(self.__name__, unseeded, frozenset(self._varying))
        splits = made(self._data_function, given)
        classes = classes_of(splits) if has_classes(self._estimator(fixed)) else None
        name = getattr(self._data_function, "__name__", "data")
        card = card_of(splits, name, classes)
        if not self._repeated:
            self._repeated = card_of(made(self._data_function, given), name, classes).fingerprint == card.fingerprint
        if not self._repeated:
            raise EstimatorError(
                f"data={name}: made twice, the data differ; give every random generator in there a fixed seed, and "
                "take nothing from the clock or from the order of a set"
            )
        read = {name: fixed.get(name) for name in given.read}
        self._splits = [*self._splits[-(MAX_DATA_SETS - 1) :], (read, splits, card)]
        return splits, card, read


class Given(Mapping[str, Any]):
    """The settings of a run, as a function reads them; notes which it reads.

    Attributes:
        read: their names.
    """

    def __init__(self, what: str, settings: Settings, varying: frozenset[str]) -> None:
        self._what, self._settings, self._varying, self.read = what, dict(settings), varying, set[str]()

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self._settings.get("seed", 0))

    def __getitem__(self, name: str) -> Any:
        if name in self._varying:
            raise EstimatorError(
                f"{self._what}: run[{name!r}] may change from epoch to epoch, and is given to the parameter {name!r} "
                'before each; leave it out here, or leave out "epoch": True'
            )
        self.read.add(name)
        return self._settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)


def _trainable(estimator: BaseEstimator) -> None:
    if hasattr(estimator, "partial_fit") or "warm_start" in estimator.get_params(deep=False):
        return
    raise EstimatorError(
        f"{type(estimator).__name__} has neither partial_fit nor warm_start, so that it has no epochs; take one "
        "that has, such as SGDClassifier"
    )
