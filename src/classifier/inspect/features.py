"""The features before the classifier, drawn in the plane: t-SNE of a split's images.

t-SNE is scikit-learn's (van der Maaten and Hinton 2008; Barnes-Hut, 2014), started from the first two principal
components with a fixed random state, on one thread, so that the same features give the same picture. Distances between
far groups, sizes of groups and the axes mean nothing in it; which points are neighbours does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from classifier.training import Training

PERPLEXITY = 30.0
"""Effective number of neighbours where there are images enough; at most a third of the others otherwise."""

MIN_IMAGES = 5
"""Images below which neighbourhoods say nothing."""

MAX_IMAGES = 2000
"""Images that are drawn of a larger split: the time grows with them, and more points hide one another."""


def features_scatter(run: Training, split: str) -> dict[str, object]:
    """Return the t-SNE of a split's features as plain data.

    Args:
        run: in the state to look at.
        split: "train", "val" or "test".

    Returns:
        ``title``; ``x`` and ``y``, float32 [n]; ``label``, the true class of each point, int64 [n]; ``classes``, names
        in label order; ``note``, how it was made. Where it cannot be drawn, ``title`` and ``note`` alone.
    """
    features, labels = run.features(split)
    title = f"t-SNE of the {features.shape[1]} features before the classifier, {NAMES.get(split, split)} images"
    if len(features) < MIN_IMAGES:
        return {"title": title, "note": f"not drawn: {len(features)} images are too few for neighbourhoods"}
    if not np.isfinite(features).all():
        return {"title": title, "note": "not drawn: some features are not finite numbers; the trial diverged"}
    chosen = spread(labels, MAX_IMAGES)
    points = embed(features[chosen])
    drawn = f"{len(chosen)} of {len(labels)} images, every class in proportion" if len(chosen) < len(labels) else ""
    note = f"perplexity {perplexity(len(chosen)):g}, random state 0" + (f"; {drawn}" if drawn else "")
    return {
        "title": title,
        "x": points[:, 0],
        "y": points[:, 1],
        "label": labels[chosen],
        "classes": list(run.classes),
        "note": note,
    }


NAMES = {"train": "training", "val": "validation", "test": "test"}


def perplexity(images: int) -> float:
    """Return the perplexity for so many images: scikit-learn asks for less than their number."""
    return min(PERPLEXITY, max(1.0, math.floor((images - 1) / 3)))


def embed(features: np.ndarray) -> np.ndarray:
    """Return the t-SNE of features [n, f], n >= `MIN_IMAGES`, as float32 [n, 2]."""
    from sklearn.manifold import TSNE  # a second of import
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    if (features == features[0]).all():
        return np.zeros((len(features), 2), dtype=np.float32)  # no neighbourhoods; the start would divide by zero
    # A single feature has no second component to start from.
    start = "pca" if features.shape[1] > 1 else "random"
    tsne = TSNE(2, perplexity=perplexity(len(features)), init=start, random_state=0)
    # On one thread: how many add up a sum decides its last bits, and those decide the picture. On busy cores threads
    # also wait for one another many times what they save.
    with threadpool_limits(1):
        points: np.ndarray = tsne.fit_transform(features.astype(np.float32))
    return points.astype(np.float32)


def spread(labels: np.ndarray, most: int) -> np.ndarray:
    """Return the indices of at most `most` images, ascending, every class in proportion, always the same ones."""
    if len(labels) <= most:
        return np.arange(len(labels))
    by_class = np.argsort(labels, kind="stable")
    return np.sort(by_class[np.arange(most) * len(labels) // most])
