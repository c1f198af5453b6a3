"""RandAugment and TrivialAugment Wide: drawn as torchvision draws them, and each operation is torchvision's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import v2

from classifier import policy
from classifier.augment import Augmentation

from .reference import augmented, named

POLICIES: dict[str, Any] = {"randaugment": v2.RandAugment, "trivialaugment": v2.TrivialAugmentWide}
NAMES = dict(zip(policy.OPERATIONS, v2.RandAugment._AUGMENTATION_SPACE, strict=True))
EXACT = {"identity", "translate_x", "translate_y", "brightness", "posterize", "solarize", "autocontrast", "equalize"}
MOVED = {"shear_x", "shear_y", "rotate"}
MANY = 4000
SIZES = [(32, 32), (24, 31), (64, 80), (12, 12), (224, 224)]
GOLDEN = [[5, 2, -1], [12, 26, 1], [3, 22, -1], [0, 8, -1]]


@pytest.fixture
def pictures(noise: torch.Tensor, smooth: torch.Tensor) -> torch.Tensor:
    """Noise, slow waves of few levels, and an image of one colour, uint8 [16, 3, 24, 32]."""
    waves = (smooth[:3, :, 20:44, 20:52] * 255).to(torch.uint8)
    return torch.cat((noise, waves, torch.full_like(noise[:1], 77)))


def theirs(name: str, images: torch.Tensor, magnitude: float) -> torch.Tensor:
    """Torchvision's operation, image by image."""
    apply = v2.RandAugment()._apply_image_or_video_transform
    given = int(magnitude) if name == "posterize" else magnitude / 255 if name == "solarize" else magnitude
    return torch.stack([apply(image, NAMES[name], given, "nearest", {}) for image in images])


@pytest.mark.parametrize("name", policy.OPERATIONS)
@pytest.mark.parametrize("kind", POLICIES)
def test_every_operation_is_torchvisions(kind: str, name: str, pictures: torch.Tensor) -> None:
    index = policy.OPERATIONS.index(name)
    amounts = policy.strengths(kind, 24, 32).get(name, np.zeros(31))
    for strength in (0, 1, 8, 15, 23, 30):
        for sign in (1, -1) if name in policy.SIGNED else (1,):
            drawn = np.tile(np.array((index, strength, sign)), (len(pictures), 1))
            rows = torch.from_numpy(policy.columns(drawn, kind, 24, 32)).float()
            ours = policy.change(pictures.float() / 255, rows)
            expected = theirs(name, pictures, float(amounts[strength]) * sign)
            gap = (ours * 255 - expected.float()).abs()
            if name in EXACT:
                assert gap.max() < 1e-4
            elif name in MOVED:  # the nearest pixel is another one where two are equally near
                assert ((gap > 1e-4).float().mean()) < 0.002
            else:
                assert gap.max() < 1.0001, "one level"
                assert (gap > 0.5).float().mean() < 0.03


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("kind", POLICIES)
def test_strengths_are_torchvisions_to_the_bit(kind: str, height: int, width: int) -> None:
    space = POLICIES[kind]._AUGMENTATION_SPACE
    ours = policy.strengths(kind, height, width)
    for name, (magnitudes, signed) in ((name, space[NAMES[name]]) for name in policy.OPERATIONS):
        assert signed == (name in policy.SIGNED)
        expected = magnitudes(31, height, width)
        if expected is None:
            assert name not in ours
            continue
        values = [float(value) for value in expected]
        if name.startswith("translate"):
            values = [int(value) for value in values]
        elif name == "solarize":
            values = [255 * value for value in values]
        assert ours[name].tolist() == values, name


