from __future__ import annotations

import hashlib
import importlib
import io
import os
import tarfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from classifier.data import fetch
from classifier.data.flowers17 import CLASSES

from .conftest import again, faults, load

flowers17 = importlib.import_module("classifier.data.flowers17")  # the package has a function of that name

ROOT = os.environ.get("SEARCH_DATA")
real = pytest.mark.skipif(
    not ROOT or not (Path(ROOT) / "flowers-17").is_dir(),
    reason="SEARCH_DATA names no folder that holds flowers-17",
)
FETCH = (
    "fetch it from https://www.robots.ox.ac.uk/~vgg/data/flowers/17/17flowers.tgz and lay it so that "
    "$SEARCH_DATA/flowers-17/jpg/image_0001.jpg exists"
)


@real
@pytest.mark.slow
def test_forty_twenty_twenty(cache_folder: Path) -> None:
    found = load("flowers-17", size=16)
    assert {split: np.bincount(labels).tolist() for split, labels in found.labels.items()} == {
        "train": [40] * 17,
        "val": [20] * 17,
        "test": [20] * 17,
    }
    assert list(found.card.classes) == list(CLASSES)
    for split in ("val", "test"):
        numbers = [int(name[6:10]) for name in found.card.images[split]]
        assert [(number - 1) // 80 for number in numbers] == found.labels[split].tolist()
    other = again("flowers-17", size=16, split_seed=1)
    assert other.card.fingerprint != found.card.fingerprint
    assert other.card.images["val"] != found.card.images["val"]
    assert len(list(cache_folder.glob("*.npy"))) == 3  # the images once, two splits


def test_without_folder_and_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = tmp_path / "cache/data"
    failed = (
        "could not be fetched from https://www.robots.ox.ac.uk/~vgg/data/flowers/17/17flowers.tgz into "
        f"{cached} (no network in tests); {FETCH}"
    )
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    assert faults("flowers-17") == [
        ("data", f"'flowers-17' was looked for as {cached}/flowers-17/jpg (SEARCH_DATA is not set), and {failed}")
    ]
    monkeypatch.setenv("SEARCH_DATA", str(tmp_path))
    assert faults("flowers-17") == [
        (
            "data",
            f"'flowers-17' was looked for as {tmp_path}/flowers-17/jpg and {cached}/flowers-17/jpg "
            f"(SEARCH_DATA is {tmp_path}), and {failed}",
        )
    ]
    assert "fetching flowers-17 (60 MB) from https://" in capsys.readouterr().err
    assert [path.name for path in cached.iterdir()] == ["flowers-17.lock"]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete set of files, all of them the same tiny picture."""
    folder = tmp_path / "data/flowers-17/jpg"
    folder.mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(folder / "image_0001.jpg")
    for number in range(2, 1361):
        os.link(folder / "image_0001.jpg", folder / f"image_{number:04d}.jpg")
    monkeypatch.setenv("SEARCH_DATA", str(tmp_path / "data"))
    return folder


def test_a_copy_with_holes(copy: Path) -> None:
    for number in (7, 8, 9, 10):
        (copy / f"image_{number:04d}.jpg").unlink()
    assert faults("flowers-17") == [
        (
            "data",
            f"{copy} lacks 4 of 1,360 images (image_0007.jpg, image_0008.jpg, image_0009.jpg, and 1 more); {FETCH}",
        )
    ]


def test_a_damaged_copy(copy: Path) -> None:
    (copy / "image_0007.jpg").unlink()
    (copy / "image_0007.jpg").write_text("")
    assert faults("flowers-17") == [
        ("data", f"1 of the images in {copy} cannot be read: image_0007.jpg (the file is empty); {FETCH}")
    ]


def test_the_split_depends_on_numbers_alone(copy: Path) -> None:
    """Other copies of the set, in other resolutions, are split alike."""
    tests = sorted(load("flowers-17").card.images["test"])
    assert tests[:4] == ["image_0004.jpg", "image_0009.jpg", "image_0011.jpg", "image_0012.jpg"]


# Fetched


def archive(path: Path, names: list[str], content: bytes) -> Path:
    """Write an archive in the layout of the authors'."""
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Serve an archive of 1,360 tiny pictures under the authors' address."""
    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "JPEG")
    names = ["jpg/files.txt", *(f"jpg/image_{number:04d}.jpg" for number in range(1, 1361))]
    path = archive(tmp_path / "17flowers.tgz", names, picture.getvalue())
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    monkeypatch.setattr(flowers17, "MD5", hashlib.md5(path.read_bytes()).hexdigest())

    def opened(request: urllib.request.Request) -> Any:
        assert request.full_url == "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/17flowers.tgz"
        response: Any = io.BytesIO(path.read_bytes())
        response.url, response.length = request.full_url, path.stat().st_size
        return response

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    return path


