"""One run of an estimator: an epoch is a pass over the training data in an order of its own."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from threadpoolctl import ThreadpoolController

from search.adapters.plain import decode, encode
from search.adapters.sklearn import state
from search.adapters.sklearn.errors import EstimatorError
from search.adapters.sklearn.parameters import put
from search.adapters.sklearn.splits import TRAIN, Split, seeded
from search.adapters.sklearn.weights import weights_of
from search.core.values import Settings

CHECKED_ROWS = 64
"""Of the training data, which the check of saving and loading trains on."""

Measure = Callable[[Any, Any, Any], Mapping[str, float]]

_sound: set[str] = set()
"""Estimators that were found to go on bit for bit in this process, with what is told apart of their parameters."""


class Training:
    """One training of an estimator.

    Args:
        make: makes the estimator, as it is before the first epoch.
        splits: the data.
        classes: labels of a classifier, else None.
        batch_size: rows of a ``partial_fit``; None gives it all training data at once.
        measure: measures a split, see `measured`.
        seed: of the run.
        threads: CPU threads.
        resumable: whether it is to be saved.
    """

    def __init__(
        self,
        make: Callable[[], BaseEstimator],
        splits: Mapping[str, Split],
        classes: np.ndarray | None,
        batch_size: int | None,
        measure: Measure | None,
        seed: int,
        threads: int,
        resumable: bool,
    ) -> None:
        self._make, self._splits, self._classes, self._batch_size = make, splits, classes, batch_size
        self._measure, self._seed, self._threads, self._resumable = measure, seed, threads, resumable
        self._pools = ThreadpoolController()  # finding them takes milliseconds
        self._epoch = 0
        self._estimator = self._made()
        self._step = self._estimator.get_params().get(grows_by(self._estimator))

    def train_epoch(self, settings: Settings) -> Mapping[str, object]:
        """Train one pass over the data and measure all other splits.

        Raises:
            EstimatorError: the estimator cannot be saved and restored bit for bit.
        """
        self._epoch += 1
        with self._pools.limit(limits=self._threads), _quiet():
            now = {**self._grown(), **settings}
            put(self._estimator, now)
            with seeded(self._seed, self._epoch, "epoch"):
                for x, y in self._batches():
                    self._fit(self._estimator, x, y)
            if self._resumable:
                self._check(now)
            return measured(self._estimator, self._splits, self._classes, self._measure)

    def save(self) -> bytes:
        """Return the number of the epoch and what the estimator has learned.

        Raises:
            NotImplementedError: it is not to be saved.
            EstimatorError: it cannot be saved.
        """
        if not self._resumable:
            raise NotImplementedError("resumable=False: every run is trained from its first epoch")
        return encode({"epoch": self._epoch, "learned": state.save(self._estimator)})

    def load(self, saved: bytes) -> None:
        """Go on from what `save` returned.

        Raises:
            ValueError: these bytes are no such state.
        """
        content = decode(saved)
        self._estimator = self._made()
        state.load(self._estimator, content["learned"])
        self._epoch = content["epoch"]

    def weights(self) -> dict[str, np.ndarray]:
        """Return the arrays that were learned; see `search.adapters.sklearn.weights`."""
        return weights_of(self._estimator)

    def about(self) -> dict[str, Any]:
        """Return the estimator's class and those of its parameters that are plain data."""
        plain = (bool, int, float, str, type(None))
        parameters = self._estimator.get_params()
        return {
            "estimator": f"{type(self._estimator).__module__}.{type(self._estimator).__qualname__}",
            "parameters": {name: value for name, value in parameters.items() if isinstance(value, plain)},
        }

    def _made(self) -> BaseEstimator:
        with seeded(self._seed, 0, "start"):
            return self._make()

    def _grown(self) -> dict[str, int]:
        """Return the size of what ``warm_start`` goes on with, where that is a number of trees: more each epoch."""
        name = grows_by(self._estimator)
        return {name: self._step * self._epoch} if name else {}

    def _batches(self) -> Iterator[tuple[object, object]]:
        train = self._splits[TRAIN]
        if not hasattr(self._estimator, "partial_fit"):
            yield train.x, train.y  # ``fit`` looks at all of them, in the order they have
            return
        order = np.random.default_rng([self._seed, self._epoch]).permutation(len(train))
        size = self._batch_size or len(order)
        for begin in range(0, len(order), size):
            yield train.rows(order[begin : begin + size])

    def _fit(self, estimator: Any, x: Any, y: Any) -> None:
        if not hasattr(estimator, "partial_fit"):
            estimator.fit(x, y)
        elif self._classes is not None and "classes" in inspect.signature(estimator.partial_fit).parameters:
            estimator.partial_fit(x, y, classes=self._classes)
        else:
            estimator.partial_fit(x, y)

    def _check(self, now: Settings) -> None:
        """Let a copy and a new estimator with the saved state train a few rows, once per process and kind.

        Args:
            now: parameters of this epoch.

        Raises:
            EstimatorError: they learn different things.
        """
        told_apart = {
            name: value for name, value in self._estimator.get_params().items() if not isinstance(value, float)
        }
        kind = f"{type(self._estimator)} {told_apart}"
        if kind in _sound:
            return
        name = type(self._estimator).__name__
        x, y = self._splits[TRAIN].rows(np.arange(min(CHECKED_ROWS, len(self._splits[TRAIN]))))
        if not hasattr(self._estimator, "partial_fit"):
            x, y = self._splits[TRAIN].x, self._splits[TRAIN].y
        restored = put(self._made(), now)
        state.load(restored, state.save(self._estimator))
        with seeded(self._seed, self._epoch, "check"):
            # Copied under these numbers: a copy of the global generator then draws what the restored one does.
            copied = copy.deepcopy(self._estimator)
            self._fit(restored, x, y)
        with seeded(self._seed, self._epoch, "check"):
            self._fit(copied, x, y)
        ours, theirs = state.learned(copied), state.learned(restored)
        if differing := [key for key in ours if key not in theirs or state.bits(ours[key]) != state.bits(theirs[key])]:
            raise EstimatorError(
                f"{name} does not go on bit for bit: loaded from its state it learns another {differing[0]!r}; take "
                "another estimator, or give resumable=False, and each run is trained from its first epoch"
            )
        _sound.add(kind)


