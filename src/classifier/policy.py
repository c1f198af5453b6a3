"""RandAugment and TrivialAugment Wide of a batch: every image by its own operations; torchvision v2's definitions.

Cubuk et al., "RandAugment", NeurIPS 2020; Müller and Hutter, "TrivialAugment", ICCV 2021. As in torchvision, operations
work on pixels of 256 levels and give such pixels; where an image is moved, the nearest pixel is taken, and outside the
image is black. So what came before is rounded to levels first.

To serve all images at once, without grouping them by operation (which would make shapes depend on the data, and the
host wait for the GPU), all walk through the same few steps; in a step that is not its own, an image stays bit for bit
as it was. One affine map does for shearing, shifting and turning, one blend for brightness, saturation, contrast and
sharpness.

A pixel may differ from torchvision's by one level where its blend, which is cut off to a level, is within rounding of
one: torchvision adds up in another order there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from classifier.augment_settings import MAX_MAGNITUDE
from classifier.colour import grey

OPERATIONS = (
    "identity",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "saturation",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)
"""What is drawn from, in torchvision's order; a drawn operation is an index into this."""

SIGNED = frozenset(OPERATIONS[1:10])
"""Operations whose strength is turned round for half of the images."""

DRAWS = 3
"""Uniform draws per image and operation in turn: which one, its strength, its sign."""

LEVELS = 255
STRENGTHS = MAX_MAGNITUDE + 1
_KIND = {name: index for index, name in enumerate(OPERATIONS)}


class _Reach(NamedTuple):
    """The strongest of each kind of operation in a policy."""

    shear: float
    shift_of_size: float
    shift_px: float
    degrees: float
    factor: float
    bits_cut: int


_REACH = {
    "randaugment": _Reach(0.3, 150 / 331, 0, 30, 0.9, 4),
    "trivialaugment": _Reach(0.99, 0, 32, 135, 0.99, 6),
}


def drawn(draws: NDArray[np.float64], magnitude: int | None) -> NDArray[np.int64]:
    """Turn uniform draws into operations, [images, 3]: index into `OPERATIONS`, strength from 0 to 30, sign.

    Args:
        draws: [images, DRAWS] in [0, 1).
        magnitude: the strength of all; None: drawn.
    """
    kind, strength = (np.floor(count * draws[:, column]) for column, count in enumerate((len(OPERATIONS), STRENGTHS)))
    if magnitude is not None:
        strength = np.full_like(strength, magnitude)
    return np.stack((kind, strength, np.where(draws[:, 2] <= 0.5, -1, 1)), axis=1).astype(np.int64)


def strengths(policy: str, height: int, width: int) -> dict[str, NDArray[np.float64]]:
    """Return what the strengths 0 to 30 of an operation are, by its name; some operations have none.

    Shears are slopes, shifts whole pixels, turns degrees, blends what a factor is above 1, posterize a number of bits,
    solarize a level; to the bit torchvision's.
    """
    reach = _REACH[policy]

    def even(end: float, start: float = 0.0) -> NDArray[np.float64]:
        return torch.linspace(start, end, STRENGTHS).numpy().astype(np.float64)

    bits = (8 - torch.arange(STRENGTHS) / (MAX_MAGNITUDE / reach.bits_cut)).round().numpy().astype(np.float64)
    shift = {"x": width, "y": height}
    return {
        **{f"shear_{axis}": even(reach.shear) for axis in shift},
        **{
            f"translate_{axis}": np.trunc(even(reach.shift_of_size * size + reach.shift_px))
            for axis, size in shift.items()
        },
        "rotate": even(reach.degrees),
        **dict.fromkeys(OPERATIONS[6:10], even(reach.factor)),
        "posterize": bits,
        "solarize": LEVELS * even(0.0, 1.0),
    }


def columns(operations: NDArray[np.int64], policy: str, height: int, width: int) -> NDArray[np.float64]:
    """What `change` needs of one operation of each image, [images, 9]: see `_Row`.

    Args:
        operations: [images, 3] of `drawn`.
        policy: a value of ``augment.policy``.
        height, width: of the images, pixels.
    """
    images = len(operations)
    kind, strength, sign = operations.T
    known = strengths(policy, height, width)
    table = np.stack([known.get(name, np.zeros(STRENGTHS)) for name in OPERATIONS])
    signed = np.isin(kind, [_KIND[name] for name in SIGNED])
    amount = table[kind, strength] * np.where(signed, sign, 1)
    affine = np.tile(np.array((1.0, 0, 0, 0, 1, 0)), (images, 1))

    def of(name: str) -> NDArray[np.bool_]:
        return np.asarray(kind == _KIND[name])

    def put(name: str, places: tuple[int, ...], *values: NDArray[np.float64]) -> None:
        for place, value in zip(places, values, strict=True):
            affine[of(name), place] = value[of(name)]

    # Shears keep the corner at the top left where it is, turns the centre.
    put("shear_x", (1, 2), amount, amount * height / 2)
    put("shear_y", (3, 5), amount, amount * width / 2)
    put("translate_x", (2,), -amount)
    put("translate_y", (5,), -amount)
    radians = np.deg2rad(amount)
    put("rotate", (0, 1, 3, 4), np.cos(radians), -np.sin(radians), np.sin(radians), np.cos(radians))
    value, rest = np.ones(images), np.zeros(images)
    blends = np.isin(kind, [_KIND[name] for name in OPERATIONS[6:10]])
    value[blends], rest[blends] = 1 + amount[blends], -amount[blends]
    value[of("posterize")] = 2.0 ** (8 - amount[of("posterize")])
    value[of("solarize")] = amount[of("solarize")]
    return np.concatenate((np.stack((kind, value, rest), axis=1), affine), axis=1)


