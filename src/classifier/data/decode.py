"""From an image file to the uint8 pixels a network sees.

The policy, the same for every format: the first frame of an animation; orientation as EXIF says; colour profiles
ignored; anything transparent laid on white; 16-bit grey scaled to 8 bits, not clipped; of 16-bit colours the upper 8
bits; then RGB, resized to a square by Pillow's antialiased bilinear filter, the aspect ratio not kept. What Pillow
cannot read completely is left out.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from classifier.data.formats import bits, codecs, opened
from classifier.data.progress import ReadingProgress
from classifier.data.source import Source
from classifier.data.transparent import mark, on_white, with_alpha
from classifier.inputs import grey

POLICY_VERSION = 2
"""Raise it when the same file gives other pixels."""

BLOCK_IMAGES = 256
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class NotNow(Exception):
    """A file that could not be read for a reason that may pass; its absence is not to be remembered."""


def version() -> str:
    """Name everything about this installation that may change pixels."""
    return f"policy {POLICY_VERSION}, {codecs()}, {platform.machine()}"


def open_image(path: Path) -> Image.Image:
    """Read a whole image file; raises where it is damaged or no image."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotNow(error.strerror or str(error)) from error
    if not data:
        raise ValueError("the file is empty")
    image = opened(data)
    image.load()
    mark(image, data)
    return image


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert to upright RGB under the policy above."""
    turned = turn(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = _deep_grey(image)
    image = on_white(image)
    return image if turned is None else image.transpose(turned)


def turn(image: Image.Image) -> Image.Transpose | None:
    """Return what sets an image upright, as its EXIF data say; None where nothing is to be done."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF fails in many ways, and says nothing about the pixels
        return None


def _deep_grey(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8 bits, and 12-bit grey; deeper pixels have no range of their own, so they are refused."""
    values = np.asarray(image)
    if image.mode == "F" or (values.size and (values.min() < 0 or values.max() > 65535)):
        raise ValueError(f"pixels of mode {image.mode} have no known range; store them as 8 or 16 bits")
    grey = Image.fromarray(np.rint(values * (255 / (4095 if bits(image) == 12 else 65535))).astype(np.uint8))
    return with_alpha(grey, values, image.info.get("transparency"))


def decode(source: Source, image: int, size: int) -> tuple[np.ndarray, bytes]:
    """Return the pixels [3, size, size] of one image, and the hash of its pixels in full size."""
    picture = to_rgb(source.read(image))
    digest = hashlib.sha256(b"%d x %d " % picture.size + picture.tobytes()).digest()
    return fitted(picture, size), digest


def fitted(picture: Image.Image, size: int) -> np.ndarray:
    """Return an RGB image as the uint8 pixels [3, size, size] that a network sees."""
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def read_image(path: str | Path, size: int, greyscale: bool = False) -> np.ndarray:
    """Return an image file as the uint8 pixels [3, size, size] that a network is trained on, [1, size, size] in grey.

    Raises:
        NotNow: the file cannot be read.
        ValueError, OSError: it is damaged, or no image.
    """
    pixels = fitted(to_rgb(open_image(Path(path))), size)
    return grey(pixels[None])[0] if greyscale else pixels


def decode_all(source: Source, size: int, extra: dict[str, Any]) -> Iterator[np.ndarray]:
    """Decode every image of a source, in order, in blocks [n, 3, size, size]; what fails is left black.

    Args:
        source: the images.
        size: width and height in pixels.
        extra: receives ``digests`` (hexadecimal, empty where decoding failed), ``failed`` (image number as text ->
            reason), and ``passing`` where some reason may pass; complete when the last block was taken.
    """
    digests: list[str] = []
    failed: dict[str, str] = {}
    extra.update(digests=digests, failed=failed, passing=False)

    def attempt(image: int) -> tuple[np.ndarray, bytes] | Exception:
        try:
            return decode(source, image, size)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's readers raise whatever they like on damaged files
            return error

    with (
        ThreadPoolExecutor(threads()) as pool,
        ReadingProgress(f"decoding {source.name}", len(source.names)) as progress,
    ):
        for start in range(0, len(source.names), BLOCK_IMAGES):
            images = range(start, min(start + BLOCK_IMAGES, len(source.names)))
            block = np.zeros((len(images), 3, size, size), dtype=np.uint8)
            for row, result in enumerate(pool.map(attempt, images)):
                if isinstance(result, Exception):
                    digests.append("")
                    failed[str(start + row)] = _reason(result)
                    extra["passing"] |= isinstance(result, NotNow)
                else:
                    block[row], digest = result
                    digests.append(digest.hex())
            progress.reached(images.stop)
            yield block


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image, or a damaged one"
    return " ".join(str(error).split()) or type(error).__name__


def threads() -> int:
    """Return how many threads read images: as many as there are processors for this process, at most eight."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(available or 1, 8)
