"""Named pipes, sockets and devices: reading one may wait for ever, so none is ever opened."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier.data import check

from .conftest import class_folders, faults, load

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """Whoever opens one of them would wait for ever, and the suite with it."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"still waiting after {PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A socket; its path is relative while it is made, for it may have about a hundred characters."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket")
        yield tmp_path / "socket"


def test_as_the_data_folder(tmp_path: Path, bound: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for path, kind in (
        (tmp_path / "pipe", "a named pipe"),
        (tmp_path / "link", "a named pipe"),
        (bound, "a socket"),
        (Path("/dev/null"), "a device"),
    ):
        assert faults(path) == [("data", f"found '{path}', which is {kind}; name the folder that holds the classes")]


def test_as_an_image_and_as_a_class_folder(flat: Path, bound: Path) -> None:
    before = load(flat).card.fingerprint
    os.mkfifo(flat / "cat/pipe.png")
    os.mkfifo(flat / "cat/pipe.txt")
    os.mkfifo(flat / "bird")
    (flat / "cat/link.png").symlink_to("pipe.png")
    (flat / "dog/endless.jpg").symlink_to("/dev/zero")
    os.link(bound, flat / "dog/socket.png")
    found = load(flat).card
    assert found.fingerprint == before
    left_out = (
        "bird (a named pipe); cat/link.png (a named pipe); cat/pipe.png (a named pipe); dog/endless.jpg (a device); "
        "dog/socket.png (a socket)"
    )
    assert f"left out 5 files: {left_out}" in found.notes
    lines = check({"data": str(flat), "data.size": 8})
    assert f"left out, cannot be read: 5: {left_out}" in lines


def test_as_the_folder_of_a_split(divided: Path) -> None:
    for path in sorted((divided / "test").rglob("*.png")):
        path.unlink()
    for path in ("cat", "dog"):
        (divided / "test" / path).rmdir()
    (divided / "test").rmdir()
    os.mkfifo(divided / "test")
    assert list(load(divided).labels) == ["train", "val"]
    assert "left out 1 file: test (a named pipe)" in load(divided).card.notes


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("cifar10", "cifar-10-batches-py/batches.meta"),
        ("flowers-102", "flowers-102/imagelabels.mat"),
        ("flowers-17", "flowers-17/jpg"),
    ],
)
def test_in_a_set_known_by_name(name: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data" / place
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    if name == "flowers-102":
        (path.parent / "setid.mat").write_bytes(b"x")
        (path.parent / "jpg").mkdir()
    monkeypatch.setenv("SEARCH_DATA", str(tmp_path / "data"))
    ((_, sentence),) = faults(name)
    assert sentence.startswith(f"{path} is a named pipe, not a file; fetch it from ")


def test_in_the_cache(flat: Path, cache_folder: Path, decodings: list[int], caplog: pytest.LogCaptureFixture) -> None:
    before = load(flat).card.fingerprint
    for path in sorted(cache_folder.iterdir()):
        path.unlink()
        os.mkfifo(path)
    del decodings[:]
    assert load(flat).card.fingerprint == before
    assert len(decodings) == 20
    assert "is a named pipe" in caplog.text


def test_a_folder_of_images_is_read_where_a_pipe_lies_beside_it(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", {"cat": 3, "dog": 3})
    os.mkfifo(root / "readme.png")
    assert "left out 1 file: readme.png (a named pipe)" in load(root).card.notes
