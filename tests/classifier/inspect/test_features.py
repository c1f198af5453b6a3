"""Features before the classifier in the plane, and the pictures of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from classifier.inspect.features import MIN_IMAGES, embed, features_scatter, perplexity, spread
from classifier.workload import workload
from search.workload import Picturing
from tests.classifier.rows import differences


class FakeRun:
    """Features somebody made up."""

    def __init__(self, features: np.ndarray, classes: int = 2) -> None:
        self._features, self.classes = features, [f"class {i}" for i in range(classes)]

    def features(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        return self._features, np.arange(len(self._features)) % len(self.classes)


def clouds(per_class: int = 20, classes: int = 3) -> np.ndarray:
    """Classes far apart, in turn, with noise."""
    noise = np.random.default_rng(0).normal(size=(per_class * classes, 10))
    return (noise + 30 * np.eye(10)[np.arange(len(noise)) % classes]).astype(np.float32)


def test_classes_that_are_apart_stay_apart() -> None:
    drawn = features_scatter(FakeRun(clouds(), 3), "val")
    points = np.stack([drawn["x"], drawn["y"]], 1)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert np.array_equal(drawn["label"][distance.argmin(1)], drawn["label"])
    assert drawn["title"] == "t-SNE of the 10 features before the classifier, validation images"
    assert drawn["note"] == "perplexity 19, random state 0"
    assert drawn["classes"] == ["class 0", "class 1", "class 2"]


def test_the_same_features_give_the_same_picture() -> None:
    np.random.seed(1)
    first = embed(clouds())
    np.random.seed(2)
    assert np.array_equal(first, embed(clouds()))


@pytest.mark.parametrize(("images", "expected"), [(5, 1), (7, 2), (60, 19), (91, 30), (6149, 30)])
def test_perplexity_stays_below_what_so_few_images_allow(images: int, expected: float) -> None:
    assert perplexity(images) == expected


@pytest.mark.parametrize("features", [clouds(2, 3)[:MIN_IMAGES], clouds()[:8, :1], np.ones((9, 4), dtype=np.float32)])
def test_few_images_one_feature_and_equal_images_are_drawn(features: np.ndarray) -> None:
    drawn = features_scatter(FakeRun(features), "train")
    assert np.isfinite(drawn["x"]).all()
    assert np.isfinite(drawn["y"]).all()
    assert len(drawn["label"]) == len(features)


def test_what_cannot_be_drawn_says_why() -> None:
    few = features_scatter(FakeRun(clouds()[:4]), "val")
    assert few["note"] == "not drawn: 4 images are too few for neighbourhoods"
    broken = clouds()
    broken[3, 2] = np.nan
    diverged = features_scatter(FakeRun(broken), "val")
    assert diverged["note"] == "not drawn: some features are not finite numbers; the trial diverged"
    assert "x" not in few
    assert "x" not in diverged


def test_of_many_images_every_class_keeps_its_share() -> None:
    labels = np.array([0] * 80 + [1] * 16 + [2] * 4)
    np.random.default_rng(0).shuffle(labels)
    chosen = spread(labels, 25)
    assert len(set(chosen)) == 25
    assert np.array_equal(np.bincount(labels[chosen]), [20, 4, 1])
    assert list(chosen) == sorted(chosen)
    assert np.array_equal(spread(labels, 100), np.arange(100))


# On a real run ---------------------------------------------------------------------------------------------------

SETTINGS = {"data": "digits", "loss.name": "cross_entropy", "optimizer.lr": 0.005, "batch_size": 48, "seed": 0}


@pytest.fixture(scope="module")
def trained() -> tuple[Any, list[Any]]:
    fixed, each = workload.schedule(workload.canonical(SETTINGS), 2)
    run = workload.start(fixed, 1, 0)
    row = run.train_epoch(each[0])
    return run, [row, each, fixed]


def test_the_classifier_on_the_features_gives_the_predictions(trained: tuple[Any, list[Any]]) -> None:
    run, (row, _, _) = trained
    features, labels = run.features("val")
    with torch.inference_mode():
        predicted = run.model.head(torch.from_numpy(features)).argmax(1).numpy()
    assert features.shape == (300, 512)
    assert np.array_equal(predicted, row["predictions"]["val"])
    assert np.mean(predicted == labels) == pytest.approx(row["val_accuracy"])


@pytest.mark.slow
def test_pictures_are_plain_and_change_nothing_of_the_run(trained: tuple[Any, list[Any]]) -> None:
    run, (_, each, fixed) = trained
    assert isinstance(workload, Picturing)
    before = run.save()
    drawn = workload.pictures(run, {"filters": ["block1.conv1:0"]})
    assert list(drawn) == [
        *("features-val", "features-train"),
        *("filter-block1.conv1-0-15", "filter-block1.conv1-0-30"),
    ]
    assert len(drawn["features-train"]["x"]) == 240
    assert drawn["filter-block1.conv1-0-15"]["title"] == "block1.conv1:0 after 15 iterations"
    assert drawn["filter-block1.conv1-0-15"]["image"].shape == (64, 64, 3)
    assert run.save() == before
    undisturbed = workload.start(fixed, 1, 0)
    undisturbed.train_epoch(each[0])
    ours, theirs = run.train_epoch(each[1]), undisturbed.train_epoch(each[1])
    assert differences(ours, theirs) == []


def test_filters_are_checked_without_a_run() -> None:
    fixed, _ = workload.schedule(workload.canonical(SETTINGS), 1)
    workload.check_pictures(fixed, {"filters": ["block6.conv3:511"]})
    with pytest.raises(ValueError, match=r"block6\.conv3 has the filters 0 to 511, not 512"):
        workload.check_pictures(fixed, {"filters": ["block6.conv3:512"]})
