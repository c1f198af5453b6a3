"""What an image goes through before a model sees it: grey or not, and how its channels are normalised.

Both are the same for all splits and epochs. Greyscale comes first: before augmentation, and before the training images
are measured.

Importing this module does not import torch: the settings can be listed without it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

INPUT_SETTINGS: dict[str, dict[str, Any]] = {
    "input.normalise": {
        "enum": ["train", "imagenet", "cifar10", "half"],
        "default": "train",
        "description": "mean and standard deviation that channels are normalised by: of the training images, ImageNet, "
        "CIFAR-10, or 0.5 and 0.5",
    },
    "input.greyscale": {
        "type": "boolean",
        "default": False,
        "description": "make every image of every split grey before anything else",
    },
}
"""Setting -> what it may be, as `search check` reads it."""

Constants = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Means, then standard deviations, of red, green and blue in [0, 1]."""

CONSTANTS: dict[str, Constants] = {
    # What torchvision's pretrained weights were trained with.
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # The constants that go around for CIFAR-10. The deviations are means of per-image ones; over all pixels they are
    # (0.2470, 0.2435, 0.2616).
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}

MIN_DEVIATION = 1e-3
"""Floor of a channel's standard deviation in [0, 1]: a channel of one colour is not blown up."""

_BLOCK_PIXELS = 1 << 24
"""Pixels that are looked at in one go: counting needs eight times their bytes."""

_LUMA = (2989, 5870, 1140)
"""Ten thousand times torchvision's weights of red, green and blue (ITU-R BT.601, rounded)."""


def measured(images: NDArray[np.uint8]) -> Constants:
    """Return means and standard deviations per channel of uint8 [n, 1 or 3, h, w], in [0, 1].

    From integer histograms, so that neither the order of the images nor how a library sums matters.
    """
    values = range(256)
    counted = _histograms(images)
    means, deviations = [], []
    for counts in counted if len(counted) == 3 else counted * 3:
        pixels = sum(counts)
        first = sum(count * value for count, value in zip(counts, values, strict=True))
        second = sum(count * value**2 for count, value in zip(counts, values, strict=True))
        means.append(first / pixels / 255)
        # Whole numbers up to the last division: no digits cancel, and a channel of one colour has exactly 0.
        deviations.append(max(math.sqrt((second * pixels - first**2) / pixels**2) / 255, MIN_DEVIATION))
    return (means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2])


def _histograms(images: NDArray[np.uint8]) -> list[list[int]]:
    """How often each of the 256 values occurs, per channel."""
    channels = images.shape[1]
    counts = np.zeros((channels, 256), dtype=np.int64)
    step = max(1, _BLOCK_PIXELS // max(1, images.shape[2] * images.shape[3]))
    for start in range(0, len(images), step):
        block = images[start : start + step]
        for channel in range(channels):
            counts[channel] += np.bincount(block[:, channel].ravel(), minlength=256)
    return [[int(count) for count in row] for row in counts]


def grey(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luma of uint8 [n, 3, h, w] as uint8 [n, 1, h, w]; the three channels of a grey image are this one.

    Weights as torchvision's `rgb_to_grayscale`, but in whole numbers, the same on every machine, and rounded to the
    nearest where torchvision cuts off: a pixel that is grey already stays as it is.
    """
    result = np.empty((len(images), 1, *images.shape[2:]), dtype=np.uint8)
    step = max(1, _BLOCK_PIXELS // max(1, images.shape[2] * images.shape[3]))
    for start in range(0, len(images), step):
        block = images[start : start + step].astype(np.uint32)
        red, green, blue = (block[:, channel] * weight for channel, weight in enumerate(_LUMA))
        result[start : start + step, 0] = (red + green + blue + 5000) // 10_000
    return result
