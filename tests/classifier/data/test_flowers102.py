"""The official split and the swapped one; a limit decodes what it leaves and nothing else."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat
from torchvision.datasets import Flowers102

from .conftest import again, faults, load

ROOT = os.environ.get("SEARCH_DATA")
real = pytest.mark.skipif(
    not ROOT or not (Path(ROOT) / "flowers-102").is_dir(),
    reason="SEARCH_DATA names no folder that holds flowers-102",
)
REMEDY = (
    "fetch it from https://www.robots.ox.ac.uk/~vgg/data/flowers/102/ and lay it so that $SEARCH_DATA/flowers-102 "
    "holds jpg/image_00001.jpg, imagelabels.mat and setid.mat"
)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete set of files with labels and split of its own; every image is a tiny picture."""
    folder = tmp_path / "data/flowers-102"
    (folder / "jpg").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(folder / "jpg/image_00001.jpg")
    for number in range(2, 8190):
        os.link(folder / "jpg/image_00001.jpg", folder / f"jpg/image_{number:05d}.jpg")
    labels(folder)
    numbers = np.arange(1, 8190)
    savemat(folder / "setid.mat", {"trnid": numbers[:1020], "valid": numbers[1020:2040], "tstid": numbers[2040:]})
    monkeypatch.setenv("SEARCH_DATA", str(tmp_path / "data"))
    return folder


def labels(folder: Path, count: int = 8189, classes: int = 102) -> None:
    savemat(folder / "imagelabels.mat", {"labels": np.arange(count) % classes + 1})


def numbers(names: list[str]) -> set[int]:
    return {int(name[6:11]) for name in names}


@real
@pytest.mark.slow
def test_the_splits_are_those_of_the_authors(decodings: list[int]) -> None:
    assert ROOT
    official, swapped = load("flowers-102"), again("flowers-102", split="swapped")
    ids = loadmat(Path(ROOT) / "flowers-102/setid.mat", squeeze_me=True)
    truth = loadmat(Path(ROOT) / "flowers-102/imagelabels.mat", squeeze_me=True)["labels"]
    assert [len(official.labels[split]) for split in ("train", "val", "test")] == [1020, 1020, 6149]
    assert [len(swapped.labels[split]) for split in ("train", "val", "test")] == [6149, 1020, 1020]
    assert numbers(official.card.images["val"]) == numbers(swapped.card.images["val"]) == set(ids["valid"])
    assert numbers(official.card.images["test"]) == set(ids["tstid"])
    assert numbers(swapped.card.images["test"]) == set(ids["trnid"])
    for found in (official, swapped):
        for split in ("val", "test"):
            expected = [truth[int(name[6:11]) - 1] - 1 for name in found.card.images[split]]
            assert found.labels[split].tolist() == expected
    assert np.bincount(official.labels["train"]).tolist() == [10] * 102
    assert official.card.classes == [str(number) for number in range(1, 103)]
    assert len(decodings) == 8189  # once for both
    assert (
        "2 pairs of identical images across splits: image_07307.jpg (training) = image_07309.jpg (test); "
        "image_08077.jpg (validation) = image_08067.jpg (test)"
    ) in official.card.notes


@real
@pytest.mark.slow
def test_a_limit_decodes_what_it_leaves(decodings: list[int]) -> None:
    found = load("flowers-102", limit=[204, 102, 10], split="swapped")
    assert len(decodings) == 316
    assert np.bincount(found.labels["val"], minlength=102).tolist() == [1] * 102
    assert np.bincount(found.labels["train"], minlength=102).min() >= 1
    assert found.card.notes[:2] == [
        "204 training, 102 validation, 10 test images, 102 classes, 8 px",
        "limited, from 6,149 training, 1,020 validation, 1,020 test images",
    ]


def test_a_copy_with_holes(copy: Path) -> None:
    for number in (7, 8):
        (copy / f"jpg/image_{number:05d}.jpg").unlink()
    assert faults("flowers-102") == [
        ("data", f"{copy}/jpg lacks 2 of 8,189 images (image_00007.jpg, image_00008.jpg); {REMEDY}")
    ]


@pytest.mark.slow
def test_a_damaged_image(copy: Path) -> None:
    (copy / "jpg/image_00007.jpg").unlink()
    (copy / "jpg/image_00007.jpg").write_text("")
    assert faults("flowers-102", limit=[1020, 1, 1]) == [
        ("data", f"1 of the images in {copy}/jpg cannot be read: image_00007.jpg (the file is empty); {REMEDY}")
    ]


def test_labels_and_splits_of_another_set(copy: Path) -> None:
    labels(copy, count=8000)
    assert faults("flowers-102") == [
        ("data", f"imagelabels.mat and setid.mat in {copy} do not label and split 8,189 images; {REMEDY}")
    ]
    labels(copy, classes=103)
    assert faults("flowers-102") == [
        ("data", f"{copy}/imagelabels.mat holds numbers outside 1 to 102 under labels; {REMEDY}")
    ]
    (copy / "imagelabels.mat").write_text("no matrix")
    ((_, sentence),) = faults("flowers-102")
    assert sentence.startswith(f"{copy}/imagelabels.mat cannot be read (")
    labels(copy)
    one = np.ones(1020, dtype=int)
    savemat(copy / "setid.mat", {"trnid": one, "valid": one, "tstid": np.arange(1, 6150)})
    assert faults("flowers-102") == [
        ("data", f"imagelabels.mat and setid.mat in {copy} do not label and split 8,189 images; {REMEDY}")
    ]


def test_without_folder_and_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    assert faults("flowers-102") == [
        (
            "data",
            f"'flowers-102' was looked for as {tmp_path}/cache/data/flowers-102/jpg (SEARCH_DATA is not set), and "
            "could not be fetched from https://www.robots.ox.ac.uk/~vgg/data/flowers/102/ into "
            f"{tmp_path}/cache/data (no network in tests); {REMEDY}",
        )
    ]


@pytest.mark.slow
def test_is_fetched_by_torchvision(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as tar:
        picture = (copy / "jpg/image_00001.jpg").read_bytes()
        for number in range(1, 8190):
            member = tarfile.TarInfo(f"jpg/image_{number:05d}.jpg")
            member.size = len(picture)
            tar.addfile(member, io.BytesIO(picture))
    served = {"102flowers.tgz": content.getvalue()}
    served |= {name: (copy / name).read_bytes() for name in ("imagelabels.mat", "setid.mat")}
    sums = {name: hashlib.md5(data).hexdigest() for name, data in served.items()}
    files = {key: (name, sums[name]) for key, (name, _) in Flowers102._file_dict.items()}
    monkeypatch.setattr(Flowers102, "_file_dict", files)
    monkeypatch.delenv("SEARCH_DATA")

    def opened(request: urllib.request.Request) -> Any:
        folder, _, name = request.full_url.rpartition("/")
        assert folder == "https://www.robots.ox.ac.uk/~vgg/data/flowers/102"
        response: Any = io.BytesIO(served[name])
        response.url, response.length = request.full_url, len(served[name])
        return response

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    found = load("flowers-102", limit=[102, 10, 10])
    assert len(found.labels["train"]) == 102
    cached = tmp_path / "cache/data"
    assert sorted(path.name for path in cached.iterdir()) == ["flowers-102", "flowers-102.lock"]
    inside = sorted(path.name for path in (cached / "flowers-102").iterdir())
    assert inside == ["imagelabels.mat", "jpg", "setid.mat"]  # not the archive
