"""CIFAR-10 through torchvision's class, over a tiny set of files in its layout."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from .conftest import again, faults, load

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
FILES = {f"data_batch_{number}": 40 for number in range(1, 6)} | {"test_batch": 30}


def batches() -> dict[str, bytes]:
    """File name -> content: 200 training images and 30 test images, as many of each class."""
    generator = np.random.Generator(np.random.PCG64(0))
    files = {
        name: {
            "data": generator.integers(0, 256, (count, 3072), dtype=np.uint8),
            "labels": [image % 10 for image in range(count)],
        }
        for name, count in FILES.items()
    }
    return {name: pickle.dumps(content) for name, content in (files | {"batches.meta": {"label_names": NAMES}}).items()}


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Make torchvision take the tiny files for the published ones."""
    files = batches()
    sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name in FILES if name != "test_batch"])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": sums["batches.meta"]})
    return files


@pytest.fixture
def copy(published: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data/cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, content in published.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("SEARCH_DATA", str(tmp_path / "data"))
    return folder


def test_a_tenth_of_each_class_validates_and_the_official_test_images_test(copy: Path) -> None:
    found = load("cifar10", size=32)
    assert {split: np.bincount(labels).tolist() for split, labels in found.labels.items()} == {
        "train": [18] * 10,
        "val": [2] * 10,
        "test": [3] * 10,
    }
    assert list(found.card.classes) == NAMES
    assert sorted(found.card.images["test"]) == [f"test {image:05d}" for image in range(30)]
    assert all(name.startswith("train ") for name in found.card.images["val"])
    other = again("cifar10", size=32, split_seed=1)
    assert sorted(other.card.images["test"]) == sorted(found.card.images["test"])
    assert other.card.images["val"] != found.card.images["val"]


def test_pixels_are_those_of_the_files(copy: Path, published: dict[str, bytes]) -> None:
    found = load("cifar10", size=32)
    stored = pickle.loads(published["test_batch"])
    for pixels, label, name in zip(found.images["test"], found.labels["test"], found.card.images["test"], strict=True):
        number = int(name.removeprefix("test "))
        assert np.array_equal(pixels, stored["data"][number].reshape(3, 32, 32))
        assert label == stored["labels"][number]


def test_files_that_are_not_the_published_ones(copy: Path) -> None:
    (copy / "data_batch_3").write_bytes(pickle.dumps({"data": 1}))
    ((setting, sentence),) = faults("cifar10")
    assert setting == "data"
    assert sentence.startswith(f"the files in {copy} are not those that were published (Dataset not found or corrupted")
    assert sentence.endswith("and lay it so that $SEARCH_DATA/cifar-10-batches-py/data_batch_1 exists")


def test_is_fetched_by_torchvision(
    published: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in published.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(content.getvalue()).hexdigest())

    def opened(request: urllib.request.Request) -> Any:
        assert request.full_url == "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
        response: Any = io.BytesIO(content.getvalue())
        response.url, response.length = request.full_url, len(content.getvalue())
        return response

    monkeypatch.setattr(urllib.request, "urlopen", opened)
    found = load("cifar10", size=32)
    assert {split: len(labels) for split, labels in found.labels.items()} == {"train": 180, "val": 20, "test": 30}
    assert "fetching cifar10 (170 MB)" in capsys.readouterr().err
    inside = sorted(path.name for path in (tmp_path / "cache/data").iterdir())
    assert inside == ["cifar-10-batches-py", "cifar-10-batches-py.lock"]


def test_without_folder_and_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEARCH_DATA", raising=False)
    ((_, sentence),) = faults("cifar10")
    assert sentence.startswith(
        f"'cifar10' was looked for as {tmp_path}/cache/data/cifar-10-batches-py/batches.meta (SEARCH_DATA is not set)"
    )
    assert "(no network in tests)" in sentence
