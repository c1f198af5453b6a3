"""Oxford 17 Category Flowers: 1,360 photographs, 80 of each of 17 flowers (Nilsback and Zisserman, CVPR 2006).

Read from ``$SEARCH_DATA/flowers-17/jpg/image_0001.jpg`` to ``image_1360.jpg``; images 1 to 80 are of the first class,
81 to 160 of the second, and so on. Split into 40 training, 20 validation and 20 test images per class, drawn from the
split seed and the number of an image, so that copies of the set in other resolutions are split alike.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from classifier.data.decode import open_image
from classifier.data.errors import DataError, named
from classifier.data.files import identity
from classifier.data.source import Decoded, Source
from classifier.data.splits import draw

PER_CLASS = 80
PARTS = (40, 20, 20)
CLASSES = (
    "daffodil",
    "snowdrop",
    "lily of the valley",
    "bluebell",
    "crocus",
    "iris",
    "tiger lily",
    "tulip",
    "fritillary",
    "sunflower",
    "daisy",
    "coltsfoot",
    "dandelion",
    "cowslip",
    "buttercup",
    "windflower",
    "pansy",
)
_WHERE_FROM = (
    "fetch 17flowers.tgz from https://www.robots.ox.ac.uk/~vgg/data/flowers/17/ and unpack it so that "
    "$SEARCH_DATA/flowers-17/jpg/image_0001.jpg exists"
)


def flowers17(split_seed: int) -> Source:
    """Return the flowers, split by `split_seed`.

    Raises:
        DataError: they are not there, or not all of them.
    """
    folder = _folder()
    names = [f"image_{number:04d}.jpg" for number in range(1, PER_CLASS * len(CLASSES) + 1)]
    paths = [folder / name for name in names]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise _fault(f"{folder} lacks {len(missing):,} of {len(names):,} images ({named(missing, 3)}); {_WHERE_FROM}")
    labels = np.arange(len(names), dtype=np.int64) // PER_CLASS

    def split(decoded: Decoded) -> dict[str, np.ndarray]:
        if decoded.failed:  # a known data set with a hole is another data set
            damaged = [f"{names[image]} ({reason})" for image, reason in sorted(decoded.failed.items())]
            raise _fault(f"{len(damaged)} of the images in {folder} cannot be read: {named(damaged, 3)}; {_WHERE_FROM}")
        return draw(labels, [name.encode() for name in names], split_seed, lambda *_: PARTS)

    return Source(
        name="flowers-17",
        classes=CLASSES,
        names=names,
        labels=labels,
        identity=identity(folder, paths),
        read=lambda image: open_image(paths[image]),
        split=split,
    )


def _folder() -> Path:
    root = os.environ.get("SEARCH_DATA")
    if not root:
        raise _fault(
            "'flowers-17' is looked for in the folder that the environment variable SEARCH_DATA names, "
            f"which is not set; set it and {_WHERE_FROM}"
        )
    folder = Path(root).expanduser() / "flowers-17" / "jpg"
    if not folder.is_dir():
        raise _fault(
            f"'flowers-17' was looked for in {folder} (SEARCH_DATA is {root}), which is no folder; {_WHERE_FROM}"
        )
    return folder


def _fault(sentence: str) -> DataError:
    return DataError([("data", sentence)])
