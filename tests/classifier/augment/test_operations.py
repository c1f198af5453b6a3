"""Every operation gives what torchvision's function of that name gives for the parameters that were drawn."""

from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from classifier import colour, geometry
from classifier.augment import Augmentation

from .reference import augmented, difference, named, torchvision

FLIPS = [{"hflip": 0.5}, {"vflip": 0.5}, {"hflip": 0.5, "vflip": 0.5}, {"hflip": 1, "vflip": 1.0}]
COLOURS: list[dict[str, Any]] = [
    {"brightness": 0.8},
    {"contrast": 0.8},
    {"saturation": 0.8},
    {"hue": 0.5},
    {"greyscale": 0.5},
    {"brightness": 2.5, "contrast": 1.5},
    {"saturation": 3, "hue": 0.1},
    {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "greyscale": 0.2},
]
GEOMETRIES: list[dict[str, Any]] = [
    {"rotation": 10},
    {"rotation": 180},
    {"crop": True},
    {"crop": True, "crop_scale": 0.5},
    {"crop": True, "hflip": 0.5, "vflip": 0.5},
    {"rotation": 45, "hflip": 0.5, "vflip": 0.5},
]


def test_nothing_on_only_converts(noise: torch.Tensor, index: torch.Tensor) -> None:
    off = {"rotation": 0, "crop": False, "hflip": 0.0, "hue": 0}
    for settings in ({}, off):
        assert torch.equal(augmented(settings, noise, index), noise.float() / 255)
        assert augmented(settings, noise.float() / 255, index).equal(noise.float() / 255)
        assert torch.equal(augmented(settings, noise.half() / 255, index), (noise.half() / 255).float())


@pytest.mark.parametrize("settings", FLIPS, ids=str)
@pytest.mark.parametrize("floating", [False, True])
def test_flips_alone_are_exact(
    settings: dict[str, Any], floating: bool, noise: torch.Tensor, index: torch.Tensor
) -> None:
    batch = noise.float() / 255 if floating else noise
    assert torch.equal(augmented(settings, batch, index), torchvision(settings, batch, index))


