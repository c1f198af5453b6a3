"""Augmentation and normalisation in two kernels of Triton: one for where pixels come from, one for their colours.

PyTorch needs some sixty kernels for both, each of which reads and writes the whole batch; here each pixel is read once
and written once, and of the geometry alone also normalised on the way. `classifier.geometry`, `classifier.colour` and
`classifier.network` are the reference: the same formulas in the same order, and no product is fused with the sum behind
it, as PyTorch's `grid_sample` does on a GPU. So results equal the reference within `TOLERANCE` and not to the bit, and
no training uses these kernels until a GPU has shown what they bring.

Importing this module imports Triton, which comes with PyTorch for CUDA, or with the extra ``triton``. With
TRITON_INTERPRET=1 in the environment the kernels run on a CPU, slowly.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-any-return"

from __future__ import annotations

from collections.abc import Mapping

import torch
import triton
import triton.language as tl
from torch import Tensor

from classifier.colour import BLENDS, LUMA_WEIGHTS

TOLERANCE = 1e-4
"""Largest difference from the reference, of values in [0, 1] of images up to 256 pixels wide: a place that is rounded
otherwise, in the steepest of images."""

PIXELS_PER_PROGRAM = 1024

OPERATIONS = ("rotation", "crop", "hflip", "vflip", "before", "hue", "after", "greyscale")
"""What the kernels do, as `classifier.augment` names the columns of its parameters: rotation, crop, flips, colours."""

_RED, _GREEN, _BLUE = (tl.constexpr(weight) for weight in LUMA_WEIGHTS)
_CONTRAST, _SATURATION = (tl.constexpr(BLENDS.index(name)) for name in ("contrast", "saturation"))
_GREY_STEPS = tl.constexpr(2.0**24)


def changed(
    batch: Tensor,
    rows: Tensor,
    columns: Mapping[str, slice],
    kinds: frozenset[str],
    means: Tensor,
    deviations: Tensor,
) -> Tensor:
    """Augment a batch and normalise it.

    Args:
        batch: uint8 (0..255) or float32 (0..1), [b, 3, h, w], in any layout.
        rows: drawn parameters, float32 [b, r]; see `classifier.augment.Augmentation.rows`.
        columns: who has which columns of them.
        kinds: the operations of `classifier.colour.BLENDS` that are on.
        means, deviations: of the channels, in [0, 1], float32 [3] on the device.

    Returns:
        float32 [b, 3, h, w] in channels-last layout: what `classifier.network.Network.normalise` makes of
        `classifier.augment.Augmentation.change`.

    Raises:
        ValueError: an operation is on that these kernels do not have.
    """
    if unknown := sorted(name for name in columns if name.rstrip("0123456789") not in OPERATIONS):
        raise ValueError(f"{unknown[0]} has no fused kernel; augment with PyTorch's operations")
    count, _, height, width = batch.shape
    pixels = height * width
    result = torch.empty(batch.shape, device=batch.device, memory_format=torch.channels_last)
    at = {name: place.start for name, place in columns.items()}
    steps = sum(name.startswith("before") for name in columns)
    coloured = bool(steps or "hue" in at or "greyscale" in at)
    usual = {"BLOCK": PIXELS_PER_PROGRAM, "enable_fp_fusion": False} if batch.is_cuda else {"BLOCK": PIXELS_PER_PROGRAM}
    table = (rows, rows.shape[1])
    _geometry[(triton.cdiv(pixels, PIXELS_PER_PROGRAM), count)](
        *(batch, *batch.stride(), result, *result.stride(), *table, means, deviations),
        *(height, width, 2 / height, 2 / width),
        BYTES=batch.dtype == torch.uint8,
        ROTATION=at.get("rotation", -1),
        CROP=at.get("crop", -1),
        HFLIP=at.get("hflip", -1),
        VFLIP=at.get("vflip", -1),
        NORMALISED=not coloured,
        **usual,
    )
    if coloured:
        _colour[(count,)](
            *(result, *result.stride(), *table, means, deviations, width),
            PIXELS=pixels,
            STEPS=steps,
            BEFORE=at.get("before0", 0),
            AFTER=at.get("after0", -1),
            HUE=at.get("hue", -1),
            GREYSCALE=at.get("greyscale", -1),
            CONTRAST="contrast" in kinds,
            **usual,
        )
    return result


@triton.jit
def _geometry(
    source, source_b, source_c, source_h, source_w, result, result_b, result_c, result_h, result_w,
    rows, row_stride, means, deviations, height, width, y_scale, x_scale,
    BYTES: tl.constexpr, ROTATION: tl.constexpr, CROP: tl.constexpr, HFLIP: tl.constexpr, VFLIP: tl.constexpr,
    NORMALISED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Rotation, crop and flips of `BLOCK` pixels of one image, and its normalisation; -1 for what is off."""
    image = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = pixel < height * width
    row = rows + image * row_stride
    x = (pixel % width).to(tl.float32)
    y = (pixel // width).to(tl.float32)
    if HFLIP >= 0:
        x = tl.where(tl.load(row + HFLIP) > 0, width - 1 - x, x)
    if VFLIP >= 0:
        y = tl.where(tl.load(row + VFLIP) > 0, height - 1 - y, y)
    if CROP >= 0:
        x = _within(x, row + CROP)
        y = _within(y, row + CROP + 3)
    source += image * source_b
    result += image * result_b + (pixel // width) * result_h + (pixel % width) * result_w
    if (ROTATION >= 0) | (CROP >= 0):
        x -= (width - 1) * 0.5
        y -= (height - 1) * 0.5
        if ROTATION >= 0:
            cosine, sine = tl.load(row + ROTATION), tl.load(row + ROTATION + 1)
            turned = x * cosine - y * sine
            y = x * sine + y * cosine
            x = turned
        # As `grid_sample` without aligned corners comes by them.
        x = ((x * x_scale + 1) * width - 1) * 0.5
        y = ((y * y_scale + 1) * height - 1) * 0.5
        left, top = tl.floor(x), tl.floor(y)
        right_share, lower_share = x - left, y - top
        left_share, upper_share = left + 1 - x, top + 1 - y
        for channel in tl.static_range(3):
            at = source + channel * source_c
            value = _pixel(at, left, top, height, width, source_h, source_w, inside, BYTES) * (left_share * upper_share)
            value += _pixel(at, left + 1, top, height, width, source_h, source_w, inside, BYTES) * (
                right_share * upper_share
            )
            value += _pixel(at, left, top + 1, height, width, source_h, source_w, inside, BYTES) * (
                left_share * lower_share
            )
            value += _pixel(at, left + 1, top + 1, height, width, source_h, source_w, inside, BYTES) * (
                right_share * lower_share
            )
            value = tl.minimum(tl.maximum(value, 0.0), 1.0)
            if NORMALISED:
                value = _normalised(value, means, deviations, channel)
            tl.store(result + channel * result_c, value, inside)
    else:
        for channel in tl.static_range(3):
            value = _pixel(source + channel * source_c, x, y, height, width, source_h, source_w, inside, BYTES)
            if NORMALISED:
                value = _normalised(value, means, deviations, channel)
            tl.store(result + channel * result_c, value, inside)


@triton.jit
def _within(place, column):
    """Where the pixels of one axis come from inside a crop; see `classifier.geometry`."""
    first, scale, last = tl.load(column), tl.load(column + 1), tl.load(column + 2)
    return tl.minimum(tl.maximum((place + 0.5) * scale - 0.5, 0.0), last) + first


@triton.jit
def _pixel(source, x, y, height, width, source_h, source_w, inside, BYTES: tl.constexpr):
    """Values in [0, 1] at whole places of one channel; black outside the image."""
    there = inside & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    value = tl.load(source + y.to(tl.int32) * source_h + x.to(tl.int32) * source_w, there, 0).to(tl.float32)
    if BYTES:
        value = tl.div_rn(value, tl.full(value.shape, 255.0, tl.float32))
    return value


@triton.jit
def _normalised(value, means, deviations, channel: tl.constexpr):
    deviation = tl.load(deviations + channel)
    return tl.div_rn(value - tl.load(means + channel), tl.full(value.shape, 0.0, tl.float32) + deviation)


@triton.jit
def _colour(
    images, image_b, image_c, image_h, image_w, rows, row_stride, means, deviations, width,
    PIXELS: tl.constexpr, STEPS: tl.constexpr, BEFORE: tl.constexpr, AFTER: tl.constexpr, HUE: tl.constexpr,
    GREYSCALE: tl.constexpr, CONTRAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Colour jitter, greyscale and normalisation of one image, in place.

    An image has contrast in one step at the most. So the mean of its greys behind the steps before that is enough: the
    image is read for it once more. Whole numbers are added up, as in `classifier.colour.mean_grey`.
    """
    image = tl.program_id(0).to(tl.int64)
    row = rows + image * row_stride
    images += image * image_b
    mean = 0.0
    if CONTRAST:
        total = tl.full((BLOCK,), 0, tl.int64)
        for start in range(0, PIXELS, BLOCK):
            pixel = start + tl.arange(0, BLOCK)
            inside = pixel < PIXELS
            at = images + (pixel // width) * image_h + (pixel % width) * image_w
            red, green, blue = _three(at, image_c, inside)
            red, green, blue, grey = _recoloured(red, green, blue, row, 0.0, STEPS, BEFORE, AFTER, HUE)
            total += tl.where(inside, (grey * _GREY_STEPS).to(tl.float64) + 0.5, 0.0).to(tl.int64)
        mean = (tl.reduce(total, 0, _added).to(tl.float64) / (PIXELS * _GREY_STEPS)).to(tl.float32)
    for start in range(0, PIXELS, BLOCK):
        pixel = start + tl.arange(0, BLOCK)
        inside = pixel < PIXELS
        at = images + (pixel // width) * image_h + (pixel % width) * image_w
        red, green, blue = _three(at, image_c, inside)
        red, green, blue, grey = _recoloured(red, green, blue, row, mean, STEPS, BEFORE, AFTER, HUE)
        if GREYSCALE >= 0:
            grey, chosen = _luma(red, green, blue), tl.load(row + GREYSCALE) > 0
            red, green, blue = tl.where(chosen, grey, red), tl.where(chosen, grey, green), tl.where(chosen, grey, blue)
        tl.store(at, _normalised(red, means, deviations, 0), inside)
        tl.store(at + image_c, _normalised(green, means, deviations, 1), inside)
        tl.store(at + 2 * image_c, _normalised(blue, means, deviations, 2), inside)


@triton.jit
def _added(one, other):
    return one + other


@triton.jit
def _three(at, channel, inside):
    return tl.load(at, inside, 0.0), tl.load(at + channel, inside, 0.0), tl.load(at + 2 * channel, inside, 0.0)


@triton.jit
def _luma(red, green, blue):
    return red * _RED + green * _GREEN + blue * _BLUE


@triton.jit
def _recoloured(
    red, green, blue, row, mean, STEPS: tl.constexpr, BEFORE: tl.constexpr, AFTER: tl.constexpr, HUE: tl.constexpr
):
    """Blends before hue, hue, and blends behind it; last the grey of each pixel where contrast begins."""
    grey = tl.full(red.shape, 0.0, tl.float32)
    for step in tl.static_range(STEPS):
        red, green, blue, grey = _blended(red, green, blue, grey, row + BEFORE + 2 * step, mean)
    if HUE >= 0:
        red, green, blue = _turned(red, green, blue, tl.load(row + HUE))
    if AFTER >= 0:
        for step in tl.static_range(STEPS):
            red, green, blue, grey = _blended(red, green, blue, grey, row + AFTER + 2 * step, mean)
    return red, green, blue, grey


@triton.jit
def _blended(red, green, blue, grey, column, mean):
    """One step of `classifier.colour.blend`; in that of contrast the greys are noted."""
    factor, kind = tl.load(column), tl.load(column + 1)
    luma = _luma(red, green, blue)
    grey = tl.where(kind == _CONTRAST, luma, grey)
    other = tl.where(kind == _CONTRAST, mean, tl.where(kind == _SATURATION, luma, 0.0)) * (1 - factor)
    red = tl.minimum(tl.maximum(red * factor + other, 0.0), 1.0)
    green = tl.minimum(tl.maximum(green * factor + other, 0.0), 1.0)
    blue = tl.minimum(tl.maximum(blue * factor + other, 0.0), 1.0)
    return red, green, blue, grey


@triton.jit
def _turned(red, green, blue, shift):
    """`classifier.colour.shift_hue`."""
    largest = tl.maximum(tl.maximum(red, green), blue)
    chroma = largest - tl.minimum(tl.minimum(red, green), blue)
    divisor = tl.where(chroma == 0, 1.0, chroma)
    sixths = tl.where(
        largest == red,
        tl.div_rn(green - blue, divisor),
        tl.where(largest == green, tl.div_rn(blue - red, divisor) + 2, tl.div_rn(red - green, divisor) + 4),
    )
    turn = sixths * (1 / 6) + shift
    sixths = (turn - tl.floor(turn)) * 6
    return (
        _channel(largest, chroma, sixths, 5),
        _channel(largest, chroma, sixths, 3),
        _channel(largest, chroma, sixths, 1),
    )


@triton.jit
def _channel(largest, chroma, sixths, offset: tl.constexpr):
    k = sixths + offset
    k = tl.where(k >= 6, k - 6, k)
    value = largest - chroma * tl.minimum(tl.maximum(tl.minimum(k, 4 - k), 0.0), 1.0)
    return tl.minimum(tl.maximum(value, 0.0), 1.0)
