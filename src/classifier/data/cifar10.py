"""CIFAR-10: 60,000 images of 32 x 32 pixels in ten classes (Krizhevsky 2009), read through torchvision's class.

Read from ``cifar-10-batches-py``, whose files torchvision checks by md5 before it unpickles them. The official test
images test; a tenth of the training images of every class, drawn from the split seed, validate: 5,000, and 45,000
train.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from classifier.data.fetch import Remote, located
from classifier.data.files import identity
from classifier.data.source import Decoded, Source
from classifier.data.splits import draw
from search.workload import SettingFaults

FOLDER = "cifar-10-batches-py"


def _get(into: Path) -> None:
    from torchvision.datasets import CIFAR10  # imports torch: two seconds, for those who use it

    CIFAR10(into, download=True)


REMOTE = Remote(
    name="cifar10",
    folder=FOLDER,
    sign="batches.meta",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    megabytes=170,
    layout=f"$SEARCH_DATA/{FOLDER}/data_batch_1 exists",
    get=_get,
)


def cifar10(split_seed: int) -> Source:
    """Return the images, the validation part drawn from `split_seed`.

    Raises:
        SettingFaults: they are not there and cannot be fetched, or are not what was published.
    """
    folder = located(REMOTE)
    state = identity(folder, sorted(path for path in folder.iterdir() if path.is_file()))
    classes, training, testing = _labels(folder, state)
    labels = np.concatenate([training, testing])
    names = [f"train {image:05d}" for image in range(len(training))]
    names += [f"test {image:05d}" for image in range(len(testing))]

    def split(_: Decoded) -> dict[str, np.ndarray]:
        keys = [name.encode() for name in names[: len(training)]]
        parts = draw(training, keys, split_seed, lambda _, count: (count - count // 10, count // 10, 0))
        return parts | {"test": np.arange(len(training), len(labels))}

    return Source(
        name="cifar10",
        classes=classes,
        names=names,
        labels=labels,
        identity=state,
        read=lambda image: _image(folder, state, image),
        split=split,
        known=True,
        remedy=REMOTE.remedy,
    )


@functools.lru_cache(maxsize=1)
def _labels(folder: Path, state: str) -> tuple[list[str], np.ndarray, np.ndarray]:  # noqa: ARG001  # a key of the cache
    """Return class names, and the labels of training and test images, int64; `state` changes when the files do."""
    training, testing = _opened(folder, train=True), _opened(folder, train=False)
    return list(training.classes), np.array(training.targets, np.int64), np.array(testing.targets, np.int64)


_one_at_a_time = threading.Lock()  # images are read by several threads, and the first would each open the files


def _image(folder: Path, state: str, image: int) -> Image.Image:
    with _one_at_a_time:
        pixels = _pixels(folder, state)
    return Image.fromarray(pixels[image])


@functools.lru_cache(maxsize=1)
def _pixels(folder: Path, state: str) -> np.ndarray:  # noqa: ARG001  # a key of the cache
    """Return uint8 [images, 32, 32, 3]: asked for only while they are decoded into the cache."""
    return np.concatenate([_opened(folder, train).data for train in (True, False)])


def _opened(folder: Path, train: bool) -> Any:
    from torchvision.datasets import CIFAR10

    try:
        return CIFAR10(folder.parent, train=train)
    except Exception as error:  # a checksum that differs, or whatever unpickling raises
        sentence = f"the files in {folder} are not those that were published ({error}); {REMOTE.remedy}"
        raise SettingFaults([("data", sentence)]) from error