class _Row(NamedTuple):
    """Columns of `columns`, each for [b, c, h, w].

    Attributes:
        kind: index into `OPERATIONS`.
        value: factor of a blend; step of posterize; first level that solarize turns round.
        rest: one less the factor.
        affine: [b, 6]; where a pixel comes from, from where it lies, both in pixels from the centre, row by row.
    """

    kind: Tensor
    value: Tensor
    rest: Tensor
    affine: Tensor


def change(images: Tensor, rows: Tensor) -> Tensor:
    """One operation on every image.

    Args:
        images: float [b, 3, h, w] in [0, 1]; rounded to 256 levels.
        rows: float [b, 9] of `columns`.

    Returns:
        float32 [b, 3, h, w], multiples of 1/255 in [0, 1].
    """
    kind, value, rest = (rows[:, column, None, None, None] for column in range(3))
    row = _Row(kind, value, rest, rows[:, 3:])
    levels = _moved((images * LEVELS).round_(), row)
    levels = _blended(levels, row)
    step = torch.where(kind == _KIND["posterize"], value, 1.0)
    levels = (levels / step).floor_() * step
    turned = (kind == _KIND["solarize"]) & (levels >= value)
    levels = torch.where(turned, LEVELS - levels, levels)
    levels = torch.where(kind == _KIND["autocontrast"], _stretched(levels), levels)
    levels = torch.where(kind == _KIND["equalize"], _equalized(levels), levels)
    return levels / LEVELS


def _moved(levels: Tensor, row: _Row) -> Tensor:
    """Shear, shift or turn: the nearest pixel, black outside."""
    height, width = levels.shape[-2:]
    x, y = (torch.arange(size, dtype=torch.float32, device=levels.device) - (size - 1) / 2 for size in (width, height))
    x, y = x[None, None, :], y[None, :, None]
    a, b, c, d, e, f = (row.affine[:, place, None, None] for place in range(6))
    # Products and sums stay separate operations, so that an image's bits do not depend on its place in the batch.
    grid = torch.stack(((x * a + y * b + c) * (2 / width), (x * d + y * e + f) * (2 / height)), dim=-1)
    return functional.grid_sample(levels, grid, mode="nearest", padding_mode="zeros", align_corners=False)


def _blended(levels: Tensor, row: _Row) -> Tensor:
    """Brightness, saturation, contrast or sharpness, cut off to a level."""
    luma = grey(levels).floor_()
    # A sum of whole numbers is exact in double precision, however a device splits it.
    mean = luma.sum(dim=(2, 3), keepdim=True, dtype=torch.float64) / (luma.shape[2] * luma.shape[3])
    other = torch.where(row.kind == _KIND["contrast"], mean.to(torch.float32), luma)
    other = torch.where(row.kind == _KIND["sharpness"], _blurred(levels), other)
    blended = levels + (other - levels) * row.rest
    blended = torch.where(row.kind == _KIND["brightness"], levels * row.value, blended)
    return blended.clamp_(0, LEVELS).trunc_()


def _blurred(levels: Tensor) -> Tensor:
    """Mean of a pixel, counted five times, and its eight neighbours, to the nearest level; the border stays."""
    if min(levels.shape[-2:]) <= 2:
        return levels
    blurred, inner = levels.clone(), levels[:, :, 1:-1, 1:-1]
    # No multiple of 1/13 is half of a level, so rounding forgives how the nine are summed.
    blurred[:, :, 1:-1, 1:-1] = ((functional.avg_pool2d(levels, 3, 1) * 9 + inner * 4) / 13).round_()
    return blurred


def _stretched(levels: Tensor) -> Tensor:
    """Each channel from its darkest to its brightest pixel stretched over all levels; one of a single level stays."""
    low, high = levels.amin(dim=(2, 3), keepdim=True), levels.amax(dim=(2, 3), keepdim=True)
    flat = high == low
    scale = torch.where(flat, 1.0, (high - low) * (1 / LEVELS))
    return ((levels - torch.where(flat, 0.0, low)) / scale).clamp_(0, LEVELS).trunc_()


def _equalized(levels: Tensor) -> Tensor:
    """Each channel with as even a histogram as whole levels allow, as Pillow does it."""
    batch, channels, height, width = levels.shape
    flat = levels.reshape(batch * channels, height * width).long()
    place = flat + (LEVELS + 1) * torch.arange(len(flat), device=flat.device)[:, None]
    # In one dimension: PyTorch counts deterministically on a GPU only there.
    counts = torch.zeros(len(flat) * (LEVELS + 1), dtype=torch.int64, device=flat.device)
    counts = counts.scatter_add_(0, place.reshape(-1), torch.ones_like(place).reshape(-1)).reshape(len(flat), -1)
    brightest = counts.gather(1, flat.amax(dim=1, keepdim=True))
    step = (height * width - brightest) // LEVELS
    darker = counts.cumsum(1) - counts
    table = ((darker + step // 2) // step.clamp(min=1)).clamp_(0, LEVELS)
    equalized = torch.where(step > 0, table.gather(1, flat), flat)
    return equalized.to(levels.dtype).reshape(levels.shape)
