"""Photographs for the benchmarks of training: as files, which a script reads each epoch, and decoded once, as we do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from classifier.data import Dataset

DIFFERENT = 64
"""So many photographs are drawn where there are none; more are these over again, which costs a reader the same."""

SIDES = (256, 341)
"""Pixels of a drawn photograph: as flowers-102 with its shorter side at 256, 3 to 4."""

EVALUATED = 1
"""Images for validation, and for testing: an epoch is training and next to nothing else."""


@dataclass(frozen=True)
class Photos:
    """Files of photographs with their labels.

    Attributes:
        name: what they are, for people.
        paths: the file of each.
        labels: the class of each.
        classes: how many there are.
    """

    name: str
    paths: Sequence[Path]
    labels: Sequence[int]
    classes: int


def flowers(data: str, images: int) -> Photos:
    """Return so many training photographs of a data set known by name, spread over it, over again where they are few.

    Raises:
        SettingFaults: it is not there and cannot be fetched.
    """
    from classifier.data.flowers17 import flowers17
    from classifier.data.flowers102 import flowers102
    from classifier.data.source import Decoded

    source = flowers102("swapped") if data == "flowers-102" else flowers17(0)
    train = source.split(Decoded([], {}))["train"]
    chosen = spread(len(train), images)
    numbers = [int(train[place]) for place in chosen]
    name = f"{data}, {len(set(numbers)):,} different"
    return Photos(
        name, [source.paths[n] for n in numbers], [int(source.labels[n]) for n in numbers], source_classes(data)
    )


def source_classes(data: str) -> int:
    """Return how many classes a data set known by name has."""
    return {"flowers-102": 102, "flowers-17": 17}[data]


def spread(there: int, wanted: int) -> list[int]:
    """Return `wanted` places in 0 ... `there` - 1, evenly apart; all of them over again where there are fewer."""
    if wanted <= there:
        return [place * there // wanted for place in range(wanted)]
    return [place % there for place in range(wanted)]


def drawn(data: str, images: int, folder: Path) -> Photos:
    """Draw photographs of nothing into a folder: coloured clouds and noise, JPEGs of the size of real ones.

    Args:
        data: whose number of classes they get.
        images: how many; only `DIFFERENT` are different.
        folder: where the files go.
    """
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(min(DIFFERENT, images)):
        draws = np.random.default_rng(number)
        width, height = SIDES if number % 2 else SIDES[::-1]
        clouds = Image.fromarray(draws.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize((width, height), 3)
        noisy = np.asarray(clouds, dtype=np.int16) + draws.integers(-12, 13, (height, width, 3), dtype=np.int16)
        paths.append(folder / f"{number:03d}.jpg")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=85)
    classes = source_classes(data)
    name = f"drawn, {len(paths)} different, in place of {data}"
    return Photos(name, [paths[n % len(paths)] for n in range(images)], [n % classes for n in range(images)], classes)


def decoded(photos: Photos, size: int) -> Dataset:
    """Decode each file once and return what a run of ours trains on, uint8 [n, 3, size, size]; no cache is touched."""
    from PIL import Image

    from classifier.data.card import Dataset
    from classifier.data.decode import open_image, to_rgb
    from search.workload import DataCard

    seen: dict[Path, int] = {}
    for path in photos.paths:
        seen.setdefault(path, len(seen))
    pool = np.empty((len(seen), 3, size, size), dtype=np.uint8)
    for path, place in seen.items():
        small = to_rgb(open_image(path)).resize((size, size), Image.Resampling.BILINEAR)
        pool[place] = np.asarray(small).transpose(2, 0, 1)
    train = pool[[seen[path] for path in photos.paths]]
    labels = np.array(photos.labels, dtype=np.int64)
    few = slice(0, EVALUATED)
    images = {"train": train, "val": train[few], "test": train[few]}
    card = DataCard("benchmark", photos.name, [str(number) for number in range(photos.classes)])
    return Dataset(images, {"train": labels, "val": labels[few], "test": labels[few]}, card)
