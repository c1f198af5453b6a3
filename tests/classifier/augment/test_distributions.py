"""The parameters are distributed as torchvision draws them."""

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import v2

from classifier import geometry
from classifier.augment import Augmentation
from classifier.draws import table

from .reference import named

MANY = 3000
GOLDEN_BOXES = [[93, 92, 114, 95], [77, 30, 128, 140], [18, 53, 147, 159], [25, 61, 162, 134]]
GOLDEN_FLIPS = [False, True, False, False]
GOLDEN_VALUES = {
    "rotation": [4.328643775357195, -0.112238917324023, 9.06190261181645, 9.54953613093438],
    "brightness": [0.916541639396438, 0.601495343480479, 0.859724789771443, 0.63933288877157],
    "hue": [0.095657724577897, 0.036584045003047, -0.093303455650581, -0.089193102820884],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("height", "width", "smallest"),
    [(32, 32, 0.08), (224, 160, 0.08), (96, 128, 0.5), (20, 60, 0.3), (60, 20, 0.85), (10, 60, 0.9)],
    ids=str,
)
def test_crop_boxes(height: int, width: int, smallest: float) -> None:
    """In the last three most tries do not fit, and many or all boxes are the central one."""
    draws = table(0, 1, "augment.crop", MANY, geometry.BOX_DRAWS)
    ours = geometry.crop_boxes(draws, smallest, height, width)
    torch.manual_seed(0)
    transform = v2.RandomResizedCrop((height, width), scale=(smallest, 1.0))
    picture = [torch.empty(3, height, width)]
    drawn = [transform.make_params(picture) for _ in range(MANY)]
    theirs = np.array([[box["top"], box["left"], box["height"], box["width"]] for box in drawn])
    figures = {
        "top": lambda box: box[:, 0],
        "left": lambda box: box[:, 1],
        "height": lambda box: box[:, 2],
        "width": lambda box: box[:, 3],
        "area": lambda box: box[:, 2] * box[:, 3],
        "ratio": lambda box: box[:, 3] / box[:, 2],
        "place": lambda box: (box[:, 0] + 0.5) / (height - box[:, 2] + 1),
    }
    for name, figure in figures.items():
        assert stats.ks_2samp(figure(ours), figure(theirs), method="asymp").pvalue > 1e-3, name
    fallback = geometry.crop_boxes(np.full((1, geometry.BOX_DRAWS), 0.999), 1.0, height, width * 9)[0]
    central = transform_box(height, width * 9)
    assert fallback.tolist() == central
    assert (ours[:, :2] >= 0).all()
    assert (ours[:, :2] + ours[:, 2:] <= (height, width)).all()
    assert (ours[:, 2:] > 0).all()


def transform_box(height: int, width: int) -> list[int]:
    """The central box torchvision falls back to (no try can fit: the whole area of a very wide image)."""
    box = v2.RandomResizedCrop((height, width), scale=(1.0, 1.0)).make_params([torch.empty(3, height, width)])
    return [box["top"], box["left"], box["height"], box["width"]]


def test_angles() -> None:
    ours = Augmentation(named({"rotation": 25}), 0, 1, MANY).drawn["rotation"]
    torch.manual_seed(0)
    theirs = [v2.RandomRotation(25).make_params([])["angle"] for _ in range(MANY)]
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-3
    assert -25 <= ours.min() < -24.9
    assert 24.9 < ours.max() <= 25


@pytest.mark.parametrize("strength", [0.4, 1.7])
def test_factors_and_their_order(strength: float) -> None:
    settings = dict.fromkeys(("brightness", "contrast", "saturation"), strength) | {"hue": 0.3}
    augmentation = Augmentation(named(settings), 0, 1, MANY)
    torch.manual_seed(0)
    jitter = v2.ColorJitter(strength, strength, strength, 0.3)
    theirs = [jitter.make_params([]) for _ in range(MANY)]
    for name in settings:
        expected = [drawn[f"{name}_factor"] for drawn in theirs]
        assert stats.ks_2samp(augmentation.drawn[name], expected).pvalue > 1e-3, name
    orders = np.argsort(np.stack([augmentation.keys[name] for name in settings], axis=1), axis=1)
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3
    # The order says nothing about the strength.
    assert abs(np.corrcoef(augmentation.keys["hue"], augmentation.drawn["hue"])[0, 1]) < 0.08


@pytest.mark.parametrize("name", ["hflip", "vflip", "greyscale"])
def test_probabilities(name: str) -> None:
    for probability in (0.1, 0.5, 1.0):
        hits = int(Augmentation(named({name: probability}), 0, 1, MANY).drawn[name].sum())
        assert stats.binomtest(hits, MANY, probability).pvalue > 1e-3


def test_golden_parameters() -> None:
    """What seed 0 does to the first images in epoch 1: a change here voids every recorded row with augmentation."""
    settings = {"rotation": 10, "crop": True, "hflip": 0.5, "brightness": 0.4, "hue": 0.1}
    augmentation = Augmentation(named(settings), 0, 1, 4)
    assert augmentation.boxes(224, 224).tolist() == GOLDEN_BOXES
    assert augmentation.drawn["hflip"].tolist() == GOLDEN_FLIPS
    for name, values in GOLDEN_VALUES.items():
        assert augmentation.drawn[name] == pytest.approx(values, abs=1e-12)
