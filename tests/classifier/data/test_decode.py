"""Every kind of pixel becomes RGB under one policy; what cannot be read is left out and named."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classifier.data.decode import open_image, to_rgb

from .conftest import faults, load, picture

RED, WHITE = (255, 0, 0), (255, 255, 255)


def rgb(image: Image.Image, path: Path, **options: object) -> np.ndarray:
    """Return what a written image decodes to, [height, width, 3]."""
    image.save(path, **options)  # type: ignore[arg-type]
    return np.asarray(to_rgb(open_image(path)))


def test_grey_and_bilevel(tmp_path: Path) -> None:
    assert (rgb(Image.new("L", (3, 2), 77), tmp_path / "a.png") == 77).all()
    assert (rgb(Image.new("1", (3, 2), 1), tmp_path / "b.png") == 255).all()


@pytest.mark.parametrize("ending", ["png", "tif", "ppm"])
def test_16_bit_grey_is_scaled_not_clipped(ending: str, tmp_path: Path) -> None:
    values = np.array([[0, 256, 257, 32768, 65535]], dtype=np.uint16)
    found = rgb(Image.fromarray(values), tmp_path / f"a.{ending}")
    assert found[0, :, 0].tolist() == [0, 1, 1, 128, 255]
    assert (found == found[..., :1]).all()


def test_12_bit_grey_is_scaled_by_its_own_range(tmp_path: Path) -> None:
    """Pillow hands it out like 16-bit grey; scaled as such, it would be nearly black."""
    values = [0, 4095, 2048, 8]
    packed = b"".join(struct.pack(">I", a << 12 | b)[1:] for a, b in zip(values[::2], values[1::2], strict=True))
    tags = {256: 4, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: len(packed)}
    listed = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + listed + bytes(4)
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + directory)
    assert np.asarray(to_rgb(open_image(tmp_path / "a.tif")))[0, :, 0].tolist() == [0, 255, 128, 0]


def test_big_endian_16_bit_grey_is_scaled(tmp_path: Path) -> None:
    header = b"P5 2 1 65535\n"
    (tmp_path / "a.ppm").write_bytes(header + np.array([32768, 65535], dtype=">u2").tobytes())
    assert np.asarray(to_rgb(open_image(tmp_path / "a.ppm")))[0, :, 1].tolist() == [128, 255]


@pytest.mark.parametrize("values", [np.array([[0.5]], dtype=np.float32), np.array([[-1, 100_000]], dtype=np.int32)])
def test_pixels_without_a_range_are_refused(values: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pixels of mode [FI] have no known range; store them as 8 or 16 bits"):
        rgb(Image.fromarray(values), tmp_path / "a.tif")


def test_cmyk(tmp_path: Path) -> None:
    for name, tolerance in (("a.jpg", 12), ("a.tif", 0)):
        found = rgb(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), tmp_path / name)
        assert np.abs(found.astype(int) - RED).max() <= tolerance


def test_transparent_palette_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    for name in ("a.png", "a.gif"):
        found = rgb(image, tmp_path / name, transparency=1)
        assert found.tolist() == [[list(RED), list(WHITE)]]
    assert rgb(image, tmp_path / "b.png").tolist() == [[list(RED), [0, 0, 255]]]


@pytest.mark.parametrize(("mode", "color"), [("RGBA", (255, 0, 0, 0)), ("LA", (10, 0))])
def test_transparent_pixels_lie_on_white(mode: str, color: tuple[int, ...], tmp_path: Path) -> None:
    assert (rgb(Image.new(mode, (2, 2), color), tmp_path / "a.png") == 255).all()


def test_half_transparent_pixels_are_mixed_with_white(tmp_path: Path) -> None:
    assert rgb(Image.new("RGBA", (1, 1), (255, 0, 0, 128)), tmp_path / "a.png").tolist() == [[[255, 127, 127]]]


def test_a_transparent_color_lies_on_white(tmp_path: Path) -> None:
    assert (rgb(Image.new("RGB", (2, 2), RED), tmp_path / "a.png", transparency=RED) == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, tmp_path: Path) -> None:
    pixels = np.zeros((2, 3, 3), dtype=np.uint8)
    pixels[0, 0] = 255  # the upper left corner as stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = rgb(Image.fromarray(pixels), tmp_path / "a.png", exif=exif)
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert found.shape == ((2, 3, 3) if orientation < 5 else (3, 2, 3))
    assert found[corner[orientation]].tolist() == [255] * 3
    assert found.sum() == 3 * 255


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_turns_nothing(tmp_path: Path) -> None:
    found = rgb(Image.new("RGB", (3, 2), RED), tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert found.shape == (2, 3, 3)


def test_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in (RED, WHITE)]
    found = rgb(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert found[0, 0].tolist() == list(RED)


def test_images_are_squeezed_to_a_square(divided: Path) -> None:
    image = Image.new("RGB", (40, 10), RED)
    image.paste(WHITE, (20, 0, 40, 10))
    image.save(divided / "train/cat/0.png")
    found = load(divided, size=10).images["train"]
    expected = np.asarray(image.resize((10, 10), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    assert any(np.array_equal(one, expected) for one in found)


# What cannot be read


def truncated(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def text(path: Path) -> None:
    path.write_text("this is no image")


def postscript(path: Path) -> None:
    """Pillow would start another program for this one."""
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.png")


DAMAGE: list[tuple[Callable[[Path], None], str]] = [
    (truncated, "image file is truncated"),
    (text, "not an image, or a damaged one"),
    (postscript, "not an image, or a damaged one"),
    (empty, "the file is empty"),
    (dangling, "a link to nothing"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGE)
def test_what_cannot_be_read_is_left_out_and_named(
    damage: Callable[[Path], None], reason: str, flat: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(flat / "cat/3.png")
    found = load(flat)
    assert sum(map(len, found.labels.values())) == 19
    assert all("cat/3.png" not in names for names in found.card.images.values())
    notes = [note for note in found.card.notes if note.startswith("left out 1 file: cat/3.png (")]
    assert len(notes) == 1
    assert reason in notes[0]
    again = load(flat)  # from the cache
    assert again.card.notes == found.card.notes
    assert again.card.fingerprint == found.card.fingerprint
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_truncated_jpeg_is_left_out(flat: Path) -> None:
    picture(flat / "cat/photo.jpg", 1, (200, 200))
    truncated(flat / "cat/photo.jpg")
    assert any("cat/photo.jpg (image file is truncated" in note for note in load(flat).card.notes)


def test_what_is_left_out_changes_nothing_else(flat: Path) -> None:
    before = load(flat)
    (flat / "cat/broken.jpg").write_text("")
    assert load(flat).card.fingerprint == before.card.fingerprint


def test_ten_are_named_then_counted(divided: Path) -> None:
    for number in range(13):
        (divided / f"train/cat/broken {number:02d}.png").write_text("")
    note = load(divided).card.notes[-1]
    assert note.startswith("left out 13 files: train/cat/broken 00.png (the file is empty); ")
    assert note.endswith("train/cat/broken 09.png (the file is empty); and 3 more")


def test_a_class_of_which_nothing_can_be_read(flat: Path, divided: Path) -> None:
    for number in range(10):
        text(flat / f"cat/{number}.png")
    assert faults(flat) == [
        (
            "data",
            f"class folder {flat}/cat holds no image that can be read "
            "(left out: cat/0.png: not an image, or a damaged one, cat/1.png: not an image, or a damaged one, "
            "cat/2.png: not an image, or a damaged one, and 7 more)",
        )
    ]
    for number in range(4):
        empty(divided / f"train/dog/{number}.png")
    assert faults(divided) == [
        (
            "data",
            f"class folder {divided}/train/dog holds no image that can be read (left out: train/dog/0.png: the file "
            "is empty, train/dog/1.png: the file is empty, train/dog/2.png: the file is empty, and 1 more)",
        )
    ]


def test_a_picture_too_large_to_be_true_is_left_out(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    picture(flat / "cat/large.png", 1, (100, 100))
    assert any("cat/large.png (Image size (10000 pixels) exceeds limit" in note for note in load(flat).card.notes)
