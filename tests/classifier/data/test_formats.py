"""Formats that not every installation reads: what is missing is said, and tried again when it has come."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from classifier.data import decode
from classifier.data.formats import Missing, opened

from .conftest import faults, load, picture
from .test_check import check

HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf\0\0\2k"
NO_HEIC = 'HEIC needs pillow-heif, which is not installed; `pip install -e ".[heic]"` brings it'
NO_AVIF = "AVIF needs a Pillow that was built with libavif; `pip install --upgrade pillow` brings one"


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


@pytest.mark.usefixtures("without_heif")
@pytest.mark.parametrize("name", ["photo.heic", "photo.HEIF", "photo.hif", "photo.jpg"])
def test_what_reads_heic_is_named_where_it_is_missing(name: str, flat: Path) -> None:
    (flat / "cat" / name).write_bytes(HEIC)
    assert load(flat).card.notes[-1] == f"left out 1 file: cat/{name} ({NO_HEIC})"
    assert f"left out, cannot be read: 1: cat/{name} ({NO_HEIC})" in check(flat)


@pytest.mark.usefixtures("without_heif")
def test_a_class_of_nothing_but_heic_is_not_lost_without_a_word(flat: Path) -> None:
    (flat / "eel").mkdir()
    (flat / "eel/0.heic").write_bytes(HEIC)
    (fault,) = faults(flat)
    assert fault == (
        "data",
        f"class folder {flat}/eel holds no image that can be read (left out: eel/0.heic: {NO_HEIC})",
    )


def test_avif_where_pillow_lacks_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = picture(tmp_path / "a.avif", 1).read_bytes()
    assert opened(data).format == "AVIF"
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(Missing) as caught:
        opened(data)
    assert str(caught.value) == NO_AVIF


def test_text_that_is_called_heic_is_no_image(flat: Path) -> None:
    (flat / "cat/photo.heic").write_text("x")
    assert load(flat).card.notes[-1] == "left out 1 file: cat/photo.heic (not an image, or a damaged one)"


def test_heic_is_read_upright_where_its_reader_is_installed(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    heif.register_heif_opener()
    image = Image.new("RGB", (64, 32))
    image.paste((255, 255, 255), (0, 0, 64, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.heic", exif=exif.tobytes(), quality=95)
    found = np.asarray(decode.to_rgb(decode.open_image(tmp_path / "a.heic")))
    assert found.shape == (64, 32, 3)
    assert found[:, 18:].min() > 240  # what was up is right after a quarter turn clockwise
    assert found[:, :14].max() < 15


def test_what_could_not_be_read_is_tried_again_when_its_reader_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    original = importlib.metadata.version
    before = decode.version()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "9" if name == "pillow-heif" else original(name))
    assert decode.version() != before
    assert "heif 9" in decode.version()