@pytest.mark.slow
def test_is_fetched_once(served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = load("flowers-17")
    assert {split: len(labels) for split, labels in found.labels.items()} == {"train": 680, "val": 340, "test": 340}
    said = capsys.readouterr().err
    assert said.startswith("fetching flowers-17 (60 MB) from https://www.robots.ox.ac.uk/~vgg/data/flowers/17/")
    cached = tmp_path / "cache/data"
    assert sorted(path.name for path in cached.iterdir()) == ["flowers-17", "flowers-17.lock"]
    assert sorted(path.name for path in (cached / "flowers-17").iterdir()) == ["jpg"]
    served.unlink()
    load("flowers-17")
    assert "fetching" not in capsys.readouterr().err


def test_another_archive_is_refused(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flowers17, "MD5", "0" * 32)
    ((_, sentence),) = faults("flowers-17")
    assert "(File not found or corrupted.)" in sentence
    assert not (tmp_path / "cache/data/flowers-17").exists()


class Broken(io.BytesIO):
    """A response that breaks off in the middle."""

    def __init__(self, content: bytes, error: Exception | None) -> None:
        super().__init__(content[: len(content) // 2])
        self.error = error

    def read(self, *size: Any) -> bytes:
        found = super().read(*size)
        if not found and self.error is not None:
            raise self.error
        return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("reset", "(Connection reset by peer)"),
        ("cut short", "(File not found or corrupted.)"),
        ("no room to unpack", "(No space left on device)"),
        ("interrupted", None),
    ],
)
def test_fetching_that_breaks_off_leaves_nothing_that_looks_complete(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, said: str | None
) -> None:
    whole, unpacked = urllib.request.urlopen, flowers17.unpack

    def opened(request: urllib.request.Request) -> Any:
        response: Any = Broken(served.read_bytes(), ConnectionResetError("Connection reset by peer"))
        if where == "cut short":
            response.error = None
        response.url, response.length = request.full_url, served.stat().st_size
        return response

    def unpack(archive: Path, folder: Path) -> None:
        unpacked(archive, folder)
        raise KeyboardInterrupt if where == "interrupted" else OSError("No space left on device")

    with monkeypatch.context() as broken:
        if where in ("reset", "cut short"):
            broken.setattr(urllib.request, "urlopen", opened)
        else:
            broken.setattr(flowers17, "unpack", unpack)
        if said is None:
            with pytest.raises(KeyboardInterrupt):
                load("flowers-17")
        else:
            ((_, sentence),) = faults("flowers-17")
            assert said in sentence
    assert [path.name for path in (tmp_path / "cache/data").iterdir()] == ["flowers-17.lock"]
    assert urllib.request.urlopen is whole
    assert len(load("flowers-17").labels["train"]) == 680, "and the next time it is fetched"


def test_two_at_once_fetch_once(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(3) as pool:
        folders = list(pool.map(lambda _: fetch.located(flowers17.REMOTE), range(3)))
    assert len(set(folders)) == 1
    assert capsys.readouterr().err.count("fetching") == 1


@pytest.mark.slow
def test_what_a_killed_process_left_is_removed(served: Path, tmp_path: Path) -> None:
    left = tmp_path / "cache/data/.flowers-17-abcd/flowers-17/jpg"
    left.mkdir(parents=True)
    load("flowers-17")
    assert not (tmp_path / "cache/data/.flowers-17-abcd").exists()


def test_members_that_lead_elsewhere_are_not_unpacked(tmp_path: Path) -> None:
    names = [f"jpg/image_{number:04d}.jpg" for number in range(2, 1361)]
    evil = ["../image_0001.jpg", "/tmp/image_0001.jpg", "jpg/../../image_0001.jpg", "jpg/sub/image_0001.jpg"]
    path = archive(tmp_path / "a.tgz", evil + names, b"x")
    with pytest.raises(RuntimeError, match=r"the archive lacks 1 of 1,360 images \(image_0001.jpg\)"):
        flowers17.unpack(path, tmp_path / "in/jpg")
    assert not list(tmp_path.rglob("image_0001.jpg"))
    assert len(list((tmp_path / "in/jpg").iterdir())) == 1359


def test_a_link_in_the_archive_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("jpg/image_0001.jpg")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(RuntimeError, match="the archive lacks 1,360 of 1,360 images"):
        flowers17.unpack(path, tmp_path / "in/jpg")
    assert not list((tmp_path / "in/jpg").iterdir())


def test_a_cache_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEARCH_CACHE", str(tmp_path / "file"))
    ((_, sentence),) = faults("flowers-17")
    assert f"into {tmp_path}/file/data (" in sentence
    assert "Not a directory" in sentence
