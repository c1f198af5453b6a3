"""What the data check calls transparent lies on white, and nothing else does, however a file says it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.data.decode import open_image, to_rgb
from classifier.data.formats import opened

from .test_check import check

WHITE = [255] * 3
GREY, COLOR, PALETTE, GREY_ALPHA, COLOR_ALPHA = 0, 2, 3, 4, 6


def png(depth: int, color: int, row: bytes, transparent: bytes = b"", palette: bytes = b"", pixels: int = 3) -> bytes:
    """Return a PNG of one row, as the standard writes it; Pillow writes only some of them."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", pixels, 1, depth, color, 0, 0, 0))]
    parts += [chunk(name, data) for name, data in ((b"PLTE", palette), (b"tRNS", transparent)) if data]
    parts += [chunk(b"IDAT", zlib.compress(b"\0" + row)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def samples(*values: int) -> bytes:
    """Return 16-bit samples, which is also how a PNG writes the one that is transparent."""
    return struct.pack(f">{len(values)}H", *values)


def grey(*values: int) -> list[list[int]]:
    return [[value] * 3 for value in values]


CASES = {
    "1-bit grey": (png(1, GREY, bytes([0b01000000]), samples(1)), [[0] * 3, WHITE, [0] * 3]),
    "2-bit grey": (png(2, GREY, bytes([0b00_01_10_00]), samples(1)), grey(0, 255, 170)),
    "4-bit grey": (png(4, GREY, bytes([0x07, 0xE0]), samples(7)), grey(0, 255, 238)),
    "8-bit grey": (png(8, GREY, bytes([0, 7, 9]), samples(7)), grey(0, 255, 9)),
    "16-bit grey": (png(16, GREY, samples(0, 1, 1000), samples(0)), grey(255, 0, 4)),
    "16-bit grey, not black": (png(16, GREY, samples(0, 257, 256), samples(257)), grey(0, 255, 1)),
    "8-bit colour": (png(8, COLOR, bytes([1, 2, 3, 1, 2, 4, 0, 0, 0]), samples(1, 2, 3)), [WHITE, [1, 2, 4], [0] * 3]),
    "16-bit colour": (png(16, COLOR, samples(0, 0, 0, 0, 0, 1, 300, 300, 300), samples(0, 0, 0)), grey(255, 0, 1)),
    "16-bit colour, not black": (
        png(16, COLOR, samples(513, 514, 515, 513, 514, 516, 300, 300, 300), samples(513, 514, 515)),
        [WHITE, [2] * 3, [1] * 3],
    ),
    "palette": (png(4, PALETTE, bytes([0x01, 0]), b"\0", bytes([0, 0, 0, 9, 9, 9])), grey(255, 9, 255)),
    "half of a palette": (png(8, PALETTE, bytes([0, 1, 1]), b"\xff\x80", bytes([0, 0, 0, 9, 9, 9])), grey(0, 132, 132)),
    "8-bit grey with alpha": (png(8, GREY_ALPHA, bytes([0, 0, 0, 255, 0, 128])), grey(255, 0, 127)),
    "16-bit grey with alpha": (png(16, GREY_ALPHA, samples(0, 0, 0, 65535, 0, 32768)), grey(255, 0, 127)),
    "8-bit colour with alpha": (png(8, COLOR_ALPHA, bytes([0] * 7 + [255] + [0] * 3 + [128])), grey(255, 0, 127)),
    "16-bit colour with alpha": (png(16, COLOR_ALPHA, samples(*[0] * 7, 65535, 0, 0, 0, 32768)), grey(255, 0, 127)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_transparent_png(case: str, tmp_path: Path) -> None:
    data, expected = CASES[case]
    (tmp_path / "a.png").write_bytes(data)
    assert opened(data).has_transparency_data  # what the data check asks
    assert np.asarray(to_rgb(open_image(tmp_path / "a.png"))).tolist() == [expected]


@pytest.mark.parametrize("case", [case for case in CASES if b"tRNS" in CASES[case][0]])
def test_without_its_transparency_nothing_is_white(case: str, tmp_path: Path) -> None:
    data = CASES[case][0]
    start = data.index(b"tRNS") - 4
    opaque = data[:start] + data[start + 12 + int.from_bytes(data[start : start + 4], "big") :]
    (tmp_path / "a.png").write_bytes(opaque)
    image = open_image(tmp_path / "a.png")
    assert not image.has_transparency_data
    found = np.asarray(to_rgb(image)).tolist()[0]
    assert [pixel for pixel in found if pixel == WHITE] == ([WHITE] if case == "1-bit grey" else [])


def test_an_interlaced_16_bit_colour(tmp_path: Path) -> None:
    """Its rows come in seven passes; Pillow writes none, so the passes are written here: of one pixel there is one."""
    data = bytearray(png(16, COLOR, samples(513, 514, 515), samples(513, 514, 515), pixels=1))
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    assert np.asarray(to_rgb(open_image(tmp_path / "a.png"))).tolist() == [[WHITE]]


def written(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)  # type: ignore[arg-type]
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("frames", [1, 2])
def test_alpha_of_other_formats(kind: str, frames: int, tmp_path: Path) -> None:
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    options = {"save_all": True, "append_images": [Image.new("RGBA", (16, 16))]} if frames > 1 else {}
    options |= {"lossless": True} if kind == "WEBP" else {}
    data = written(image, kind, **options)
    (tmp_path / "a").write_bytes(data)
    assert opened(data).has_transparency_data
    found = np.asarray(to_rgb(open_image(tmp_path / "a"))).astype(int)
    assert found[:, :7].min() > 250
    assert found[:, 9:].max() < 5


@pytest.mark.parametrize(
    ("mode", "color", "premultiplied"),
    [
        ("PA", (0, 0), False),
        ("LA", (0, 0), False),
        ("LA", (0, 0), True),
        ("RGBA", (0, 0, 0, 0), False),
        ("RGBA", (0, 0, 0, 0), True),
    ],
)
def test_alpha_of_tiff(mode: str, color: tuple[int, ...], premultiplied: bool, tmp_path: Path) -> None:
    data = bytearray(written(Image.new(mode, (2, 1), color), "TIFF"))
    if premultiplied:
        data[data.index(struct.pack("<HHI", 338, 3, 1)) + 8] = 1  # ExtraSamples: associated alpha
    (tmp_path / "a.tif").write_bytes(data)
    assert opened(bytes(data)).has_transparency_data
    assert np.asarray(to_rgb(open_image(tmp_path / "a.tif"))).tolist() == [[WHITE, WHITE]]


@pytest.mark.parametrize("case", CASES)
def test_the_data_check_says_what_was_done(case: str, flat: Path) -> None:
    (flat / "cat/odd.png").write_bytes(CASES[case][0])
    said = [line for line in check(flat) if line.endswith(": 1: cat/odd.png")]
    grey, color = "16-bit grey, scaled to 8 bits", "16-bit colour, the upper 8 bits kept"
    depth = [color if "alpha" in case or "colour" in case else grey] if case.startswith("16-bit") else []
    assert said == [f"{what}: 1: cat/odd.png" for what in (*depth, "transparent, laid on white")]
