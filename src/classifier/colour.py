"""Colour augmentation of a batch, every image by its own factors; torchvision v2's definitions, batched.

Torchvision's `ColorJitter` applies brightness, contrast, saturation and hue in a random order. To keep its distribution
without grouping images by their order (which would make shapes depend on the data, and the host wait for the GPU), all
images walk through the same few steps and differ in what a step does to them:

- Brightness, contrast and saturation are one formula, `factor * image + (1 - factor) * other`, where other is black,
  the mean grey of the image, or the grey of the pixel. One blend per step serves any of the three.
- Hue is dear, and is computed once: blends that an image wants before hue are made before, the others after it. In a
  step that is not its own, an image has factor 1, which leaves it bit for bit as it was.

Products and sums stay separate operations throughout: a fused one may round differently at the end of a vector
register, and an image's bits would depend on its place in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LUMA_WEIGHTS = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601, as torchvision rounds them)."""

BLENDS = ("brightness", "contrast", "saturation")
"""The operations that are a blend; a step's kind is an index into this."""

_BRIGHTNESS, _CONTRAST, _SATURATION = range(3)
_SCALE = 2.0**24  # one over the spacing of floats just below 1


def unit(images: Tensor) -> Tensor:
    """Pixels as float32 in [0, 1]: 8-bit ones divided by 255, floating ones as they are (the same tensor if float32).

    Raises:
        TypeError: the pixels are neither uint8 nor floating.
    """
    if images.dtype == torch.uint8:
        return images.to(torch.float32).div_(255)
    if not images.is_floating_point():
        raise TypeError(f"pixels are {images.dtype}; they must be torch.uint8 (0..255) or floating (0..1)")
    return images.to(torch.float32)


def grey(images: Tensor) -> Tensor:
    """Luma of [b, 3, h, w], [b, 1, h, w]."""
    red, green, blue = images.split(1, dim=1)
    luma: Tensor = red * LUMA_WEIGHTS[0] + green * LUMA_WEIGHTS[1] + blue * LUMA_WEIGHTS[2]
    return luma


def mean_grey(luma: Tensor) -> Tensor:
    """Mean over each image of [b, 1, h, w] in [0, 1], [b, 1, 1, 1], within 2**-25 and the same however it is summed.

    Values are rounded to multiples of 2**-24, whose sum is exact in double precision up to 2**29 pixels. A plain mean
    would depend on how a device splits the sum, and so on the batch an image is in.
    """
    total = (luma * _SCALE).round_().sum(dim=(1, 2, 3), keepdim=True, dtype=torch.float64)
    return (total * (1 / (_SCALE * luma.shape[2] * luma.shape[3]))).to(torch.float32)


def blend_steps(
    factors: Mapping[str, NDArray[np.float64]], keys: Mapping[str, NDArray[np.float64]]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Turn each image's factors and order into steps that all images can share.

    Args:
        factors: operation that is on -> [images]; of `BLENDS`, and "hue" (whose values are not looked at here).
        keys: the same operations -> [images]; an image's operations are applied in the order of its keys.

    Returns:
        The steps before hue and those after it (without hue: all before), each [images, 2]: factor, kind.
    """
    names = [name for name in BLENDS if name in factors]
    if not names:
        return [], []
    order = np.argsort(np.stack([keys[name] for name in names], axis=1), axis=1, kind="stable")
    values = np.take_along_axis(np.stack([factors[name] for name in names], axis=1), order, axis=1)
    sorted_keys = np.take_along_axis(np.stack([keys[name] for name in names], axis=1), order, axis=1)
    kinds = np.array([BLENDS.index(name) for name in names], dtype=np.float64)[order]
    steps = [np.stack((values[:, step], kinds[:, step]), axis=1) for step in range(len(names))]
    if "hue" not in factors:
        return steps, []
    early = [sorted_keys[:, step] < keys["hue"] for step in range(len(names))]
    idle = np.array((1.0, _BRIGHTNESS))  # factor 1
    before = [np.where(mask[:, None], step, idle) for step, mask in zip(steps, early, strict=True)]
    after = [np.where(mask[:, None], idle, step) for step, mask in zip(steps, early, strict=True)]
    return before, after


def blend(images: Tensor, step: Tensor, kinds: frozenset[str]) -> Tensor:
    """One step: brightness, contrast or saturation, as each image wants.

    Args:
        images: float32 [b, 3, h, w] in [0, 1].
        step: [b, 2] factor and kind.
        kinds: the operations of `BLENDS` that are on at all; what only others need is not computed.
    """
    factor, kind = step[:, 0, None, None, None], step[:, 1, None, None, None]
    blended = images * factor
    if kinds != {"brightness"}:
        luma = grey(images)
        other = torch.zeros_like(luma)
        if "contrast" in kinds:
            other = torch.where(kind == _CONTRAST, mean_grey(luma), other)
        if "saturation" in kinds:
            other = torch.where(kind == _SATURATION, luma, other)
        blended += other * (1 - factor)
    return blended.clamp_(0, 1)


def shift_hue(images: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue of float [b, 3, h, w] in [0, 1] by [b] turns (1 = once around the colour circle).

    Hue as in HSV; value V and chroma C = S V stay, so saturation itself is never needed. Back to RGB by
    f(n) = V - C max(0, min(k, 4 - k, 1)), k = (n + 6 H) mod 6, n = 5, 3, 1 for red, green, blue (Smith, "Color gamut
    transform pairs", SIGGRAPH 1978, in the branch-free form).
    """
    red, green, blue = images.split(1, dim=1)
    smallest, largest = torch.aminmax(images, dim=1, keepdim=True)
    chroma = largest - smallest
    divisor = torch.where(chroma == 0, 1.0, chroma)  # a grey pixel has no hue, and none is seen: chroma is 0
    sixths = torch.where(
        largest == red,
        (green - blue) / divisor,
        torch.where(largest == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    turn = sixths * (1 / 6) + shift[:, None, None, None]
    sixths = (turn - turn.floor()) * 6
    channels = []
    for offset in (5, 3, 1):
        k = sixths + offset
        k = torch.where(k >= 6, k - 6, k)
        channels.append(largest - chroma * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.cat(channels, dim=1).clamp_(0, 1)
