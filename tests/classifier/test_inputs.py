"""What images go through before a model sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torchvision import models
from torchvision.transforms.v2 import functional as reference

from classifier import inputs
from classifier.inputs import CONSTANTS, MIN_DEVIATION, grey, measured


def pixels(images: int = 40, size: int = 9) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (images, 3, size, size), dtype=np.uint8)


def test_normalisation_is_that_of_the_training_pixels() -> None:
    images = pixels()
    images[:, 2] = 7
    mean, deviation = measured(images)
    values = images.astype(np.float64) / 255
    assert mean == pytest.approx(values.mean((0, 2, 3)), rel=1e-12)
    assert deviation[:2] == pytest.approx(values.std((0, 2, 3))[:2], rel=1e-12)
    assert deviation[2] == MIN_DEVIATION


def test_images_are_measured_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    images = pixels()
    whole = measured(images), grey(images)
    monkeypatch.setattr(inputs, "_BLOCK_PIXELS", 7 * 81)
    assert measured(images) == whole[0]
    assert np.array_equal(grey(images), whole[1])


def test_one_channel_is_measured_as_three_equal_ones() -> None:
    one = pixels()[:, :1]
    assert measured(one) == measured(np.repeat(one, 3, axis=1))


@pytest.mark.parametrize(
    ("name", "constants"),
    [
        ("cifar10", ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))),
        ("half", ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
    ],
)
def test_constants_are_the_stated_ones(name: str, constants: Any) -> None:
    assert CONSTANTS[name] == constants


def test_imagenets_constants_are_those_of_torchvisions_weights() -> None:
    transform = models.ResNet18_Weights.IMAGENET1K_V1.transforms()
    assert CONSTANTS["imagenet"] == (tuple(transform.mean), tuple(transform.std))


def test_grey_is_torchvisions_within_its_cut_off() -> None:
    images = pixels(64, 64)
    ours = grey(images)[:, 0]
    exact = reference.rgb_to_grayscale(torch.from_numpy(images).double()).numpy()[:, 0]
    assert np.abs(ours - exact).max() <= 0.5 + 1e-9
    cut_off = reference.rgb_to_grayscale(torch.from_numpy(images)).numpy()[:, 0]
    assert set(np.unique(ours.astype(int) - cut_off)) == {0, 1}


def test_grey_pixels_stay_as_they_are() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    assert np.array_equal(grey(np.repeat(ramp, 3, axis=1)), ramp)
