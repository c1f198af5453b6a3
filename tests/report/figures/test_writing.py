"""Figures as files: HTML that needs no network, PNG where there is a browser, images always."""

from __future__ import annotations

import importlib.util
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from search.core.errors import UserError
from search.report.figures import writing
from search.report.figures.images import contact_sheet, write_image
from search.report.figures.writing import NO_CHROME, NO_KALEIDO, write_all


def chrome() -> bool:
    """Whether kaleido finds what it needs."""
    if importlib.util.find_spec("kaleido") is None:
        return False
    from choreographer.browsers.chromium import Chromium

    return Chromium.find_browser(skip_local=False) is not None


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "pngs", lambda figures: ({}, "no browser"))


@pytest.fixture
def line() -> go.Figure:
    return go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))


def test_pages_share_one_library_beside_them_and_ask_nothing_of_the_network(
    tmp_path: Path, line: go.Figure, no_browser: None
) -> None:
    result = write_all({"one": line, "two": line}, tmp_path / "figures")
    assert [path.name for path in result.files] == ["one.html", "two.html"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["one.html", "plotly.min.js", "two.html"]
    for path in result.files:
        page = path.read_text()
        assert re.findall(r'<script[^>]* src="([^"]*)"', page) == ["plotly.min.js"]
        assert len(page) < 100_000


def test_a_library_that_is_there_is_left_alone_and_a_broken_one_replaced(
    tmp_path: Path, line: go.Figure, no_browser: None
) -> None:
    write_all({"one": line}, tmp_path)
    script = tmp_path / "plotly.min.js"
    before = script.stat().st_mtime_ns
    write_all({"two": line}, tmp_path)
    assert script.stat().st_mtime_ns == before
    script.write_text("half")
    write_all({"two": line}, tmp_path)
    assert script.stat().st_size > 1_000_000


def test_nothing_to_write(tmp_path: Path) -> None:
    assert write_all({}, tmp_path / "none").files == []
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path, line: go.Figure) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written: .*; give another place"):
        write_all({"one": line}, tmp_path / "file")


def test_without_kaleido_there_is_html_and_a_sentence(
    tmp_path: Path, line: go.Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "importlib", SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None)))
    result = write_all({"one": line}, tmp_path)
    assert [path.name for path in result.files] == ["one.html"]
    assert result.remark == NO_KALEIDO


@pytest.mark.skipif(importlib.util.find_spec("kaleido") is None, reason="kaleido is not installed")
def test_without_chrome_there_is_html_and_a_sentence(
    tmp_path: Path, line: go.Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no" / "chrome"))
    result = write_all({"one": line}, tmp_path)
    assert [path.name for path in result.files] == ["one.html"]
    assert result.remark == NO_CHROME


@pytest.mark.skipif(importlib.util.find_spec("kaleido") is None, reason="kaleido is not installed")
def test_a_browser_that_does_not_start_costs_the_png_alone(
    tmp_path: Path, line: go.Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(figures: object, done: object) -> None:
        raise RuntimeError("the browser seemed to close\nimmediately")

    monkeypatch.setattr(writing, "_draw", broken)
    result = write_all({"one": line}, tmp_path)
    assert [path.name for path in result.files] == ["one.html"]
    assert result.remark == ("some figures are written as HTML alone: the browser failed (the browser seemed to close)")


@pytest.mark.slow
@pytest.mark.skipif(not chrome(), reason="kaleido or a Chrome is not installed")
def test_with_a_browser_there_are_png_too(tmp_path: Path, line: go.Figure) -> None:
    line.update_layout(width=300, height=200)
    result = write_all({"one": line, "two": line}, tmp_path)
    assert result.remark == ""
    assert [path.name for path in result.files] == ["one.html", "two.html", "one.png", "two.png"]
    with Image.open(tmp_path / "one.png") as image:
        assert image.size == (600, 400)
        assert len(image.convert("RGB").getcolors(100_000) or ()) > 2


def test_an_image_is_enlarged_by_a_whole_factor(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = write_image(pixels, tmp_path / "deep" / "image.png")
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        shown = np.asarray(image)
    assert shown.shape == (256, 256, 3)
    assert np.array_equal(shown[::4, ::4], pixels)
    assert np.array_equal(shown[3::4, 3::4], pixels)


def test_a_large_image_stays_as_it_is(tmp_path: Path) -> None:
    pixels = np.zeros((300, 200, 3), dtype=np.uint8)
    with Image.open(write_image(pixels, tmp_path / "image.png")) as image:
        assert image.size == (200, 300)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_image_is_refused(tmp_path: Path, image: np.ndarray) -> None:
    with pytest.raises(TypeError, match=r"an image has the shape .*; it must be uint8 \[h, w, 3\]"):
        write_image(image, tmp_path / "image.png")


def test_the_sheet_holds_every_image_under_its_title(tmp_path: Path) -> None:
    image = np.full((8, 8, 3), 7, dtype=np.uint8)
    pictures = {
        "one": {"image": image, "title": "block1.conv1:0 after 15 iterations", "note": "steps of 0.03"},
        "two": {"image": image, "title": "<b>", "note": "steps of 0.03"},
    }
    page = contact_sheet(pictures, "Filters & more", tmp_path / "sheet.html").read_text()
    assert page.count('src="data:image/png;base64,') == 2
    assert "<figcaption>block1.conv1:0 after 15 iterations</figcaption>" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "<h1>Filters &amp; more</h1>" in page
    assert page.count("steps of 0.03") == 1
