"""Small generated image folders; every test has a cache of its own."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from classifier import data
from classifier.data import decode
from search.workload import SettingFaults


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEARCH_CACHE", str(folder))
    forget()
    return folder / "images"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test fetches anything."""

    def refused(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network in tests")

    monkeypatch.setattr(urllib.request, "urlopen", refused)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of every image that is decoded from here on."""
    seen: list[int] = []
    original = decode.decode

    def counted(source: Any, image: int, size: int) -> Any:
        seen.append(image)
        return original(source, image, size)

    monkeypatch.setattr(decode, "decode", counted)
    return seen


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """One folder of two class folders with ten images each."""
    return class_folders(tmp_path / "pets", {"cat": 10, "dog": 10})


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """A folder with train, val and test."""
    root = tmp_path / "split"
    for first, (split, count) in zip((0, 100, 200), {"train": 4, "val": 2, "test": 3}.items(), strict=True):
        class_folders(root / split, {"cat": count, "dog": count}, first)
    return root


def forget() -> None:
    """Let this process forget the data sets it has loaded."""
    data._memory.clear()


def load(path: Path | str, size: int = 8, split_seed: int = 0, **more: Any) -> data.Dataset:
    """Load without what this process remembers."""
    forget()
    return again(path, size, split_seed, **more)


def again(path: Path | str, size: int = 8, split_seed: int = 0, **more: Any) -> data.Dataset:
    settings = {"data": str(path), "data.size": size, "data.split_seed": split_seed}
    return data.load(settings | {f"data.{name}": value for name, value in more.items()})


def faults(path: Path | str, **more: Any) -> list[tuple[str, str]]:
    """Return what is wrong with these data."""
    with pytest.raises(SettingFaults) as caught:
        load(path, **more)
    return caught.value.faults


def class_folders(root: Path, counts: dict[str, int], first: int = 0) -> Path:
    for place, (name, count) in enumerate(counts.items()):
        for number in range(count):
            picture(root / name / f"{number}.png", first + 1000 * place + number)
    return root


def picture(path: Path, seed: int, size: tuple[int, int] = (20, 14)) -> Path:
    """Write an image of its own for every seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def rename_all(root: Path) -> None:
    """Give every file another name, in another order."""
    for folder in sorted(path for path in root.rglob("*") if path.is_dir()):
        files = sorted(path for path in folder.iterdir() if path.is_file())
        for number, path in enumerate(reversed(files)):
            shutil.move(path, folder / f"renamed {number:03d}{path.suffix}")