def noted(kind: str, draws: int, **settings: Any) -> list[list[tuple[str, float]]]:
    """What torchvision drew for each of so many images: operation and magnitude in turn."""
    calls: list[tuple[str, float]] = []

    class Noting(POLICIES[kind]):  # type: ignore[misc]
        def _apply_image_or_video_transform(self, image: Any, name: str, magnitude: float, **_: Any) -> Any:
            calls.append((name, magnitude))
            return image

    torch.manual_seed(1)
    transform, image = Noting(**settings), torch.zeros(3, 24, 32, dtype=torch.uint8)
    for _ in range(draws):
        transform(image)
    turns = len(calls) // draws
    return [calls[start : start + turns] for start in range(0, len(calls), turns)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", POLICIES)
def test_operations_strengths_and_signs_are_as_frequent_as_torchvisions(kind: str) -> None:
    drawn = Augmentation(named({"policy": kind}), 0, 1, MANY).drawn["policy"]
    reference = noted(kind, MANY)
    assert len(drawn) == len(reference[0])
    amounts = policy.strengths(kind, 24, 32)
    for turn, operations in enumerate(drawn):
        ours, others = np.zeros(len(NAMES)), np.zeros(len(NAMES))
        signs: dict[str, list[list[int]]] = {name: [[0, 0], [0, 0]] for name in policy.SIGNED}
        for number, (index, strength, sign) in enumerate(operations.tolist()):
            name = policy.OPERATIONS[index]
            ours[index] += 1
            if name in signs and amounts[name][strength]:
                signs[name][0][sign < 0] += 1
            theirs_name, magnitude = reference[number][turn]
            place = list(NAMES.values()).index(theirs_name)
            others[place] += 1
            if policy.OPERATIONS[place] in signs and magnitude:
                signs[policy.OPERATIONS[place]][1][magnitude < 0] += 1
        assert stats.chisquare(ours).pvalue > 1e-3
        assert stats.chi2_contingency([ours, others]).pvalue > 1e-3
        assert min(stats.chi2_contingency(table).pvalue for table in signs.values()) > 1e-3
        counts = np.bincount(operations[:, 1], minlength=31)
        if kind == "randaugment":
            assert counts[9] == MANY, "all at one strength"
        else:
            assert stats.chisquare(counts).pvalue > 1e-3


def test_turns_draw_independently() -> None:
    drawn = Augmentation(named({"policy": "randaugment"}), 0, 1, MANY).drawn["policy"]
    counts = np.zeros((len(NAMES), len(NAMES)))
    np.add.at(counts, (drawn[0, :, 0], drawn[1, :, 0]), 1)
    assert stats.chi2_contingency(counts).pvalue > 1e-3
    assert stats.chisquare(counts.ravel()).pvalue > 1e-3


@pytest.mark.parametrize(
    "settings",
    [
        {"policy": "trivialaugment"},
        {"policy": "randaugment"},
        {"policy": "randaugment", "operations": 4, "magnitude": 25},
    ],
    ids=str,
)
def test_an_image_goes_through_its_operations_in_turn(
    settings: dict[str, Any], pictures: torch.Tensor, index: torch.Tensor
) -> None:
    batch = pictures[-len(index) :]
    drawn = Augmentation(named(settings), 0, 1, 50).drawn["policy"]
    amounts = policy.strengths(settings["policy"], 24, 32)
    ours = augmented(settings, batch, index) * 255
    for row, number in enumerate(index.tolist()):
        image = batch[row : row + 1]
        for kind, strength, sign in drawn[:, number].tolist():
            name = policy.OPERATIONS[kind]
            amount = amounts.get(name, np.zeros(31))[strength] * (sign if name in policy.SIGNED else 1)
            image = theirs(name, image, float(amount))
        # A level that differs before it is stretched or equalised differs by more levels behind it.
        assert ((ours[row] - image[0]).abs() > 2).float().mean() < 0.02, [row, *drawn[:, number].tolist()]


def test_pixels_are_rounded_to_levels_first(noise: torch.Tensor, index: torch.Tensor) -> None:
    settings = {"policy": "randaugment", "magnitude": 0}
    out = augmented(settings, (noise.float() + 0.3) / 255.3, index) * 255
    assert (out - out.round()).abs().max() < 1e-4


def test_golden_operations() -> None:
    """What seed 0 draws for the first images in epoch 1: a change here voids every recorded row with a policy."""
    (drawn,) = Augmentation(named({"policy": "trivialaugment"}), 0, 1, 4).drawn["policy"]
    assert drawn.tolist() == GOLDEN