@pytest.mark.parametrize("settings", COLOURS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_colour_equals_torchvision(
    settings: dict[str, Any], seed: int, noise: torch.Tensor, index: torch.Tensor
) -> None:
    assert difference(augmented(settings, noise, index, seed), torchvision(settings, noise, index, seed)) < 3e-6


@pytest.mark.parametrize("settings", GEOMETRIES, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_one_geometric_operation_equals_torchvision_even_on_noise(
    settings: dict[str, Any], seed: int, noise: torch.Tensor, index: torch.Tensor
) -> None:
    assert difference(augmented(settings, noise, index, seed), torchvision(settings, noise, index, seed)) < 2e-5


def test_a_small_rotation_and_a_flip_equal_torchvision_at_224_px(index: torch.Tensor) -> None:
    batch = torch.randint(0, 256, (3, 3, 224, 224), generator=torch.Generator().manual_seed(3)).to(torch.uint8)
    settings = {"rotation": 10, "vflip": 0.5}
    assert difference(augmented(settings, batch, index[:3]), torchvision(settings, batch, index[:3])) < 2e-4


@pytest.mark.parametrize("seed", range(4))
def test_rotation_and_crop_together_differ_by_torchvisions_second_interpolation_only(
    seed: int, smooth: torch.Tensor, index: torch.Tensor
) -> None:
    settings = {"rotation": 30, "crop": True, "hflip": 0.5, "vflip": 0.5}
    ours, theirs = augmented(settings, smooth, index, seed), torchvision(settings, smooth, index, seed)
    assert difference(ours, theirs) < 5e-3
    assert (ours - theirs).abs().mean() < 1e-3


def test_everything_together(smooth: torch.Tensor, index: torch.Tensor) -> None:
    settings = {"rotation": 30, "crop": True, "hflip": 0.5} | dict.fromkeys(("brightness", "saturation", "hue"), 0.3)
    assert difference(augmented(settings, smooth, index), torchvision(settings, smooth, index)) < 0.01


def test_a_quarter_turn_of_a_square_is_exact_counter_clockwise() -> None:
    square = torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    rows = torch.from_numpy(geometry.rotation_columns(np.array([90.0]))).float()
    turned = geometry.resample(square, rows, None, None, None)
    assert difference(turned, square.rot90(1, (2, 3))) < 1e-5


def test_a_crop_lets_nothing_in_from_beside_its_box() -> None:
    """The box is white, all around it is black: enlarged, every pixel must be white, also at the image's border."""
    for top, left in ((0, 0), (5, 7), (14, 22)):
        image = torch.zeros(1, 3, 24, 32)
        image[:, :, top : top + 10, left : left + 10] = 1
        box = geometry.crop_columns(np.array([[top, left, 10, 10]]), 24, 32)
        assert geometry.resample(image, None, torch.from_numpy(box).float(), None, None).min() > 0.9999


def test_a_crop_is_only_ever_enlarged_so_antialiasing_changes_nothing(smooth: torch.Tensor) -> None:
    for box in ((3, 5, 20, 31), (0, 0, 64, 80), (40, 2, 24, 9)):
        plain, filtered = (reference.resized_crop(smooth, *box, [64, 80], antialias=on) for on in (False, True))
        assert difference(plain, filtered) < 1e-5


def test_results_stay_in_range(noise: torch.Tensor, index: torch.Tensor) -> None:
    everything = {"rotation": 90, "crop": True, "brightness": 5, "contrast": 5, "saturation": 5, "hue": 0.5}
    for settings in ({"rotation": 90}, {"crop": True}, {"hue": 0.5}, {"saturation": 9}, everything):
        out = augmented(settings, torch.full_like(noise, 255), index)
        noisy = augmented(settings, noise, index)
        assert min(out.min(), noisy.min()) >= 0
        assert max(out.max(), noisy.max()) <= 1
        assert out.dtype == torch.float32


def test_the_mean_grey_is_the_mean_grey(noise: torch.Tensor) -> None:
    luma = colour.grey(noise.float() / 255)
    exact = luma.double().mean(dim=(1, 2, 3), keepdim=True)
    assert (colour.mean_grey(luma) - exact).abs().max() < 1e-7
    assert colour.mean_grey(luma[:0]).shape == (0, 1, 1, 1)


def test_a_step_with_factor_one_changes_no_bit(noise: torch.Tensor) -> None:
    images = noise.float() / 255
    idle = torch.tensor([1.0, 0.0]).expand(len(images), 2)
    assert torch.equal(colour.blend(images, idle, frozenset(colour.BLENDS)), images)


def test_the_input_is_left_alone(noise: torch.Tensor, index: torch.Tensor) -> None:
    for settings in (*FLIPS, *COLOURS, *GEOMETRIES):
        batch = noise.float() / 255
        augmented(settings, batch, index)
        assert torch.equal(batch, noise.float() / 255)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augment.rotate": 3}, "unknown: augment.rotate; augmentation has augment.rotation, augment.crop, "),
        ({"augment.hue": 0.6}, r"augment.hue is 0.6; it must be at least 0 and at most 0.5"),
        ({"augment.crop_scale": 0}, r"augment.crop_scale is 0; it must be above 0 and at most 1"),
        ({"augment.contrast": float("nan")}, r"augment.contrast is nan; it must be at least 0 and at most 1000"),
        ({"augment.contrast": float("inf")}, r"augment.contrast is inf; it must be at least 0 and at most 1000"),
        ({"augment.crop": 1}, "augment.crop is 1; it must be a boolean"),
        ({"augment.hflip": True}, "augment.hflip is True; it must be a number"),
        ({"augment.hflip": "0.5"}, "augment.hflip is '0.5'; it must be a number"),
        ({"augment.policy": "auto"}, "augment.policy is 'auto'; it must be one of none, randaugment, trivialaugment"),
        ({"augment.operations": 2.0}, "augment.operations is 2.0; it must be an integer"),
        ({"augment.magnitude": 31}, "augment.magnitude is 31; it must be at least 0 and at most 30"),
        ({"augment.mixup": -1}, "augment.mixup is -1; it must be at least 0 and at most 100"),
    ],
)
def test_wrong_settings_say_what_is_allowed(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(settings, 0, 1, 10)


def test_wrong_batches_say_what_is_allowed(noise: torch.Tensor, index: torch.Tensor) -> None:
    with pytest.raises(TypeError, match=r"pixels are torch.int64; they must be torch.uint8 \(0..255\) or floating"):
        augmented({}, noise.long(), index)
    with pytest.raises(ValueError, match=r"shape \[12, 1, 24, 32\]; it must be \[images, 3, height, width\]"):
        augmented({}, noise[:, :1], index)
    with pytest.raises(ValueError, match=r"12 images come with an index of shape \[3\]; give each its number"):
        augmented({"hflip": 1}, noise, index[:3])
    with pytest.raises(IndexError):
        Augmentation(named({"hflip": 1}), 0, 1, 10).apply(noise, index)


def test_other_settings_are_not_looked_at() -> None:
    assert not Augmentation({"loss.gamma": 2, "seed": 1}, 0, 1, 10).drawn
