"""Mixup and CutMix: every image, and its label, mixed with those of another training image, its partner.

Zhang et al., "mixup", ICLR 2018; Yun et al., "CutMix", ICCV 2019; drawn as torchvision's v2 transforms draw, but per
image, where theirs draw once per batch. Nothing depends on batches:

- Partners are the neighbours in one ring of all training images, drawn anew each epoch. So each image is the partner of
  exactly one other, as where a batch is turned by one place.
- A partner comes as it is trained on itself in this epoch: under the changes that are drawn for it.

Both are one formula. An image has a box; inside it the own pixels have a weight, outside it they have all. Mixup's box
is the image; CutMix's weight is 0. The own share of the label is the mean of these weights.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CUT_DRAWS = 3
"""Uniform draws per image of CutMix: share, then column and row of the box's centre."""

_SHARE_STEPS = 2.0**20
"""A drawn share is a multiple of one over this: quantiles of other library releases may differ in their last bits."""


def ring(draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return each image's partner, int64 [images]: the next one in a ring that draws, [images], put in order."""
    order = np.argsort(draws, kind="stable")
    partners = np.empty_like(order)
    partners[order] = np.roll(order, -1)
    return partners.astype(np.int64)


def shares(draws: NDArray[np.float64], concentration: float) -> NDArray[np.float64]:
    """Return quantiles of Beta(concentration, concentration) from uniform draws, to multiples of 2**-20."""
    if concentration != 1:
        from scipy.special import betaincinv

        draws = betaincinv(concentration, concentration, draws)
    return np.asarray(np.rint(draws * _SHARE_STEPS) / _SHARE_STEPS)


def mixup_columns(own: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """What `mix` needs of mixup, [images, 6], from the own shares, [images]."""
    box = np.tile(np.array((0, 0, height, width), dtype=np.float64), (len(own), 1))
    return np.concatenate((box, own[:, None], own[:, None]), axis=1)


def cutmix_columns(drawn: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """What `mix` needs of CutMix, [images, 6].

    Args:
        drawn: [images, CUT_DRAWS]: share outside of the box, then the place of its centre as fractions of the width and
            the height. What of the box lies outside the image is lost, and the share grows.
        height, width: of the images, pixels.
    """
    size = np.array((width, height))
    half = np.floor(0.5 * np.sqrt(1 - drawn[:, :1]) * size)
    centre = np.floor(drawn[:, 1:] * size)
    first, last = np.clip(centre - half, 0, size), np.clip(centre + half, 0, size)
    share = 1 - (last - first).prod(axis=1) / (height * width)
    left, top, right, bottom = np.concatenate((first, last), axis=1).T
    return np.stack((top, left, bottom, right, np.zeros(len(drawn)), share), axis=1)


def columns(
    own: NDArray[np.float64] | None,
    cut: NDArray[np.float64] | None,
    cuts: NDArray[np.bool_] | None,
    height: int,
    width: int,
) -> NDArray[np.float64]:
    """What `mix` needs, [images, 6], of the one that is on; where both are, ``cuts`` says which images get CutMix."""
    if cut is None:
        assert own is not None
        return mixup_columns(own, height, width)
    if own is None:
        return cutmix_columns(cut, height, width)
    assert cuts is not None
    return np.where(cuts[:, None], cutmix_columns(cut, height, width), mixup_columns(own, height, width))


def inside(box: Tensor, height: int, width: int) -> Tensor:
    """Return which pixels lie in each image's box, boolean [b, 1, h, w].

    Args:
        box: [b, 4] top, left, bottom, right in pixels; the last two are the first ones outside.
        height, width: of the images, pixels.
    """
    top, left, bottom, right = (box[:, side, None, None, None] for side in range(4))
    y = torch.arange(height, device=box.device)[:, None]
    x = torch.arange(width, device=box.device)
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)


def mix(images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mix images with their partners.

    Args:
        images: float32 [2 b, c, h, w]: b images, then their partners.
        rows: float32 [b, 6] of `mixup_columns` or `cutmix_columns`.

    Returns:
        float32 [b, c, h, w], and the own share of the label, float32 [b].
    """
    own, others = images.chunk(2)
    weight = torch.where(inside(rows[:, :4], *images.shape[-2:]), rows[:, 4, None, None, None], 1.0)
    return own * weight + others * (1 - weight), rows[:, 5]
