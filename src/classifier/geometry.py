"""Where an augmented pixel comes from: boxes, flips, and one resampling for rotation, crop and flips together.

Coordinates are pixel centres: pixel (row, column) = (0, 0) is the top left one, and the image spans -0.5 to size - 0.5
(`align_corners=False`). The pipeline that is reproduced is torchvision's

    RandomRotation(degrees, BILINEAR) -> RandomResizedCrop((h, w)) -> RandomHorizontalFlip -> RandomVerticalFlip

read backwards: an output pixel is un-flipped, then mapped into the crop box, then rotated into the image, which is
sampled once, bilinearly. Torchvision interpolates twice there, so ours is a little sharper; each operation alone is the
same. Outside the image is black (torchvision's fill 0). A rotation's border pixels blend with that black once;
torchvision's `rotate(fill=0)` blends them twice (its `rotate(fill=None)` does it once, and is what we equal).

Antialiasing: the crop comes out at the size the image had, so a crop is only ever enlarged, where torchvision's
`antialias` changes nothing. There is nothing to filter.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

BOX_TRIES = 10
"""Boxes that are tried before there is none (torchvision's `RandomResizedCrop` and `RandomErasing`)."""

BOX_DRAWS = 2 * BOX_TRIES + 2
"""Uniform draws per image: area and log aspect ratio of every try, then top and left of the box."""

CROP_RATIO = (3 / 4, 4 / 3)
"""Smallest and largest aspect ratio, width / height (Szegedy et al., "Going deeper with convolutions", CVPR 2015)."""

ERASED_AREA, ERASED_RATIO = (0.02, 0.33), (1 / 3.3, 1 / 0.3)
"""The same of a box that is erased, and its area as a fraction of the image (Zhong et al., "Random erasing data
augmentation", AAAI 2020, as torchvision has it)."""


def crop_boxes(draws: NDArray[np.float64], smallest: float, height: int, width: int) -> NDArray[np.int64]:
    """The boxes of torchvision's `RandomResizedCrop(scale=(smallest, 1))`, from uniform draws.

    Args:
        draws: [images, BOX_DRAWS] in [0, 1): area, ratio of the first try, of the second ..., then top, left.
        smallest: smallest area, as a fraction of the image's.
        height, width: of the images, pixels.

    Returns:
        [images, 4]: top, left, height, width, in pixels. The first try that fits counts; where none of ten does,
        the largest central box whose aspect ratio is allowed.
    """
    ratio = min(max(width / height, CROP_RATIO[0]), CROP_RATIO[1])
    central = (min(height, round(width / ratio)), min(width, round(height * ratio)))
    size, pending = _first_fits(draws, (smallest, 1), CROP_RATIO, (height, width), (height, width))
    size[pending] = central
    room = np.array((height, width)) - size
    corner = np.floor(draws[:, -2:] * (room + 1)).astype(np.int64)
    corner[pending] = room[pending] // 2  # the central box is not drawn
    return np.concatenate((corner, size), axis=1)


def erased_boxes(draws: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """The boxes of torchvision's `RandomErasing()`, from uniform draws.

    Args:
        draws: [images, BOX_DRAWS]; see `crop_boxes`.
        height, width: of the images, pixels.

    Returns:
        [images, 4]: top, left, bottom, right, in pixels, the last two the first ones outside; always smaller than the
        image both ways. Where none of ten tries fits, an empty box.
    """
    size, _ = _first_fits(draws, ERASED_AREA, ERASED_RATIO, (height, width), (height - 1, width - 1))
    corner = np.floor(draws[:, -2:] * (np.array((height, width)) - size + 1)).astype(np.int64)
    return np.concatenate((corner, corner + size), axis=1)


def _first_fits(
    draws: NDArray[np.float64],
    areas: tuple[float, float],
    ratios: tuple[float, float],
    image: tuple[int, int],
    largest: tuple[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first tried height and width that fits, [images, 2], or 0 and 0; and the images without one."""
    images = len(draws)
    size = np.zeros((images, 2), dtype=np.int64)
    pending = np.arange(images)
    smallest, biggest = areas
    low, high = (math.log(bound) for bound in ratios)
    for area_draw, ratio_draw in draws[:, : 2 * BOX_TRIES].reshape(images, BOX_TRIES, 2).transpose(1, 2, 0):
        area = image[0] * image[1] * (smallest + (biggest - smallest) * area_draw[pending])
        shapes = np.exp(low + (high - low) * ratio_draw[pending])
        tried = np.rint(np.stack((np.sqrt(area / shapes), np.sqrt(area * shapes)), axis=1)).astype(np.int64)
        fits = (tried > 0).all(axis=1) & (tried <= largest).all(axis=1)
        size[pending[fits]] = tried[fits]
        pending = pending[~fits]
    return size, pending


def crop_columns(boxes: NDArray[np.int64], height: int, width: int) -> NDArray[np.float64]:
    """What `resample` needs of a box, [images, 6]: left, scale, last for the columns, then for the rows.

    Args:
        boxes: [images, 4] top, left, height, width, pixels.
        height, width: of the images, pixels.
    """
    top, left, rows, columns = boxes.T
    return np.stack((left, columns / width, columns - 1, top, rows / height, rows - 1), axis=1)


def rotation_columns(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `resample` needs of an angle, [images, 2]: cosine and sine of [images] degrees counter-clockwise."""
    radians = np.deg2rad(degrees)
    return np.stack((np.cos(radians), np.sin(radians)), axis=1)


def flip(images: Tensor, horizontal: Tensor | None, vertical: Tensor | None) -> Tensor:
    """Mirror the chosen images exactly, without interpolation; any type of pixel.

    Args:
        images: [b, c, h, w].
        horizontal, vertical: [b] boolean, left-right and upside down; None: none of them.
    """
    for mask, axis in ((horizontal, 3), (vertical, 2)):
        if mask is not None:
            images = torch.where(mask[:, None, None, None], images.flip(axis), images)
    return images


def resample(
    images: Tensor, rotation: Tensor | None, crop: Tensor | None, horizontal: Tensor | None, vertical: Tensor | None
) -> Tensor:
    """Rotate, crop and flip in one bilinear resampling, every image by its own parameters; the size stays.

    Args:
        images: float [b, c, h, w] in [0, 1].
        rotation: [b, 2] of `rotation_columns`, or None.
        crop: [b, 6] of `crop_columns`, or None.
        horizontal, vertical: [b] boolean, or None.
    """
    height, width = images.shape[-2:]
    left, top = (None, None) if crop is None else (crop[:, :3], crop[:, 3:])
    x = _sources(width, horizontal, left, images)[:, None, :]  # [b or 1, 1, w]
    y = _sources(height, vertical, top, images)[:, :, None]  # [b or 1, h, 1]
    if rotation is not None:
        cosine, sine = rotation[:, 0, None, None], rotation[:, 1, None, None]
        # Products and sums stay separate operations: a fused one may round differently at the end of a vector
        # register, and an image's bits would depend on its place in the batch.
        x, y = x * cosine - y * sine, x * sine + y * cosine
    shape = (len(images), height, width)
    grid = torch.stack(((x * (2 / width)).expand(shape), (y * (2 / height)).expand(shape)), dim=-1)
    sampled = functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled.clamp_(0, 1)  # the four weights may sum to one bit above 1


def _sources(size: int, mirrored: Tensor | None, crop: Tensor | None, like: Tensor) -> Tensor:
    """Where the pixels of one axis come from before rotation, pixels from the image's centre, [b or 1, size].

    Inside a crop the place is held between the box's first and last pixel centre: torchvision cuts the box out before
    it enlarges it, so neither the pixels beside the box nor the black outside the image may bleed in. This is why the
    grid is built here: `affine_grid` cannot hold.
    """
    place = torch.arange(size, dtype=torch.float32, device=like.device)[None]
    if mirrored is not None:
        place = torch.where(mirrored[:, None], size - 1 - place, place)
    if crop is not None:
        first, scale, last = crop[:, 0:1], crop[:, 1:2], crop[:, 2:3]
        place = torch.minimum(((place + 0.5) * scale - 0.5).clamp(min=0), last) + first
    return place - (size - 1) / 2
