"""Transparency, laid on white: in every way that a file can say it.

A PNG without an alpha channel may name one grey or colour that is transparent, at the depth of its samples. Pillow
scales samples of other depths than 8 bits and leaves that name as it is, so the two are brought together here.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from classifier.data.formats import bits, opened


def mark(image: Image.Image, data: bytes) -> None:
    """Make what a PNG calls transparent agree with its samples as Pillow gives them.

    Args:
        image: read wholly; changed in place.
        data: the bytes of its file.
    """
    key = image.info.get("transparency")
    if image.format != "PNG" or key is None:
        return
    depth = bits(image, data)
    if image.mode == "L":
        image.info["transparency"] = key * (255 // (2**depth - 1))
    elif image.mode == "RGB" and depth == 16:
        low = opened(data)  # the image holds the upper bytes; read in the other order, it holds the lower ones
        low.tile = [tile._replace(args="RGB;16L") for tile in low.tile]  # type: ignore[attr-defined]
        wanted = np.array(key)
        equal = (np.asarray(image) == wanted >> 8) & (np.asarray(low) == (wanted & 255))
        image.putalpha(_alpha(equal.all(axis=2)))
        del image.info["transparency"]


def with_alpha(grey: Image.Image, values: np.ndarray, key: int | None) -> Image.Image:
    """Return 8-bit grey with what is transparent of it: where `values`, before they were scaled, are `key`."""
    if key is not None:
        grey.putalpha(_alpha(values == key))
    return grey


def _alpha(transparent: np.ndarray) -> Image.Image:
    return Image.fromarray(np.where(transparent, 0, 255).astype(np.uint8))


def on_white(image: Image.Image) -> Image.Image:
    """Return an image as RGB, what is transparent of it laid on white."""
    if image.has_transparency_data:
        if image.mode == "La":
            image = image.convert("LA")  # the only way from premultiplied grey
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