def measured(
    estimator: Any, splits: Mapping[str, Split], classes: np.ndarray | None, measure: Measure | None
) -> dict[str, Any]:
    """Return the row: what each split but that for training measures.

    ``SPLIT_accuracy`` and, where it tells probabilities, ``SPLIT_loss`` (nats) of a classifier, with its predictions;
    ``SPLIT_loss`` (mean square of errors) and ``SPLIT_r2`` of a regressor; ``SPLIT_score`` of any other. Losses go with
    the loss of each row of X. With ``measure(estimator, X, y)``, what that returns, each name behind ``SPLIT_``.
    """
    row: dict[str, Any] = {}
    predictions: dict[str, np.ndarray] = {}
    losses: dict[str, np.ndarray] = {}
    for name, split in splits.items():
        if name == TRAIN:
            continue
        numbers = measure(estimator, split.x, split.y) if measure is not None else {}
        if classes is not None:
            predicted = estimator.predict(split.x)
            predictions[name] = np.searchsorted(classes, predicted)
        if measure is None and classes is not None:
            numbers = {"accuracy": float(accuracy_score(split.y, predicted))}
            if hasattr(estimator, "predict_proba"):
                probabilities = estimator.predict_proba(split.x)
                numbers["loss"] = float(log_loss(split.y, probabilities, labels=classes))
                losses[name] = _log_losses(np.asarray(split.y), probabilities, classes)
        elif measure is None and is_regressor(estimator):
            predicted = estimator.predict(split.x)
            numbers = {
                "loss": float(mean_squared_error(split.y, predicted)),
                "r2": float(r2_score(split.y, predicted)),
            }
            losses[name] = ((np.asarray(split.y) - predicted) ** 2).reshape(len(predicted), -1).mean(axis=1)
        elif measure is None:
            numbers = {"score": float(estimator.score(split.x, split.y))}
        row |= {f"{name}_{metric}": value for metric, value in numbers.items()}
    row |= {"predictions": predictions} if predictions else {}
    if losses:
        row["scores"] = {name: {"loss": values} for name, values in losses.items()}
        row["score_rules"] = {f"{name}_loss": {"better": "lower", "low": 0.0} for name in losses}
    return row


def _log_losses(y: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the loss of each example [n] whose mean scikit-learn's `log_loss` is: probabilities are kept from 0 and 1
    by the precision they have."""
    least = np.finfo(probabilities.dtype).eps
    true = probabilities[np.arange(len(y)), np.searchsorted(classes, y)]
    losses: np.ndarray = -np.log(np.clip(true, least, 1 - least))
    return losses


def grows_by(estimator: BaseEstimator) -> str:
    """Return the parameter that says how many trees there are in all, "" of an estimator without any."""
    if hasattr(estimator, "partial_fit"):
        return ""
    if isinstance(estimator, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
        return "max_iter"
    return "n_estimators" if "n_estimators" in estimator.get_params(deep=False) else ""


def has_classes(estimator: BaseEstimator) -> bool:
    """Whether it tells classes apart."""
    return bool(is_classifier(estimator))


@contextmanager
def _quiet() -> Iterator[None]:
    """Do not warn that a single step of a solver has not converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
