"""Estimators as workloads, for the tests of the adapter of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Perceptron, SGDClassifier, SGDRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

from search.adapters.sklearn import workload

NATURE = np.random.default_rng(0)
X = NATURE.uniform(0, 1, (150, 6))
LABELS = np.array(["left", "middle", "right"])[(X[:, 0] * 2 + X[:, 1]).astype(int)]
TARGETS = X @ np.arange(6.0) + NATURE.normal(0, 0.1, 150)


def labelled() -> dict[str, Any]:
    return {name: (X[rows], LABELS[rows]) for name, rows in SPLITS.items()}


def framed() -> dict[str, Any]:
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(label=LABELS)
    parts = {name: frame.iloc[rows] for name, rows in SPLITS.items()}
    return {name: (part.drop(columns="label"), part["label"]) for name, part in parts.items()}


def measured() -> tuple[np.ndarray, ...]:
    train, val = SPLITS["train"], SPLITS["val"]
    return X[train], X[val], TARGETS[train], TARGETS[val]


def bare() -> dict[str, Any]:
    return {name: X[rows] for name, rows in SPLITS.items()}


SPLITS = {"train": slice(0, 90), "val": slice(90, 120), "test": slice(120, 150)}

RESUMABLE = {
    "sgd": workload(SGDClassifier(), data=labelled, batch_size=16),
    "averaged": workload(SGDClassifier(loss="log_loss", average=True), data=labelled, batch_size=16),
    "frames": workload(MLPClassifier(hidden_layer_sizes=(4,)), data=framed, batch_size=None),
    "labels": workload(SGDClassifier(), data=lambda: {k: (x, y.astype(object)) for k, (x, y) in labelled().items()}),
    "two classes": workload(
        SGDClassifier(average=10), data=lambda: {k: (x, y == "left") for k, (x, y) in labelled().items()}
    ),
    "regression": workload(SGDRegressor(), data=measured, batch_size=16),
    "perceptron": workload(Perceptron(), data=labelled),
    "adam": workload(MLPClassifier(hidden_layer_sizes=(8,), batch_size=16), data=labelled),
    "momentum": workload(MLPRegressor(hidden_layer_sizes=(8, 4), solver="sgd", batch_size=16), data=measured),
    "lbfgs": workload(MLPClassifier(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=2), data=labelled),
    "gaussian": workload(GaussianNB(), data=labelled, batch_size=30),
    "multinomial": workload(MultinomialNB(), data=labelled, batch_size=30),
    "bernoulli": workload(BernoulliNB(binarize=0.5), data=labelled),
    "clusters": workload(MiniBatchKMeans(3, n_init=1), data=bare, batch_size=30),
    "nested": workload(OneVsRestClassifier(SGDClassifier()), data=labelled, batch_size=30),
    "warm": workload(LogisticRegression(max_iter=2), data=labelled),
    "elastic": workload(ElasticNet(max_iter=2, alpha=0.01), data=measured),
    "chance": workload(Lasso(max_iter=1, alpha=0.01, selection="random"), data=measured),
}
"""Estimators that go on bit for bit."""

sgd = workload(
    SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.1),
    data=labelled,
    batch_size=16,
    settings={"eta0": {"type": "number", "exclusiveMinimum": 0, "epoch": True}},
)


@workload(data=labelled, settings={"kind": {"enum": ["hinge", "log_loss"]}, "alpha": 0.001, "eta0": {"epoch": True}})
def made(run: Any) -> SGDClassifier:
    """An estimator that depends on settings of the function's own."""
    return SGDClassifier(loss=run["kind"], alpha=run["alpha"], learning_rate="constant")


mlp = RESUMABLE["adam"]
forest = workload(RandomForestClassifier(n_estimators=3), data=labelled)
grown = workload(GradientBoostingRegressor(n_estimators=2), data=measured, resumable=False)


class Forgetful(ClassifierMixin, BaseEstimator):
    """Counts in a parameter, which is no part of a state."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def partial_fit(self, x: Any, y: Any, classes: Any) -> Forgetful:
        self.classes_ = classes
        self.count += len(y)
        self.seen_ = self.count
        return self

    def predict(self, x: Any) -> Any:
        return np.full(len(x), self.classes_[self.seen_ % len(self.classes_)])


class Holding(TransformerMixin, BaseEstimator):
    """Holds what has no bytes."""

    def partial_fit(self, x: Any, y: Any = None) -> Holding:
        self.function_ = print
        return self
