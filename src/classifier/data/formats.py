"""Which formats are read, whatever the name of a file ends in, and what is missing where one cannot be."""

from __future__ import annotations

import importlib.metadata
import io

import PIL
from PIL import Image, features

FORMATS = ("JPEG", "MPO", "PNG", "BMP", "DIB", "WEBP", "PPM", "TIFF", "GIF", "AVIF", "HEIF")
"""Pillow would also open formats that start other programs."""

PNG_DEPTH_AT = 24
"""The byte of a PNG that holds the bits per sample."""

_BITS_PER_SAMPLE = 258  # of TIFF
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}


class Missing(ValueError):
    """An image in a format that this installation cannot read; the message says what brings it."""


def codecs() -> str:
    """Name the versions of the libraries that turn files into pixels."""
    named = [f"{name} {features.version(name)}" for name in ("libjpeg_turbo", "jpg", "webp", "libtiff", "avif")]
    try:
        heif = importlib.metadata.version("pillow-heif")
    except importlib.metadata.PackageNotFoundError:
        heif = "None"
    return " ".join([f"Pillow {PIL.__version__},", *named, f"heif {heif}"])


def opened(data: bytes) -> Image.Image:
    """Read the header of an image file; raises where it is none."""
    kinds = _brands(data)
    if kinds & _HEIC:
        try:
            import pillow_heif  # an extra, for those who have such files
        except ImportError as error:
            raise Missing(
                'HEIC needs pillow-heif, which is not installed; `pip install -e ".[heic]"` brings it'
            ) from error
        pillow_heif.register_heif_opener()
    elif kinds & _AVIF and not features.check("avif"):
        raise Missing("AVIF needs a Pillow that was built with libavif; `pip install --upgrade pillow` brings one")
    Image.init()
    return Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])


def bits(image: Image.Image, data: bytes = b"") -> int:
    """Return the bits of a sample as the file of an image has them, 8 where it does not say.

    Args:
        image: opened by `opened`.
        data: the bytes of its file; without them a PNG does not say.
    """
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,))))  # type: ignore[attr-defined]
    return data[PNG_DEPTH_AT] if image.format == "PNG" and data else 8


def _brands(data: bytes) -> set[bytes]:
    """Return what a file of the ISO base media format says it is; nothing for all others."""
    if data[4:8] != b"ftyp":
        return set()
    box = data[8 : min(int.from_bytes(data[:4], "big"), 4096)]
    return {box[:4], *(box[start : start + 4] for start in range(8, len(box), 4))}
